"""The job that packs staged data and removes archives once a day, each where it is due.

Belongs here: the job. Does not belong here: what is due (`packing`).
"""

import datetime as dt

import dagster as dg

from migration_pipeline.assets.departed import end_departed
from migration_pipeline.assets.names import ARCHIVE_JOB
from migration_pipeline.assets.packing import alone, pack_due, purge_due
from migration_pipeline.assets.workbench import Workbench
from migration_pipeline.model.errors import MigrationError, RefusedByGate
from migration_pipeline.partitions import WHOLE_RANGE


@dg.op
def pack_and_purge(context: dg.OpExecutionContext, workbench: dg.ResourceParam[Workbench]) -> None:
    """Do what is due; what is not is left without a word."""
    now = dt.datetime.now(dt.UTC)
    try:
        with alone(workbench, context.run_id):
            end_departed(context.instance, context.run_id, workbench.migration.target)
            removed = purge_due(workbench, now=now)
            context.log.info("archives removed: %s", [path.name for path in removed])
            packed = pack_due(workbench, now=now)
            context.log.info("archived: %s", packed)
    except RefusedByGate as early:
        context.log.info("%s", early)
    except MigrationError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from None


@dg.job(
    name=ARCHIVE_JOB,
    description="Packs what is staged some days after the last run, and removes archives that were kept long enough.",
    tags={**WHOLE_RANGE, "migration/mode": "archive"},
    executor_def=dg.in_process_executor,
)
def archiving() -> None:
    """Pack and purge what is due."""
    pack_and_purge()
