"""`migrate archive` and `migrate purge`: pack what a finished migration has staged, and remove old archives.

Belongs here: options and what is printed. Does not belong here: what is due (`assets.packing`).
"""

import datetime as dt
from pathlib import Path

import click

from migration_pipeline.assets import packing
from migration_pipeline.cli.app import command_workbench, common
from migration_pipeline.cli.output import console, emit
from migration_pipeline.cli.setting import migration_of


@click.command()
@click.option("--now", "whatever_age", is_flag=True, help="However long ago the last run ended.")
@common
def archive(config: Path | None, as_json: bool, whatever_age: bool) -> None:
    """Pack what is staged, days after the last run (archive.after_days); journal and reports stay."""
    with migration_of(config) as migration, command_workbench(migration) as workbench:
        packed = packing.pack(workbench, now=dt.datetime.now(dt.UTC), whatever_age=whatever_age)
    console.print(f"Archived {packed.files} files: {packed.path}" if packed else "Nothing is staged.", soft_wrap=True)
    document = {"archive": str(packed.path), "files": packed.files} if packed else {"archive": None, "files": 0}
    emit(document, as_json=as_json)


@click.command()
@click.option("--now", "whatever_age", is_flag=True, help="However young the archives are.")
@common
def purge(config: Path | None, as_json: bool, whatever_age: bool) -> None:
    """Remove archives that were kept long enough (archive.keep_days)."""
    with migration_of(config) as migration, command_workbench(migration) as workbench:
        removed = packing.purge(workbench, now=dt.datetime.now(dt.UTC), whatever_age=whatever_age)
    console.print(f"Removed {len(removed)} archives.")
    emit({"removed": [str(path) for path in removed]}, as_json=as_json)
