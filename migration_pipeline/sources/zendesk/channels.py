"""What people said about a ticket outside of its comments: side conversations, messaging, satisfaction ratings.

Belongs here: reading these into streams of their own, and what makes a later pass cheap. Does not belong here: comments
(`streams`, `threads`), or what of all this becomes a note (`normalization`).

| stream | road | read again |
| --- | --- | --- |
| `side_events` | bulk export of events; of a sample, per ticket | from a little before the newest event |
| `logs`, `log_events` | per ticket that came by messaging; only they show all of it | once ticket or flags are newer |
| `ratings` | lists by score, from the oldest ticket with a new rating on | once a ticket tells another rating |

An account without a feature answers 403, some with an empty page of HTML, or 404. Then there is nothing to read, which
is no failure.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from functools import partial
from importlib import resources
from typing import Any, Final

import orjson

from migration_pipeline.http import CallThreads
from migration_pipeline.model.errors import Rejected
from migration_pipeline.sources.zendesk import shapes
from migration_pipeline.sources.zendesk.paging import OVERLAP, CursorList
from migration_pipeline.sources.zendesk.streams import Reading, fresh_rows
from migration_pipeline.staging import Staging
from migration_pipeline.staging.snapshots import Row

BATCH: Final = 32
"""Tickets whose logs become one segment; what a kill costs at most."""

_SIDE: Final = "tickets/side_conversations/events"
_RATINGS: Final = "satisfaction_ratings"
_ABSENT: Final = (403, 404)
_MOST: Final = 1 << 33
"""Unix seconds beyond this are milliseconds."""

_SQL: Final = resources.files(__package__).joinpath("sql")


def read_side_events(reading: Reading) -> int:
    """New events of side conversations (Zendesk developer docs, "Side Conversation Events"); the rows added.

    The export tells no end: it is over when a page is empty, moves no further, or repeats what is known.
    """
    store = reading.staging.snapshots
    state = store.state("side_events")
    newest = int(state.cursor or 0)
    start = max(newest - OVERLAP, 0) if state.complete else newest
    first, added = True, 0
    while True:
        reading.run.check()
        try:
            body = reading.client.get(_SIDE, {"start_time": start}, surface=_ABSENT if first else (*_ABSENT, 400, 422))
        except Rejected as refusal:
            if refusal.status not in (*_ABSENT, 400, 422) or (first and refusal.status not in _ABSENT):
                raise
            break  # no such feature, or a page that would start within the last minute
        rows = [_side_row(event) for event in reading.client.rows(body, "events", _SIDE)]
        newest = max([newest, *(int(row.updated_at.timestamp()) for row in rows if row.updated_at)])
        fresh = fresh_rows(reading.staging, "side_events", rows)
        added += store.append("side_events", fresh, cursor=str(newest), complete=state.complete)
        following = shapes.seconds(body.get("end_time")) or 0
        if not rows or not (following > start or fresh):
            break
        start, first = max(following, start + 1), False
    store.mark("side_events", complete=True)
    return added


def read_side_events_of(reading: Reading, tickets: Sequence[str]) -> int:
    """The events of side conversations of these tickets, unless all were read before; the rows added."""
    store = reading.staging.snapshots
    state = store.state("side_events")
    if state.complete:
        return 0
    rows: list[Row] = []
    for ticket in tickets:
        reading.run.check()
        path = f"tickets/{ticket}/side_conversations"
        try:
            events = [
                {**event, "ticket_id": event.get("ticket_id") or ticket}
                for body in _pages(reading, path, {"include": "side_conversation_events"})
                for event in _events_in(body)
            ]
        except Rejected as refusal:
            if refusal.status == 403:
                break  # the account has none
            if refusal.status == 404:
                continue
            raise
        rows += [_side_row(event) for event in events]
    return store.append(
        "side_events", fresh_rows(reading.staging, "side_events", rows), cursor=state.cursor, complete=False
    )


def read_logs(reading: Reading, tickets: Sequence[str] | None = None) -> int:
    """The whole talk of tickets that came by messaging ("List Conversation Log Events"), of all or of these tickets."""
    wanted = wanted_logs(reading.staging, tickets)
    store = reading.staging.snapshots
    added = 0
    with CallThreads(reading.client.settings.workers, "zendesk-logs") as pool:
        for at in range(0, len(wanted), BATCH):
            reading.run.check()
            logs = pool.map(partial(_log, reading), wanted[at : at + BATCH])
            events = [row for _, rows in logs for row in rows]
            # Logs come last, because a log that is named there counts as read.
            added += store.append("log_events", events, cursor=None, complete=True)
            added += store.append("logs", [row for row, _ in logs], cursor=None, complete=True)
            reading.run.progress("logs", "tickets", at + len(logs), len(wanted))
    return added


def read_ratings(reading: Reading, tickets: Sequence[str] | None = None) -> int:
    """The ratings that tickets tell of and nobody read yet, with their times ("List Satisfaction Ratings").

    A ticket carries its newest rating, but not when it was given.
    """
    wanted, since = wanted_ratings(reading.staging, tickets)
    store = reading.staging.snapshots
    added = 0
    for score in sorted({str(told["score"]) for told in wanted.values()}):
        missing = {rating: told for rating, told in wanted.items() if told["score"] == score}
        try:
            for body in _pages(reading, _RATINGS, {"score": score, "start_time": since}):
                found = [
                    Row(
                        rating,
                        shapes.moment(shapes.field(record, "updated_at")),
                        {**record, "told": missing.pop(rating)},
                    )
                    for record in reading.client.rows(body, _RATINGS, _RATINGS)
                    if (rating := shapes.usable_id(shapes.field(record, "id"))) in missing and rating is not None
                ]
                added += store.append("ratings", found, cursor=None, complete=True)
                if not missing:
                    break
        except Rejected as refusal:
            if refusal.status not in _ABSENT:
                raise
            return added
        # What the list does not have is not asked for again until its ticket tells something else.
        lacking = [Row(rating, None, {"told": told}) for rating, told in missing.items()]
        added += store.append("ratings", lacking, cursor=None, complete=True)
    return added


def _side_row(event: Any) -> Row:
    ticket, own = shapes.usable_id(shapes.field(event, "ticket_id")), shapes.field(event, "id")
    key = own if isinstance(own, str | int) and not isinstance(own, bool) and own != "" else f"?{shapes.digest(event)}"
    return Row(f"{ticket or shapes.NO_ID}/{key}", _moment(shapes.field(event, "created_at")), event)


def _moment(value: Any) -> dt.datetime | None:
    """A time in ISO 8601, seconds or milliseconds."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return dt.datetime.fromtimestamp(min(value / 1000 if value > _MOST else value, _MOST), dt.UTC)
    return shapes.moment(value)


