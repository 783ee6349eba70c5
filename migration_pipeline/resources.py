"""Dagster's shell around the workbench: the settings that the launchpad shows, and the workbench's life span."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from pydantic import Field

from migration_pipeline.assets.workbench import Workbench, config_path


class MigrationResource(dg.ConfigurableResourceFactory[Workbench]):
    """The migration that runs work on."""

    config: str = Field(
        default="",
        description="Path of migration.yaml. Empty: the file that $MIGRATION_CONFIG names, else ./migration.yaml.",
    )

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Workbench]:  # noqa: ARG002 - Dagster's signature
        """One workbench per run; its lock and its journal are let go when the run ends."""
        workbench = Workbench(config_path(self.config))
        try:
            yield workbench
        finally:
            workbench.close()
