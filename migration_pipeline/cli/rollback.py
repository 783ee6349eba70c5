"""`migrate rollback`: start the job that takes a run back, and show what it removed and what it spared."""

from collections import Counter
from pathlib import Path
from typing import Any

import click

from migration_pipeline.assets.names import ROLLBACK_JOB, ROLLBACK_OF
from migration_pipeline.assets.workbench import Workbench
from migration_pipeline.cli import jobs
from migration_pipeline.cli.app import common
from migration_pipeline.cli.output import console, emit
from migration_pipeline.cli.setting import migration_of
from migration_pipeline.staging.atomic import read_json
from migration_pipeline.target.rollback import REASONS


@click.command()
@click.argument("run_id", metavar="RUN")
@common
def rollback(config: Path | None, as_json: bool, run_id: str) -> None:
    """Remove from the target what a run made; what people touched since, or something uses, stays and is listed."""
    with migration_of(config) as migration:
        jobs.run_job(ROLLBACK_JOB, migration, {ROLLBACK_OF: run_id})
        told: dict[str, Any] = read_json(Workbench(migration.path).rollback_path(run_id))
    removed = ", ".join(f"{count} {name}" for name, count in told["removed"].items())
    console.print(f"Removed: {removed or 'nothing'}. Spared: {len(told['spared'])}.")
    reasons = Counter((left["reason"], left["entity_type"]) for left in told["spared"])
    for (reason, entity_type), count in reasons.items():
        console.print(f"  {count} {entity_type}: {REASONS[reason]}", soft_wrap=True)
    emit({**told, "removed": sum(told["removed"].values()), "removed_by_type": told["removed"]}, as_json=as_json)
