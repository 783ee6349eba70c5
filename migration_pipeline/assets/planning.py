"""Assets of a plan: the estimate that a person reads before approving a run.

Belongs here: wiring. Does not belong here: any arithmetic (`planning`, `model.costs`).
"""

from typing import Any

import dagster as dg

from migration_pipeline import planning
from migration_pipeline.assets.loading import load_plan
from migration_pipeline.assets.source import inventory
from migration_pipeline.assets.stages import OWNERS, stage
from migration_pipeline.assets.workbench import Workbench
from migration_pipeline.gates.approval import write_checklist
from migration_pipeline.model.costs import Side, Speed
from migration_pipeline.model.run import Run
from migration_pipeline.planning import Measured, Plan
from migration_pipeline.reports import build, four_columns_markdown
from migration_pipeline.staging.catalogue import rebuild
from migration_pipeline.target import costs, preparation
from migration_pipeline.target.preparation import Preparation
from migration_pipeline.target.ticket_types import known_types


@dg.asset(deps=[load_plan, inventory], group_name="reports", kinds={"json"}, owners=OWNERS)
def estimated(context: dg.AssetExecutionContext, workbench: dg.ResourceParam[Workbench]) -> None:
    """plan.json: records, calls, seconds, storage, what will be created and what only a person can do; for approval."""
    with stage(context, workbench) as run:
        plan = plan_of(workbench, run)
        path = planning.write_plan(workbench.migration.root, plan)
        write_checklist(workbench.migration)
        rebuild(workbench.staging)
        context.add_output_metadata(
            {
                "path": dg.MetadataValue.path(path),
                "mode": plan.mode,
                "seconds": plan.seconds,
                "hash": plan.hash,
                "creates": len(plan.creates),
            }
        )


@dg.asset(deps=[load_plan, inventory], group_name="reports", kinds={"html", "csv"}, owners=OWNERS)
def rehearsed(context: dg.AssetExecutionContext, workbench: dg.ResourceParam[Workbench]) -> None:
    """The report of a dry run: what would be written, and what would not, with the reasons; nothing was."""
    with stage(context, workbench) as run:
        made = build(workbench.staging, run.run_id, run.mode, workbench.migration, calls=workbench.calls, dry_run=True)
        rebuild(workbench.staging)
        context.add_output_metadata(
            {
                "records": dg.MetadataValue.md(four_columns_markdown(made)),
                "page": dg.MetadataValue.path(made.page),
                "payloads": dg.MetadataValue.path(workbench.migration.root / "staging.duckdb"),
            }
        )


def plan_of(workbench: Workbench, run: Run) -> Plan:
    """The plan of a full run or a delta, by a few reads of both services."""
    source, client, staging = workbench.source, workbench.client, workbench.staging
    preparing = workbench.preparing_seconds  # before the services are measured, which a run does not do
    types = known_types(client, workbench.migration)
    made = preparation.prepare(staging, workbench.catalogue, workbench.mapping, types)
    speeds: dict[Side, Speed] = {"source": source.speed(), "target": client.speed()}
    file_speed = source.file_speed(staging, run)  # before the works are counted, since these files are there then
    limits = {**source.limits(), **costs.limits(client.limit())}
    listed = source.inventory_works(staging) if run.mode == "full" else []
    return planning.make(
        run,
        [*source.works(staging), *listed, *costs.works(staging, workbench.migration, made)],
        Measured(speeds, file_speed, limits, preparing, workbench.calls),
        staging,
        workbench.migration,
        workbench.facts,
        _creates(made),
        preparation.by_hand(staging),
    )


def _creates(made: Preparation) -> list[dict[str, Any]]:
    """What will be made in the workspace, as rows of the plan."""
    attributes = [
        {
            "kind": "ticket type" if one.model == "ticket_type" else f"{one.model} attribute",
            "name": one.name,
            "type": one.data_type,
            "options": list(one.options),
            "description": one.description,
        }
        for one in made.attributes
    ]
    options = [{"kind": "option", "name": one.label, "of": one.attribute} for one in made.options]
    return [*attributes, *options, *({"kind": "tag", "name": name} for name in made.tags)]
