"""Schedules: deltas at the times that migration.yaml names. Off until somebody turns them on."""

import dagster as dg

from migration_pipeline.assets.lock import WorkspaceLock
from migration_pipeline.assets.workbench import config_path
from migration_pipeline.config import Delta, load_migration
from migration_pipeline.model.errors import SettingsError
from migration_pipeline.partitions import WHOLE_RANGE


def delta_schedule() -> dg.ScheduleDefinition:
    """The schedule of `delta_migration`; without a readable migration.yaml, at the default times.

    A tick is skipped while a run is at work on the workspace.
    """
    times = _times()

    @dg.schedule(
        job_name="delta_migration",
        name="delta_at_night",
        cron_schedule=times.cron,
        execution_timezone=times.time_zone,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Moves what changed in the help desk since the last run (`delta` in migration.yaml says when).",
    )
    def delta_at_night() -> dg.RunRequest | dg.SkipReason:
        holder = WorkspaceLock(load_migration(config_path()).target).holder()
        if holder is not None:
            return dg.SkipReason(f"Run {holder} is at work on the workspace.")
        return dg.RunRequest(tags=WHOLE_RANGE)

    return delta_at_night


def _times() -> Delta:
    try:
        return load_migration(config_path()).delta
    except SettingsError:
        return Delta()
