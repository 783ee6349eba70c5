"""Comments over both rate windows at once: the export forward in time, whole threads of the newest tickets towards it.

Exports have a narrow window of their own (10 or 30 calls a minute, Zendesk developer docs, "Rate limits"), and while it
is used up the account's wide window lies idle. So for as long as the export has to wait, threads are read per ticket,
those that changed last first. Once every ticket that is not read that way changed before the moment which the export
has reached, nothing is missing, and the export ends there.

Belongs here: who reads what, and where they meet. Does not belong here: either way of reading (`streams`, `threads`).
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from migration_pipeline.model.errors import MigrationError
from migration_pipeline.model.run import Run
from migration_pipeline.sources.zendesk import streams, threads
from migration_pipeline.sources.zendesk.streams import Reading

EXPORTS: Final = "incremental-exports"
"""The window of the exports, as `client.buckets` names it."""

WORTH: Final = 5_000
"""Tickets from which on a second way saves more than it costs: fewer are exported within a few minutes."""

_POLL: Final = 0.1
_log = logging.getLogger(__name__)


def read_comments(reading: Reading, worth: int = WORTH) -> int:
    """Comments of all tickets, by the export and, where it has to wait, per ticket too; the rows added.

    The second way is for a first pass over `worth` tickets or more. It tells no changes of fields.
    """
    if reading.ticket_events or reading.staging.snapshots.state("comments").complete:
        return streams.read_events(reading)
    tickets = _Tickets(reading)
    if len(tickets) < worth:
        return streams.read_events(reading)
    with _backwards(reading, tickets):
        return streams.read_events(reading, tickets.meeting)


class _Tickets:
    """The tickets, those that changed last first, and how far the threads of them were read."""

    def __init__(self, reading: Reading) -> None:
        snapshots = reading.staging.snapshots
        with reading.staging.connect() as connection:
            rows = connection.execute(
                f"""
                SELECT ticket.id, thread.extracted_at > ticket.extracted_at AS whole, coalesce(
                    TRY_CAST(payload ->> '$.generated_timestamp' AS BIGINT),
                    epoch(TRY_CAST(payload ->> '$.updated_at' AS TIMESTAMPTZ))::BIGINT
                ) AS changed
                FROM {snapshots.newest("tickets")} AS ticket
                LEFT JOIN (SELECT id, extracted_at FROM {snapshots.newest("threads")}) AS thread USING (id)
                WHERE (payload ->> '$.status') IS DISTINCT FROM 'deleted' AND NOT starts_with(ticket.id, '?')
                ORDER BY changed DESC NULLS FIRST, ticket.id
                """
            ).fetchall()
        self._reading = reading
        self._rows = [(str(ticket), bool(whole), changed) for ticket, whole, changed in rows]
        self._at = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._rows)

    def take(self) -> list[str]:
        """The next tickets whose threads are to be read; none where all are."""
        found: list[str] = []
        with self._lock:
            for ticket, whole, _ in self._rows[self._at :]:
                if len(found) == threads.BATCH:
                    break
                if not whole:
                    found.append(ticket)
        return found

    def read(self, tickets: list[str]) -> None:
        """Take note that these threads were read and stored."""
        done = set(tickets)
        with self._lock:
            while self._at < len(self._rows) and (self._rows[self._at][1] or self._rows[self._at][0] in done):
                self._at += 1

    def meeting(self, reached: int) -> int | None:
        """Where a later pass may start, once both ways have met; None before.

        `reached`: every event before this second was exported. While the export would have to wait, so does the answer.

        Raises:
            RunStopped.
        """
        pacer = self._reading.client.session.pacer
        while (end := self._met(reached)) is None and pacer.waiting(EXPORTS):
            self._reading.run.check()
            self._reading.client.session.stop.wait(_POLL)
        return end

    def _met(self, reached: int) -> int | None:
        """Events of a ticket are never later than its last change."""
        with self._lock:
            if self._at < len(self._rows):
                _, _, changed = self._rows[self._at]
                if changed is None or changed >= reached:
                    return None
            return max((changed for _, _, changed in self._rows if changed is not None), default=None)


@contextmanager
def _backwards(reading: Reading, tickets: _Tickets) -> Iterator[None]:
    """Read threads in a thread of its own, for as long as the block goes on and the export waits."""
    over = threading.Event()
    quiet = replace(reading, run=Run(reading.run.run_id, reading.run.mode, stop=reading.run.stop))

    def work() -> None:
        try:
            while not (over.is_set() or quiet.run.stop.is_set()) and (batch := tickets.take()):
                if quiet.client.session.pacer.waiting(EXPORTS):
                    threads.read_threads(quiet, batch)
                    tickets.read(batch)
                else:
                    over.wait(_POLL)
        except MigrationError as error:
            _log.info("Comments are read by the export alone from now on: %s", error)

    worker = threading.Thread(target=work, name="zendesk-backwards", daemon=True)
    worker.start()
    try:
        yield
    finally:
        over.set()
        while worker.is_alive():
            worker.join(_POLL)
