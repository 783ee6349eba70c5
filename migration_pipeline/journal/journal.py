"""Reading and writing the journal. Threads share one `Journal`; one process at a time writes.

Each method that writes returns once the row is durable. Belongs here: rows in, rows out. Does not belong here: which
step of an operation's life is legal (`protocol`), or how commits are shared (`commits`).
"""

import datetime as dt
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, Self

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from migration_pipeline.journal import protocol
from migration_pipeline.journal.audit import Audit, Head
from migration_pipeline.journal.commits import GroupCommit
from migration_pipeline.journal.protocol import Event, IllegalStep, State
from migration_pipeline.journal.rows import Intent, Known, Operation, Outcome, Remembered, RunRow, operation
from migration_pipeline.journal.tables import audit_heads, complete, impressions, operations, records, runs
from migration_pipeline.journal.undoing import Undoing
from migration_pipeline.model.errors import MigrationError, RefusedByGate
from migration_pipeline.model.outcomes import OUTCOMES
from migration_pipeline.staging.atomic import replacing

BATCH = 10_000
_IN = 500  # values of one IN list: SQLite takes at most 999 in its oldest supported versions


class KeyTaken(MigrationError):
    """Another operation already holds the key that an intent wants to reserve."""


_INSERT = sa.insert(operations)
_AGAIN = (
    sa.update(operations)
    .where(operations.c.op_key == sa.bindparam("key"), operations.c.state.in_(protocol.before(Event.INTEND)))
    .values(
        {
            name: sa.bindparam(name)
            for name in ("route", "target_object", "payload_hash", "identity", "reserves", "adapted", "state", "run_id")
        }
        | {
            "attempts": operations.c.attempts + 1,
            "started_at": sa.bindparam("started_at"),
            "finished_at": None,
            "code": "",
            "message": "",
        }
    )
)
_SETTLE: dict[Event, sa.Update] = {
    event: sa.update(operations)
    .where(operations.c.op_key == sa.bindparam("key"), operations.c.state.in_(protocol.before(event)))
    .values(
        state=sa.bindparam("new_state"),
        target_id=sa.bindparam("new_target_id"),
        code=sa.bindparam("new_code"),
        message=sa.bindparam("new_message"),
        finished_at=sa.bindparam("now"),
        answered_at=sa.bindparam("new_answered_at"),
    )
    for event in Event
    if event is not Event.INTEND
}
_OF_RECORD = sa.select(operations).where(
    operations.c.entity_type == sa.bindparam("entity_type"), operations.c.source_id == sa.bindparam("source_id")
)
_KEY = (records.c.entity_type == sa.bindparam("of_type")) & (records.c.source_id == sa.bindparam("of_id"))
_RECORD = sa.select(records.c.outcome, records.c.target_id, records.c.target_url).where(_KEY)
_INSERT_RECORD = sa.insert(records)
_UPDATE_RECORD = (
    sa.update(records)
    .where(_KEY)
    .values({column.name: sa.bindparam(column.name) for column in records.c if not column.primary_key})
)

_OF_IMPRESSION = (impressions.c.entity_type == sa.bindparam("of_type")) & (
    impressions.c.source_id == sa.bindparam("of_id")
)
_FORGET_IMPRESSION = sa.delete(impressions).where(_OF_IMPRESSION)
_INSERT_IMPRESSION = sa.insert(impressions)