def _events_in(body: Any) -> Iterator[dict[str, Any]]:
    """Events that stand beside the side conversations of an answer, or inside of each."""
    carriers = [body, *(shapes.field(body, "side_conversations") or ())]
    for carrier in carriers:
        for key in ("side_conversation_events", "events"):
            listed = shapes.field(carrier, key)
            yield from (event for event in (listed if isinstance(listed, list) else ()) if isinstance(event, dict))


def _log(reading: Reading, ticket: str) -> tuple[Row, list[Row]]:
    """A ticket's row in `logs`, and the events of its log."""
    path = f"tickets/{ticket}/conversation_log"
    events: list[Any] = []
    try:
        for body in _pages(reading, path, {}):
            events += reading.client.rows(body, "events", path)
    except Rejected as refusal:
        if refusal.status not in _ABSENT:
            raise
        return Row(ticket, None, {"status": refusal.status, "events": []}), []
    rows = []
    for event in events:
        own = shapes.field(event, "id")
        key = own if isinstance(own, str) and own else shapes.usable_id(own) or f"?{shapes.digest(event)}"
        rows.append(Row(f"{ticket}/{key}", _moment(shapes.field(event, "created_at")), event))
    return Row(ticket, None, {"status": 200, "events": [row.id for row in rows]}), rows


def _pages(reading: Reading, path: str, fixed: dict[str, Any]) -> Iterator[dict[str, Any]]:
    pager = CursorList()
    while not pager.finished:
        reading.run.check()
        body = reading.client.get(path, fixed | pager.params(), surface=_ABSENT)
        yield body
        pager.advance(body)


def wanted_logs(staging: Staging, tickets: Sequence[str] | None = None) -> list[str]:
    """Ids of the tickets whose logs are to be read, of all or of these."""
    with staging.connect() as connection:
        connection.execute(_SQL.joinpath("macros.sql").read_text(encoding="utf-8"))
        for stream in ("tickets", "comment_flags", "thread_comments", "logs"):
            connection.execute(f"CREATE VIEW raw_{stream} AS FROM {staging.snapshots.newest(stream)}")
        connection.execute("SET VARIABLE messaging = ?", [sorted(shapes.MESSAGING)])
        rows = connection.execute(_SQL.joinpath("logs_needed.sql").read_text(encoding="utf-8")).fetchall()
    chosen = None if tickets is None else set(tickets)
    return [str(row[0]) for row in rows if chosen is None or row[0] in chosen]


def wanted_ratings(staging: Staging, tickets: Sequence[str] | None = None) -> tuple[dict[str, dict[str, Any]], int]:
    """What tickets tell of ratings that are not read yet, by the rating's id, and the time to ask from."""
    with staging.connect() as connection:
        connection.execute(_SQL.joinpath("macros.sql").read_text(encoding="utf-8"))
        for stream in ("tickets", "ratings"):
            connection.execute(f"CREATE VIEW raw_{stream} AS FROM {staging.snapshots.newest(stream)}")
        rows = connection.execute(_SQL.joinpath("ratings_needed.sql").read_text(encoding="utf-8")).fetchall()
    chosen = None if tickets is None else set(tickets)
    rows = [row for row in rows if chosen is None or row[0] in chosen]
    since = min((row[3] for row in rows), default=0)
    return {str(rating): orjson.loads(told) for _, rating, told, _ in rows}, max(int(since) - 86_400, 0)
