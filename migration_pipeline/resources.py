"""Dagster's shell around the workbench: the settings that the launchpad shows, and the workbench's life span."""

from collections.abc import Iterator

import dagster as dg

from migration_pipeline.assets.workbench import Workbench, config_path
from migration_pipeline.jobs import MODES

_SETTINGS = {
    "config": dg.Field(
        str,
        default_value="",
        description="Path of migration.yaml. Empty: the file that $MIGRATION_CONFIG names, else ./migration.yaml.",
    )
}


@dg.resource(config_schema=_SETTINGS, description="The migration that runs work on: its settings, stores and services.")
def workbench(context: dg.InitResourceContext) -> Iterator[Workbench]:
    """One workbench per run; its lock and its journal are let go when the run ends."""
    opened = Workbench(config_path(context.resource_config["config"]))
    try:
        yield opened
    finally:
        opened.close()
        if context.dagster_run is not None and context.dagster_run.job_name in MODES:
            opened.notify(context.dagster_run.run_id, MODES[context.dagster_run.job_name])
