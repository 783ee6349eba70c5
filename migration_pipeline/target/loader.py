"""Executing a load plan: each record that it says to create becomes its calls; the others get their outcome.

Belongs here: reading plan and payloads in step, spreading records over threads, and outcomes. Does not belong here:
what a record consists of (`definitions`, `people`, `threads`), or what a mode decides (`plan`).
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final, Literal

import duckdb

from migration_pipeline.config import Migration
from migration_pipeline.journal import Journal, Outcome, Remembered
from migration_pipeline.model.errors import SettingsError
from migration_pipeline.model.payloads import PAYLOADS, PLAN
from migration_pipeline.model.run import Run
from migration_pipeline.staging import Staging
from migration_pipeline.staging.duck import beside
from migration_pipeline.target.addresses import new_addresses
from migration_pipeline.target.catalogue import Catalogue
from migration_pipeline.target.client import IntercomClient
from migration_pipeline.target.hosting import hosting
from migration_pipeline.target.loading import (
    articles,
    changed_people,
    changed_tickets,
    collections,
    definitions,
    people,
    threads,
    tickets,
)
from migration_pipeline.target.loading.changed_threads import change
from migration_pipeline.target.loading.desk import Desk, by_name
from migration_pipeline.target.loading.library import Library, library_of
from migration_pipeline.target.loading.retiring import retire
from migration_pipeline.target.loading.work import ParentMissing, StepUnclear, Work
from migration_pipeline.target.rows import Row, batches, count, rows
from migration_pipeline.target.rows import tickets as ticket_rows
from migration_pipeline.target.ticket_types import NO_TYPES, TicketTypes, read_ticket_types
from migration_pipeline.target.workers import in_threads
from migration_pipeline.target.writer import Patience, Writer

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Loaded:
    """What became of the records of a plan, and what it took."""

    migrated: int = 0  # those that were there before among them
    failed: int = 0
    skipped: int = 0
    kept: int = 0  # of the migrated ones, those that needed nothing
    calls: int = 0
    writes: int = 0


@dataclass(frozen=True)
class _Unit:
    """What one thread does in one go: records to create, one after the other, or outcomes to write down."""

    records: tuple[tuple[Row, tuple[Row, ...]], ...] = ()
    outcomes: tuple[Outcome, ...] = ()


_LOADERS: Final[Mapping[str, Callable[[Desk, Work, Row], Outcome]]] = {
    "agents": definitions.agent,
    "teams": definitions.team,
    "fields": definitions.field,
    "tags": definitions.tag,
    "companies": people.company,
    "contacts": people.contact,
}

_CHANGERS: Final[Mapping[str, Callable[[Desk, Work, Row, Remembered], Outcome]]] = {
    "companies": changed_people.company,
    "contacts": changed_people.contact,
}
"""How records that have arrived are changed; the others are matched or made by name, which may be done again."""

_GUIDE_LOADERS: Final[Mapping[str, Callable[[Desk, Library, Work, Row], Outcome]]] = {
    "collections": collections.collection,
    "articles": articles.article,
}

_GUIDE_CHANGERS: Final[Mapping[str, Callable[[Desk, Library, Work, Row, Remembered], Outcome]]] = {
    "collections": collections.changed_collection,
    "articles": articles.changed_article,
}

_ONE_AFTER_THE_OTHER: Final = {"fields": "model, lower(name)", "tags": "lower(name)", "collections": "''"}
"""Records with an equal name become one object of the target; they must not be created at the same time. Collections
stand in each other."""

_ORDER: Final = {"collections": "level, "}


def load(
    entity_type: str,
    staging: Staging,
    journal: Journal,
    client: IntercomClient,
    catalogue: Catalogue,
    migration: Migration,
    run: Run,
    *,
    patience: Patience | None = None,
) -> Loaded:
    """Execute the plan of one entity type. Calling it again goes on where the last call was cut, and repeats nothing.

    `patience` overrides how long the target is asked for calls without an answer (`target.search_wait_s`).

    Raises:
        RefusedByGate: the target is another workspace than the settings name; nothing was written.
        SettingsError: the payloads are not those that the plan was made of.
        AccessDenied, ServiceDown, RunStopped: the run ends; the next one goes on.
    """
    calls, writes = client.usage.calls, client.usage.writes
    client.require_workspace()
    connection = staging.connect()
    _views(connection, staging, entity_type)
    _require_fresh(connection, entity_type)
    if journal.restart(entity_type):
        _log.info("%s: an earlier run left calls in doubt; the target is asked for them first", entity_type)
    patience = patience or Patience(
        search=migration.target.search_wait_s, direct=min(3.0, migration.target.search_wait_s)
    )
    tags, conversation_attributes, data_attributes = by_name(client, entity_type)
    desk = Desk(
        client=client,
        journal=journal,
        writer=Writer(client, journal, run, patience, migration.options.refused_dates),
        catalogue=catalogue,
        migration=migration,
        blobs=staging.blobs,
        begun=frozenset(journal.begun(entity_type)),
        tags=tags,
        conversation_attributes=conversation_attributes,
        data_attributes=data_attributes,
        ticket_types=_ticket_types(connection, entity_type, client, journal),
    )
    with _library(connection, entity_type, desk, staging) as library:
        return _loaded(connection, entity_type, desk, library, run, calls, writes)


@contextmanager
def _library(
    connection: duckdb.DuckDBPyConnection, entity_type: str, desk: Desk, staging: Staging
) -> Iterator[Library | None]:
    """What the help centre needs besides; None for all other records, and where there is none."""
    if entity_type not in _GUIDE_LOADERS or count(connection, "SELECT count(*) FROM payload") == (0,):
        yield None
        return
    settings = desk.migration.help_center
    with hosting(settings, staging.blobs) as hosts:
        yield library_of(new_addresses(desk.client, desk.journal, settings.help_center_id), hosts)


def _loaded(
    connection: duckdb.DuckDBPyConnection,
    entity_type: str,
    desk: Desk,
    library: Library | None,
    run: Run,
    calls: int,
    writes: int,
) -> Loaded:
    client, migration = desk.client, desk.migration
    counts: Counter[str] = Counter()
    kept, total = count(connection, "SELECT count(*) FILTER (action = 'keep'), count(*) FROM plan")
    units = _units(connection, entity_type, migration.options.order)
    workers = migration.target.workers
    for outcomes in in_threads(
        units, lambda unit: _execute(desk, library, entity_type, unit), workers=workers, run=run
    ):
        counts.update(outcomes)
        run.progress("load", entity_type, counts.total() + kept, total)
    if library is not None and entity_type == "articles":
        standing = rows(beside(connection).sql("FROM payload WHERE skip IS NULL"))
        for _ in in_threads(standing, lambda row: _finish(desk, library, row), workers=workers, run=run):
            run.progress("publish", entity_type, counts.total() + kept, total)
    return Loaded(
        migrated=counts["migrated"] + counts["kept"] + kept,
        failed=counts["failed"],
        skipped=counts["skipped"],
        kept=counts["kept"] + kept,
        calls=client.usage.calls - calls,
        writes=client.usage.writes - writes,
    )


def _finish(desk: Desk, library: Library, row: Row) -> None:
    """Make an article public and lead its links to where articles are now, and its old addresses to it."""
    known = desk.journal.remembered("articles", row["source_id"])
    if known is None or known.target_id is None:
        return
    work = desk.work("articles", row["source_id"], again=True)
    try:
        told = articles.finish(desk, library, work, row, known)
        articles.redirect(desk, library, work, row, known.target_id)
        if told is not None:
            desk.journal.record([replace(told, losses=tuple(dict.fromkeys((*told.losses, *work.losses))))])
    except (ParentMissing, StepUnclear) as error:
        _log.info("article %s is left as it is: %s", row["source_id"], error)


def _execute(desk: Desk, library: Library | None, entity_type: str, unit: _Unit) -> Counter[str]:
    """Do a unit and write its outcomes down; how many there are of each."""
    counts: Counter[str] = Counter(outcome.outcome for outcome in unit.outcomes)
    desk.journal.record(unit.outcomes)
    for row, parts in unit.records:
        known = desk.journal.known(entity_type, [row["source_id"]]).get(row["source_id"])
        if row["action"] == "create" and known is not None and known.outcome == "migrated":
            counts["kept"] += 1  # the plan was made before it arrived
            continue
        outcome = _bring(desk, library, entity_type, row, parts)
        desk.journal.record([outcome])
        counts[outcome.outcome] += 1
    return counts


def _bring(desk: Desk, library: Library | None, entity_type: str, row: Row, parts: tuple[Row, ...]) -> Outcome:
    """Have the target hold one record as it is now; what became of it."""
    known = desk.journal.remembered(entity_type, row["source_id"]) if row["action"] != "create" else None
    work = desk.work(entity_type, row["source_id"], again=known is not None)
    try:
        if row["action"] == "retire":
            return retire(desk, work, row, known)
        if library is not None:
            if known is None:
                return _GUIDE_LOADERS[entity_type](desk, library, work, row)
            return _GUIDE_CHANGERS[entity_type](desk, library, work, row, known)
        if entity_type == "tickets":
            return _ticket(desk, work, row, parts, known)
        if known is not None and entity_type in _CHANGERS:
            return _CHANGERS[entity_type](desk, work, row, known)
        return _LOADERS[entity_type](desk, work, row)
    except ParentMissing as missing:
        return _stays(desk.failed(work, row, "parent_failed", str(missing)), known)
    except StepUnclear as unclear:
        return _stays(desk.failed(work, row, "target_unclear", str(unclear)), known)
    except FileNotFoundError as error:
        told = desk.failed(work, row, "file_missing", f"{error.filename} is no longer in the staged files")
        return _stays(told, known)


def _ticket(desk: Desk, work: Work, row: Row, parts: tuple[Row, ...], known: Remembered | None) -> Outcome:
    """A ticket as a conversation; what an earlier, cut run sent of it by other rules is brought up to date at once."""
    if known is not None:
        told = _changed(desk, work, row, parts, known)
        desk.writer.settle_unmeant(work)
        return told
    told = (tickets.ticket if tickets.is_ticket(work, row) else threads.ticket)(desk, work, row, parts)
    if told.outcome != "migrated" or not (work.outdated or work.unmeant()):
        return told
    desk.writer.settle_unmeant(work)
    stay = [op.op_key.removeprefix(work.key("")) for op in work.unmeant() if op.kind == "reply"]
    work.notes[:] = [f"{name} was sent under an earlier mapping and stays" for name in stay]
    return _changed(desk, work, row, parts, Remembered(told.target_id, told.digest, told.seen))


def _changed(desk: Desk, work: Work, row: Row, parts: tuple[Row, ...], known: Remembered) -> Outcome:
    """A ticket that arrived, brought up to date as what it was made as."""
    told = (changed_tickets.change if tickets.is_ticket(work, row) else change)(desk, work, row, parts, known)
    if not tickets.kind_stays(work, row) or told.reason not in (None, row["remark"], row["planned_reason"]):
        return told
    return replace(told, reason="ticket_kind_stays")


def _stays(told: Outcome, known: Remembered | None) -> Outcome:
    """A record that arrived before stays migrated under its earlier payload, so that a later run takes it up again."""
    if known is None:
        return told
    return replace(told, outcome="migrated", target_id=known.target_id, target_url=None, digest=known.digest)


# What there is to do


def _views(connection: duckdb.DuckDBPyConnection, staging: Staging, entity_type: str) -> None:
    tables = staging.tables
    connection.execute(f"CREATE VIEW plan AS FROM {tables.scan('plan', entity_type, PLAN)}")
    payload = tables.scan("payloads", entity_type, PAYLOADS[entity_type])
    connection.execute(f"CREATE VIEW payload AS FROM {payload}")
    connection.execute(
        "CREATE VIEW chosen AS SELECT payload.*, plan.action, plan.reason AS planned_reason, "
        "plan.detail AS planned_detail FROM plan JOIN payload USING (source_id) "
        "WHERE action IN ('create', 'update', 'retire')"
    )
    connection.execute(f"CREATE VIEW parts AS FROM {tables.scan('payloads', 'parts', PAYLOADS['parts'])}")


def _require_fresh(connection: duckdb.DuckDBPyConnection, entity_type: str) -> None:
    """Raise SettingsError where the plan speaks of other payloads than there are."""
    (stale,) = count(
        connection,
        "SELECT count(*) FROM plan LEFT JOIN payload USING (source_id) "
        "WHERE action IN ('create', 'update', 'retire') AND payload.digest IS DISTINCT FROM plan.digest",
    )
    if stale:
        raise SettingsError(
            f"The plan for {entity_type} was made of other payloads than there are now ({stale} records differ): "
            "materialize `load_plan` again, or run a whole job."
        )


_WITH_TYPES: Final = {
    "fields": "SELECT count(*) FROM payload WHERE model = 'ticket_type'",
    "tickets": "SELECT count(*) FROM chosen WHERE ticket_type IS NOT NULL",
}
"""Counts the records that ticket types have to be known for."""


def _ticket_types(
    connection: duckdb.DuckDBPyConnection, entity_type: str, client: IntercomClient, journal: Journal
) -> TicketTypes:
    """The workspace's ticket types; none where no record has to do with them, which a token may have no scope for."""
    needed = entity_type in _WITH_TYPES and count(connection, _WITH_TYPES[entity_type]) != (0,)
    # A record that was made as a ticket may be none by the rules of now.
    made = entity_type == "tickets" and any(True for _ in journal.undoing.live(("create_ticket",)))
    return read_ticket_types(client) if needed or made else NO_TYPES


