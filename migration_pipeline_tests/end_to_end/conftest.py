"""Sandboxes and the command line, as a user has them."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests


@dataclass(frozen=True)
class Sandbox:
    """A sandbox that is being served from `folder`."""

    folder: Path
    source: dict[str, str]
    target: dict[str, str]

    @property
    def config(self) -> Path:
        return self.folder / "migration.yaml"

    def control(self, side: str, name: str, body: Any = None) -> Any:
        url = f"{getattr(self, side)['control']}/{name}"
        response = requests.get(url, timeout=30) if body is None else requests.post(url, json=body, timeout=30)
        response.raise_for_status()
        return response.json()

    @property
    def writes(self) -> int:
        return int(self.control("target", "stats")["writes"])


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)


def migrate(*arguments: object, environment: dict[str, str] | None = None) -> Done:
    """Run the command to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "migration_pipeline", *map(str, arguments)],
        capture_output=True, text=True, timeout=150, check=False, env={**os.environ, **(environment or {})},
    )  # fmt: skip
    return Done(done.returncode, done.stdout, done.stderr)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Sandbox]]:
    """Start sandboxes; all are stopped at the end of the session."""
    processes: list[subprocess.Popen[bytes]] = []

    def start(*, tickets: int, seed: int = 1, arguments: tuple[str, ...] = ()) -> Sandbox:
        folder = tmp_path_factory.mktemp("sandbox")
        command = [sys.executable, "-m", "migration_pipeline", "sandbox", "--source", "zendesk", "--dir", str(folder)]
        process = subprocess.Popen([*command, "--tickets", str(tickets), "--seed", str(seed), *arguments])
        processes.append(process)
        told = folder / "sandbox.json"
        deadline = time.monotonic() + 60
        while not told.exists():
            assert process.poll() is None, "the sandbox did not start"
            assert time.monotonic() < deadline, "the sandbox did not start in time"
            time.sleep(0.05)
        document = json.loads(told.read_text())
        return Sandbox(folder, document["source"], document["target"])

    yield start
    for process in processes:
        process.send_signal(signal.SIGTERM)
    for process in processes:
        process.wait(10)
