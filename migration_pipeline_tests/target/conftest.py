"""A sandbox for the whole session, and a bench per test: payloads by the line, a load, and the target read back."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest

from migration_pipeline_tests.target.bench import Bench, Control


@contextmanager
def running(folder: Path, *options: str) -> Iterator[Control]:
    """A sandbox in a folder, and the controls of its target."""
    command = [sys.executable, "-m", "migration_pipeline.sandbox", "--source", "zendesk", "--tickets", "20"]
    process = subprocess.Popen([*command, "--dir", folder, *options])
    deadline = time.monotonic() + 30
    try:
        while not (folder / "sandbox.json").exists():
            assert process.poll() is None, "the sandbox ended"
            assert time.monotonic() < deadline, "the sandbox did not start"
            time.sleep(0.05)
        yield Control(orjson.loads((folder / "sandbox.json").read_bytes())["target"]["control"])
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


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
