"""The `migrate` command.

Belongs here: reading arguments, starting jobs, showing what came of them. Does not belong here: any work of a stage,
which runs in Dagster, or is called through the workbench.
"""

from migration_pipeline.cli.app import main

__all__ = ["main"]
