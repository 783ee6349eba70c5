"""What all tests share: no address but loopback, no state outside the test's folder, and the behaviours they prove."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from migration_pipeline_tests.loopback import sitecustomize

# Numbered as the specification numbers them; the gaps are its own.
BEHAVIOURS = [f"S{n:02d}" for n in range(1, 66) if n not in (23, 59)] + [f"B{n:02d}" for n in range(1, 21)]

# The import above bars this process from anything but loopback; the path below does the same to Python processes that
# tests start.
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [str(Path(sitecustomize.__file__).parent), os.environ.get("PYTHONPATH")])
)


MEMORY = Path("/dev/shm")  # noqa: S108 - a place, and no file
ROOM = 2 * 2**30
"""Bytes of memory that tests may fill; they fill less than a tenth of it."""

# Tests end processes, not machines: what they write need not reach a disk, for which they would wait too long.
if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM:
    os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


@pytest.fixture(autouse=True, scope="session")
def _own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Locks and tokens of tests stay out of the user's own state folder and keyring."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        for name in ("DAGSTER_HOME", "MIGRATION_CONFIG", "MIGRATION_TELL"):
            patch.delenv(name, raising=False)
        # What is shown of retries does not depend on how long they wait.
        patch.setattr("migration_pipeline.http.session.BACKOFF_S", 0.02)
        yield


FIRST = ("faults", "end_to_end", "sources", "delta", "rollback", "target", "help_center", "tickets")
"""The rooms whose files take longest: begun last, one of them would keep a single process busy at the end."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes longest, and note which behaviours the collected tests name."""
    rank = {room: number for number, room in enumerate(FIRST)}
    items.sort(key=lambda item: rank.get(item.path.parent.name, len(FIRST)))
    named = {str(name) for item in items for mark in item.iter_markers("behaviour") for name in mark.args}
    unknown = named - set(BEHAVIOURS)
    if unknown:
        raise pytest.UsageError(f"no such behaviour: {', '.join(sorted(unknown))}")
    config.stash[_NAMED] = named


_NAMED = pytest.StashKey[set[str]]()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker process tells the one that reports which behaviours it found named."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        named: set[str] = session.config.stash.get(_NAMED, set())
        output["behaviours"] = sorted(named)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker process found."""
    named = node.config.stash.setdefault(_NAMED, set())
    named.update(getattr(node, "workeroutput", {}).get("behaviours", []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say at the end which behaviours no collected test names yet."""
    missing = [name for name in BEHAVIOURS if name not in config.stash.get(_NAMED, set())]
    terminalreporter.write_line(f"behaviours that no test names yet ({len(missing)}): {' '.join(missing) or 'none'}")
