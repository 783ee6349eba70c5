"""What happened when: tickets and their audits as compact arrays, drawn all at once.

Here: which tickets exist, of what kind, and the kind and time of each of their audits. Not here: contents, which
``threads`` makes for one ticket when it is asked for. 100,000 tickets take about 60 MB and a few seconds.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from migration_pipeline.sandbox.zendesk.world.population import DAY, GONE, SPAN, SUSPENDED, Population

Ints = npt.NDArray[np.int64]
Small = npt.NDArray[np.int32]
Tiny = npt.NDArray[np.int8]


class Kind(IntEnum):
    """What an audit does; those up to VOICE bring a comment."""

    CREATE = 0
    REPLY_USER = 1
    REPLY_AGENT = 2
    NOTE = 3
    REPLY_CC = 4
    MERGE_OUT = 5
    MERGE_IN = 6
    SOLVE_REPLY = 7
    VOICE = 8
    FIELDS = 9
    TAGS = 10
    PRIORITY = 11
    ASSIGN = 12
    GROUP = 13
    STATUS = 14
    SUBJECT = 15
    CC = 16
    RULE = 17
    SOLVE = 18
    CLOSE = 19
    REDACT = 20
    PRIVACY = 21
    RATING = 22
    BATCH = 23
    DELETE = 24
    REDACT_FILE = 25
    CHAT_END = 26


LAST_COMMENT = Kind.VOICE

# Ticket flags.
(
    DELETED,
    MERGED,
    NOTES_ONLY,
    FOLLOW_UP,
    VOICE,
    AI,
    CHAT,
    AGENT_REQUESTER,
    ON_BEHALF,
    PROBLEM,
    INCIDENT,
    UNASSIGNED,
    GROUP_ONLY,
    SPAM,
    EMPTY,
    MOJIBAKE,
    GONE_PERSON,
    REDACTED,
    PRIVATIZED,
    BIG_FILES,
    MANY_FILES,
    RATED,
    CCS,
    FOLLOWERS,
    FORMER_AGENT,
) = (1 << k for k in range(25))

# Exclusive kinds: what a ticket is at most one of, with the share of all tickets.
_EXCLUSIVE = (
    (DELETED, 0.02),
    (MERGED, 0.015),
    (NOTES_ONLY, 0.01),
    (FOLLOW_UP, 0.015),
    (VOICE, 0.012),
    (AI, 0.015),
    (CHAT, 0.02),
    (AGENT_REQUESTER, 0.03),
    (ON_BEHALF, 0.04),
    (PROBLEM, 0.008),
    (INCIDENT, 0.02),
    (EMPTY, 0.005),
    (MOJIBAKE, 0.008),
    (GONE_PERSON, 0.01),
    (REDACTED, 0.01),
    (PRIVATIZED, 0.008),
)
_INDEPENDENT = (
    (UNASSIGNED, 0.04),
    (GROUP_ONLY, 0.04),
    (RATED, 0.12),
    (CCS, 0.10),
    (FOLLOWERS, 0.06),
    (FORMER_AGENT, 0.05),
    (MANY_FILES, 0.004),
)

NEW, OPEN, PENDING, HOLD, SOLVED, CLOSED, GONE_STATUS = range(7)
STATUS_NAMES = ("new", "open", "pending", "hold", "solved", "closed", "deleted")
WEB, MAIL, API, CHAT_CHANNEL, MESSAGING, PHONE_CHANNEL, MOBILE = range(7)
CHANNELS = ("web", "email", "api", "chat", "native_messaging", "voice", "mobile_sdk")


@dataclass
class Skeleton:
    """Arrays by ticket place (in order of ids), then by audit (grouped by ticket, in time order). Seconds, UTC."""

    ids: Ints
    created: Ints
    updated: Ints
    generated: Ints
    closed: Ints
    """When it was closed, 0 if not."""
    flags: Ints
    status: Tiny
    requester: Small
    assignee: Small
    group: Tiny
    brand: Tiny
    form: Tiny
    channel: Tiny
    first: Ints
    """Place of the first audit; ``first[k + 1]`` ends it (one longer than the others)."""
    audit_ticket: Small
    audit_time: Ints
    audit_kind: Tiny
    merged_into: dict[int, int]
    merged_from: dict[int, list[int]]
    follows: dict[int, int]
    followed_by: dict[int, list[int]]
    problem_of: dict[int, int]

    @property
    def size(self) -> int:
        """How many tickets there are."""
        return len(self.ids)


def lay_out(tickets: int, seed: int, epoch: int, people: Population) -> Skeleton:
    """Tickets of the three years before ``epoch`` (unix seconds), all audits at least two minutes before it."""
    draw = np.random.default_rng([seed, 23])
    n = tickets
    end = epoch - 120
    flags = _flags(draw, n)
    ids = np.cumsum(np.where(draw.random(n) < 0.93, 1, draw.integers(2, 7, n))).astype(np.int64)
    # A desk that grows: a fifth of the tickets belongs to the last two months.
    created = (end - DAY / 12 - np.sort(draw.random(n) ** 1.8)[::-1] * (SPAN - DAY)).astype(np.int64)

    counts = np.minimum(2 + draw.geometric(0.22, n), 60)
    tail = draw.random(n) < 0.012
    counts[tail] = draw.integers(30, 90, int(tail.sum()))
    if n >= 20:
        counts[n // 3] = 70
    if n >= 500:
        counts[n // 2] = 345
        flags[n // 2] = CCS
    counts[(flags & (MERGED | DELETED)) != 0] = np.minimum(counts, 3)[(flags & (MERGED | DELETED)) != 0]
    counts[(flags & (REDACTED | PRIVATIZED)) != 0] = np.maximum(counts, 5)[(flags & (REDACTED | PRIVATIZED)) != 0]
    counts[(flags & EMPTY) != 0] = 1

    requester = _requesters(draw, n, flags, people)
    merged_into, merged_from = _merges(draw, n, flags, counts, created, requester)

    owner = np.repeat(np.arange(n, dtype=np.int32), counts)
    first = np.concatenate(([0], np.cumsum(counts)))
    seq = np.arange(len(owner)) - first[owner]
    gaps = np.exp(draw.normal(9.4, 1.5, len(owner))).astype(np.int64) + 3
    gaps[seq == 0] = 0
    long = counts[owner] > 60
    gaps[long] = np.minimum(gaps[long], 40_000)
    total = np.cumsum(gaps)
    age = total - total[first[:-1]][owner]
    span = age[first[1:] - 1]
    room = np.maximum(end - 600 - created - counts, 1)
    shrink = np.minimum(1.0, room / np.maximum(span, 1))
    times = created[owner] + (age * shrink[owner]).astype(np.int64) + seq
    kinds = _plain_kinds(draw, owner, seq, counts, flags)

    last = times[first[1:] - 1]
    age_days = (end - last) / DAY
    solved = draw.random(n) < np.where(age_days > 45, 0.97, np.where(age_days > 3, 0.72, 0.30))
    solved &= (flags & (MERGED | DELETED)) == 0
    solved &= counts > 1
    final = first[1:] - 1
    ends = final[solved]
    kinds[ends] = np.where(draw.random(len(ends)) < 0.4, Kind.SOLVE_REPLY, Kind.SOLVE)
    kinds[ends[(flags[owner[ends]] & (NOTES_ONLY | AI)) != 0]] = Kind.SOLVE
    # Closing is an hourly automation: many tickets share its second.
    hour = 3600
    closed = np.where(solved, (last + 4 * DAY + hour) // hour * hour + 7, 0)
    closed[closed > end] = 0
    batch = epoch - 2 * DAY
    touched = np.flatnonzero(~solved & (last < batch - 10) & ((flags & (MERGED | DELETED | NOTES_ONLY)) == 0))
    touched = touched[: max(3, n // 60)]

    extra: list[tuple[Small, Ints, int]] = []

    def add(which: npt.NDArray[np.int64], when: npt.NDArray[np.int64], kind: Kind) -> None:
        keep = when <= end
        extra.append((which[keep].astype(np.int32), when[keep].astype(np.int64), int(kind)))

    shut = np.flatnonzero(closed)
    add(shut, closed[shut], Kind.CLOSE)
    add(touched, np.full(len(touched), batch), Kind.BATCH)
    gone = np.flatnonzero(flags & DELETED)
    delay = (draw.random(len(gone)) * 10 * DAY).astype(np.int64) + 5
    recent = np.flatnonzero(draw.random(len(gone)) < 0.5)
    deleted_at = np.minimum(last[gone] + delay, end - 60 - np.arange(len(gone)))
    if len(gone):
        recent = np.union1d(recent, [0])
        deleted_at[recent] = np.maximum(
            deleted_at[recent], end - 60 - (draw.random(len(recent)) * 25 * DAY).astype(np.int64)
        )
    deleted_at = np.maximum(deleted_at, last[gone] + 1)
    add(gone, deleted_at, Kind.DELETE)
    for bit, kind in ((REDACTED, Kind.REDACT), (PRIVATIZED, Kind.PRIVACY)):
        which = np.flatnonzero(flags & bit)
        add(which, np.minimum(last[which] + 900 + (draw.random(len(which)) * 2 * DAY).astype(np.int64), end - 30), kind)
    which = np.flatnonzero(flags & REDACTED)[::2]
    add(which, np.minimum(last[which] + 3 * DAY, end - 10), Kind.REDACT_FILE)
    rated = np.flatnonzero(solved & ((flags & RATED) != 0))
    add(
        rated,
        np.minimum(last[rated] + 3600 + (draw.random(len(rated)) * 2 * DAY).astype(np.int64), end - 45),
        Kind.RATING,
    )
    flags[np.flatnonzero(((flags & RATED) != 0) & ~solved)] &= ~RATED
    out = np.array(sorted(merged_into), np.int64)
    merge_at = np.minimum(last[out] + 60 + (draw.random(len(out)) * 3000).astype(np.int64), end - 60)
    add(out, merge_at, Kind.MERGE_OUT)
    add(np.array([merged_into[k] for k in out.tolist()], np.int64), merge_at, Kind.MERGE_IN)
    closed[out] = merge_at
    into = np.array(sorted(merged_from), np.int64)

    owner = np.concatenate([owner, *(e[0] for e in extra)])
    times = np.concatenate([times, *(e[1] for e in extra)])
    kinds = np.concatenate([kinds, *(np.full(len(e[0]), e[2], np.int8) for e in extra)])
    _after_merge(into, owner, times, kinds, closed, end)
    keep = times > 0
    owner, times, kinds = owner[keep], times[keep], kinds[keep]
    order = np.lexsort((kinds, times, owner))
    owner, times, kinds = owner[order].astype(np.int32), times[order], kinds[order].astype(np.int8)
    first = np.searchsorted(owner, np.arange(n + 1)).astype(np.int64)
    updated = times[first[1:] - 1] if n else np.zeros(0, np.int64)

    generated = updated.copy()
    bumped = draw.random(n) < 0.10
    generated[bumped] += (draw.random(int(bumped.sum())) ** 3 * (end - generated[bumped])).astype(np.int64)
    # A system update of old tickets: one second holds more of them than one page of an export.
    swept = (closed > 0) & (updated < epoch - 40 * DAY) & (draw.random(n) < 0.06)
    generated[swept] = epoch - 30 * DAY

    status = draw.choice(np.array([OPEN, PENDING, HOLD], np.int8), n, p=[0.55, 0.33, 0.12])
    untouched = (first[1:] - first[:-1] == 1) & ~solved
    status[untouched] = NEW
    status[solved] = SOLVED
    status[closed > 0] = CLOSED
    status[(flags & DELETED) != 0] = GONE_STATUS
    group, assignee = _assignments(draw, n, flags, people)
    channel = draw.choice(np.array([WEB, MAIL, API, MOBILE], np.int8), n, p=[0.34, 0.52, 0.09, 0.05])
    channel[(flags & VOICE) != 0] = PHONE_CHANNEL
    channel[(flags & CHAT) != 0] = MESSAGING
    channel[np.flatnonzero(flags & CHAT)[::3]] = CHAT_CHANNEL
    channel[(flags & AI) != 0] = MESSAGING
    follows, followed_by = _follow_ups(draw, flags, created, closed)
    by_requester = np.full(people.users, np.iinfo(np.int64).max)
    np.minimum.at(by_requester, requester, created)
    people.created[:] = np.minimum(people.created, by_requester - 5)
    spammers = np.unique(requester[(flags & SPAM) != 0])
    people.flags[spammers[spammers >= people.agents]] |= SUSPENDED
    return Skeleton(
        ids,
        created,
        updated,
        generated,
        closed,
        flags,
        status,
        requester,
        assignee,
        group,
        (draw.random(n) < 0.25).astype(np.int8),
        draw.choice(np.array([0, 1, 2, 3], np.int8), n, p=[0.6, 0.22, 0.13, 0.05]),
        channel,
        first,
        owner,
        times,
        kinds,
        merged_into,
        merged_from,
        follows,
        followed_by,
        _incidents(draw, flags, created),
    )


def _flags(draw: np.random.Generator, n: int) -> Ints:
    """Every kind at least once from 40 tickets on; the first tickets of a small desk are ordinary."""
    flags = np.zeros(n, np.int64)
    order = draw.permutation(n)
    used = 0
    for bit, share in _EXCLUSIVE:
        count = round(share * n) if n < 40 else max(1 if n < 120 else 2, round(share * n))
        flags[order[used : used + count]] |= bit
        used += count
    ordinary = order[used:]
    for bit, share in _INDEPENDENT:
        count = round(share * n) if n < 40 else max(1, round(share * n))
        flags[draw.choice(ordinary, min(count, len(ordinary)), replace=False)] |= bit
    spam = np.flatnonzero(flags & DELETED)
    flags[spam[::5]] |= SPAM
    if n >= 100:
        flags[draw.choice(ordinary, min(40, max(2, n // 400)), replace=False)] |= BIG_FILES
    return flags


def _requesters(draw: np.random.Generator, n: int, flags: Ints, people: Population) -> Small:
    """Few customers write often, most seldom; the gone persons ask only what is marked so."""
    agents, users = people.agents, people.users
    alive = np.flatnonzero((people.flags & GONE) == 0)
    alive = alive[alive >= agents]
    gone = np.flatnonzero(people.flags & GONE)
    requester = draw.permutation(alive)[(draw.random(n) ** 1.6 * len(alive)).astype(np.int64)]
    which = np.flatnonzero(flags & AGENT_REQUESTER)
    requester[which] = draw.integers(0, agents, len(which))
    which = np.flatnonzero(flags & GONE_PERSON)
    if len(gone):
        requester[which[::2]] = draw.choice(gone, len(which[::2]))
    assert users > agents  # noqa: S101 - a help desk without customers would have nobody to draw from
    return requester.astype(np.int32)


def _merges(
    draw: np.random.Generator, n: int, flags: Ints, counts: Ints, created: Ints, requester: Small
) -> tuple[dict[int, int], dict[int, list[int]]]:
    """Pairs of neighbours: the later ticket of one requester is merged into the earlier, still open one."""
    into: dict[int, int] = {}
    sources: dict[int, list[int]] = {}
    for place in np.flatnonzero(flags & MERGED).tolist():
        target = place - 1
        while target >= 0 and flags[target] & (MERGED | DELETED | NOTES_ONLY | AI | CHAT | VOICE | EMPTY):
            target -= 1
        if target < 0 or place - target > 20:
            flags[place] &= ~MERGED
            continue
        into[place] = target
        sources.setdefault(target, []).append(place)
        counts[place] = min(counts[place], 2)
        created[place] = created[target] + int(draw.integers(60, 2400))
        requester[place] = requester[target]
    assert n >= len(into)  # noqa: S101 - one merge a ticket
    return into, sources


def _plain_kinds(draw: np.random.Generator, owner: Small, seq: Ints, counts: Ints, flags: Ints) -> Tiny:
    table = (
        (Kind.REPLY_USER, 0.27),
        (Kind.REPLY_AGENT, 0.31),
        (Kind.NOTE, 0.09),
        (Kind.REPLY_CC, 0.02),
        (Kind.FIELDS, 0.07),
        (Kind.TAGS, 0.05),
        (Kind.PRIORITY, 0.03),
        (Kind.ASSIGN, 0.05),
        (Kind.GROUP, 0.02),
        (Kind.STATUS, 0.04),
        (Kind.SUBJECT, 0.01),
        (Kind.CC, 0.01),
        (Kind.RULE, 0.03),
    )
    weights = np.array([w for _, w in table])
    kinds = draw.choice(np.array([int(k) for k, _ in table], np.int8), len(owner), p=weights / weights.sum())
    of = flags[owner]
    quiet = (of & (NOTES_ONLY | AI)) != 0
    kinds[quiet & (kinds <= LAST_COMMENT)] = Kind.NOTE
    kinds[((of & AI) != 0) & (kinds == Kind.NOTE)] = Kind.REPLY_USER
    kinds[(kinds == Kind.REPLY_CC) & ((of & CCS) == 0)] = Kind.REPLY_USER
    long = (counts[owner] > 200) & (kinds > LAST_COMMENT) & (draw.random(len(owner)) < 0.6)
    kinds[long] = Kind.REPLY_AGENT
    kinds[((of & (REDACTED | PRIVATIZED)) != 0) & (seq == 2)] = Kind.REPLY_USER
    kinds[((of & VOICE) != 0) & (seq == 1)] = Kind.VOICE
    kinds[((of & CHAT) != 0) & (seq == 1)] = Kind.CHAT_END
    kinds[seq == 0] = Kind.CREATE
    return kinds


def _assignments(draw: np.random.Generator, n: int, flags: Ints, people: Population) -> tuple[Tiny, Small]:
    """Group and assignee numbers, -1 for none. An assignee is a member of the group, or a former agent."""
    group = draw.integers(0, people.groups, n).astype(np.int8)
    assignee = np.full(n, -1, np.int32)
    for number, members in enumerate(people.members):
        which = np.flatnonzero(group == number)
        assignee[which] = draw.choice(np.array(members), len(which))
    old = np.flatnonzero(flags & FORMER_AGENT)
    assignee[old] = draw.choice(np.array(people.former), len(old))
    assignee[(flags & (GROUP_ONLY | UNASSIGNED)) != 0] = -1
    group[(flags & UNASSIGNED) != 0] = -1
    return group, assignee


def _after_merge(into: Ints, owner: Small, times: Ints, kinds: Tiny, closed: Ints, end: int) -> None:
    """Move solving and closing of a merge's target behind the merge; what would pass ``end`` does not happen."""
    if not len(into):
        return
    late = np.zeros(len(closed), np.int64)
    merges = kinds == Kind.MERGE_IN
    np.maximum.at(late, owner[merges], times[merges])
    tail = np.isin(
        kinds, (Kind.SOLVE, Kind.SOLVE_REPLY, Kind.CLOSE, Kind.RATING, Kind.REDACT, Kind.PRIVACY, Kind.REDACT_FILE)
    )
    moved = tail & (late[owner] > 0) & (times <= late[owner] + 40)
    times[moved] = late[owner][moved] + 60 + kinds[moved].astype(np.int64)
    closes = moved & (kinds == Kind.CLOSE)
    closed[owner[closes]] = times[closes]
    over = moved & (times > end)
    times[over] = end - 40 + kinds[over].astype(np.int64)


