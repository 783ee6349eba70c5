"""Assets of the source side: snapshots of the help desk, and the canonical records made of them."""

import dagster as dg

from migration_pipeline.assets.demo import wish_of
from migration_pipeline.assets.gate import permitted
from migration_pipeline.assets.names import PLAN_JOB
from migration_pipeline.assets.stages import OWNERS, each_entity_type, stage
from migration_pipeline.assets.workbench import Workbench
from migration_pipeline.partitions import entity_types
from migration_pipeline.staging import inventory as listed

single_run = dg.BackfillPolicy.single_run()


@dg.asset(
    partitions_def=entity_types,
    backfill_policy=single_run,
    group_name="source",
    kinds={"zendesk", "parquet"},
    owners=OWNERS,
)
def extracted(context: dg.AssetExecutionContext, workbench: dg.ResourceParam[Workbench]) -> None:
    """Snapshots: the source's records as they came, in append-only Parquet segments with a cursor per stream.

    A demo reads only its sample, a plan of a full run what is cheap and a sample of the rest; any other run, and a plan
    of a delta, reads what is new since each cursor, and goes on where the last was cut. What draws on rate windows of
    its own is read beside the rest.
    """
    with stage(context, workbench) as run:
        permitted(context, workbench)
        staging = workbench.staging
        sample = workbench.sample(run, wish_of(context.run.tags)) if run.mode == "demo" else None
        surveys, apart = context.run.job_name == PLAN_JOB, workbench.source.apart
        readers = {True: workbench.source.beside(), False: workbench.source.beside()}

        def extract(entity_type: str) -> dict[str, int | float]:
            source = readers[entity_type in apart]
            calls, throttled = source.usage.calls, source.usage.throttled_seconds
            if surveys:
                rows = source.survey(entity_type, staging, run)
            elif sample is None:
                rows = source.extract(entity_type, staging, run)
            else:
                rows = source.extract_sample(entity_type, sample, staging, run)
            return {
                "dagster/partition_row_count": rows,
                "source_calls": source.usage.calls - calls,
                "throttled_seconds": source.usage.throttled_seconds - throttled,
            }

        each_entity_type(context, extract, order=workbench.source.extraction_order, apart=apart, stop=run.stop)


@dg.asset(
    partitions_def=entity_types,
    backfill_policy=single_run,
    deps=[extracted],
    group_name="source",
    kinds={"duckdb", "parquet"},
    owners=OWNERS,
)
def normalized(context: dg.AssetExecutionContext, workbench: dg.ResourceParam[Workbench]) -> None:
    """Canonical records, the same whatever help desk they come from; what no rule can read stands in `rejects_*`."""
    with stage(context, workbench):

        def normalize(entity_type: str) -> dict[str, int | float]:
            rows = workbench.source.normalize(entity_type, workbench.staging)
            total = sum(count for table, count in rows.items() if not table.startswith("rejects_"))
            return {"dagster/partition_row_count": total, **rows}

        each_entity_type(context, normalize)


@dg.asset(group_name="source", kinds={"zendesk", "parquet"}, owners=OWNERS)
def inventory(context: dg.AssetExecutionContext, workbench: dg.ResourceParam[Workbench]) -> None:
    """What the help desk holds besides records and does not move: macros, triggers, views, service levels, forms.

    It is listed for a plan and a full run; a demo and a delta leave it as it was listed last.
    """
    with stage(context, workbench) as run:
        if run.mode == "full":
            listed.write(workbench.staging, workbench.source.inventory(run), run.run_id)
        counts = listed.counted(workbench.staging)
        context.add_output_metadata({"dagster/row_count": sum(counts.values()), **counts})
