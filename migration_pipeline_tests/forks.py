"""Processes that start in milliseconds: forks of one that has imported everything, and has no threads.

Belongs here: sandboxes, and work of a test that must have a process of its own. Does not belong here: what they do; the
commands themselves, whose start is part of what a user sees.
"""

import gc
import json
import multiprocessing
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import requests

from migration_pipeline.sandbox.__main__ import main as sandbox_command

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        "pytest",  # a fork looks into the module that was started, and that is pytest's
        "migration_pipeline.definitions",
        "migration_pipeline.sandbox.__main__",
        "migration_pipeline.sandbox.intercom",
        "migration_pipeline.sandbox.zendesk",
        "migration_pipeline_tests.end_to_end.command",
        "migration_pipeline_tests.end_to_end.in_process",
        # What Dagster and DuckDB import late, and slowly.
        "dagster._core.storage.local_compute_log_manager",
        "dagster._core.storage.sqlite_storage",
        "pandas",
        "upath",
    ]
)
START_S = 60.0


def forked(work: Callable[..., object], *arguments: object) -> BaseProcess:
    """Do the work, a function of some module, in a process of its own. The process ends with 0 where the work did."""
    process = _FORKS.Process(target=_begun, args=(work, *arguments), daemon=True)
    process.start()
    return process


def _begun(work: Callable[..., object], *arguments: object) -> None:
    gc.freeze()  # all that was imported is shared with the other forks until somebody looks through it for garbage
    work(*arguments)


@dataclass(frozen=True)
class Sandbox:
    """A sandbox that is being served from `folder`."""

    folder: Path
    source: dict[str, str]
    target: dict[str, str]
    process: BaseProcess

    @property
    def config(self) -> Path:
        """The migration.yaml that leads from its source to its target."""
        return self.folder / "migration.yaml"

    def control(self, side: str, name: str, body: Any = None) -> Any:
        """Ask one side's controls, or, with a body, set something."""
        url = f"{getattr(self, side)['control']}/{name}"
        answer = requests.get(url, timeout=30) if body is None else requests.post(url, json=body, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def faults(
        self, side: str, *kinds: str, match: str = "*", rate: float = 0.3, limit: int = 60, seed: int = 7
    ) -> None:
        """Have calls fail from now on."""
        self.control(side, "faults", {"seed": seed, "rate": rate, "kinds": kinds, "match": match, "limit": limit})

    @property
    def writes(self) -> int:
        """Calls that changed the target."""
        return int(self.control("target", "stats")["writes"])

    def end(self) -> None:
        """Stop serving at once; nobody reads what it leaves."""
        self.process.kill()
        self.process.join()


def sandbox(folder: Path, *arguments: object, **switches: object) -> Sandbox:
    """Serve a sandbox with the command's own `arguments`; `switches` are those of its target."""
    told = folder / "sandbox.json"
    with suppress(FileNotFoundError):
        told.unlink()
    process = forked(_serve, ["--dir", str(folder), *map(str, arguments)])
    deadline = time.monotonic() + START_S
    while not told.exists():
        assert process.is_alive(), "the sandbox did not start"
        assert time.monotonic() < deadline, "the sandbox did not start in time"
        time.sleep(0.01)
    document = json.loads(told.read_text())
    served = Sandbox(folder, document.get("source", {}), document["target"], process)
    if switches:
        served.control("target", "switches", switches)
    return served


def _serve(arguments: list[str]) -> None:
    with redirect_stdout(sys.stderr):  # stdout belongs to whoever asked for the sandbox
        sandbox_command(arguments)
