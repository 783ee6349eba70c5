"""Sandboxes for roll-backs: small ones, a fresh workspace for each test."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from migration_pipeline_tests.rollback.kit import Target, edit


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[str], Target]]:
    """Start a sandbox of twelve tickets; a demo moves four of them."""
    processes: list[subprocess.Popen[bytes]] = []

    def start(name: str) -> Target:
        folder = tmp_path / name
        command = [sys.executable, "-m", "migration_pipeline.sandbox", "--tickets", "12", "--seed", "5"]
        processes.append(subprocess.Popen([*command, "--dir", folder]))
        deadline = time.monotonic() + 60
        while not (folder / "sandbox.json").exists():
            assert processes[-1].poll() is None, "the sandbox ended"
            assert time.monotonic() < deadline, "the sandbox did not start"
            time.sleep(0.05)
        told = json.loads((folder / "sandbox.json").read_text())
        target = Target(folder / "migration.yaml", told["target"]["control"])
        target.told("switches", {"search_lag_s": 0.1})
        edit(target.config, demo={"size": 4}, target={"search_wait_s": 0.5})
        return target

    yield start
    for process in processes:
        process.send_signal(signal.SIGTERM)
    for process in processes:
        process.wait(10)
