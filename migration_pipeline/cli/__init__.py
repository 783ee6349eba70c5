"""The `migrate` command.

Belongs here: reading arguments, starting jobs, showing what came of them. Does not belong here: any work of a stage,
which runs in Dagster, or is called through the workbench.
"""

from migration_pipeline.cli.app import main
from migration_pipeline.cli.audit import audit
from migration_pipeline.cli.rollback import rollback

main.add_command(audit)
main.add_command(rollback)

__all__ = ["main"]
