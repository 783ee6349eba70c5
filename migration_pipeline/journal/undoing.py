"""The journal's side of a roll-back: what runs made, letting go of what was removed, and what was left standing.

Belongs here: rows in, rows out. Does not belong here: asking or changing the target (`target.rollback`).
"""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

import sqlalchemy as sa

from migration_pipeline.journal import protocol
from migration_pipeline.journal.protocol import Event, State
from migration_pipeline.journal.rows import Operation, Spared, operation
from migration_pipeline.journal.tables import metadata, operations, records, spared

REMOVALS: Final = (
    "undo_ticket",
    "undo_contact",
    "undo_company",
    "undo_tag",
    "undo_article",
    "undo_internal_article",
    "undo_redirect",
    "undo_collection",
)
"""Kinds of operations that remove what another one made."""

REMOVED: Final = "removed"
"""Code of a removal whose record the journal has let go."""

_BATCH: Final = 5_000
_PER_RECORD: Final = [
    table for table in metadata.sorted_tables if {"entity_type", "source_id"} == set(table.primary_key.columns.keys())
]
_LIVE: Final = (State.INTENT, State.IN_DOUBT, State.DONE)


class Undoing:
    """See `Journal.undoing`."""

    def __init__(
        self, engine: sa.Engine, commit: Callable[[Callable[[sa.Connection], Any]], Any], run_id: str | None
    ) -> None:
        self._engine = engine
        self._commit = commit
        self._run_id = run_id

    def live(self, kinds: Iterable[str], run_ids: Iterable[str] | None = None) -> Iterator[Operation]:
        """The operations of some kinds that were, or may have been, applied and are not undone; newest first.

        `run_ids` narrows them to what those runs sent.
        """
        query = sa.select(operations).where(operations.c.kind.in_(list(kinds)), operations.c.state.in_(_LIVE))
        if run_ids is not None:
            query = query.where(operations.c.run_id.in_(list(run_ids)))
        query = query.order_by(operations.c.started_at.desc(), operations.c.op_key)
        with self._engine.connect().execution_options(yield_per=_BATCH) as connection:
            for rows in connection.execute(query).mappings().partitions():
                yield from (operation(row) for row in rows)

    def changes(self, run_ids: Iterable[str]) -> list[tuple[str, str, str, int]]:
        """What runs sent that was, or may have been, applied and is not undone: record, kind of call, how many."""
        columns = (operations.c.entity_type, operations.c.source_id, operations.c.kind)
        query = (
            sa.select(*columns, sa.func.count())
            .where(
                operations.c.run_id.in_(list(run_ids)),
                operations.c.state.in_(_LIVE),
                ~operations.c.kind.in_(REMOVALS),
            )
            .group_by(*columns)
            .order_by(*columns)
        )
        with self._engine.connect() as connection:
            return [(str(a), str(b), str(c), int(n)) for a, b, c, n in connection.execute(query)]

    def gone(self, entity_type: str, source_id: str, by: Sequence[str] = ()) -> None:
        """Make it durable that a record is gone from the target: its calls may be sent again, its outcome is dropped.

        `by` are the keys of the operations that removed it; they stand as what was done.
        """
        mine = (operations.c.entity_type == entity_type) & (operations.c.source_id == source_id)
        taken_back = [
            sa.update(operations)
            .where(mine, operations.c.state == state, ~operations.c.kind.in_(REMOVALS))
            .values(state=protocol.after(state, Event.UNDONE), target_id=None, reserves=None, finished_at=_now())
            for state in protocol.before(Event.UNDONE)
        ]

        def change(connection: sa.Connection) -> None:
            for statement in taken_back:
                connection.execute(statement)
            if by:
                connection.execute(sa.update(operations).where(operations.c.op_key.in_(by)).values(code=REMOVED))
            for table in _PER_RECORD:
                connection.execute(
                    sa.delete(table).where(table.c.entity_type == entity_type, table.c.source_id == source_id)
                )

        self._commit(change)

    def unfinished(self) -> list[Operation]:
        """Removals that a roll-back began without coming to their end; it has to be gone on with first."""
        query = sa.select(operations).where(
            operations.c.kind.in_(REMOVALS), operations.c.state.in_(_LIVE), operations.c.code != REMOVED
        )
        with self._engine.connect() as connection:
            return [operation(row) for row in connection.execute(query).mappings()]

    def spare(self, left: Spared) -> None:
        """Write down that a roll-back left a record in the target, and why."""
        key = (spared.c.entity_type == left.entity_type) & (spared.c.source_id == left.source_id)

        def change(connection: sa.Connection) -> None:
            connection.execute(sa.delete(spared).where(key))
            connection.execute(sa.insert(spared).values(**vars(left), run_id=self._run_id, at=_now()))

        self._commit(change)

    def spared(self) -> list[Spared]:
        """The records that roll-backs left in the target and that are still there."""
        columns = [column for column in spared.c if column.name not in ("run_id", "at")]
        query = sa.select(*columns).order_by(spared.c.entity_type, spared.c.source_id)
        with self._engine.connect() as connection:
            return [Spared(**row) for row in connection.execute(query).mappings()]

    def drop_outcomes(self, entity_type: str, run_ids: Iterable[str]) -> None:
        """Drop the outcomes that runs told of records for which nothing was written, or of which nothing is left."""
        live = (
            sa.select(operations.c.op_key)
            .where(
                operations.c.entity_type == records.c.entity_type,
                operations.c.source_id == records.c.source_id,
                operations.c.state.in_(_LIVE),
                ~operations.c.kind.in_(REMOVALS),
            )
            .exists()
        )
        statement = sa.delete(records).where(
            records.c.entity_type == entity_type, records.c.run_id.in_(list(run_ids)), ~live
        )
        self._commit(lambda connection: connection.execute(statement))


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
