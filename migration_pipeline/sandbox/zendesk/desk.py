"""The help desk as it is now: the generated world plus every change that was made since, kept in SQLite.

Here: what exists at this moment, in sorted arrays for lists and exports, and the one place that takes up changes. Not
here: which changes a busy day brings (``activity``), JSON (``*_json``), HTTP.
"""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from migration_pipeline.sandbox.service import State
from migration_pipeline.sandbox.zendesk.world import ids, people, skeleton
from migration_pipeline.sandbox.zendesk.world.long_threads import lengthened
from migration_pipeline.sandbox.zendesk.world.population import GONE, Population, populate
from migration_pipeline.sandbox.zendesk.world.skeleton import STATUS_NAMES, Kind, Skeleton, lay_out
from migration_pipeline.sandbox.zendesk.world.threads import Later, Ticket, World, fold

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

DAY = 86_400
ARCHIVE_AFTER = 120 * DAY
SCRUB_AFTER = 30 * DAY
CACHED_TICKETS = 4_096
# Each takes up to 20 MB at 100,000 tickets.
CACHED_INDEXES = 10

SCHEMA = """
CREATE TABLE IF NOT EXISTS opened (place INTEGER PRIMARY KEY, row BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS step (
    number INTEGER PRIMARY KEY, place INTEGER NOT NULL, seq INTEGER NOT NULL, time INTEGER NOT NULL,
    kind INTEGER NOT NULL, seed INTEGER NOT NULL, params BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS person (number INTEGER PRIMARY KEY, created INTEGER NOT NULL, language INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS patch (
    number INTEGER PRIMARY KEY, thing TEXT NOT NULL, place INTEGER NOT NULL, time INTEGER NOT NULL,
    patch BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS token (
    access TEXT PRIMARY KEY, refresh TEXT, client TEXT NOT NULL, scope TEXT NOT NULL, created REAL NOT NULL,
    expires REAL NOT NULL, refresh_expires REAL NOT NULL, revoked INTEGER NOT NULL DEFAULT 0);
"""


@dataclass(frozen=True, slots=True)
class Opened:
    """A ticket opened after the start."""

    place: int
    id: int
    created: int
    flags: int
    requester: int
    assignee: int
    group: int
    brand: int
    form: int
    channel: int


@dataclass(frozen=True, slots=True)
class Index:
    """Rows in the order of a list: ``times`` ascending, ``keys`` ascending within a time, ``places`` where they are."""

    times: Ints
    keys: Ints
    places: Ints


