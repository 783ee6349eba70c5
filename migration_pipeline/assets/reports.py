"""Assets for people: the report of a run, and the DuckDB file over everything that is staged."""

import dagster as dg

from migration_pipeline.assets.loading import verified
from migration_pipeline.assets.source import inventory
from migration_pipeline.assets.stages import OWNERS, stage
from migration_pipeline.assets.workbench import Workbench
from migration_pipeline.reports import Report, build, four_columns_markdown, open_report
from migration_pipeline.staging.catalogue import rebuild
from migration_pipeline.target.addresses import new_addresses
from migration_pipeline.target.link_map import moved, write_link_map


@dg.asset(deps=[verified, inventory], group_name="reports", kinds={"html", "csv"}, owners=OWNERS)
def report(context: dg.AssetExecutionContext, workbench: dg.ResourceParam[Workbench]) -> None:
    """Available, migrated, failed and skipped records per entity type, with lists, reasons and links to both sides."""
    with stage(context, workbench) as run:
        workbench.journal.export(workbench.outcomes_path)
        made = build(workbench.staging, run.run_id, run.mode, workbench.migration, calls=workbench.calls)
        _map_links(workbench, made)
        workbench.journal.end_run(run.run_id, "finished")
        context.add_output_metadata(
            {
                "records": dg.MetadataValue.md(four_columns_markdown(made)),
                "page": dg.MetadataValue.path(made.page),
                **{f"{side}_calls": count for side, count in made.calls.items()},
            }
        )


def _map_links(workbench: Workbench, made: Report) -> None:
    """Put the map from old to new addresses of the help centre beside the report, where there is one."""
    rows = sum(workbench.staging.tables.rows("payloads", name) for name in ("collections", "articles"))
    if rows:
        settings = workbench.migration.help_center
        addresses = new_addresses(workbench.client, workbench.journal, settings.help_center_id)
        write_link_map(made.folder, moved(workbench.staging, addresses))


@dg.asset_check(
    asset=report,
    description="Available = migrated + failed + skipped for each entity type, and the run got to every record.",
)
def every_record_accounted_for(workbench: dg.ResourceParam[Workbench]) -> dg.AssetCheckResult:
    """Look at the newest report, which is that of this run."""
    made = open_report(workbench.migration.root)
    return dg.AssetCheckResult(
        passed=all(entity.adds_up for entity in made.summary.entities) and made.interrupted == 0,
        metadata={"run_id": made.run_id, "interrupted": made.interrupted},
    )


@dg.asset(deps=[report], group_name="reports", kinds={"duckdb"}, owners=OWNERS)
def staging_database(context: dg.AssetExecutionContext, workbench: dg.ResourceParam[Workbench]) -> None:
    """staging.duckdb: plain-named views over snapshots, records, payloads, plan, outcomes and mismatches."""
    with stage(context, workbench):
        path = rebuild(workbench.staging)
        context.add_output_metadata({"path": dg.MetadataValue.path(path)})
