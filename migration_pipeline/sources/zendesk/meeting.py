"""Comments over both rate windows at once: the export forward in time, whole threads of the newest tickets towards it.

Exports have a narrow window of their own, and while it is used up the account's wide window lies idle. So threads are
read per ticket beside the export, those that changed last first, and leave it as many calls as it may make. Once every
ticket that is not read that way changed before the moment which the export has reached, nothing is missing, and the
export ends there. Whether that is worth it is asked before a first wait and after each page, for what is left then.

Belongs here: who reads what, where they meet, and what that will take. Does not belong here: either way of reading
(`streams`, `threads`), or the arithmetic (`roads`).
"""

import logging
import math
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import resources
from typing import Final

from migration_pipeline.http import Window
from migration_pipeline.model.errors import MigrationError
from migration_pipeline.model.run import Run
from migration_pipeline.sources.zendesk import roads, streams, threads
from migration_pipeline.sources.zendesk.paging import LIST_PAGE
from migration_pipeline.sources.zendesk.roads import Point, Road
from migration_pipeline.sources.zendesk.streams import Reading
from migration_pipeline.staging import Staging

ACCOUNT: Final = "account"
EXPORTS: Final = "incremental-exports"
"""The windows of all calls and of the exports, as `client.buckets` names them."""

CONFIDENCE: Final = 1.96
"""Standard errors on either side of an estimate: nineteen of twenty lie within."""

_PARTS: Final = 200
"""Moments that are looked at for a meeting."""

_UNTOLD: Final = 10**9
"""Calls in a window that no answer has told of."""

_POLL: Final = 0.1
_SQL: Final = resources.files(__package__).joinpath("sql")
_TICKETS: Final = _SQL.joinpath("meeting_tickets.sql").read_text(encoding="utf-8")
_POINTS: Final = _SQL.joinpath("meeting_points.sql").read_text(encoding="utf-8")
_PAGES: Final = _SQL.joinpath("meeting_pages.sql").read_text(encoding="utf-8")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ahead:
    """What reading the comments will take, and plus or minus how many calls."""

    road: Road
    error: int


def read_comments(reading: Reading, worth_s: float = roads.WORTH_S) -> int:
    """Comments of all tickets, by the export and, where that saves `worth_s` seconds, per ticket too; the rows added.

    The second way is for a first pass. It tells no changes of fields.
    """
    if reading.ticket_events or reading.staging.snapshots.state("comments").complete:
        return streams.read_events(reading)
    tickets = _Tickets(reading.staging)
    with _backwards(reading, tickets, worth_s) as meeting:
        return streams.read_events(reading, meeting)


def foresee(staging: Staging, limits: Mapping[str, int], since: int, *, ticket_events: bool) -> Ahead | None:
    """What a first pass over the comments will take from where it is; None after it.

    `limits` are calls a minute by bucket; events from before `since` (Unix seconds) are not wanted; `ticket_events` as
    in `Reading`.
    """
    state = staging.snapshots.state("comments")
    anew = ticket_events and not staging.snapshots.state("ticket_events").complete
    if state.complete and not anew:
        return None
    tickets, pages = _Tickets(staging), _pages(staging)
    points = tickets.points(since if anew else int(state.cursor or since))
    if not points:  # without any ticket, the export is asked once
        return Ahead(Road(since, 1, 0, 0), 0)
    exports, account = (_full(limits.get(name, _UNTOLD)) for name in (EXPORTS, ACCOUNT))

    def road(per_call: float) -> Road:
        found = list(roads.roads(points, per_call, pages.repaired))
        return found[-1] if ticket_events else roads.choose(found, exports, account)

    chosen = road(pages.per_call)
    error = max(abs(road(pages.per_call + sign * pages.error).calls - chosen.calls) for sign in (1, -1))
    covered = next(point.covered for point in points if point.moment == chosen.moment)
    unsure = math.ceil(pages.repaired_error * covered) + (threads.BATCH if chosen.threads else 0)
    return Ahead(chosen, error + unsure)


@dataclass(frozen=True)
class _Pages:
    """What pages of the export brought."""

    per_call: float = roads.USUAL  # comments
    error: float = roads.USUAL / 4
    repaired: float = 0.0  # share of tickets whose threads have to be read nevertheless
    repaired_error: float = 0.0


def _pages(staging: Staging) -> _Pages:
    with staging.connect() as connection:
        connection.execute(f"CREATE VIEW all_comments AS FROM {staging.snapshots.history('comments')}")
        connection.execute(f"CREATE VIEW raw_comment_flags AS FROM {staging.snapshots.newest('comment_flags')}")
        pages, mean, spread, seen, flagged = connection.execute(_PAGES).fetchall()[0]
    if not pages:
        return _Pages()
    error = CONFIDENCE * float(spread or mean / 4) / math.sqrt(pages)
    share = min(flagged / seen, 1.0)
    return _Pages(mean, min(error, mean / 2), share, CONFIDENCE * math.sqrt(share * (1 - share) / seen))


def _full(limit: int) -> Window:
    return Window(limit, limit, roads.WINDOW_S)


