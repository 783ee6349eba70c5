"""Assets with the target: the plan of what to write, the writing itself, and reading it back."""

import dagster as dg

from migration_pipeline.assets.gate import permitted, require_own_plan
from migration_pipeline.assets.mapping import mapped
from migration_pipeline.assets.preflight import state
from migration_pipeline.assets.source import single_run
from migration_pipeline.assets.stages import OWNERS, columns, each_entity_type, stage
from migration_pipeline.assets.undoing import one_demo
from migration_pipeline.assets.workbench import Workbench
from migration_pipeline.jobs import MODES, VERIFICATION_JOB
from migration_pipeline.journal import exporting
from migration_pipeline.model.errors import RefusedByGate
from migration_pipeline.model.outcomes import OUTCOMES, VERIFICATION
from migration_pipeline.model.payloads import PLAN
from migration_pipeline.partitions import entity_types
from migration_pipeline.target.foreseen import Held
from migration_pipeline.target.loader import load
from migration_pipeline.target.plan import Draw, make_plan
from migration_pipeline.target.plan_hash import plan_hash
from migration_pipeline.target.preflight import staged
from migration_pipeline.target.restart import require_whole
from migration_pipeline.target.ticket_types import known_types
from migration_pipeline.target.verify import verify


@dg.asset(
    partitions_def=entity_types,
    backfill_policy=single_run,
    deps=[mapped],
    group_name="target",
    kinds={"duckdb", "parquet"},
    owners=OWNERS,
    metadata=columns(PLAN),
)
def load_plan(context: dg.AssetExecutionContext, workbench: dg.ResourceParam[Workbench]) -> None:
    """What the run is going to do with each record in its scope, and how many writing calls that takes."""
    with stage(context, workbench) as run:
        sample = workbench.sample(run) if run.mode == "demo" else None
        ids, articles = (sample.ids, Draw(sample.articles, sample.seed)) if sample else (None, None)
        workbench.journal.export(workbench.outcomes_path)

        types = known_types(workbench.client, workbench.migration)
        held = Held(workbench.journal, workbench.catalogue, workbench.migration, types)

        def plan(entity_type: str) -> dict[str, int | float]:
            actions = make_plan(entity_type, workbench.staging, run, ids, articles, held)
            return {"dagster/partition_row_count": sum(actions.values()), **actions}

        each_entity_type(context, plan)


@dg.asset_check(asset=load_plan, blocking=True, description="Nothing of what is staged would stop the run midway.")
def nothing_in_the_way(
    context: dg.AssetCheckExecutionContext, workbench: dg.ResourceParam[Workbench]
) -> dg.AssetCheckResult:
    """Block loading while the preflight finds something in the staged records that has to be mended first."""
    found_staged = state(workbench, whole=context.run.job_name in MODES)
    found = staged(found_staged) if found_staged else []
    told = [check.for_log() for check in found if check.status != "pass"]
    blocking = [f"{check['found']} {check['remedy']}" for check in told if check["status"] == "block"]
    return dg.AssetCheckResult(
        passed=not blocking,
        metadata={"found": dg.MetadataValue.json(told), "names": "`migrate check` tells who and which."},
        description=" ".join(blocking) or "Nothing is in the way.",
    )


@dg.asset(
    partitions_def=entity_types,
    backfill_policy=single_run,
    deps=[load_plan],
    group_name="target",
    kinds={"intercom"},
    owners=OWNERS,
    metadata=columns(OUTCOMES),
)
def loaded(context: dg.AssetExecutionContext, workbench: dg.ResourceParam[Workbench]) -> None:
    """The target holds what the plan says; every write stands in the journal before it is sent.

    Loading is started by a job; a materialization from an asset page only stages.
    """
    with stage(context, workbench) as run:
        if context.run.job_name not in MODES:
            raise RefusedByGate(f"Loading is started by a job ({', '.join(MODES)}); this launch may only stage.")
        permitted(context, workbench)
        require_own_plan(context, workbench)
        client, journal = workbench.client, workbench.journal
        require_whole(journal, run.mode == "demo")
        journal.begin_run(run.run_id, run.mode, client.workspace, plan_hash(workbench.staging))
        if run.mode == "demo":
            taken_back = one_demo(workbench, run)
            context.log.info("taken back of earlier demos: %s", dict(taken_back.removed) if taken_back else "nothing")

        def load_one(entity_type: str) -> dict[str, int | float]:
            calls, writes = client.usage.calls, client.usage.writes
            throttled = client.usage.throttled_seconds
            done = load(entity_type, workbench.staging, journal, client, workbench.catalogue, workbench.migration, run)
            return {
                "dagster/partition_row_count": done.migrated,
                "migrated": done.migrated,
                "failed": done.failed,
                "skipped": done.skipped,
                "target_calls": client.usage.calls - calls,
                "target_writes": client.usage.writes - writes,
                "throttled_seconds": client.usage.throttled_seconds - throttled,
            }

        with exporting(journal, workbench.outcomes_path):
            each_entity_type(context, load_one)


@dg.asset(
    partitions_def=entity_types,
    backfill_policy=single_run,
    deps=[loaded],
    group_name="target",
    kinds={"intercom", "parquet"},
    owners=OWNERS,
    metadata=columns(VERIFICATION),
)
def verified(context: dg.AssetExecutionContext, workbench: dg.ResourceParam[Workbench]) -> None:
    """The target, read back and compared with what was meant, field by field.

    What matched before is not read again, except by the job that verifies everything.
    """
    with stage(context, workbench) as run:
        again = context.run.job_name == VERIFICATION_JOB

        def verify_one(entity_type: str) -> dict[str, int | float]:
            if again:
                workbench.staging.tables.remove("verification", entity_type)
            center = workbench.migration.help_center.help_center_id
            done = verify(entity_type, workbench.staging, workbench.journal, workbench.client, run, center)
            return {"compared": done.compared, "matched": done.matched}

        each_entity_type(context, verify_one)
