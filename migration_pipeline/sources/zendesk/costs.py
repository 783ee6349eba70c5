"""Calls that the next pass over a Zendesk account takes, from what was read of it so far.

Belongs here: endpoint costs as data, and what a sample says of threads that were not read yet. Does not belong here:
reading (`streams`, `threads`, `files`), or seconds (`model.costs`).
"""

import math
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from migration_pipeline.config import Source
from migration_pipeline.model.costs import Work
from migration_pipeline.sources.zendesk import channels, files, threads
from migration_pipeline.sources.zendesk.client import buckets
from migration_pipeline.sources.zendesk.paging import LIST_PAGE
from migration_pipeline.sources.zendesk.streams import GONE, LISTINGS
from migration_pipeline.staging import Staging

WINDOW_S: Final = 60.0
"""Zendesk's limits are per minute (Zendesk developer docs, "Rate limits")."""

SAMPLED: Final = 100
"""Threads that a survey reads to learn how many files the others carry."""

CONFIDENCE: Final = 1.96
"""Standard errors on either side of an estimate: nineteen of twenty lie within."""

EXPORTS: Final = {
    "tickets": "incremental/tickets/cursor",
    "comments": "incremental/ticket_events",
    "users": "incremental/users/cursor",
    "organizations": "incremental/organizations",
    "side_events": "tickets/side_conversations/events",
}
"""Exports that later passes go on with: one page, as long as few records are new."""


BESIDES: Final = {"sections": ("categories",)}
"""Lists that are read with another stream."""


@dataclass(frozen=True)
class _Files:
    files: int
    bytes: int
    error: int


def works(order: Sequence[tuple[str, str]], staging: Staging, settings: Source) -> Iterator[Work]:
    """What reading the streams takes, in the `order` of (entity type, stream)."""
    unread = threads.needed(staging)
    for entity_type, stream in order:
        if stream == "threads":
            yield Work("source", entity_type, stream, _pages(staging, unread), ("account",), parallel=True)
        elif stream == "files":
            told = _files(staging, settings, unread)
            yield Work("source", entity_type, stream, told.files, parallel=True, error=told.error, bytes=told.bytes)
        elif stream == "logs":
            logs = len(channels.wanted_logs(staging))
            bucket = buckets("GET", "/api/v2/tickets/1/conversation_log")
            yield Work("source", entity_type, stream, logs, bucket, parallel=True)
        elif stream == "ratings":
            yield Work("source", entity_type, stream, _rating_pages(staging), ("account",))
        elif stream == "suspended_tickets" and settings.suspended_tickets == "leave":
            continue
        elif stream in EXPORTS:
            yield Work("source", entity_type, stream, 1, buckets("GET", f"/api/v2/{EXPORTS[stream]}"))
        else:
            for listed in (stream, *BESIDES.get(stream, ())):
                path = LISTINGS[listed].path if listed in LISTINGS else f"help_center/{listed}"
                calls = _list_pages(staging, listed)
                yield Work("source", entity_type, listed, calls, buckets("GET", f"/api/v2/{path}"))


def _pages(staging: Staging, tickets: Sequence[str]) -> int:
    """Pages of the comments of tickets; the tickets say how many comments each has."""
    with staging.connect() as connection:
        row = connection.execute(
            "SELECT coalesce(sum(greatest(1, ceil(TRY_CAST(payload ->> '$.comment_count' AS BIGINT) / ?))), 0)::BIGINT "
            f"FROM {staging.snapshots.newest('tickets')} WHERE id IN (SELECT unnest(?::VARCHAR[]))",
            [LIST_PAGE, list(tickets)],
        ).fetchone()
    return int(row[0]) if row else 0


def _rating_pages(staging: Staging) -> int:
    """Pages of the lists of ratings, one list for each score."""
    wanted, _ = channels.wanted_ratings(staging)
    scores = Counter(str(told["score"]) for told in wanted.values())
    return sum(math.ceil(number / LIST_PAGE) for number in scores.values())


def _files(staging: Staging, settings: Source, unread: Sequence[str]) -> _Files:
    """Files to fetch: counted where the comments were read, else as many a thread as those of the sample carry."""
    wanted = files.outstanding(staging, settings)
    left = set(unread)
    counted = [told for ticket, told in wanted.items() if ticket not in left]
    known = sum(number for number, _ in counted), sum(size for _, size in counted)
    sampled = [wanted.get(ticket, (0, 0)) for ticket in _read(staging)]
    if not left or not sampled:
        told = [wanted.get(ticket, (0, 0)) for ticket in left]
        return _Files(known[0] + sum(n for n, _ in told), known[1] + sum(size for _, size in told), 0)
    numbers = [number for number, _ in sampled]
    spread = statistics.stdev(numbers) if len(numbers) > 1 else float(numbers[0])
    correction = math.sqrt(len(left) / (len(left) + len(numbers)))
    error = math.ceil(CONFIDENCE * spread / math.sqrt(len(numbers)) * len(left) * correction)
    mean_bytes = statistics.fmean(size for _, size in sampled)
    more = round(statistics.fmean(numbers) * len(left))
    return _Files(known[0] + more, known[1] + round(mean_bytes * len(left)), error)


def _read(staging: Staging) -> list[str]:
    """Tickets whose threads were read one by one."""
    with staging.connect() as connection:
        return [
            str(row[0])
            for row in connection.execute(f"SELECT id FROM {staging.snapshots.newest('threads')}").fetchall()
        ]


def _list_pages(staging: Staging, stream: str) -> int:
    if stream in LISTINGS and not LISTINGS[stream].paged:
        return 1
    with staging.connect() as connection:
        row = connection.execute(
            f"SELECT count(*) FROM {staging.snapshots.newest(stream)} WHERE (payload ->> '$.{GONE}') IS NULL"
        ).fetchone()
    return max(1, math.ceil((row[0] if row else 0) / LIST_PAGE))
