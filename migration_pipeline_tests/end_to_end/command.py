"""The `migrate` command as a user runs it, but for the start of its two interpreters: they are forked.

Belongs here: running it and what it said. Does not belong here: tests of its start, of signals and of kills, which
run the command itself.
"""

import json
import os
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from dagster._cli import cli as dagster_command

from migration_pipeline.cli import jobs
from migration_pipeline.cli import main as migrate_command
from migration_pipeline_tests import forks

TIMEOUT_S = 150


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int | None
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, where it ended well."""
        assert self.code == 0, self.err
        return json.loads(self.out)


def migrate(*arguments: object, environment: dict[str, str] | None = None) -> Done:
    """Run the command to its end."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder) / "out", Path(folder) / "err"
        process = forks.forked(_command, [*map(str, arguments)], out, err, {**os.environ, **(environment or {})})
        process.join(TIMEOUT_S)
        assert process.exitcode is not None, err.read_text()
        return Done(process.exitcode, out.read_text(), err.read_text())


def _command(arguments: list[str], out: Path, err: Path, environment: dict[str, str]) -> None:
    with out.open("wb") as standard, err.open("wb") as errors:
        _become(standard, errors, environment)
    jobs._started = _run  # type: ignore[assignment]  # what the command asks of a process, a fork does as well
    migrate_command(arguments)


def _become(out: BinaryIO, err: BinaryIO, environment: dict[str, str]) -> None:
    os.dup2(out.fileno(), 1)
    os.dup2(err.fileno(), 2)
    os.environ.clear()
    os.environ.update(environment)


class _Fork:
    """A process, as far as the command uses one."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if ended else None
        return self.returncode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _run(asking: list[str], log: BinaryIO, environment: dict[str, str]) -> _Fork:
    """`dagster job execute` in a fork of this process, which has no threads yet."""
    sys.stdout.flush()
    sys.stderr.flush()
    if child := os.fork():
        return _Fork(child)
    code = 1
    try:
        os.setsid()
        _become(log, log, environment)
        dagster_command(["job", "execute", "-m", "migration_pipeline.definitions", *asking])
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
