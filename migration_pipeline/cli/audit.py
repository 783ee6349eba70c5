"""`migrate audit`: show the audit logs, and find out whether anybody changed them.

Belongs here: options and what is printed. Does not belong here: lines and their chain (`journal.audit`).
"""

from pathlib import Path

import click
import orjson

from migration_pipeline.assets.workbench import Workbench
from migration_pipeline.cli.app import common
from migration_pipeline.cli.output import Told, console, emit
from migration_pipeline.cli.setting import migration_of
from migration_pipeline.journal import audit as logs
from migration_pipeline.journal.audit import Verified


@click.group()
def audit() -> None:
    """Who started which run, and every write with its outcome, in logs that cannot be changed unseen."""


@audit.command()
@click.option("--run", "run_id", help="Only the log of this run. Default: all.")
@common
def verify(config: Path | None, as_json: bool, run_id: str | None) -> None:
    """Look for lines that were changed, removed or added; ends with 1 and names the line where there is one."""
    with migration_of(config) as migration:
        workbench = Workbench(migration.path)
        try:
            found: Verified = logs.verify(workbench.audit_folder, workbench.journal.audit_heads(), run_id)
        finally:
            workbench.close()
    if run_id is not None and not found.files:
        raise Told(f"Run {run_id} left no audit log.", 2)
    for note in found.notes:
        console.print(note, soft_wrap=True)
    document = {
        "files": found.files,
        "lines": found.lines,
        "flaws": [vars(flaw) for flaw in found.flaws],
        "notes": list(found.notes),
    }
    emit(document, as_json=as_json)
    if found.flaws:
        raise Told("; ".join(str(flaw) for flaw in found.flaws), 1)
    console.print(f"{found.lines} lines in {found.files} logs are as they were written.")


@audit.command()
@click.option("--run", "run_id", help="Only the log of this run. Default: all.")
@common
def show(config: Path | None, as_json: bool, run_id: str | None) -> None:
    """Print the lines of the audit logs, oldest first."""
    with migration_of(config) as migration:
        folder = Workbench(migration.path).audit_folder
        told = [line for path in logs.files(folder, run_id) for line in logs.lines(path)]
    if not as_json:
        for line in told:
            console.print(orjson.dumps(line).decode(), soft_wrap=True, markup=False)
    emit(told, as_json=as_json)
