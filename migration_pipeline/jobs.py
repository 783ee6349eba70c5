"""The jobs a person or a schedule starts. The mode of a run is the name of its job, which no launch path can drop.

Runs use the in-process executor: one process holds the lock of the migration from its first step to its last, and a
killed run leaves no orphaned step behind.
"""

from typing import Final

import dagster as dg

from migration_pipeline.assets.names import PLAN_DELTA_JOB, PLAN_JOB
from migration_pipeline.model.run import Mode
from migration_pipeline.partitions import WHOLE_RANGE

MODES: Final[dict[str, Mode]] = {"demo_migration": "demo", "full_migration": "full", "delta_migration": "delta"}
"""The jobs that write to the target."""

DRY_RUNS: Final[dict[str, Mode]] = {f"{mode}_dry_run": mode for mode in MODES.values()}
"""The jobs that do all that those do up to the first write, and report what they would have done."""

PLANS: Final[dict[str, Mode]] = {PLAN_JOB: "full", PLAN_DELTA_JOB: "delta"}
"""The jobs that tell a person what a run is about to do."""

VERIFICATION_JOB: Final = "verification"

_DESCRIPTIONS: Final = {
    "demo_migration": "Moves a small sample of tickets, drawn by chance, with everything that belongs to them.",
    "full_migration": "Moves the whole help desk; whatever an earlier run moved already stays as it is.",
    "delta_migration": "Moves what changed in the help desk since the full run: new, changed and deleted records.",
}

_STAGED: Final = ("extracted", "normalized", "target_catalogue", "mapping", "mapped")

jobs = [
    *(
        dg.define_asset_job(
            name,
            selection=dg.AssetSelection.all() - dg.AssetSelection.assets("estimated", "rehearsed"),
            description=_DESCRIPTIONS[name],
            tags={**WHOLE_RANGE, "migration/mode": mode},
            executor_def=dg.in_process_executor,
        )
        for name, mode in MODES.items()
    ),
    *(
        dg.define_asset_job(
            name,
            selection=[*_STAGED, "inventory", "load_plan", "rehearsed"],
            description=f"Stages every payload of a {mode} run, plans and reports it; writes nothing to the target.",
            tags={**WHOLE_RANGE, "migration/mode": mode},
            executor_def=dg.in_process_executor,
        )
        for name, mode in DRY_RUNS.items()
    ),
    dg.define_asset_job(
        "mapping_proposal",
        selection=["extracted", "normalized", "target_catalogue", "mapping"],
        description="Reads both sides and proposes in mapping.yaml what becomes what; writes nothing to the target.",
        tags=WHOLE_RANGE,
        executor_def=dg.in_process_executor,
    ),
    *(
        dg.define_asset_job(
            name,
            selection=[*_STAGED, "inventory", "load_plan", "estimated"],
            description=f"Stages what a {mode} run needs, and tells records, calls and hours of it; writes nothing.",
            tags=WHOLE_RANGE,
            executor_def=dg.in_process_executor,
        )
        for name, mode in PLANS.items()
    ),
    dg.define_asset_job(
        VERIFICATION_JOB,
        selection=["verified"],
        description="Reads everything that was migrated back from the target and compares it again.",
        tags=WHOLE_RANGE,
        executor_def=dg.in_process_executor,
    ),
]
