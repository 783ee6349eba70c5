"""A busy day on demand: new tickets, replies, edits, re-assignments, deletions, redactions, new users.

Here: which changes are made, and their record in the state. Not here: what a change looks like later (the fold of
``world.threads``).
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import orjson

from migration_pipeline.sandbox.zendesk.desk import Desk, Opened
from migration_pipeline.sandbox.zendesk.world import ids, people, population, seeds, skeleton
from migration_pipeline.sandbox.zendesk.world.skeleton import LAST_COMMENT, Kind
from migration_pipeline.sandbox.zendesk.world.vocabulary import LANGUAGES

Change = dict[str, Any]

_STEP_KINDS: dict[str, tuple[Kind, ...]] = {
    "reply": (Kind.REPLY_USER, Kind.REPLY_AGENT),
    "note": (Kind.NOTE,),
    "edit": (Kind.SUBJECT, Kind.FIELDS, Kind.TAGS, Kind.STATUS, Kind.PRIORITY),
    "assign": (Kind.ASSIGN, Kind.GROUP),
    "solve": (Kind.SOLVE,),
    "redact": (Kind.REDACT,),
    "privacy": (Kind.PRIVACY,),
    "delete": (Kind.DELETE,),
    "rate": (Kind.RATING,),
}
_WEIGHTS: tuple[tuple[str, float], ...] = (
    ("new_ticket", 0.22),
    ("reply", 0.26),
    ("note", 0.07),
    ("edit", 0.16),
    ("assign", 0.07),
    ("solve", 0.05),
    ("delete", 0.04),
    ("redact", 0.03),
    ("privacy", 0.02),
    ("new_user", 0.03),
    ("user", 0.03),
    ("organization", 0.02),
)
# Made only where they are asked for by name.
_ON_REQUEST = ("rate", "merge", "organization_deleted")


class Activity:
    """Makes changes at one moment. Call `run` once per order; it is kept when the service commits."""

    def __init__(self, desk: Desk, seed: int, now: int, kinds: Sequence[str] | None = None) -> None:
        """Changes of ``seed`` at ``now`` (unix seconds), of ``kinds`` alone where given. Raises ValueError."""
        known = (*(name for name, _ in _WEIGHTS), *_ON_REQUEST)
        if kinds is not None and (not kinds or not set(kinds) <= set(known)):
            raise ValueError(f"kinds must be some of {', '.join(known)}")
        self._weights = _WEIGHTS if kinds is None else tuple((name, 1.0) for name in kinds)
        self._desk = desk
        self._db = desk.state.db
        self._now = now
        self._draw = random.Random(seeds.mix(seed, seeds.CHANGE))
        self._seed = seed
        self._open = np.flatnonzero(desk.status < skeleton.CLOSED).tolist()
        self._alive = np.flatnonzero(desk.status != skeleton.GONE_STATUS).tolist()
        self._solved = np.flatnonzero((desk.status == skeleton.SOLVED) | (desk.status == skeleton.CLOSED)).tolist()
        self._gone: set[int] = set()
        self._seqs: dict[int, int] = {}
        self._last: dict[int, int] = {}
        self._places = desk.tickets.size
        self._users = desk.people.users
        self._next_id = int(desk.tickets.ids[-1]) + 1 if desk.tickets.size else 1

    def run(self, count: int) -> list[Change]:
        """Make ``count`` changes; each answers what it changed."""
        names, weights = zip(*self._weights, strict=True)
        # The first changes go through all kinds, so that a small order is not one-sided by chance.
        wanted = [
            names[k] if k < len(names) and count >= len(names) else self._draw.choices(names, weights)[0]
            for k in range(count)
        ]
        made = [self._make(name, k) for k, name in enumerate(wanted)]
        self._desk.reload()
        return made

    def _make(self, name: str, k: int) -> Change:
        special: dict[str, Callable[[int], Change]] = {
            "new_ticket": self._new_ticket,
            "new_user": self._new_user,
            "user": self._edit_user,
            "organization": self._edit_organization,
            "organization_deleted": self._delete_organization,
            "merge": self._merge,
        }
        return special[name](k) if name in special else self._step(name, k)

    def _step(self, name: str, k: int) -> Change:
        # A closed ticket takes no more replies, but it can be deleted and redacted.
        among = {"delete": self._alive, "redact": self._alive, "privacy": self._alive, "rate": self._solved}.get(
            name, self._open
        )
        among = [p for p in among if p not in self._gone and p < self._desk.tickets.size]
        if not among:
            return self._new_ticket(k)
        place = seeds.pick(self._draw, among)
        kind = seeds.pick(self._draw, _STEP_KINDS[name])
        params: dict[str, Any] = {}
        if name in ("redact", "privacy"):
            said = [
                s for s in self._desk.ticket(place).steps if s.kind <= LAST_COMMENT and (s.public or name == "redact")
            ]
            if not said:
                return self._new_ticket(k)
            params["target"] = seeds.pick(self._draw, said).seq
        if kind == Kind.TAGS:
            params["tag"] = f"activity_{self._seed}_{k}"
        if name == "delete":
            self._gone.add(place)
        seq = self._add(place, kind, k, params)
        change: Change = {"ticket_id": int(self._desk.tickets.ids[place]), "kind": name, "event": kind.name.lower()}
        if kind <= LAST_COMMENT:
            change["comment_id"] = ids.child(place, seq, 0)
        if "target" in params:
            change["comment_id"] = ids.child(place, params["target"], 0)
        return change

    def _merge(self, k: int) -> Change:
        """One open ticket goes into another, and is closed by that."""
        among = [p for p in self._open if p not in self._gone and p < self._desk.tickets.size]
        if len(among) < 2:
            return self._new_ticket(k)
        source, target = self._draw.sample(among, 2)
        self._gone.add(source)
        self._add(source, Kind.MERGE_OUT, k, {"into": target})
        seq = self._add(target, Kind.MERGE_IN, k, {"from": source})
        numbers = self._desk.tickets.ids
        change = {"ticket_id": int(numbers[source]), "kind": "merge", "into": int(numbers[target])}
        return {**change, "comment_id": ids.child(target, seq, 0)}

    def _add(self, place: int, kind: Kind, k: int, params: dict[str, Any]) -> int:
        """Record a step; steps of one ticket never share a second with an earlier one."""
        known = place < self._desk.tickets.size
        seq = self._seqs.get(place, self._desk.audit_count(place) if known else 0)
        earlier = self._last.get(place, int(self._desk.updated[place]) if known else 0)
        time = max(self._now, earlier + 1)
        self._seqs[place], self._last[place] = seq + 1, time
        seed = seeds.mix(self._seed, seeds.CHANGE, k, self._now) >> 2
        self._db.execute(
            "INSERT INTO step (place, seq, time, kind, seed, params) VALUES (?, ?, ?, ?, ?, ?)",
            (place, seq, time, int(kind), seed, orjson.dumps(params)),
        )
        return seq

    def _new_ticket(self, k: int) -> Change:
        draw, who = self._draw, self._desk.people
        created = self._new_user(k)["user_id"] if draw.random() < 0.2 else None
        requester = self._users - 1 if created else seeds.pick(draw, self._customers())
        group = int(draw.random() * who.groups)
        row = Opened(
            place=self._places,
            id=self._next_id,
            created=self._now,
            flags=skeleton.CCS if draw.random() < 0.2 else 0,
            requester=requester,
            assignee=seeds.pick(draw, who.members[group]),
            group=group,
            brand=int(draw.random() < 0.25),
            form=int(draw.random() * 3),
            channel=skeleton.MAIL if draw.random() < 0.6 else skeleton.WEB,
        )
        self._db.execute("INSERT INTO opened (place, row) VALUES (?, ?)", (row.place, orjson.dumps(asdict(row))))
        self._places += 1
        self._next_id += 1 + int(draw.random() < 0.1)
        self._add(row.place, Kind.CREATE, k, {})
        change: Change = {"ticket_id": row.id, "kind": "new_ticket", "comment_id": ids.child(row.place, 0, 0)}
        return {**change, "user_id": created} if created else change

    def _customers(self) -> list[int]:
        who = self._desk.people
        alive = np.flatnonzero((who.flags & (population.GONE | population.DELETED)) == 0)
        found: list[int] = alive[alive >= who.agents].tolist()
        return found or [0]

    def _new_user(self, k: int) -> Change:
        number = self._users
        self._users += 1
        language = int(self._draw.random() * len(LANGUAGES))
        self._db.execute(
            "INSERT INTO person (number, created, language) VALUES (?, ?, ?)", (number, self._now, language)
        )
        return {"ticket_id": None, "kind": "new_user", "user_id": ids.user(number), "nth": k}

    def _edit_user(self, k: int) -> Change:
        place = seeds.pick(self._draw, self._customers())
        patch: dict[str, Any] = seeds.pick(
            self._draw,
            (
                {"name": f"Renamed Ünï {k}"},
                {"phone": "+4930123450"},
                {"tags": [f"activity_{self._seed}"]},
                {"active": False},
                {"notes": f"changed {k}"},
            ),
        )
        self._patch("user", place, patch)
        return {"ticket_id": None, "kind": "user", "user_id": ids.user(place), "fields": sorted(patch)}

    def _edit_organization(self, k: int) -> Change:
        alive = np.flatnonzero(~self._desk.people.org_deleted).tolist()
        place = seeds.pick(self._draw, alive)
        patch = {"notes": f"changed {k}", "tags": [f"activity_{self._seed}"]}
        self._patch("organization", place, patch)
        return {
            "ticket_id": None,
            "kind": "organization",
            "organization_id": ids.organization(place),
            "fields": sorted(patch),
        }

    def _delete_organization(self, k: int) -> Change:
        alive = np.flatnonzero(~self._desk.people.org_deleted).tolist()
        place = seeds.pick(self._draw, alive)
        self._patch("organization", place, {"deleted_at": people.iso(self._now)})
        number = ids.organization(place)
        return {"ticket_id": None, "kind": "organization_deleted", "organization_id": number, "nth": k}

    def _patch(self, thing: str, place: int, patch: dict[str, Any]) -> None:
        self._db.execute(
            "INSERT INTO patch (thing, place, time, patch) VALUES (?, ?, ?, ?)",
            (thing, place, self._now, orjson.dumps(patch)),
        )
