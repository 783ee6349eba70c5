"""A sandbox for the whole session, and a bench per test: payloads by the line, a load, and the target read back."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from migration_pipeline_tests import forks
from migration_pipeline_tests.target.bench import Bench, Control


@contextmanager
def running(folder: Path, *options: str) -> Iterator[Control]:
    """A sandbox in a folder, and the controls of its target."""
    served = forks.sandbox(folder, "--tickets", 20, *options)
    try:
        yield Control(served.target["control"])
    finally:
        served.end()


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the session's sandbox."""
    return tmp_path_factory.mktemp("sandbox")


@pytest.fixture(scope="session")
def session_control(sandbox: Path) -> Iterator[Control]:
    with running(sandbox) as control:
        yield control


@pytest.fixture
def control(session_control: Control) -> Iterator[Control]:
    """The sandbox's controls, with a short search lag, and everything as it was afterwards."""
    before = {name: switch["value"] for name, switch in session_control.get("switches").items()}
    session_control.post("switches", {"search_lag_s": 0.2})
    session_control.delete("stats")
    yield session_control
    session_control.post("faults", [])
    session_control.post("switches", before)
    assert session_control.get("outbox") == [], "somebody got a message"


@pytest.fixture
def bench(sandbox: Path, control: Control, tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(sandbox / "migration.yaml", tmp_path, control)
    yield bench
    bench.close()
