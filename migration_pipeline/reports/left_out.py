"""What the settings took away, in numbers: the steps of the selection, and what was masked.

Belongs here: small answers by SQL. Does not belong here: the steps (`selection`), or the rules (`masking`).
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from migration_pipeline.model.selection import SELECTION
from migration_pipeline.staging import Staging


@dataclass(frozen=True)
class StepCount:
    """A setting that leaves records out: how many it took of what was left, and what remained."""

    entity_type: str
    step: str
    reason: str
    removed: int
    remaining: int
    note: str | None


@dataclass(frozen=True)
class MaskedCount:
    """How often a rule of `masking` struck, in how many migrated records."""

    entity_type: str
    rule: str
    strikes: int
    records: int


def steps(connection: duckdb.DuckDBPyConnection, staging: Staging) -> tuple[StepCount, ...]:
    """The steps in order; a note tells of values that no record has, and of records that were not even read."""
    rows = connection.execute(
        "SELECT entity_type, step, reason, removed, remaining, note "
        f"FROM {staging.tables.scan('selection', 'steps', SELECTION['steps'])} ORDER BY position"
    ).fetchall()
    unread = {
        _DATED: _before(staging.snapshots.state("tickets").since),
        _GUIDES: _of(staging.snapshots.state("articles").left),
    }
    return tuple(
        StepCount(
            entity_type, step, reason, removed, remaining, "; ".join(filter(None, [note, unread.get(step)])) or None
        )
        for entity_type, step, reason, removed, remaining, note in rows
    )


def masked(connection: duckdb.DuckDBPyConnection) -> tuple[MaskedCount, ...]:
    """Strikes by entity type and rule. Needs the views `losses` and `load_order`."""
    rows = connection.execute(
        """
        SELECT entity_type, rule, sum(strikes)::BIGINT, count(DISTINCT source_id)
        FROM (
            SELECT entity_type, source_id, regexp_extract(detail, '^(.*): [0-9]+$', 1) AS rule,
                regexp_extract(detail, ': ([0-9]+)$', 1)::BIGINT AS strikes
            FROM losses WHERE reason = 'masked'
        )
        JOIN load_order USING (entity_type)
        GROUP BY entity_type, rule, position ORDER BY position, rule
        """
    ).fetchall()
    return tuple(MaskedCount(*row) for row in rows)


_DATED = "filters.created"


_GUIDES = "filters.help_centers"


def _before(since: int) -> str | None:
    if not since:
        return None
    moment = dt.datetime.fromtimestamp(since, dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"Tickets that were last changed before {moment} were not read from the source, and are not counted."


def _of(left: Sequence[str]) -> str | None:
    if not left:
        return None
    # Snapshots keep what was read before the settings left it out, and the step counts it.
    return (
        f"The help centers of {', '.join(left)} were not read from the source: "
        "what they hold is counted only as far as earlier passes read it."
    )
