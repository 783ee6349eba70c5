"""Starting a Dagster job in its own process, showing how far it is, and saying how it ended."""

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, BinaryIO

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from migration_pipeline.cli.output import Told, console
from migration_pipeline.cli.setting import instance_environment
from migration_pipeline.config import Migration
from migration_pipeline.staging.atomic import read_json
from migration_pipeline.staging.progress import read_progress

POLL_SECONDS = 0.25
STOP_SECONDS = 8.0
"""Time that a run gets to stop in. What is under way then stands in the journal as in doubt, and is asked for later."""
_EXECUTE = (sys.executable, "-m", "dagster", "job", "execute", "-m", "migration_pipeline.definitions")
STAGES = {
    "extract": "reading", "files": "files of", "normalize": "normalizing", "map": "mapping", "load": "loading",
    "verify": "verifying", "rollback": "taking back",
}  # fmt: skip


@dataclass(frozen=True)
class Ended:
    """How a run ended."""

    run_id: str
    seconds: float


def run_job(job: str, migration: Migration, tags: Mapping[str, str] | None = None) -> Ended:
    """Run a job of the code location to its end, as `dagster job execute` does, on the user's instance.

    `tags` are run tags, as the launchpad of the UI takes them too.

    Raises:
        Told: the run failed or was refused; with the run's own sentence where it left one.
    """
    started = time.monotonic()
    migration.root.mkdir(parents=True, exist_ok=True)
    log_path = migration.root / "run.log"
    with tempfile.TemporaryDirectory() as folder, log_path.open("wb") as log:
        told = Path(folder) / "told.json"
        asking = ["-j", job, *(["--tags", json.dumps(dict(tags))] if tags else [])]
        told_run = {"MIGRATION_TELL": str(told), "MIGRATION_STARTED": str(time.time())}
        process = _started(asking, log, {**instance_environment(migration), **told_run})
        asked = _forward_signals(process)
        _show_progress(process, migration.root / "progress.json", time.time(), asked)
        document: dict[str, Any] = read_json(told) or {}
    if "error" in document:
        raise Told(document["error"], document["exit"])
    if asked and process.returncode == -signal.SIGKILL:
        raise Told("The run was stopped; the next one goes on from here.", 1)
    if process.returncode or "run_id" not in document:
        raise Told(f"The run failed for a reason that is not a user's to mend; {log_path} says which.", 1)
    return Ended(document["run_id"], round(time.monotonic() - started, 2))


def _started(asking: list[str], log: BinaryIO, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Dagster's own command with these options, in a session of its own: a signal reaches the run once, from us."""
    return subprocess.Popen(  # noqa: S603 - Dagster's own command
        [*_EXECUTE, *asking], stdout=log, stderr=log, env=environment, start_new_session=True
    )


def _forward_signals(process: subprocess.Popen[bytes]) -> list[float]:
    """Have the run stop when this process is told to; the moments (monotonic seconds) when that was."""
    asked: list[float] = []

    def forward(number: int, frame: FrameType | None) -> None:
        del number, frame
        if process.poll() is None:
            asked.append(time.monotonic())
            console.print("Stopping; what is under way is finished first…")
            process.send_signal(signal.SIGINT)

    signal.signal(signal.SIGINT, forward)
    signal.signal(signal.SIGTERM, forward)
    return asked


def _show_progress(process: subprocess.Popen[bytes], path: Path, since: float, asked: list[float]) -> None:
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        _Rate("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=console,
    ) as shown:
        tasks: dict[tuple[str, str], TaskID] = {}
        while True:
            ended = process.poll() is not None
            document = read_progress(path)
            if document and document["started"] >= since - 1:
                for entry in document["stages"]:
                    _update(shown, tasks, entry)
            if ended:
                return
            if asked and time.monotonic() - asked[0] > STOP_SECONDS:
                process.kill()
            time.sleep(POLL_SECONDS)


class _Rate(TextColumn):
    """Records per second."""

    def render(self, task: Any) -> Text:
        """The task's own rate, as the run measured it."""
        return Text(f"{task.fields['rate']:,.0f}/s" if task.fields["rate"] else "")


def _update(shown: Progress, tasks: dict[tuple[str, str], TaskID], entry: dict[str, Any]) -> None:
    key = (entry["stage"], entry["entity_type"])
    if key not in tasks:
        name = f"{STAGES.get(entry['stage'], entry['stage'])} {entry['entity_type']}"
        tasks[key] = shown.add_task(name, total=entry["total"], rate=0.0)
    elapsed = max(entry["at"] - entry["started"], 0.001)
    rate = entry["done"] / elapsed if elapsed > 1 else 0.0
    shown.update(tasks[key], completed=entry["done"], total=entry["total"], rate=rate)
