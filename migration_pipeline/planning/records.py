"""Counts of the staged records that a plan tells.

Belongs here: small answers by SQL. Does not belong here: calls and time.
"""

from migration_pipeline.model.entities import RECORDS
from migration_pipeline.model.payloads import PLAN
from migration_pipeline.staging import Staging


def planned_records(staging: Staging, entity_type: str) -> tuple[int, int, int]:
    """Records that the run works on, that are there already, and that do not move."""
    with staging.connect() as connection:
        row = connection.execute(
            "SELECT count(*) FILTER (action IN ('create', 'update', 'retire')), count(*) FILTER (action = 'keep'), "
            "count(*) FILTER (action IN ('skip', 'fail')) "
            f"FROM {staging.tables.scan('plan', entity_type, PLAN)} "
            "WHERE source_id IS NULL OR NOT starts_with(source_id, 'pipeline:')"
        ).fetchone()
    return (0, 0, 0) if row is None else (int(row[0]), int(row[1]), int(row[2]))


def open_tickets(staging: Staging) -> int:
    """Tickets that people are still at work on: they will go on changing until the last delta."""
    with staging.connect() as connection:
        row = connection.execute(
            "SELECT count(*) FILTER (state IN ('open', 'snoozed')) "
            f"FROM {staging.tables.scan('records', 'tickets', RECORDS['tickets'])}"
        ).fetchone()
    return int(row[0]) if row else 0