def _units(connection: duckdb.DuckDBPyConnection, entity_type: str, order: str) -> Iterator[_Unit]:
    """Outcomes that the plan decides first, then the records to create."""
    decided = beside(connection).sql("FROM plan WHERE action IN ('skip', 'fail')")
    for batch in batches(decided):
        yield _Unit(outcomes=tuple(_decided(row) for row in batch))
    if entity_type == "tickets":
        for row, parts in ticket_rows(connection, order):
            yield _Unit(records=((row, parts),))
        return
    key = _ONE_AFTER_THE_OTHER.get(entity_type, "source_id")
    order = f"together, {_ORDER.get(entity_type, '')}source_id"
    chosen = beside(connection).sql(f"SELECT *, concat_ws('/', {key}) AS together FROM chosen ORDER BY {order}")
    for _, same in groupby(rows(chosen), key=lambda row: row["together"]):
        yield _Unit(records=tuple((row, ()) for row in same))


def _decided(row: Row) -> Outcome:
    outcome: Literal["failed", "skipped"] = "failed" if row["action"] == "fail" else "skipped"
    return Outcome(
        entity_type=row["entity_type"],
        source_id=row["source_id"],
        outcome=outcome,
        source_url=row["source_url"],
        reason=row["reason"],
        detail=row["detail"],
        digest=row["digest"],
    )