def _follow_ups(
    draw: np.random.Generator, flags: Ints, created: Ints, closed: Ints
) -> tuple[dict[int, int], dict[int, list[int]]]:
    parents = np.flatnonzero((closed > 0) & ((flags & (MERGED | FOLLOW_UP | AI)) == 0))
    follows: dict[int, int] = {}
    children: dict[int, list[int]] = {}
    for place in np.flatnonzero(flags & FOLLOW_UP).tolist():
        earlier = parents[closed[parents] < created[place]]
        if not len(earlier):
            flags[place] &= ~FOLLOW_UP
            continue
        parent = int(earlier[int(draw.integers(max(0, len(earlier) - 50), len(earlier)))])
        follows[place] = parent
        children.setdefault(parent, []).append(place)
    return follows, children


def _incidents(draw: np.random.Generator, flags: Ints, created: Ints) -> dict[int, int]:
    problems = np.flatnonzero(flags & PROBLEM)
    linked: dict[int, int] = {}
    for place in np.flatnonzero(flags & INCIDENT).tolist():
        if len(problems):
            # Incidents come before and after the problem ticket that somebody opens for them.
            near = problems[np.argsort(np.abs(created[problems] - created[place]))[:2]]
            linked[place] = int(near[int(draw.integers(0, len(near)))])
    return linked
