"""The job that takes back what a run made in the target. It makes no asset: it takes away what another run made.

Belongs here: wiring. Does not belong here: what is removed and what is spared (`target.rollback`).
"""

from dataclasses import asdict

import dagster as dg

from migration_pipeline.assets.departed import end_departed
from migration_pipeline.assets.names import ROLLBACK_JOB, ROLLBACK_OF
from migration_pipeline.assets.workbench import Workbench
from migration_pipeline.journal import exporting
from migration_pipeline.model.entities import ENTITY_TYPES
from migration_pipeline.model.errors import MigrationError, SettingsError
from migration_pipeline.model.run import Run
from migration_pipeline.partitions import WHOLE_RANGE
from migration_pipeline.staging.atomic import write_json
from migration_pipeline.staging.catalogue import rebuild
from migration_pipeline.target.plan import Draw, make_plan
from migration_pipeline.target.plan_hash import plan_hash
from migration_pipeline.target.restart import outdated_demos
from migration_pipeline.target.rollback import RolledBack, require_known, roll_back

"""Run tag that names the run to take back; nothing is taken back without it."""


def one_demo(workbench: Workbench, run: Run) -> RolledBack | None:
    """Take back what earlier demos wrote and this one would write otherwise, and plan anew; None where nothing was."""
    journal, staging = workbench.journal, workbench.staging
    earlier = outdated_demos(staging, journal)
    if not earlier:
        return None
    done = roll_back(earlier, staging, journal, workbench.client, workbench.migration, run)
    journal.export(workbench.outcomes_path)
    sample = workbench.sample(run)
    for entity_type in ENTITY_TYPES:
        make_plan(entity_type, staging, run, sample.ids, Draw(sample.articles, sample.seed))
    journal.planned(plan_hash(staging))
    return done


@dg.op
def take_back(context: dg.OpExecutionContext, workbench: dg.ResourceParam[Workbench]) -> None:
    """Remove what the named run made; what people touched since, or what something else uses, stays and is listed."""
    try:
        with workbench.telling(context.run_id, "rollback"):
            _take_back(context, workbench)
    except MigrationError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from None


def _take_back(context: dg.OpExecutionContext, workbench: Workbench) -> None:
    undone = context.run.tags.get(ROLLBACK_OF, "").strip()
    if not undone:
        raise SettingsError(f"Say which run to take back: launch this job with the tag {ROLLBACK_OF}=<run id>.")
    target = workbench.migration.target
    run = workbench.run(context.run_id, "rollback", lambda: end_departed(context.instance, context.run_id, target))
    client, journal = workbench.client, workbench.journal
    require_known(journal, undone)
    journal.begin_run(run.run_id, run.mode, client.workspace)
    with exporting(journal, workbench.outcomes_path):
        done = roll_back([undone], workbench.staging, journal, client, workbench.migration, run)
    journal.end_run(run.run_id, "finished")
    rebuild(workbench.staging)
    document = {
        "run_id": undone,
        "rollback_run_id": run.run_id,
        "removed": dict(done.removed),
        "spared": [asdict(left) for left in done.spared],
    }
    write_json(workbench.rollback_path(undone), document)
    context.log.info("removed: %s; spared: %d", dict(done.removed), len(done.spared))


@dg.job(
    name=ROLLBACK_JOB,
    description=(
        f"Takes back what one run made in the target (tag {ROLLBACK_OF}=<run id>); what people touched since stays."
    ),
    tags={**WHOLE_RANGE, "migration/mode": "rollback"},
    executor_def=dg.in_process_executor,
)
def rollback() -> None:
    """Take back one run."""
    take_back()
