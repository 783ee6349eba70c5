"""Putting a plan together: calls of both sides become seconds, entity type by entity type.

Belongs here: adding up, and the few figures of this program's own speed. Does not belong here: rate windows
(`model.costs`), or counting calls.

The own speed is taken from what the plan's own run just took for the same stages on the same machine; what it did not
do itself (reports) is taken for a share of that.
"""

import datetime as dt
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from migration_pipeline.config import Migration
from migration_pipeline.gates import Facts
from migration_pipeline.model.costs import Clock, Limit, Side, Speed, Work, total
from migration_pipeline.model.entities import ENTITY_TYPES
from migration_pipeline.model.run import Run
from migration_pipeline.planning.document import Endpoint, Entity, Plan, Storage
from migration_pipeline.planning.records import open_tickets, planned_records
from migration_pipeline.staging import Staging

REPORTING: Final = 0.2
"""Time that reports and the DuckDB file take, as a share of what preparing takes: both are work on the same records."""

STAGED_PER_CALL: Final = 3_000
"""Bytes that a writing call leaves in journal, audit log, payloads and verification."""

WRITING: Final = 0.6
"""How many writing calls this program makes while it makes one reading call: each is journaled twice, durably."""


@dataclass(frozen=True)
class Measured:
    """What the plan's own run found out: how fast both services answer, what they allow, how fast this machine is."""

    speeds: Mapping[Side, Speed]
    files: Speed | None  # as some came; None where there were too few to tell
    limits: Mapping[str, Limit]
    preparing_seconds: float  # from the start of the process to the plan, without reading
    calls: Mapping[str, int]  # that this took, by side


def make(
    run: Run,
    works: Sequence[Work],
    measured: Measured,
    staging: Staging,
    migration: Migration,
    facts: Facts,
    creates: Sequence[Mapping[str, Any]],
    by_hand: Sequence[Mapping[str, str]],
) -> Plan:
    """The plan of a run of that mode from where things are now. `works` stand in the order in which it does them."""
    clock = Clock(measured.limits, _speeds(measured))
    seconds = dict.fromkeys(ENTITY_TYPES, 0.0)
    prepared = False
    for work in works:
        if work.side == "target" and not prepared:  # between the last read of the source and the first of the target
            clock.now += measured.preparing_seconds
            prepared = True
        seconds[work.entity_type] += clock.seconds(work)
    entities = []
    for entity_type in ENTITY_TYPES:
        planned = planned_records(staging, entity_type)
        entities.append(
            Entity(
                entity_type=entity_type,
                records=planned.created + planned.updated + planned.retired,
                created=planned.created,
                updated=planned.updated,
                retired=planned.retired,
                kept=planned.kept,
                left=planned.left,
                source_calls=total(works, "source", entity_type),
                source_error=sum(work.error for work in works if work.entity_type == entity_type),
                target_calls=total(works, "target", entity_type),
                seconds=round(seconds[entity_type], 1),
                updates=planned.updates,
            )
        )
    own = measured.preparing_seconds * (1 + REPORTING)
    whole = sum(seconds.values()) + own
    now = dt.datetime.now(dt.UTC)
    begins = migration.full.at.astimezone(dt.UTC) if migration.full.at and run.mode == "full" else None
    return Plan(
        run_id=run.run_id,
        mode=run.mode,
        made_at=_iso(now),
        hash=facts.hash,
        facts=dict(facts.digests),
        seconds=round(whole, 1),
        preparing_seconds=round(own, 1),
        starts_at=_iso(begins) if begins else None,
        ends_at=_iso(begins + dt.timedelta(seconds=whole)) if begins else None,
        open_tickets=open_tickets(staging),
        storage=_storage(staging, works),
        limits={name: f"{limit.calls} in {limit.window_s:g} s" for name, limit in measured.limits.items()},
        entities=entities,
        creates=creates,
        by_hand=by_hand,
        endpoints=_endpoints(works),
        own_calls=dict(measured.calls),
    )


def _endpoints(works: Sequence[Work]) -> list[Endpoint]:
    """The calls of all works by endpoint, in their order."""
    calls = Counter[tuple[Side, str, str]]()
    for work in works:
        for endpoint, number in work.endpoints.items():
            calls[work.side, work.entity_type, endpoint] += number
    return [Endpoint(*place, number) for place, number in calls.items() if number]


def _speeds(measured: Measured) -> dict[tuple[str, str], Speed]:
    """By side and kind of work."""
    target = measured.speeds["target"]
    return {
        **{(side, ""): speed for side, speed in measured.speeds.items()},
        ("target", "load"): Speed(target.latency_s / WRITING, target.per_second * WRITING),
        ("source", "files"): measured.files or measured.speeds["source"],
    }


def _storage(staging: Staging, works: Sequence[Work]) -> Storage:
    staged = sum(path.stat().st_size for path in staging.root.rglob("*") if path.is_file())
    needed = sum(work.bytes for work in works) + STAGED_PER_CALL * total(works, "target")
    return Storage(staged, needed, shutil.disk_usage(staging.root).free)


def _iso(time: dt.datetime) -> str:
    return time.isoformat(timespec="seconds")
