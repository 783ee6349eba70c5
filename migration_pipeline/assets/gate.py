"""The gates of a run that writes, whoever launched it: a command, the UI, a schedule.

Belongs here: which gate stands before which job. Does not belong here: what opens it (`gates`).
"""

import dagster as dg

from migration_pipeline.assets.workbench import Workbench
from migration_pipeline.gates import require_approval, require_confirmed
from migration_pipeline.jobs import MODES


def permitted(context: dg.AssetExecutionContext, workbench: Workbench) -> None:
    """Let a job that writes go on only where a person said so; jobs that only stage may always run.

    It stands before reading, so that nobody waits an hour for a refusal, and again before the first write, because the
    mapping is proposed anew in between.

    Raises:
        RefusedByGate: the sentence names the command that opens the gate.
    """
    mode = MODES.get(context.run.job_name)
    if mode is None:
        return
    require_confirmed(workbench.migration)
    if mode != "demo":
        require_approval(workbench.migration.root, workbench.facts)
