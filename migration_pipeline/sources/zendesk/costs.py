"""Calls that the next pass over a Zendesk account takes, from what was read of it so far.

Belongs here: endpoint costs as data, and what a sample says of threads that were not read yet. Does not belong here:
reading (`streams`, `threads`, `files`), or seconds (`model.costs`).
"""

import math
import statistics
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from migration_pipeline.config import Source
from migration_pipeline.model.costs import Work
from migration_pipeline.sources.zendesk import beside_articles, brands, channels, files, threads
from migration_pipeline.sources.zendesk.client import buckets
from migration_pipeline.sources.zendesk.meeting import CONFIDENCE, Ahead
from migration_pipeline.sources.zendesk.paging import LIST_PAGE
from migration_pipeline.sources.zendesk.streams import GONE, LISTINGS
from migration_pipeline.staging import Staging

SAMPLED: Final = 100
"""Threads that a survey reads first, to learn by how much the others may differ from what events told of them."""

FILES_A_MINUTE: Final = 2_500
"""Zendesk developer docs, "Rate limits": no answer tells of it before it is reached."""

FILES_TRIED: Final = 200
"""Files that are fetched to learn how fast files come."""

TOLERATED: Final = 0.01
"""Error of the number of files, as a share of it, from which on a survey reads more threads. The next pass reads on."""

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
    """Files to fetch: those that were told of, and what threads that were not read yet add to them."""

    files: int
    bytes: int
    unread: int  # threads
    read: int
    mean: float  # that a thread which was read adds, in files
    spread: float  # standard deviation of the same
    mean_bytes: float

    @property
    def whole(self) -> int:
        """All files, as far as one can tell."""
        return max(self.files + round(self.mean * self.unread), 0)

    def error(self, read: int) -> int:
        """Plus or minus so many files, once so many of the threads are read."""
        threads_of_all = self.read + self.unread
        left = max(threads_of_all - read, 0)
        if not read or not left:
            return 0
        return math.ceil(CONFIDENCE * self.spread / math.sqrt(read) * left * math.sqrt(left / threads_of_all))


OF_BRANDS: Final = frozenset({"articles", *(name for name, listing in LISTINGS.items() if listing.of_brands)})
"""Lists that each brand's help center has one of."""


def works(
    order: Sequence[tuple[str, str]],
    staging: Staging,
    settings: Source,
    help_centers: Sequence[str] = (),
    comments: Ahead | None = None,
) -> Iterator[Work]:
    """What reading the streams takes, in the `order` of (entity type, stream); `help_centers` as for `Reading`.

    `comments` is what reading these takes, where that is not done yet.
    """
    centers = brands.staged(staging, settings, help_centers).read
    unread = threads.needed(staging)
    thread = "tickets/{id}/comments"
    for entity_type, stream in order:
        made = partial(_work, entity_type, stream)
        if stream == "comments" and comments:
            road = comments.road
            yield made(max(road.exports, 1), EXPORTS[stream], error=comments.error)
            yield _work(entity_type, "threads", road.threads, thread, parallel=True, beside=True)
        elif stream == "threads" and comments:
            yield made(comments.road.repairs, thread, parallel=True)
        elif stream == "threads":
            yield made(_pages(staging, unread), thread, parallel=True)
        elif stream == "files":
            told = _files(staging, settings, unread)
            size = max(told.bytes + round(told.mean_bytes * told.unread), 0)
            error = told.error(told.read)
            yield Work(
                "source", entity_type, stream, told.whole, (files.BUCKET,), parallel=True, error=error, bytes=size,
                endpoints={"GET /attachments": told.whole},
            )  # fmt: skip
        elif stream == "logs":
            yield made(len(channels.wanted_logs(staging)), "tickets/{id}/conversation_log", parallel=True)
        elif stream == "ratings":
            yield made(_rating_pages(staging), "satisfaction_ratings")
        elif stream == "article_comments":
            calls = beside_articles.comment_pages(staging, settings, centers)
            yield made(calls, "help_center/articles/{id}/comments", parallel=True)
        elif stream == "suspended_tickets" and settings.suspended_tickets == "leave":
            continue
        elif stream in EXPORTS:
            yield made(1, EXPORTS[stream])
        else:
            for listed in (stream, *BESIDES.get(stream, ())):
                path = LISTINGS[listed].path if listed in LISTINGS else f"help_center/{listed}"
                yield _work(entity_type, listed, _list_pages(staging, listed, centers), path)


