"""Schedules: deltas, the full run and archiving at the times of migration.yaml. Off until somebody turns them on."""

import datetime as dt

import dagster as dg

from migration_pipeline.assets.lock import WorkspaceLock
from migration_pipeline.assets.names import ARCHIVE_JOB
from migration_pipeline.assets.workbench import config_path
from migration_pipeline.config import Delta, Migration, load_migration
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
        return _unless_at_work()

    return delta_at_night


def full_schedule() -> dg.ScheduleDefinition:
    """The schedule of one full run at `full.at` of migration.yaml; without a date it never starts anything.

    The gates hold for it too: a plan that is not approved by then is refused.
    """
    settings = _settings()
    moment = settings.full.at.astimezone(dt.UTC) if settings and settings.full.at else None
    cron = f"{moment:%M %H %d %m} *" if moment else "0 0 1 1 *"

    @dg.schedule(
        job_name="full_migration",
        name="full_run_at_its_time",
        cron_schedule=cron,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Starts the full run once, at the time that `full.at` in migration.yaml names.",
    )
    def full_run_at_its_time(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        if moment is None or context.scheduled_execution_time.year != moment.year:
            return dg.SkipReason("full.at in migration.yaml names another time, or none.")
        return _unless_at_work()

    return full_run_at_its_time


def archive_schedule() -> dg.ScheduleDefinition:
    """The schedule of packing and removing what was kept long enough."""

    @dg.schedule(
        job_name=ARCHIVE_JOB,
        name="archive_every_day",
        cron_schedule="0 5 * * *",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Packs staged data and removes archives, as `archive` in migration.yaml says.",
    )
    def archive_every_day() -> dg.RunRequest | dg.SkipReason:
        return _unless_at_work()

    return archive_every_day


def _unless_at_work() -> dg.RunRequest | dg.SkipReason:
    holder = WorkspaceLock(load_migration(config_path()).target).holder()
    if holder is not None:
        return dg.SkipReason(f"Run {holder} is at work on the workspace.")
    return dg.RunRequest(tags=WHOLE_RANGE)


def _settings() -> Migration | None:
    try:
        return load_migration(config_path())
    except SettingsError:
        return None


def _times() -> Delta:
    settings = _settings()
    return settings.delta if settings else Delta()
