"""`migrate connect`: try the credentials, show whom they belong to, and have a person say that it is the right one.

Belongs here: asking. Does not belong here: what a confirmation is worth (`gates.connection`).
"""

import getpass
from pathlib import Path

import click

from migration_pipeline.assets.workbench import Workbench
from migration_pipeline.cli.app import common
from migration_pipeline.cli.output import Told, console, emit
from migration_pipeline.cli.setting import migration_of
from migration_pipeline.gates import confirm
from migration_pipeline.model.errors import MigrationError
from migration_pipeline.target.catalogue import read_workspace


@click.group()
def connect() -> None:
    """Try the credentials of a side and confirm that it is the one meant; a demo needs a confirmed target."""


@connect.command("target")
@click.option("--yes", is_flag=True, help="Confirm without asking.")
@common
def target(config: Path | None, as_json: bool, yes: bool) -> None:
    """The workspace that target.token belongs to."""
    with migration_of(config) as migration:
        bench = Workbench(migration.path)
        try:
            workspace = read_workspace(bench.unproved_client)
        except MigrationError as error:
            raise Told(str(error), 1) from None
        finally:
            bench.close()
        console.print(f"Workspace {workspace.name} ({workspace.id}), region {workspace.region}, {migration.target.url}")
        if workspace.id != migration.target.workspace:
            raise Told(
                f"target.workspace in migration.yaml is {migration.target.workspace}, but the token belongs to "
                f"{workspace.id}: nothing is confirmed.", 3,
            )  # fmt: skip
        _ask(yes)
        told = confirm(migration, "target", identity=workspace.id, name=workspace.name, by=getpass.getuser())
    emit({"target": vars(told) | {"region": workspace.region}}, as_json=as_json)


@connect.command("source")
@click.option("--yes", is_flag=True, help="Confirm without asking.")
@common
def source(config: Path | None, as_json: bool, yes: bool) -> None:
    """The help desk that source.auth opens."""
    with migration_of(config) as migration:
        bench = Workbench(migration.path)
        try:
            blocked = [check for check in bench.source.checks() if check.status == "block"]
        finally:
            bench.close()
        if blocked:
            raise Told(blocked[0].subject, 1)
        console.print(f"{migration.source.kind} at {migration.source.url}")
        _ask(yes)
        account = migration.source.account
        told = confirm(migration, "source", identity=account, name=migration.source.url, by=getpass.getuser())
    emit({"source": vars(told)}, as_json=as_json)


def _ask(yes: bool) -> None:
    if not yes and not click.confirm("Is this the one you mean?", err=True):
        raise Told("Nothing is confirmed.", 3)
