"""The numbers of a report, and the excerpts of its lists that the page shows, asked from the lists by SQL.

Belongs here: small answers. Does not belong here: anything that grows with the help desk.
Needs, by name: scope, records, losses, mismatches, compared, load_order.
"""

from dataclasses import dataclass
from typing import Any, Final

import duckdb

from migration_pipeline.reports.report import EntityCounts, EntityMatch, FieldMatch, KindCount, LossCount, ReasonCount

LISTED: Final = 500
"""Rows of a group that the page shows; the CSV has them all."""
EXAMPLES: Final = 5
"""Records that the page shows for a loss, and twice as many to check by hand."""
SHOWN: Final = 300
"""Characters of a text that the page shows; the CSV has them all."""
NO_REASON: Final = "no_reason_given"

Rows = tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Group:
    """Records with one outcome for one reason: how many there are, and the first of them."""

    outcome: str
    reason: str
    sentence: str
    total: int
    rows: Rows


@dataclass(frozen=True)
class Excerpts:
    """What the page shows of the lists."""

    groups: tuple[Group, ...]
    examples: dict[str, Rows]  # by loss reason
    mismatches: Rows
    samples: Rows  # migrated tickets to check by hand
    changes: Rows  # against the demo before


def entities(connection: duckdb.DuckDBPyConnection) -> tuple[EntityCounts, ...]:
    """The four columns; `available` is counted in the scope, the others in the records, so that they can disagree."""
    rows = connection.execute(
        """
        WITH available AS (SELECT entity_type, count(*) AS available FROM scope GROUP BY entity_type),
        settled AS (
            SELECT
                entity_type,
                count(*) FILTER (outcome = 'migrated') AS migrated,
                count(*) FILTER (outcome = 'failed') AS failed,
                count(*) FILTER (outcome = 'skipped') AS skipped,
                count(*) FILTER (outcome = 'migrated' AND reason IS NOT NULL) AS remarked
            FROM records GROUP BY entity_type
        )
        SELECT entity_type, available, migrated, failed, skipped, remarked
        FROM load_order LEFT JOIN available USING (entity_type) LEFT JOIN settled USING (entity_type)
        ORDER BY position
        """
    ).fetchall()
    return tuple(EntityCounts(str(name), *(int(count or 0) for count in told)) for name, *told in rows)


def reasons(connection: duckdb.DuckDBPyConnection) -> tuple[ReasonCount, ...]:
    """Records by outcome and reason; without the plain successes."""
    rows = connection.execute(
        f"""
        SELECT entity_type, outcome, coalesce(reason, '{NO_REASON}'), coalesce(any_value(sentence), ''), count(*)
        FROM records JOIN load_order USING (entity_type)
        WHERE outcome <> 'migrated' OR reason IS NOT NULL
        GROUP BY entity_type, outcome, reason, position
        ORDER BY list_position(['failed', 'skipped', 'migrated'], outcome), position, count(*) DESC, reason
        """
    ).fetchall()
    return tuple(ReasonCount(*row) for row in rows)


def losses(connection: duckdb.DuckDBPyConnection) -> tuple[LossCount, ...]:
    """Losses by reason and entity type."""
    rows = connection.execute(
        """
        SELECT entity_type, reason, any_value(sentence), count(*), count(DISTINCT source_id)
        FROM losses JOIN load_order USING (entity_type)
        GROUP BY entity_type, reason, position ORDER BY position, count(*) DESC, reason
        """
    ).fetchall()
    return tuple(LossCount(*row) for row in rows)


def inventory(connection: duckdb.DuckDBPyConnection) -> tuple[KindCount, ...]:
    """What the help desk holds besides records, by kind. Needs the view `inventory`."""
    rows = connection.execute(
        "SELECT kind, count(*), count(*) FILTER (active) FROM inventory GROUP BY kind ORDER BY kind"
    ).fetchall()
    return tuple(KindCount(*row) for row in rows)


def verified(connection: duckdb.DuckDBPyConnection) -> tuple[EntityMatch, ...]:
    """Records that were read back, and those that match in every field."""
    rows = connection.execute(
        """
        SELECT entity_type, count(*), count(*) FILTER (whole)
        FROM (SELECT entity_type, source_id, bool_and(matched) AS whole FROM compared GROUP BY ALL)
        JOIN load_order USING (entity_type)
        GROUP BY entity_type, position ORDER BY position
        """
    ).fetchall()
    return tuple(EntityMatch(*row) for row in rows)