def _work(
    entity_type: str,
    stream: str,
    calls: int,
    path: str,
    *,
    parallel: bool = False,
    error: int = 0,
    beside: bool = False,
) -> Work:
    """Calls of one endpoint, on the windows that these draw on."""
    return Work(
        "source", entity_type, stream, calls, buckets("GET", f"/api/v2/{path.replace('{id}', '1')}"),
        parallel=parallel, error=error, beside=beside, endpoints={f"GET /api/v2/{path}": calls},
    )  # fmt: skip


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


def lacking(staging: Staging, settings: Source) -> int:
    """How many more threads a survey has to read for the number of files to be as certain as is tolerated."""
    told = _files(staging, settings, threads.needed(staging))
    sizes = range(told.read, told.read + told.unread + 1)
    enough = bisect_left(sizes, True, key=lambda read: told.error(read) <= TOLERATED * told.whole)
    return min(enough, told.unread)


def _files(staging: Staging, settings: Source, unread: Sequence[str]) -> _Files:
    """Files to fetch: counted where the comments were read, else as events told, and what threads add to that."""
    wanted = files.outstanding(staging, settings)
    read = _read(staging) if unread else []
    # A picture goes by its address in an event and by its id in a thread, so that it does not matter what was fetched.
    whole, events = (
        files.outstanding(staging, settings, unseen=("files", *unseen)) if read else {}
        for unseen in ((), ("thread_comments", "threads"))
    )
    nothing = (0, 0)
    added = [whole.get(ticket, nothing)[0] - events.get(ticket, nothing)[0] for ticket in read]
    added_bytes = [whole.get(ticket, nothing)[1] - events.get(ticket, nothing)[1] for ticket in read]
    return _Files(
        files=sum(number for number, _ in wanted.values()),
        bytes=sum(size for _, size in wanted.values()),
        unread=len(unread),
        read=len(read),
        mean=statistics.fmean(added) if added else 0.0,
        spread=statistics.stdev(added) if len(added) > 1 else float(sum(added)),
        mean_bytes=statistics.fmean(added_bytes) if added_bytes else 0.0,
    )


def _read(staging: Staging) -> list[str]:
    """Tickets whose threads a survey read one by one although events told of them: what the others are measured by.

    Those that were read while the export was under way are others: what they hold was no reason to read them.
    """
    with staging.connect() as connection:
        return [
            str(row[0])
            for row in connection.execute(
                f"WITH told AS (FROM {staging.snapshots.newest('comments')}) "
                f"SELECT id FROM {staging.snapshots.newest('threads')} "
                "WHERE id IN (SELECT split_part(id, '/', 1) FROM told) "
                "AND extracted_at > (SELECT max(extracted_at) FROM told)"
            ).fetchall()
        ]


def _list_pages(staging: Staging, stream: str, centers: Sequence[brands.HelpCenter]) -> int:
    """Pages of a list, or of the lists of all brands' help centers together; an empty one is a page too."""
    if stream in LISTINGS and not LISTINGS[stream].paged:
        return 1
    with staging.connect() as connection:
        rows = connection.execute(
            f"SELECT payload ->> '$.{brands.OF}', count(*) FROM {staging.snapshots.newest(stream)} "
            f"WHERE (payload ->> '$.{GONE}') IS NULL GROUP BY ALL"
        ).fetchall()
    held = {brand: int(number) for brand, number in rows}
    hosts: Iterable[str | None] = [None] if stream not in OF_BRANDS else [one.brand for one in centers]
    size = LISTINGS[stream].size if stream in LISTINGS else LIST_PAGE
    return sum(max(1, math.ceil(held.get(host, 0) / size)) for host in hosts)
