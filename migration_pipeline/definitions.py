"""What Dagster loads: assets, checks, jobs, schedules, sensors and resources, put together by one function."""

from typing import Any

import dagster as dg

from migration_pipeline.assets import archiving, loading, mapping, planning, reports, source, undoing
from migration_pipeline.jobs import jobs
from migration_pipeline.resources import workbench
from migration_pipeline.schedules import archive_schedule, delta_schedule, full_schedule
from migration_pipeline.sensors import runs_without_a_process


def build_defs(**resources: Any) -> dg.Definitions:
    """The definitions; a keyword replaces the resource of that name (`workbench`)."""
    modules = [source, mapping, loading, planning, reports]
    return dg.Definitions(
        assets=dg.load_assets_from_modules(modules),
        asset_checks=dg.load_asset_checks_from_modules(modules),
        jobs=[*jobs, undoing.rollback, archiving.archiving],
        schedules=[delta_schedule(), full_schedule(), archive_schedule()],
        sensors=[runs_without_a_process],
        resources={"workbench": workbench, **resources},
    )


defs = build_defs()
