"""Whole threads, read per ticket, where the update events are not enough or not to be trusted.

Belongs here: which tickets need it, and reading them. Does not belong here: the bulk reading (`streams`), or files.

The road per ticket tells what is true now: inline images, redacted texts, privacy. A ticket is asked again only when
its own row, or a flag about it, is newer than the last answer, so a lasting mismatch costs one call, not one a pass.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import islice
from typing import Any, Final

from migration_pipeline.http import CallThreads
from migration_pipeline.model.errors import Rejected
from migration_pipeline.sources.zendesk import changes, shapes
from migration_pipeline.sources.zendesk.paging import CursorList
from migration_pipeline.sources.zendesk.streams import Reading, fresh_rows
from migration_pipeline.staging import Staging
from migration_pipeline.staging.snapshots import Row

BATCH: Final = 32
"""Tickets whose threads become one segment; what a kill costs at most."""

_NEEDED: Final = resources.files(__package__).joinpath("sql/threads_needed.sql").read_text(encoding="utf-8")
_SAMPLED: Final = resources.files(__package__).joinpath("sql/threads_of_sample.sql").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Thread:
    """What the service answered for one ticket: 200 and its comments, or 404."""

    ticket: str
    status: int
    comments: tuple[Any, ...]


def repair(reading: Reading) -> int:
    """Read the threads of all tickets that need it; the rows added."""
    return read_threads(reading, needed(reading.staging))


def read_some(reading: Reading, most: int) -> int:
    """Read the threads of at most so many of the tickets that need it, drawn by chance; the rows added."""
    return read_threads(reading, by_chance(needed(reading.staging))[:most])


def by_chance(tickets: Iterable[str]) -> list[str]:
    """Tickets in an order that has nothing to do with what they hold, the same every time."""
    return sorted(tickets, key=lambda ticket: hashlib.md5(ticket.encode(), usedforsecurity=False).digest())


def read_sample(reading: Reading, tickets: Sequence[str]) -> int:
    """Read the threads of these tickets, those that are already there in their newest form left out; the rows added."""
    with reading.staging.connect() as connection:
        _views(connection, reading.staging)
        rows = connection.execute(_SAMPLED, [list(tickets)]).fetchall()
    return read_threads(reading, [str(row[0]) for row in rows])


def read_audits(reading: Reading, tickets: Sequence[str]) -> int:
    """Changes and chats of these tickets from their audits, where changes are wanted; the rows added."""
    store = reading.staging.snapshots
    if not reading.ticket_events or store.state("ticket_events").complete:
        return 0
    audits: list[Any] = []
    for ticket in tickets:
        pager = CursorList()
        try:
            while not pager.finished:
                reading.run.check()
                body = reading.client.get(f"tickets/{ticket}/audits", pager.params())
                audits += reading.client.rows(body, "audits", "audits")
                pager.advance(body)
        except Rejected as refusal:
            if refusal.status not in (404, 410):
                raise
    rows = {"ticket_events": changes.changes_of(audits), "chats": changes.chats_of(audits)}
    return sum(
        store.append(
            stream, fresh_rows(reading.staging, stream, told), cursor=None, complete=store.state(stream).complete
        )
        for stream, told in rows.items()
    )


def needed(staging: Staging) -> list[str]:
    """Ids of the tickets whose threads have to be read one by one, newest first.

    Where events were read from a moment on, older tickets are not wanted, whatever is lacking of them.
    Deleted tickets are never among them: the service answers 404 for their comments.
    """
    with staging.connect() as connection:
        _views(connection, staging)
        return [
            str(row[0]) for row in connection.execute(_NEEDED, [staging.snapshots.state("comments").since]).fetchall()
        ]


def _views(connection: Any, staging: Staging) -> None:
    for stream in ("tickets", "threads", "comments", "thread_comments", "comment_flags"):
        connection.execute(f"CREATE VIEW raw_{stream} AS FROM {staging.snapshots.newest(stream)}")


def read_threads(reading: Reading, tickets: Sequence[str]) -> int:
    """Read the threads of these tickets into the snapshots, a batch at a time; the rows added."""
    store = reading.staging.snapshots
    added = 0
    workers = reading.client.settings.workers
    with CallThreads(workers, "zendesk-threads") as pool:
        for number, batch in enumerate(_batches(tickets, BATCH)):
            reading.run.check()
            threads = pool.map(lambda ticket: read_thread(reading, ticket), batch)
            comments = [row for thread in threads for row in _comment_rows(thread)]
            # Threads come last, because a thread that is named there counts as read.
            added += store.append("thread_comments", comments, cursor=None, complete=True)
            added += store.append("threads", [_thread_row(thread) for thread in threads], cursor=None, complete=True)
            reading.run.progress("threads", "tickets", number * BATCH + len(batch), len(tickets))
    return added


def read_thread(reading: Reading, ticket: str) -> Thread:
    """All comments of a ticket as they are now.

    Raises:
        AccessDenied, Rejected, ServiceDown, RunStopped.
    """
    path = f"tickets/{ticket}/comments"
    pager = CursorList()
    comments: list[Any] = []
    while not pager.finished:
        try:
            body = reading.client.get(path, {"include_inline_images": "true", "sort": "created_at"} | pager.params())
        except Rejected as refusal:
            if refusal.status in (404, 410):
                return Thread(ticket, 404, ())
            raise
        comments += reading.client.rows(body, "comments", path)
        pager.advance(body)
    return Thread(ticket, 200, tuple(comments))


def _comment_rows(thread: Thread) -> Iterator[Row]:
    for comment in thread.comments:
        payload = {**comment, "ticket_id": thread.ticket} if isinstance(comment, dict) else comment
        row = shapes.row(payload, prefix=f"{thread.ticket}/")
        yield Row(row.id, shapes.moment(shapes.field(comment, "created_at")), row.payload)


def _thread_row(thread: Thread) -> Row:
    ids = [row.id for row in _comment_rows(thread)]
    return Row(thread.ticket, None, {"status": thread.status, "comments": ids})


def _batches(items: Iterable[str], size: int) -> Iterator[list[str]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