class Journal:
    """The journal of one migration into one workspace."""

    def __init__(self, engine: sa.Engine, audit: Path | None = None) -> None:
        """See `open`."""
        self._engine = engine
        self._commit = GroupCommit(engine)
        self._run_id: str | None = None
        self._audit_folder = audit
        self._audit: Audit | None = None
        self._recorded = 0  # commits of this process that told outcomes
        self._exported: dict[Path, int] = {}  # how many of them an export holds at least
        self._sent: dict[str, tuple[str, str]] = {}  # routes and payload hashes of calls under way, for the audit log

    @classmethod
    def open(cls, url: str, audit: Path | None = None) -> Self:
        """Open, or create, the journal at a database URL: `sqlite:////folder/journal.sqlite`, `postgresql+psycopg://…`.

        Runs that write leave their audit logs in the folder `audit`; without it they leave none.

        Raises:
            sqlalchemy.exc.DBAPIError, OSError: the database cannot be opened or written.
        """
        parsed = sa.make_url(url)
        if parsed.get_backend_name() == "sqlite":
            Path(parsed.database or "").parent.mkdir(parents=True, exist_ok=True)
            # SQLite connections are cheap and each thread that reads keeps one for a moment.
            engine = sa.create_engine(parsed, pool_size=8, max_overflow=-1, connect_args={"timeout": 30})
            sa.event.listen(engine, "connect", _durable)
        else:
            engine = sa.create_engine(parsed, max_overflow=-1)
        complete(engine)
        return cls(engine, audit)

    def close(self) -> None:
        """Let go of the database, and of the audit log."""
        self._close_audit("left")
        self._engine.dispose()

    # Runs

    def begin_run(self, run_id: str, mode: str, workspace: str, plan: str = "") -> None:
        """Say that a run writes to a workspace from now on; saying it again goes on with the same run.

        `plan` is the hash of what the run is about to do, for the audit log.

        Raises:
            RefusedByGate: the journal tells of another workspace, whose ids mean nothing in this one.
        """

        def change(connection: sa.Connection) -> None:
            other = connection.scalar(sa.select(runs.c.workspace).where(runs.c.workspace != workspace).limit(1))
            if other is not None:
                raise RefusedByGate(
                    f"The journal of this migration tells of workspace {other}, but target.workspace is {workspace}; "
                    "give the migration another `name`."
                )
            updated = connection.execute(
                sa.update(runs).where(runs.c.run_id == run_id).values(status="running", finished_at=None, error=None)
            )
            if updated.rowcount == 0:
                connection.execute(
                    sa.insert(runs).values(
                        run_id=run_id, mode=mode, workspace=workspace, started_at=_now(), status="running"
                    )
                )

        self._commit(change)
        if self._audit_folder is not None and run_id != self._run_id:
            self._close_audit("left")
            self._audit = Audit(self._audit_folder, run_id, mode, workspace, plan)
        self._run_id = run_id

    def end_run(self, run_id: str, status: str, error: str | None = None) -> None:
        """Say how a run ended: `finished`, `failed` or `stopped`; `error` is one sentence without secrets."""
        statement = sa.update(runs).where(runs.c.run_id == run_id)
        self._commit(lambda c: c.execute(statement.values(status=status, error=error, finished_at=_now())))
        if run_id == self._run_id:
            self._close_audit(status)

    def planned(self, plan: str) -> None:
        """Tell the audit log that the run has another plan now; `plan` is its hash."""
        if self._audit is not None:
            self._audit.planned(plan)

    def audit_heads(self) -> dict[str, Head]:
        """Where the audit logs ended that a run could close, by file name."""
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(audit_heads)).mappings()
            return {row["file"]: Head(**row) for row in rows}

    def _close_audit(self, status: str) -> None:
        if self._audit is None:
            return
        head = self._audit.close(status)
        self._audit = None
        self._commit(lambda connection: connection.execute(sa.insert(audit_heads).values(**vars(head))))

    def runs(self) -> list[RunRow]:
        """All runs, oldest first."""
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(runs).order_by(runs.c.started_at)).mappings()
            return [RunRow(**row) for row in rows]

    # Operations

    def restart(self, entity_type: str) -> int:
        """Put the intents that a run which is gone left behind in doubt; how many are in doubt now.

        Only a process that holds the workspace's lock may call this, and before it sends anything.
        """
        mine = operations.c.entity_type == entity_type
        statement = (
            sa.update(operations)
            .where(mine, operations.c.state.in_(protocol.before(Event.RESTARTED)))
            .values(state=protocol.after(State.INTENT, Event.RESTARTED), finished_at=_now(), code="restarted")
        )

        def change(connection: sa.Connection) -> int:
            connection.execute(statement)
            doubted = sa.select(sa.func.count()).where(mine, operations.c.state == State.IN_DOUBT)
            return int(connection.scalar(doubted) or 0)

        return self._commit(change)

    def intend(self, intent: Intent, seen: State | None) -> None:
        """Make it durable that a call is about to be sent. `seen` is the state in which the caller knows the operation.

        Raises:
            IllegalStep: the operation may not be sent in that state, or is not in it.
            KeyTaken: another operation holds the key that this one reserves.
        """
        state = protocol.after(seen, Event.INTEND)
        values: dict[str, Any] = {
            "route": intent.route,
            "target_object": intent.target_object,
            "payload_hash": intent.payload_hash,
            "identity": intent.identity,
            "reserves": intent.reserves,
            "adapted": dict(intent.adapted),
            "state": state,
            "run_id": self._run_id,
            "started_at": _now(),
        }
        first = {
            "op_key": intent.op_key,
            "entity_type": intent.entity_type,
            "source_id": intent.source_id,
            "kind": intent.kind,
            "code": "",
            "message": "",
            "attempts": 1,
        }

        def change(connection: sa.Connection) -> None:
            if seen is None:
                connection.execute(_INSERT, values | first)
            elif connection.execute(_AGAIN, values | {"key": intent.op_key}).rowcount != 1:
                raise IllegalStep(f"{intent.op_key} is not {seen}")

        if self._audit is not None:
            self._sent[intent.op_key] = (intent.route, intent.payload_hash)
        try:
            self._commit(change)
        except sa.exc.IntegrityError as error:
            if intent.reserves is not None and "reserves" in str(error.orig):
                raise KeyTaken(f"{intent.reserves} is taken.") from None
            raise IllegalStep(f"{intent.op_key} was already intended") from error

    def settle(
        self,
        op_key: str,
        event: Event,
        *,
        target_id: str | None = None,
        code: str = "",
        message: str = "",
        answered_at: int | None = None,
    ) -> None:
        """Make it durable what came of an operation. `message` is the service's own, cut to 500 characters.

        `answered_at` is the service's own time of the change (UTC seconds), where its answer tells it.

        Raises:
            IllegalStep: the operation is in no state in which it may take the event.
        """
        states = {protocol.after(state, event) for state in protocol.before(event)}
        (state,) = states  # each event leads to one state, wherever it comes from
        values = {
            "key": op_key,
            "new_state": state,
            "new_target_id": target_id,
            "new_code": code,
            "new_message": message[:500],
            "new_answered_at": answered_at,
            "now": _now(),
        }

        def change(connection: sa.Connection) -> None:
            if connection.execute(_SETTLE[event], values).rowcount != 1:
                raise IllegalStep(f"{op_key} cannot take the event {event}")

        self._commit(change)
        if self._audit is not None:
            self._tell_audit(self._audit, op_key, event, state, target_id, code)

    def _tell_audit(
        self, audit: Audit, op_key: str, event: Event, state: State, target_id: str | None, code: str
    ) -> None:
        """A line about an operation; what an earlier run sent is looked up."""
        sent = self._sent.get(op_key) if state is State.IN_DOUBT else self._sent.pop(op_key, None)
        if sent is None:
            query = sa.select(operations.c.route, operations.c.payload_hash).where(operations.c.op_key == op_key)
            with self._engine.connect() as connection:
                row = connection.execute(query).one()
                sent = (row.route, row.payload_hash)
        audit.settled(
            {
                "op": op_key,
                "route": sent[0],
                "payload": sent[1],
                "outcome": event,
                "state": state,
                "target_id": target_id,
                "code": code,
            }
        )

    def operations(self, entity_type: str, source_id: str) -> dict[str, Operation]:
        """The operations of one record by key."""
        with self._engine.connect() as connection:
            rows = connection.execute(_OF_RECORD, {"entity_type": entity_type, "source_id": source_id}).mappings()
            return {row["op_key"]: operation(row) for row in rows}

    def in_doubt(self) -> list[Operation]:
        """The operations of which nobody knows whether they were applied."""
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(operations).where(operations.c.state == State.IN_DOUBT)).mappings()
            return [operation(row) for row in rows]

    def begun(self, entity_type: str) -> set[str]:
        """The records that have operations and did not arrive: those that a run has to go on with."""
        arrived = (
            sa.select(records.c.source_id)
            .where(
                records.c.entity_type == operations.c.entity_type,
                records.c.source_id == operations.c.source_id,
                records.c.outcome == "migrated",
            )
            .exists()
        )
        query = sa.select(operations.c.source_id).distinct().where(operations.c.entity_type == entity_type, ~arrived)
        with self._engine.connect() as connection:
            return set(connection.scalars(query))

    def owner(self, kind: str, target_id: str) -> str | None:
        """The key of the operation of that kind that made an object of the target; None where none did."""
        query = sa.select(operations.c.op_key).where(operations.c.kind == kind, operations.c.target_id == target_id)
        with self._engine.connect() as connection:
            found: str | None = connection.scalar(query.limit(1))
            return found

    @property
    def undoing(self) -> Undoing:
        """What a roll-back asks of the journal and tells it."""
        return Undoing(self._engine, self._commit_outcomes, self._run_id)

    def _commit_outcomes(self, change: Callable[[sa.Connection], Any]) -> Any:
        """Commit a change after which outcomes are others than before."""
        try:
            return self._commit(change)
        finally:
            self._recorded += 1

    # Records

    def record(self, outcomes: Iterable[Outcome]) -> None:
        """Set the newest outcome of records, all of them or none.

        What has arrived stays known: an outcome without a target id keeps the one that is known, and a record that was
        migrated stays so when a later run skips it or fails it, unless that run removed it from the target (`gone`).
        """
        told = list(outcomes)

        def change(connection: sa.Connection) -> None:
            for outcome in told:
                self._record(connection, outcome)

        if told:
            self._commit_outcomes(change)

    def _record(self, connection: sa.Connection, outcome: Outcome) -> None:
        values = {
            "source_url": outcome.source_url,
            "target_id": outcome.target_id,
            "target_url": outcome.target_url,
            "outcome": outcome.outcome,
            "reason": outcome.reason,
            "detail": outcome.detail,
            "losses": [{"reason": reason, "detail": detail} for reason, detail in outcome.losses],
            "digest": outcome.digest,
            "run_id": self._run_id,
            "at": _now(),
        }
        key = {"of_type": outcome.entity_type, "of_id": outcome.source_id}
        known = connection.execute(_RECORD, key).one_or_none()
        if known is None:
            named = {"entity_type": outcome.entity_type, "source_id": outcome.source_id}
            connection.execute(_INSERT_RECORD, named | values)
        elif outcome.gone:
            connection.execute(_UPDATE_RECORD, key | values)
        elif known.outcome != "migrated" or outcome.outcome == "migrated":
            values["target_id"] = outcome.target_id or known.target_id
            values["target_url"] = outcome.target_url or known.target_url
            connection.execute(_UPDATE_RECORD, key | values)
        if outcome.seen is not None or outcome.gone:
            connection.execute(_FORGET_IMPRESSION, key)
        if outcome.seen is not None:
            named = {"entity_type": outcome.entity_type, "source_id": outcome.source_id}
            connection.execute(_INSERT_IMPRESSION, named | {"seen": dict(outcome.seen)})

    def known(self, entity_type: str, source_ids: Iterable[str]) -> dict[str, Known]:
        """What is known of records, by source id; records without an outcome are left out."""
        wanted = sorted(set(source_ids))
        found: dict[str, Known] = {}
        with self._engine.connect() as connection:
            for start in range(0, len(wanted), _IN):
                rows = connection.execute(
                    sa.select(records.c.source_id, records.c.outcome, records.c.target_id, records.c.reason).where(
                        records.c.entity_type == entity_type, records.c.source_id.in_(wanted[start : start + _IN])
                    )
                )
                found.update({row[0]: Known(row[1], row[2], row[3]) for row in rows})
        return found

    def remembered(self, entity_type: str, source_id: str) -> Remembered | None:
        """What is known of a record that was migrated; None of any other."""
        of_record = (records.c.entity_type == entity_type, records.c.source_id == source_id)
        of_seen = (impressions.c.entity_type == entity_type, impressions.c.source_id == source_id)
        with self._engine.connect() as connection:
            query = sa.select(records.c.target_id, records.c.digest).where(*of_record, records.c.outcome == "migrated")
            row = connection.execute(query).one_or_none()
            if row is None:
                return None
            seen = connection.scalar(sa.select(impressions.c.seen).where(*of_seen))
            return Remembered(row.target_id, row.digest, seen)

    def target_id(self, entity_type: str, source_id: str) -> str | None:
        """The target's id of a record that was migrated; None of any other."""
        row = self.known(entity_type, [source_id]).get(source_id)
        return row.target_id if row and row.outcome == "migrated" else None

    def records(
        self, entity_type: str | None = None, outcome: Literal["migrated", "failed", "skipped"] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """The outcomes (schema OUTCOMES) by entity type and source id, in batches of at most 10,000 rows."""
        query = sa.select(*(records.c[field.name] for field in OUTCOMES))
        if entity_type is not None:
            query = query.where(records.c.entity_type == entity_type)
        if outcome is not None:
            query = query.where(records.c.outcome == outcome)
        query = query.order_by(records.c.entity_type, records.c.source_id)
        with self._engine.connect().execution_options(yield_per=BATCH) as connection:
            for rows in connection.execute(query).mappings().partitions():
                yield pa.RecordBatch.from_pylist([dict(row) for row in rows], OUTCOMES)

    def export(self, path: Path) -> None:
        """Write the outcomes as a Parquet file, in place of an earlier one, unless that one of ours holds them all.

        Raises:
            OSError: the disk is full or not writable; the file is as it was.
        """
        recorded = self._recorded
        if self._exported.get(path) == recorded and path.exists():
            return
        with replacing(path) as aside, pq.ParquetWriter(aside, OUTCOMES, compression="zstd") as writer:
            for batch in self.records():
                writer.write_batch(batch)
            writer.close()
        self._exported[path] = recorded


def _durable(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
    """WAL lets others read while we write; FULL makes a commit survive a loss of power."""
    del entry
    if isinstance(connection, sqlite3.Connection):
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
