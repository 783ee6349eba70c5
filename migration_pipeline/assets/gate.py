"""The gates of a run that writes, whoever launched it: a command, the UI, a schedule.

Belongs here: which gate stands before which job, and whose plan it may execute. Does not belong here: what opens a gate
(`gates`).
"""

from collections.abc import Iterator

import dagster as dg

from migration_pipeline.assets.workbench import Workbench
from migration_pipeline.gates import require_approval, require_confirmed
from migration_pipeline.jobs import MODES
from migration_pipeline.model.errors import RefusedByGate


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


def require_own_plan(context: dg.AssetExecutionContext, workbench: Workbench) -> None:
    """Let a run load only what it planned itself, or what the run planned that it takes up again.

    A launch may choose `loaded` alone: the plan that lies there may be that of another mode, which no check of this run
    has looked at.

    Raises:
        RefusedByGate: the plan is another run's.
    """
    own = set(_again(context))
    for entity_type in context.partition_keys:
        planned = workbench.staging.tables.built_from("plan", entity_type) or {}
        if planned.get("run_id") not in own:
            raise RefusedByGate(
                f"The plan for {entity_type} is not this run's (it was made by run {planned.get('run_id', '?')}): "
                f"launch the whole job {context.run.job_name}."
            )


def _again(context: dg.AssetExecutionContext) -> Iterator[str]:
    """This run, and the runs that it is a re-execution of."""
    run: dg.DagsterRun | None = context.run
    while run is not None:
        yield run.run_id
        run = context.instance.get_run_by_id(run.parent_run_id) if run.parent_run_id else None
