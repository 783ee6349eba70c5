"""Very long threads: more audits for a few open tickets of a help desk that is laid out already.

Here: where they are put in, without changing any other draw. Not here: the ordinary layout (``skeleton``).
"""

import dataclasses

import numpy as np

from migration_pipeline.sandbox.zendesk.world import seeds
from migration_pipeline.sandbox.zendesk.world.skeleton import (
    AGENT_REQUESTER,
    CCS,
    FOLLOWERS,
    FORMER_AGENT,
    GROUP_ONLY,
    HOLD,
    INCIDENT,
    NEW,
    ON_BEHALF,
    PROBLEM,
    Kind,
    Skeleton,
)

LENGTHS = (1_205, 640, 510)
# Traits of a ticket that go with a long thread.
_FITTING = CCS | FOLLOWERS | FORMER_AGENT | GROUP_ONLY | ON_BEHALF | AGENT_REQUESTER | PROBLEM | INCIDENT
_KINDS = (Kind.REPLY_USER, Kind.REPLY_AGENT, Kind.REPLY_USER, Kind.REPLY_AGENT, Kind.NOTE)


def lengthened(rows: Skeleton, seed: int, epoch: int) -> Skeleton:
    """The skeleton with so many more comments for some of its open tickets, all of them before ``epoch``."""
    last = rows.audit_time[rows.first[1:] - 1] if rows.size else np.zeros(0, np.int64)
    room = epoch - 720 - last
    fitting = (rows.status >= NEW) & (rows.status <= HOLD) & ((rows.flags & ~_FITTING) == 0) & (room > 3 * max(LENGTHS))
    places = np.flatnonzero(fitting)
    order = np.argsort([seeds.mix(seed, 63, k) for k in places.tolist()], kind="stable")
    chosen = list(zip(np.sort(places[order[: len(LENGTHS)]]).tolist(), LENGTHS, strict=False))
    owner, times, kinds = [rows.audit_ticket], [rows.audit_time], [rows.audit_kind]
    for place, count in chosen:
        step = min(40_000, int(room[place]) // (count + 1))
        owner.append(np.full(count, place, rows.audit_ticket.dtype))
        times.append(int(last[place]) + step * np.arange(1, count + 1, dtype=np.int64))
        drawn = [_KINDS[seeds.mix(seed, 64, place, k) % len(_KINDS)] for k in range(count)]
        kinds.append(np.array(drawn, rows.audit_kind.dtype))
    who, when, what = np.concatenate(owner), np.concatenate(times), np.concatenate(kinds)
    order = np.lexsort((what, when, who))
    who, when, what = who[order], when[order], what[order]
    updated, generated = rows.updated.copy(), rows.generated.copy()
    for place, _ in chosen:
        updated[place] = when[int(np.searchsorted(who, place, side="right")) - 1]
        generated[place] = max(int(generated[place]), int(updated[place]))
    return dataclasses.replace(
        rows,
        updated=updated,
        generated=generated,
        first=np.searchsorted(who, np.arange(rows.size + 1)).astype(np.int64),
        audit_ticket=who,
        audit_time=when,
        audit_kind=what,
    )
