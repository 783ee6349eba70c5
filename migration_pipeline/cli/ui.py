"""`migrate ui`: the guarded web server and the daemon that schedules need, for as long as the command runs.

Belongs here: starting and ending both. Does not belong here: what the server refuses (`pages.guard`).
"""

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import click

from migration_pipeline.cli.app import common
from migration_pipeline.cli.output import Told, console, emit
from migration_pipeline.cli.setting import instance_environment, migration_of

_DAEMON: Final = (sys.executable, "-m", "dagster._daemon", "run", "-m", "migration_pipeline.definitions")
_SERVER: Final = (sys.executable, "-m", "migration_pipeline.webserver")
END_SECONDS: Final = 15.0


@click.command()
@click.option("--port", type=int, default=3000, show_default=True)
@common
def ui(config: Path | None, as_json: bool, port: int) -> None:
    """Open the Dagster UI on 127.0.0.1, closed to other web sites, with the daemon that schedules need."""
    with migration_of(config) as migration:
        emit({"url": f"http://127.0.0.1:{port}", "config": str(migration.path)}, as_json=as_json)
        console.print(f"Dagster UI: http://127.0.0.1:{port} (Ctrl-C ends it)")
        environment = instance_environment(migration)
        processes = [
            subprocess.Popen(command, env=environment)  # noqa: S603 - Dagster's own command, and our own module
            for command in ([*_SERVER, "--port", str(port)], _DAEMON)
        ]
        ended = _first_ended(processes)
    if ended:
        raise Told(f"The UI's {'web server' if ended == 1 else 'daemon'} ended by itself; its last lines say why.", 1)


def _first_ended(processes: list[subprocess.Popen[bytes]]) -> int:
    """Wait until one of the processes ends, or the user says so, and end the others; its number from 1, 0 for the user.

    Whoever stops a whole group of processes reaches these too, so that they may be gone already.
    """
    try:
        while all(process.poll() is None for process in processes):
            time.sleep(0.2)
        return 1 + next(number for number, process in enumerate(processes) if process.poll() is not None)
    except KeyboardInterrupt:
        return 0
    finally:
        for process in processes:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
        for process in processes:
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