class _Tickets:
    """The tickets, those that changed last first, and how far the threads of them were read."""

    def __init__(self, staging: Staging) -> None:
        self._connection = staging.connect()
        for stream in ("tickets", "threads"):
            self._connection.execute(f"CREATE VIEW raw_{stream} AS FROM {staging.snapshots.newest(stream)}")
        self._connection.execute(_TICKETS)
        rows = self._connection.execute(
            "SELECT id, whole, changed FROM meeting_ticket ORDER BY changed DESC NULLS FIRST, id"
        ).fetchall()
        self._rows = [(str(ticket), bool(whole), changed) for ticket, whole, changed in rows]
        self._at = 0
        self._lock = threading.Lock()

    def points(self, reached: int) -> list[Point]:
        """Where both ways may meet, once the export has reached a moment (Unix seconds); for one thread alone."""
        told = self._connection.execute(_POINTS, {"reached": reached, "parts": _PARTS, "page": LIST_PAGE}).fetchall()
        return [Point(int(at), float(exported or 0), int(calls), int(covered)) for at, exported, calls, covered in told]

    def take(self, most: int) -> list[str]:
        """The next tickets whose threads are to be read; none where all are."""
        found: list[str] = []
        with self._lock:
            for ticket, whole, _ in self._rows[self._at :]:
                if len(found) == most:
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

    def met(self, reached: int) -> int | None:
        """Where a later pass may start, once both ways have met; None before.

        `reached`: every event before this second was exported. Events of a ticket are never later than its last change.
        """
        with self._lock:
            if self._at < len(self._rows):
                _, _, changed = self._rows[self._at]
                if changed is None or changed >= reached:
                    return None
            return max((changed for _, _, changed in self._rows if changed is not None), default=None)


class _Backwards:
    """Threads beside the export: whether, and how far."""

    def __init__(self, reading: Reading, tickets: _Tickets, worth_s: float) -> None:
        self.over = threading.Event()
        self._tickets = tickets
        self._worth_s = worth_s
        self._session = reading.client.session
        self._run = reading.run
        self._workers = reading.client.settings.workers
        self._quiet = replace(reading, run=Run(reading.run.run_id, reading.run.mode, stop=reading.run.stop))
        self._worker: threading.Thread | None = None
        self._alone = False  # threads are faster than the export, which holds
        self._asked = self._busy()

    def meeting(self, reached: int) -> int | None:
        """Where a later pass may start, once both ways have met; None before, and where there is one way only.

        `reached`: every event before this second was exported. While the export would have to wait, so does the answer.

        Raises:
            RunStopped.
        """
        if self._worker is None:
            self.consider(reached, self._busy() - self._asked)
        while (end := self._tickets.met(reached)) is None and self._works() and self._holds():
            self._run.check()
            self._session.stop.wait(_POLL)
        self._asked = self._busy()
        return end if self._worker else None

    def consider(self, reached: int, page_s: float) -> None:
        """Begin with the threads if that is worth it. A page of the export takes `page_s` seconds, 0: none came yet."""
        exports, account = self._window(EXPORTS, page_s), self._window(ACCOUNT, page_s / self._workers)
        pages = _pages(self._quiet.staging)
        points = self._tickets.points(reached)
        if not points:
            return
        found = list(roads.roads(points, pages.per_call, pages.repaired))
        road = roads.choose(found, exports, account, self._worth_s)
        if road is found[-1]:
            return
        self._alone = not road.exports
        _log.info(
            "Comments are read from both ends: about %d calls of the export and %d threads, in about %d s.",
            road.exports,
            road.threads,
            road.seconds(exports, account),
        )
        self._worker = threading.Thread(target=self._work, name="zendesk-backwards", daemon=True)
        self._worker.start()

    def end(self) -> None:
        """Wait for what is under way."""
        self.over.set()
        while self._worker is not None and self._worker.is_alive():
            self._worker.join(_POLL)

    def _works(self) -> bool:
        return self._worker is not None and self._worker.is_alive()

    def _busy(self) -> float:
        """A clock that stands still while calls wait for their windows."""
        return time.monotonic() - self._session.usage.throttled_seconds

    def _holds(self) -> bool:
        return self._alone or self._session.pacer.waiting(EXPORTS)

    def _window(self, name: str, call_s: float) -> Window:
        """The present window of a bucket, as far as calls of so many seconds can use it."""
        window = self._session.pacer.window(name, self._session.limits.get(name, _UNTOLD))
        most = int(roads.WINDOW_S / call_s) if call_s else _UNTOLD
        return Window(min(window.limit, most), min(window.remaining, most), window.resets_in or roads.WINDOW_S)

    def _work(self) -> None:
        try:
            while not (self.over.is_set() or self._run.stop.is_set()):
                room = self._room()
                if room < 1:
                    self.over.wait(_POLL)
                    continue
                batch = self._tickets.take(min(room, threads.BATCH))
                if not batch:
                    break
                threads.read_threads(self._quiet, batch)
                self._tickets.read(batch)
        except MigrationError as error:
            _log.info("Comments are read by the export alone from now on: %s", error)

    def _room(self) -> int:
        """Calls of the account's window that threads may take now; the export's own are left to it.

        Answers come out of order, so that the last one may tell of as many calls too many as there are workers.
        """
        limit = self._session.limits.get(ACCOUNT, _UNTOLD)
        kept = 0 if self._alone else self._session.limits.get(EXPORTS, 0) + self._workers
        return self._session.pacer.window(ACCOUNT, limit).remaining - kept


@contextmanager
def _backwards(reading: Reading, tickets: _Tickets, worth_s: float) -> Iterator[streams.Meeting]:
    """Read threads in a thread of its own, for as long as the block goes on and that is worth it."""
    other = _Backwards(reading, tickets, worth_s)
    if reading.client.session.pacer.waiting(EXPORTS):
        other.consider(int(reading.staging.snapshots.begin("comments", reading.since).cursor or reading.since), 0)
    try:
        yield other.meeting
    finally:
        other.end()
