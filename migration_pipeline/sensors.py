"""Sensors: what looks after runs when nobody does.

Dagster cannot tell that the process of a run is gone when everything was killed with it (a power loss, the kernel's
out-of-memory killer): such a run would stay "started" for ever. The lock that a run holds tells, because it dies with
the process.
"""

import time
from typing import Any

import dagster as dg

from migration_pipeline.assets.lock import WorkspaceLock
from migration_pipeline.assets.names import ROLLBACK_JOB
from migration_pipeline.assets.workbench import config_path
from migration_pipeline.config import load_migration
from migration_pipeline.jobs import jobs
from migration_pipeline.model.errors import SettingsError

GRACE_SECONDS = 45.0
"""How long a run may take from its start to its lock."""

JOBS = {job.name for job in jobs} | {ROLLBACK_JOB, "__ASSET_JOB"}
ALIVE = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Marks runs as failed whose process is gone; the next run goes on where they were.",
)
def runs_without_a_process(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Compare the runs that Dagster takes for alive with the runs that hold a lock."""
    ended = []
    for record in context.instance.get_run_records(dg.RunsFilter(statuses=ALIVE)):
        run = record.dagster_run
        if run.job_name not in JOBS:
            continue
        if time.time() - (record.start_time or record.create_timestamp.timestamp()) < GRACE_SECONDS:
            continue
        try:
            holder = _holder(run.run_config)
        except SettingsError:
            continue  # somebody is at work on the file: nothing can be told of the run
        if holder != run.run_id:
            context.instance.report_run_failed(run, "The process of this run is gone; the next run goes on from there.")
            ended.append(run.run_id)
    return dg.SkipReason(f"Marked as failed: {', '.join(ended)}" if ended else "Every run that is alive has a process.")


def _holder(run_config: Any) -> str | None:
    """The run that holds the lock of the workspace that a run with this configuration works on."""
    given = run_config.get("resources", {}).get("workbench", {}).get("config", {}).get("config", "")
    return WorkspaceLock(load_migration(config_path(given)).target).holder()