def fields(connection: duckdb.DuckDBPyConnection) -> tuple[FieldMatch, ...]:
    """Compared and matching values by field."""
    rows = connection.execute(
        """
        SELECT entity_type, field, count(*), count(*) FILTER (matched)
        FROM compared JOIN load_order USING (entity_type)
        GROUP BY entity_type, field, position ORDER BY position, field
        """
    ).fetchall()
    return tuple(FieldMatch(*row) for row in rows)


def problems(connection: duckdb.DuckDBPyConnection, unexplained: str) -> tuple[str, ...]:
    """What the report cannot explain, as sentences for whoever looks after the pipeline."""
    rows = connection.execute(
        """
        SELECT DISTINCT 'The reason code ' || reason || ' has no sentence.' FROM (
            SELECT reason FROM records WHERE sentence = $sentence
            UNION SELECT reason FROM losses WHERE sentence = $sentence
        )
        UNION ALL
        SELECT count(*) || ' ' || entity_type || ' are ' || outcome || ' without a reason.' FROM records
        WHERE outcome <> 'migrated' AND reason IS NULL GROUP BY entity_type, outcome
        UNION ALL
        SELECT count(*) || ' differences of ' || entity_type || ' have no reason.' FROM mismatches
        WHERE reason IS NULL GROUP BY entity_type
        ORDER BY 1
        """,
        {"sentence": unexplained},
    ).fetchall()
    return tuple(str(sentence) for (sentence,) in rows)


def excerpts(connection: duckdb.DuckDBPyConnection, *, compared: bool) -> Excerpts:
    """The first rows of each list, and migrated tickets to check by hand: some by chance, some that lost most.

    `compared` says that there is a table `changes`.
    """
    heads = connection.execute(
        f"""
        SELECT outcome, coalesce(reason, '{NO_REASON}'), coalesce(any_value(sentence), ''), count(*) FROM records
        WHERE outcome <> 'migrated' OR reason IS NOT NULL GROUP BY ALL ORDER BY 1, 4 DESC, 2
        """
    ).fetchall()
    listed = _rows(
        connection,
        f"""
        SELECT entity_type, source_id, source_url, target_id, target_url, outcome,
            coalesce(reason, '{NO_REASON}') AS reason, left(detail, {SHOWN}) AS detail
        FROM (FROM records SELECT *, row_number() OVER () AS place)
        WHERE outcome <> 'migrated' OR reason IS NOT NULL
        QUALIFY row_number() OVER (PARTITION BY outcome, reason ORDER BY place) <= {LISTED} ORDER BY place
        """,
    )
    lost = _rows(
        connection,
        f"""
        SELECT entity_type, source_id, source_url, target_id, target_url, reason, left(detail, {SHOWN}) AS detail
        FROM losses
        QUALIFY row_number() OVER (PARTITION BY reason ORDER BY md5(concat(source_id, detail))) <= {EXAMPLES}
        ORDER BY reason, entity_type, source_id
        """,
    )
    return Excerpts(
        groups=tuple(
            Group(
                outcome=outcome,
                reason=reason,
                sentence=sentence,
                total=total,
                rows=tuple(row for row in listed if (row["outcome"], row["reason"]) == (outcome, reason)),
            )
            for outcome, reason, sentence, total in heads
        ),
        examples={
            reason: tuple(row for row in lost if row["reason"] == reason) for reason in {r["reason"] for r in lost}
        },
        mismatches=_rows(
            connection,
            f"""
            SELECT * REPLACE (left(expected, {SHOWN}) AS expected, left(actual, {SHOWN}) AS actual)
            FROM mismatches LIMIT {LISTED}
            """,
        ),
        samples=_rows(
            connection,
            f"""
            (FROM records WHERE entity_type = 'tickets' AND outcome = 'migrated'
                ORDER BY md5(source_id) LIMIT {EXAMPLES})
            UNION
            (FROM records WHERE entity_type = 'tickets' AND outcome = 'migrated' AND losses > 0
                ORDER BY losses DESC, md5(source_id) LIMIT {EXAMPLES})
            ORDER BY losses DESC, source_id
            """,
        ),
        changes=_rows(
            connection,
            f"SELECT * REPLACE (left(before, {SHOWN}) AS before, left(after, {SHOWN}) AS after) "
            f"FROM changes LIMIT {LISTED}",
        )
        if compared
        else (),
    )


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> Rows:
    relation = connection.execute(query)
    names = [str(column[0]) for column in relation.description or ()]
    return tuple(dict(zip(names, row, strict=True)) for row in relation.fetchall())
