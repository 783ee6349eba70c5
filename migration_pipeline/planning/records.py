"""Counts of the staged records that a plan tells.

Belongs here: small answers by SQL. Does not belong here: calls and time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from migration_pipeline.model.entities import RECORDS
from migration_pipeline.model.payloads import PAYLOADS, PLAN
from migration_pipeline.staging import Staging

_MOVING = "source_id IS NULL OR NOT starts_with(source_id, 'pipeline:')"


@dataclass(frozen=True)
class Planned:
    """Records of one entity type, and what the updates among them change: messages, states, fields (calls)."""

    created: int
    updated: int
    retired: int
    kept: int  # that are there already
    left: int  # that do not move
    updates: Mapping[str, int] = field(default_factory=dict)


def planned_records(staging: Staging, entity_type: str) -> Planned:
    """What the load plan does with the records; those that it does not name are as they should be."""
    plan = staging.tables.scan("plan", entity_type, PLAN)
    payload = staging.tables.scan("payloads", entity_type, PAYLOADS[entity_type])
    with staging.connect() as connection:
        actions = dict(
            connection.execute(
                f"SELECT action, count(*) FROM {plan} WHERE {_MOVING} GROUP BY action UNION ALL "
                f"SELECT 'unnamed', count(*) FROM {payload} WHERE ({_MOVING}) AND skip IS NULL "
                f"AND source_id NOT IN (SELECT source_id FROM {plan} WHERE source_id IS NOT NULL)"
            ).fetchall()
        )
        updates = connection.execute(
            "SELECT change.what, sum(change.calls)::BIGINT "
            f"FROM (SELECT unnest(changes) AS change FROM {plan} WHERE action = 'update') GROUP BY ALL ORDER BY ALL"
        ).fetchall()
    return Planned(
        created=actions.get("create", 0),
        updated=actions.get("update", 0),
        retired=actions.get("retire", 0),
        kept=actions.get("keep", 0) + actions["unnamed"],
        left=actions.get("skip", 0) + actions.get("fail", 0),
        updates=dict(updates),
    )


def open_tickets(staging: Staging) -> int:
    """Tickets that people are still at work on: they will go on changing until the last delta."""
    with staging.connect() as connection:
        row = connection.execute(
            "SELECT count(*) FILTER (state IN ('open', 'snoozed')) "
            f"FROM {staging.tables.scan('records', 'tickets', RECORDS['tickets'])}"
        ).fetchone()
    return int(row[0]) if row else 0
