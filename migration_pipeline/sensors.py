"""Sensors: what looks after runs when nobody does.

Dagster cannot tell that the process of a run is gone when everything was killed with it (a power loss, the kernel's
out-of-memory killer): such a run would stay "started" for ever. The lock that a run holds tells, because it dies with
the process.
"""

import time

import dagster as dg

from migration_pipeline.assets.departed import ALIVE, GONE, JOBS, target_of
from migration_pipeline.assets.lock import WorkspaceLock

GRACE_SECONDS = 45.0
"""How long a run may take from its start to its lock."""


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
        target = target_of(run.run_config)
        if target is not None and WorkspaceLock(target).holder() != run.run_id:
            context.instance.report_run_failed(run, GONE)
            ended.append(run.run_id)
    return dg.SkipReason(f"Marked as failed: {', '.join(ended)}" if ended else "Every run that is alive has a process.")
