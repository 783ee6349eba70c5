"""The `migrate` command.

Belongs here: reading arguments, starting jobs, showing what came of them. Does not belong here: any work of a stage,
which runs in Dagster, or is called through the workbench.
"""

from migration_pipeline.cli.app import main
from migration_pipeline.cli.archiving import archive, purge
from migration_pipeline.cli.audit import audit
from migration_pipeline.cli.connecting import connect
from migration_pipeline.cli.planning import approve, checklist, plan
from migration_pipeline.cli.rollback import rollback
from migration_pipeline.cli.ui import ui

for command in (connect, plan, approve, checklist, rollback, audit, archive, purge, ui):
    main.add_command(command)

__all__ = ["main"]
