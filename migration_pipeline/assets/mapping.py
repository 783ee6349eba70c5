"""Assets between the two sides: what the target holds, what becomes what, and the payloads that follow from it."""

import dagster as dg

from migration_pipeline.assets.source import normalized, single_run
from migration_pipeline.assets.stages import OWNERS, each_entity_type, stage
from migration_pipeline.assets.workbench import Workbench
from migration_pipeline.config.mapping import save_mapping
from migration_pipeline.gates import facts_of, note_proposed
from migration_pipeline.partitions import entity_types
from migration_pipeline.staging.atomic import replacing
from migration_pipeline.target import ticket_types
from migration_pipeline.target.candidates import write_candidates
from migration_pipeline.target.catalogue import read_catalogue
from migration_pipeline.target.conflicts import require_agreement
from migration_pipeline.target.inputs import Inputs
from migration_pipeline.target.losses import write_losses
from migration_pipeline.target.payloads import map_entity
from migration_pipeline.target.proposals import missing, propose


@dg.asset(group_name="target", kinds={"intercom"}, owners=OWNERS)
def target_catalogue(context: dg.AssetExecutionContext, workbench: dg.ResourceParam[Workbench]) -> None:
    """The target's teammates, teams, tags and attributes, as they are now; only read."""
    with stage(context, workbench):
        catalogue = read_catalogue(workbench.client)
        with replacing(workbench.migration.root / "catalogue.json") as aside:
            aside.write_bytes(catalogue.to_json())
        context.add_output_metadata(
            {
                "workspace": catalogue.workspace,
                "admins": len(catalogue.admins),
                "teams": len(catalogue.teams),
                "tags": len(catalogue.tags),
                "conversation_attributes": len(catalogue.conversation_attributes),
            }
        )


@dg.asset(deps=[normalized, target_catalogue], group_name="mapping", kinds={"yaml"}, owners=OWNERS)
def mapping(context: dg.AssetExecutionContext, workbench: dg.ResourceParam[Workbench]) -> None:
    """mapping.yaml: proposals for what it does not say yet; what a person wrote there stays."""
    with stage(context, workbench):
        path = workbench.migration.mapping_path
        known = workbench.mapping if path.exists() else None
        proposed = propose(workbench.staging, workbench.catalogue, known, workbench.migration)
        if proposed != known:
            note_proposed(
                workbench.migration.root, facts_of(workbench.migration, known), facts_of(workbench.migration, proposed)
            )
            save_mapping(path, proposed)
        inputs = Inputs(workbench.staging, workbench.mapping, workbench.migration)
        losses = write_losses(inputs, workbench.catalogue)
        write_candidates(inputs, workbench.catalogue)
        if workbench.migration.tickets:
            types = ticket_types.read_ticket_types(workbench.client)
            with replacing(workbench.migration.root / ticket_types.FILE) as aside:
                aside.write_bytes(types.to_json())
        require_agreement(path, workbench.mapping, workbench.catalogue)
        if workbench.migration.tickets:
            ticket_types.require_agreement(workbench.migration, workbench.mapping, types)
        told = {**proposed.summary(), "losses": losses}
        context.add_output_metadata({"path": dg.MetadataValue.path(path), **told})


@dg.asset(
    partitions_def=entity_types,
    backfill_policy=single_run,
    deps=[normalized, mapping],
    group_name="mapping",
    kinds={"duckdb", "parquet"},
    owners=OWNERS,
)
def mapped(context: dg.AssetExecutionContext, workbench: dg.ResourceParam[Workbench]) -> None:
    """Payloads: what each record becomes in Intercom, with what cannot be kept of it; a dry run can be read here."""
    with stage(context, workbench):
        rules = workbench.mapping

        def map_one(entity_type: str) -> dict[str, int | float]:
            rows = map_entity(entity_type, workbench.staging, rules, workbench.migration)
            return {"dagster/partition_row_count": rows[entity_type], **rows}

        each_entity_type(context, map_one)


@dg.asset_check(asset=mapped, blocking=True, description="mapping.yaml says what becomes of all that records refer to.")
def nothing_unmapped(workbench: dg.ResourceParam[Workbench]) -> dg.AssetCheckResult:
    """Block loading while mapping.yaml leaves out something that records refer to."""
    lacking = missing(workbench.staging, workbench.mapping, workbench.migration)
    return dg.AssetCheckResult(
        passed=not lacking,
        metadata={"missing": dg.MetadataValue.json(lacking[:100])},
        description=f"mapping.yaml lacks {len(lacking)} entries, the first: {lacking[0]}"
        if lacking
        else "Nothing is missing.",
    )
