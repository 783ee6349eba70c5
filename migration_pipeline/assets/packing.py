"""When staged data is packed and when archives are removed.

Belongs here: what is due. Does not belong here: packing (`staging.archive`), or the job that does both once a day
(`archiving`).
"""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from migration_pipeline.assets.lock import WorkspaceLock
from migration_pipeline.assets.workbench import Workbench
from migration_pipeline.model.errors import RefusedByGate
from migration_pipeline.staging import archive
from migration_pipeline.staging.archive import Packed


def pack(workbench: Workbench, *, now: dt.datetime, whatever_age: bool = False) -> Packed | None:
    """Pack what is staged, once the last full run or delta ended long enough ago; None where nothing is staged.

    Raises:
        RefusedByGate: it is too early, or a run is at work.
    """
    with alone(workbench, "archive"):
        return pack_due(workbench, now=now, whatever_age=whatever_age)


def pack_due(workbench: Workbench, *, now: dt.datetime, whatever_age: bool = False) -> Packed | None:
    """As `pack`, for whoever is alone already."""
    migration = workbench.migration
    ended = [run.finished_at for run in workbench.journal.runs() if run.finished_at and run.mode in ("full", "delta")]
    due = max(_utc(at) for at in ended) + dt.timedelta(days=migration.archive.after_days) if ended else None
    if not whatever_age and (due is None or due > now):
        when = f"not before {due:%Y-%m-%d %H:%M} UTC" if due else "after a full run has ended"
        raise RefusedByGate(
            f"What is staged is archived {when} (archive.after_days in migration.yaml); --now archives it anyway."
        )
    return archive.pack(migration.root, now)


def purge(workbench: Workbench, *, now: dt.datetime, whatever_age: bool = False) -> list[Path]:
    """Remove archives that are old enough; their paths.

    Raises:
        RefusedByGate: a run is at work.
    """
    with alone(workbench, "purge"):
        return purge_due(workbench, now=now, whatever_age=whatever_age)


def purge_due(workbench: Workbench, *, now: dt.datetime, whatever_age: bool = False) -> list[Path]:
    """As `purge`, for whoever is alone already."""
    # Archives are named by the second: one that was made in this second is older than the next.
    kept = dt.timedelta(seconds=-1) if whatever_age else dt.timedelta(days=workbench.migration.archive.keep_days)
    return archive.purge(workbench.migration.root, now - kept)


@contextmanager
def alone(workbench: Workbench, what: str) -> Iterator[None]:
    """Hold the lock of the workspace, as `what` (a run's id, or a word): nothing may be removed under a run."""
    lock = WorkspaceLock(workbench.migration.target)
    lock.acquire(what)
    try:
        yield
    finally:
        lock.release()


def _utc(at: dt.datetime) -> dt.datetime:
    return at if at.tzinfo else at.replace(tzinfo=dt.UTC)