class Desk:
    """The present state. Arrays are replaced, never changed in place, so that a page in the making stays consistent."""

    def __init__(self, state: State, *, tickets: int, seed: int, epoch: int) -> None:
        """Lay out the world of (tickets, seed, epoch) and take up the changes stored in ``state``."""
        self.state = state
        self.seed = seed
        self.epoch = epoch
        self.base_people = populate(tickets, seed, epoch)
        self.base_tickets = self._laid_out = lay_out(tickets, seed, epoch, self.base_people)
        self.later: dict[int, list[Later]] = {}
        self.opened: list[Opened] = []
        self.patches: dict[tuple[str, int], tuple[int, dict[str, Any]]] = {}
        self._folded: OrderedDict[int, Ticket] = OrderedDict()
        self.revision = 0
        self.reload()

    def shape(self, *, long_threads: bool) -> bool:
        """Give some tickets very long threads, or take these away again; answers whether anything changed.

        Meant to be chosen before the first change: audits of later changes are numbered behind those that are there.
        """
        if long_threads == (self.base_tickets is not self._laid_out):
            return False
        self.base_tickets = lengthened(self._laid_out, self.seed, self.epoch) if long_threads else self._laid_out
        self.reload()
        return True

    # -- taking up changes ---------------------------------------------------------------------------------------

    def reload(self) -> None:
        """Take up all stored changes and sort anew; a second for 100,000 tickets."""
        db = self.state.db
        self.opened = [Opened(**orjson.loads(row)) for (row,) in db.execute("SELECT row FROM opened ORDER BY place")]
        self.later = {}
        for place, seq, time, kind, seed, params in db.execute(
            "SELECT place, seq, time, kind, seed, params FROM step ORDER BY number"
        ):
            self.later.setdefault(place, []).append(Later(seq, time, Kind(kind), seed, orjson.loads(params)))
        self.patches = {}
        for thing, place, time, patch in db.execute("SELECT thing, place, time, patch FROM patch ORDER BY number"):
            earlier = self.patches.get((thing, place), (0, {}))[1]
            self.patches[thing, place] = (time, {**earlier, **orjson.loads(patch)})
        self.people = self._people_now(db.execute("SELECT number, created, language FROM person ORDER BY number"))
        self.tickets = self._tickets_now()
        self.world = World(self.seed, self.people, self.tickets, self.later, self.base_people.users)
        self._folded.clear()
        self.revision += 1
        self._follow_changes()
        self._sort()
        self._filtered: dict[Any, Index] = {}
        self._ratings: dict[str, tuple[Ints, Ints]] = {}

    def _people_now(self, rows: Any) -> Population:
        base = self.base_people
        new = list(rows)
        count = len(new)
        nobody = np.full(count, -1, np.int32)
        created = np.array([row[1] for row in new], np.int64)
        now = dataclasses.replace(
            base,
            created=np.concatenate([base.created, created]),
            updated=np.concatenate([base.updated, created]),
            flags=np.concatenate([base.flags, np.zeros(count, np.int32)]),
            language=np.concatenate([base.language, np.array([row[2] for row in new], np.int32)]),
            org=np.concatenate([base.org, nobody]),
            second_org=np.concatenate([base.second_org, nobody]),
            third_org=np.concatenate([base.third_org, nobody]),
            org_updated=base.org_updated.copy(),
            org_deleted=base.org_deleted.copy(),
        )
        for (thing, place), (time, patch) in self.patches.items():
            (now.updated if thing == "user" else now.org_updated)[place] = time
            if "deleted_at" in patch:
                now.org_deleted[place] = True
        return now

    def _tickets_now(self) -> Skeleton:
        base, new = self.base_tickets, self.opened

        def grown(old: Any, values: list[int]) -> Any:
            return np.concatenate([old, np.array(values, old.dtype)])

        created = [t.created for t in new]
        return dataclasses.replace(
            base,
            ids=grown(base.ids, [t.id for t in new]),
            created=grown(base.created, created),
            updated=grown(base.updated, created),
            generated=grown(base.generated, created),
            closed=grown(base.closed, [0] * len(new)),
            flags=grown(base.flags, [t.flags for t in new]),
            status=grown(base.status, [0] * len(new)),
            requester=grown(base.requester, [t.requester for t in new]),
            assignee=grown(base.assignee, [t.assignee for t in new]),
            group=grown(base.group, [t.group for t in new]),
            brand=grown(base.brand, [t.brand for t in new]),
            form=grown(base.form, [t.form for t in new]),
            channel=grown(base.channel, [t.channel for t in new]),
            first=grown(base.first, [int(base.first[-1])] * len(new)),
        )

    def _follow_changes(self) -> None:
        """Status and times as they are now; the skeleton keeps the base's, from which stories are told."""
        rows = self.tickets
        self.status = rows.status.copy()
        self.updated, self.generated, self.closed = rows.updated.copy(), rows.generated.copy(), rows.closed.copy()
        self.deleted = np.zeros(rows.size, np.int64)
        gone = rows.audit_kind == Kind.DELETE
        self.deleted[rows.audit_ticket[gone]] = rows.audit_time[gone]
        for place, steps in self.later.items():
            ticket = self.ticket(place)
            self.status[place] = STATUS_NAMES.index(ticket.status)
            self.updated[place] = steps[-1].time
            self.generated[place] = max(int(self.generated[place]), steps[-1].time)
            if ticket.deleted_at:
                self.deleted[place] = ticket.deleted_at
            if ticket.status == "closed" and not self.closed[place]:
                self.closed[place] = steps[-1].time

    def _sort(self) -> None:
        rows = self.tickets
        later = [(place, s.seq, s.time) for place, steps in self.later.items() for s in steps]
        extra = np.array(later, np.int64).reshape(-1, 3)
        counted = np.arange(len(rows.audit_ticket)) - rows.first[rows.audit_ticket]
        self.event_ticket = np.concatenate([rows.audit_ticket, extra[:, 0].astype(np.int32)])
        self.event_seq = np.concatenate([counted.astype(np.int32), extra[:, 1].astype(np.int32)])
        times = np.concatenate([rows.audit_time, extra[:, 2]])
        self._events = _index(times, _scramble(len(times)))
        self._tickets_by_time = _index(self.generated, _scramble(rows.size))
        self._tickets_by_id = _index(self.generated, rows.ids)

    # -- reading --------------------------------------------------------------------------------------------------

    def ticket(self, place: int) -> Ticket:
        """The story of the ticket at ``place``, from a bounded cache."""
        found = self._folded.get(place)
        if found is None:
            found = self._folded[place] = fold(self.world, place)
            if len(self._folded) > CACHED_TICKETS:
                self._folded.popitem(last=False)
        return found

    def place_of(self, ticket_id: int) -> int | None:
        """Where the ticket of this id is, None if there never was one."""
        place = int(np.searchsorted(self.tickets.ids, ticket_id))
        return place if place < self.tickets.size and int(self.tickets.ids[place]) == ticket_id else None

    def archived(self, now: float) -> Mask:
        """Which tickets are archived: closed for 120 days."""
        long_ago: Mask = (self.closed > 0) & (self.closed < now - ARCHIVE_AFTER)
        kept: Mask = long_ago & (self.status != skeleton.GONE_STATUS)
        return kept

    def is_archived(self, place: int, now: float) -> bool:
        """Whether the ticket at ``place`` is."""
        long_ago = 0 < self.closed[place] < now - ARCHIVE_AFTER
        return bool(long_ago and self.status[place] != skeleton.GONE_STATUS)

    def in_scope(self, scope: str) -> Mask:
        """Which tickets ``support_type_scope`` shows."""
        ai: Mask = (self.tickets.flags & skeleton.AI) != 0
        return {"all": np.ones_like(ai), "ai_agent": ai}.get(scope, ~ai)

    def ticket_export(self, scope: str, *, exclude_deleted: bool, by_id: bool) -> Index:
        """Tickets by generated time; inside a second by id (cursor export) or in no visible order (time-based)."""

        def make() -> Index:
            index = self._tickets_by_id if by_id else self._tickets_by_time
            return _filter(index, self._exported(scope, exclude_deleted)[index.places])

        return self.kept(("tickets", scope, exclude_deleted, by_id), make)

    def event_export(self, scope: str, now: float, *, exclude_deleted: bool, archived: bool) -> Index:
        """Audits by time; ``places`` point into ``event_ticket`` and ``event_seq``."""

        def make() -> Index:
            mask = self._exported(scope, exclude_deleted)
            if not archived:
                mask = mask & ~self.archived(now)
            return _filter(self._events, mask[self.event_ticket[self._events.places]])

        day = 0 if archived else int(now // DAY)
        return self.kept(("events", scope, exclude_deleted, archived, day), make)

    def _exported(self, scope: str, exclude_deleted: bool) -> Mask:
        mask = self.in_scope(scope)
        return mask & (self.status != skeleton.GONE_STATUS) if exclude_deleted else mask

    def user_export(self) -> Index:
        """Users by change, those gone for good left out."""

        def make() -> Index:
            places = np.flatnonzero((self.people.flags & GONE) == 0)
            index = _index(self.people.updated[places], ids.USER + (places + 1) * ids.STEP)
            return Index(index.times, index.keys, places[index.places])

        return self.kept(("users",), make)

    def organization_export(self) -> Index:
        """Organizations by change, deleted ones among them."""
        changed = self.people.org_updated
        return self.kept(("organizations",), lambda: _index(changed, _scramble(len(changed))))

    def live_list(self, by: str, now: float) -> Index:
        """Tickets that lists show (neither deleted nor archived), by id, updated_at or status."""

        def make() -> Index:
            places = np.flatnonzero(self._live(now))
            values: dict[str, Ints] = {
                "id": self.tickets.ids,
                "updated_at": self.updated,
                "status": self.status.astype(np.int64),
            }
            index = _index(values[by][places], self.tickets.ids[places])
            return Index(index.times, index.keys, places[index.places])

        return self.kept(("live", by, int(now // 3600)), make)

    def live_audits(self, now: float) -> Index:
        """Audits of live tickets, oldest first, for the list of all audits."""
        index = self._events
        return self.kept(
            ("audits", int(now // 3600)), lambda: _filter(index, self._live(now)[self.event_ticket[index.places]])
        )

    def _live(self, now: float) -> Mask:
        live: Mask = (self.status != skeleton.GONE_STATUS) & ~self.archived(now)
        return live

    def kept(self, key: tuple[Any, ...], make: Callable[[], Index]) -> Index:
        """An index from a small cache, which the next change empties."""
        if key not in self._filtered:
            if len(self._filtered) >= CACHED_INDEXES:
                self._filtered.clear()
            self._filtered[key] = make()
        return self._filtered[key]

    def rated(self) -> tuple[Ints, Ints]:
        """(places, times) of the tickets with a rating, oldest first; deleted tickets have none."""
        if "rated" not in self._ratings:
            rows = self.tickets
            given = rows.audit_kind == Kind.RATING
            newest = dict(zip(rows.audit_ticket[given].tolist(), rows.audit_time[given].tolist(), strict=True))
            newest |= {place: s.time for place, steps in self.later.items() for s in steps if s.kind == Kind.RATING}
            alive = [(time, place) for place, time in newest.items() if self.status[place] != skeleton.GONE_STATUS]
            found = np.array(sorted(alive), np.int64).reshape(-1, 2)
            self._ratings["rated"] = (found[:, 1], found[:, 0])
        return self._ratings["rated"]

    def offered(self) -> tuple[Ints, Ints]:
        """(places, times) of the tickets whose requester was asked for a rating and gave none, in order of ids."""
        if "offered" not in self._ratings:
            over = (self.status == skeleton.SOLVED) | (self.status == skeleton.CLOSED)
            over[self.rated()[0]] = False
            places = np.flatnonzero(over & (self.tickets.ids % 3 != 0))
            self._ratings["offered"] = (places, self.updated[places])
        return self._ratings["offered"]

    def user(self, number: int, base_url: str) -> dict[str, Any]:
        """The JSON of a user, later changes included."""
        shown = people.user(self.seed, self.people, number, base_url)
        return self._patched("user", number, shown)

    def organization(self, number: int, base_url: str) -> dict[str, Any]:
        """The JSON of an organization, later changes included."""
        return self._patched("organization", number, people.organization(self.seed, self.people, number, base_url))

    def _patched(self, thing: str, number: int, shown: dict[str, Any]) -> dict[str, Any]:
        change = self.patches.get((thing, number))
        return {**shown, **change[1], "updated_at": people.iso(change[0])} if change else shown

    def user_exists(self, user_id: int) -> int | None:
        """The number of a user who can be shown, None otherwise."""
        number = ids.user_number(user_id)
        if number is None or number >= self.people.users or self.people.flags[number] & GONE:
            return None
        return number

    def audit_count(self, place: int) -> int:
        """How many audits a ticket has."""
        return int(self.tickets.first[place + 1] - self.tickets.first[place]) + len(self.later.get(place, ()))


def _scramble(count: int) -> Ints:
    """A fixed order that is neither of ids nor of places, as the service's inside one second."""
    return (np.arange(count, dtype=np.int64) * 2_654_435_761) & 0xFFFFFFFF


def _index(times: Ints, keys: Ints) -> Index:
    order = np.lexsort((keys, times))
    return Index(times[order], keys[order], order)


def _filter(index: Index, mask: Mask) -> Index:
    return index if mask.all() else Index(index.times[mask], index.keys[mask], index.places[mask])
