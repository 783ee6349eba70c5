"""Runs whose process is gone, which Dagster takes for alive for ever: whoever holds the lock of a workspace ends them.

Belongs here: telling them by the lock. Does not belong here: looking for them now and then (`sensors`).
"""

from typing import Any, Final

import dagster as dg

from migration_pipeline.assets.names import ARCHIVE_JOB, ROLLBACK_JOB
from migration_pipeline.assets.workbench import config_path
from migration_pipeline.config import Target, load_migration
from migration_pipeline.jobs import jobs
from migration_pipeline.model.errors import SettingsError

JOBS: Final = {job.name for job in jobs} | {ARCHIVE_JOB, ROLLBACK_JOB, "__ASSET_JOB"}
ALIVE: Final = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
GONE: Final = "The process of this run is gone; the next run goes on from there."


def end_departed(instance: dg.DagsterInstance, run_id: str, target: Target) -> None:
    """Mark every other run on this workspace as failed; `run_id` holds the lock, so none of them can be at work."""
    for record in instance.get_run_records(dg.RunsFilter(statuses=ALIVE)):
        run = record.dagster_run
        if run.job_name in JOBS and run.run_id != run_id and _same(target_of(run.run_config), target):
            instance.report_run_failed(run, GONE)


def target_of(run_config: Any) -> Target | None:
    """The workspace that a run with this configuration works on; None while somebody is at work on its settings."""
    given = run_config.get("resources", {}).get("workbench", {}).get("config", {}).get("config", "")
    try:
        return load_migration(config_path(given)).target
    except SettingsError:
        return None


def _same(one: Target | None, other: Target) -> bool:
    return one is not None and (one.url, one.workspace) == (other.url, other.workspace)
