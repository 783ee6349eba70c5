"""`migrate plan`, `migrate approve`, `migrate checklist`: what is about to happen, and who says that it may.

Belongs here: options and what is printed. Does not belong here: the plan (`planning`), or what a signature is worth
(`gates`).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click
from rich.table import Table

from migration_pipeline.assets.names import PLAN_DELTA_JOB, PLAN_JOB
from migration_pipeline.assets.sentences import exit_code
from migration_pipeline.assets.workbench import Workbench
from migration_pipeline.cli import jobs
from migration_pipeline.cli.app import common
from migration_pipeline.cli.hints import tell_next
from migration_pipeline.cli.output import Told, console, emit, show_items
from migration_pipeline.cli.setting import migration_of
from migration_pipeline.config import Migration
from migration_pipeline.gates import checklist as items_of
from migration_pipeline.gates import read_approval, why_not_approved
from migration_pipeline.gates.approval import approve as sign_off
from migration_pipeline.model.errors import MigrationError
from migration_pipeline.planning import Plan, read_plan


@click.command()
@click.option("--delta", is_flag=True, help="Of what changed since the full run, for `migrate delta`.")
@common
def plan(config: Path | None, as_json: bool, delta: bool) -> None:
    """Tell what a full run or a delta will do: records, calls, hours, what is created; writes nothing to the target."""
    with migration_of(config) as migration:
        jobs.run_job(PLAN_DELTA_JOB if delta else PLAN_JOB, migration)
        made = read_plan(migration.root)
        if made is None:
            raise Told("The plan's job made no plan.", 1)
        refusal = why_not_approved(migration.root, Workbench(migration.path).facts)
    _show(made, migration)
    approved = refusal is None
    console.print("Approved." if approved else "Not approved.")
    tell_next(f"plan_{made.mode}_approved" if approved else "plan", config)
    emit({**_document(made), "approved": approved}, as_json=as_json)


@click.command()
@click.option("--name", required=True, help="Who signs.")
@click.option("--sign", multiple=True, metavar="ITEM", help="An item of the checklist, or all; may be repeated.")
@common
def approve(config: Path | None, as_json: bool, name: str, sign: tuple[str, ...]) -> None:
    """Sign the checklist's items and the newest plan; full runs and deltas start only then."""
    with migration_of(config) as migration:
        try:
            signed = sign_off(migration, Workbench(migration.path).facts, by=name, sign=sign)
        except MigrationError as error:
            raise Told(str(error), exit_code(error)) from None
    console.print(f"{signed.by} approved plan {str(signed.hash)[:12]} at {signed.at}.", markup=False)
    planned = read_plan(migration.root)
    tell_next(f"plan_{planned.mode if planned else 'full'}_approved", config)
    document = {"hash": signed.hash, "approved": True, "by": signed.by, "at": signed.at, "signed": signed.signed}
    emit(document, as_json=as_json)


@click.command()
@common
def checklist(config: Path | None, as_json: bool) -> None:
    """Show what people do before and after a migration: where, by whom, and whether it was signed."""
    with migration_of(config) as migration:
        items = items_of(migration, read_approval(migration.root).signed)
    show_items(items, "before", "Before the full run")
    show_items(items, "after", "After it")
    emit({"items": items}, as_json=as_json)


_COLUMNS: Final[Mapping[str, Mapping[str, str]]] = {
    "full": {"records": "records", "there already": "kept", "stay behind": "left"},
    "delta": {"new": "created", "changed": "updated", "gone": "retired", "stay behind": "left"},
}
"""What is shown of each entity type beside calls and time, by mode: heads, and where the figures stand."""


def _document(made: Plan) -> dict[str, Any]:
    """The plan as JSON, without the single facts."""
    document = {name: value for name, value in vars(made).items() if name != "facts"}
    document["entities"] = [vars(entity) for entity in made.entities]
    document["endpoints"] = [vars(endpoint) for endpoint in made.endpoints]
    document["storage"] = vars(made.storage)
    return document


def _show(made: Plan, migration: Migration) -> None:
    called = {"full": "full run", "delta": "delta"}[made.mode]
    table = Table(title=f"{called} of {migration.name}, plan {made.hash[:12]}", title_justify="left")
    table.add_column("entity type")
    columns = _COLUMNS[made.mode]
    for column in (*columns, "source calls", "target calls", "time"):
        table.add_column(column, justify="right")
    for entity in made.entities:
        error = f" ± {entity.source_error:,}" if entity.source_error else ""
        table.add_row(
            entity.entity_type, *(f"{getattr(entity, name):,}" for name in columns.values()),
            f"{entity.source_calls:,}{error}", f"{entity.target_calls:,}", duration(entity.seconds),
        )  # fmt: skip
    console.print(table)
    for entity in made.entities:
        if entity.updates:
            told = ", ".join(f"{what} {calls:,}" for what, calls in entity.updates.items())
            console.print(f"  changes of {entity.entity_type}: {told} (calls)", soft_wrap=True)
    limits = ", ".join(f"{name} {limit}" for name, limit in made.limits.items())
    console.print(f"About {duration(made.seconds)} at the limits in force ({limits or 'none told'}).", soft_wrap=True)
    own = " and ".join(f"{calls:,} at the {side}" for side, calls in made.own_calls.items() if calls)
    console.print(
        f"Making this plan took {own or 'no'} calls more; what they read is kept for the run.", soft_wrap=True
    )
    when = f"{made.starts_at} to about {made.ends_at}" if made.starts_at else "no date yet (full.at in migration.yaml)"
    date = f"Date: {when}. " if made.mode == "full" else ""
    console.print(f"{date}Open tickets: {made.open_tickets:,}.", soft_wrap=True)
    storage = made.storage
    console.print(
        f"Storage: {_size(storage.staged)} staged, {_size(storage.needed)} to come, {_size(storage.free)} free."
    )
    for made_there in made.creates:
        kind = f" ({made_there['type']}" if "type" in made_there else ""
        options = f": {', '.join(made_there['options'])}" if made_there.get("options") else ""
        console.print(
            f"  creates {made_there['kind']} {made_there['name']}{kind}{options}{')' if kind else ''}",
            soft_wrap=True, markup=False,
        )  # fmt: skip
    for lacking in made.by_hand:
        console.print(
            f"  by hand: {lacking['kind']} {lacking['name']} ({lacking['where']})", soft_wrap=True, markup=False
        )


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
