"""One run per workspace: an OS lock that dies with the process that holds it.

Dagster's pools and tag limits protect neither against a step that outlives its run nor against a run that outlives its
process, so the run itself holds this lock from its first step to its last. It lies in the user's own state folder, so
that two migrations into one workspace meet, wherever their data is.
"""

import os
from hashlib import sha256
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from platformdirs import user_state_path

from migration_pipeline.config import Target
from migration_pipeline.model.errors import RefusedByGate
from migration_pipeline.staging.atomic import read_json, write_json

LOOK_SECONDS = 1.0
"""Who only looks whether anybody holds the lock has it for a moment."""


class WorkspaceLock:
    """The lock of a target workspace, as this process sees it."""

    def __init__(self, target: Target) -> None:
        """Nothing is locked yet."""
        key = sha256(f"{target.url} {target.workspace}".encode()).hexdigest()[:16]
        folder: Path = user_state_path("migration_pipeline") / "locks"
        self._workspace = target.workspace
        self._path = folder / f"{key}.lock"
        self._note = folder / f"{key}.holder.json"
        self._lock = FileLock(self._path)

    def acquire(self, run_id: str) -> None:
        """Hold the lock for a run.

        Raises:
            RefusedByGate: another process holds it; the sentence names its run.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(timeout=LOOK_SECONDS)
        except Timeout:
            other: dict[str, Any] = read_json(self._note) or {}
            raise RefusedByGate(
                f"Run {other.get('run_id', '?')} (process {other.get('pid', '?')}) is at work on workspace "
                f"{self._workspace}; wait for its end, or stop it, and start again."
            ) from None
        write_json(self._note, {"run_id": run_id, "pid": os.getpid()})

    def release(self) -> None:
        """Let others in."""
        self._lock.release()

    def holder(self) -> str | None:
        """The run that holds the lock now, in whatever process; None where nobody does."""
        if self._lock.is_locked or not self._path.exists():
            return self._noted() if self._lock.is_locked else None
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            return self._noted()
        self._lock.release()
        return None

    def _noted(self) -> str | None:
        note = read_json(self._note)
        return note and str(note["run_id"])
