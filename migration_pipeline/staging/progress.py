"""Progress of a run, as a small file that any process can watch."""

import datetime as dt
import threading
import time
from pathlib import Path
from typing import Any

import orjson

from migration_pipeline.staging.atomic import read_json

INTERVAL = 0.5


class ProgressFile:
    """A `model.run.Progress` that keeps `progress.json` of a migration up to date, at most twice a second."""

    def __init__(self, path: Path, run_id: str, mode: str) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._written = 0.0
        self._document: dict[str, Any] = {
            "run_id": run_id,
            "mode": mode,
            "status": "running",
            "started": time.time(),
            "waiting": {},
            "stages": [],
        }

    def __call__(self, stage: str, entity_type: str, done: int, total: int | None) -> None:
        """Tell how far a stage is with an entity type."""
        with self._lock:
            stages = self._document["stages"]
            entry = next((s for s in stages if s["stage"] == stage and s["entity_type"] == entity_type), None)
            if entry is None:
                entry = {"stage": stage, "entity_type": entity_type, "started": time.time()}
                stages.append(entry)
            ended = done == total != entry.get("done")
            entry.update(done=done, total=total, at=time.time())
            if time.monotonic() - self._written > INTERVAL or ended:
                self._write()

    def waiting(self, service: str, since: dt.datetime | None) -> None:
        """Tell since when the run has been waiting for a service that is down; None: it answers again."""
        with self._lock:
            self._document["waiting"].pop(service, None)
            if since is not None:
                self._document["waiting"][service] = since.isoformat(timespec="seconds")
            self._write()

    def end(self, status: str) -> None:
        """Say that the run ended: `finished`, `failed` or `stopped`."""
        with self._lock:
            self._document["status"] = status
            self._write()

    def _write(self) -> None:
        aside = self._path.with_name(f".{self._path.name}")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_bytes(orjson.dumps(self._document))
        aside.replace(self._path)
        self._written = time.monotonic()


def read_progress(path: Path) -> dict[str, Any] | None:
    """The newest progress of a migration, or None before its first run."""
    document = read_json(path)
    return None if document is None else dict(document)
