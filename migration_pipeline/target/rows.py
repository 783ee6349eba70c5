"""Payload rows as they are read for loading and verifying: a few thousand at a time, threads with their parts.

Belongs here: streaming out of DuckDB. Does not belong here: which rows are chosen.
"""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any, Final

import duckdb
import pyarrow as pa

from migration_pipeline.staging.duck import beside

Row = dict[str, Any]

BATCH: Final = 2048
"""Rows that are read at a time."""


def batches(result: duckdb.DuckDBPyRelation) -> Iterator[list[Row]]:
    """The rows of a relation, many at a time."""
    reader: pa.RecordBatchReader = result.to_arrow_reader(BATCH)
    for batch in reader:
        yield batch.to_pylist()


def rows(result: duckdb.DuckDBPyRelation) -> Iterator[Row]:
    """The rows of a relation, one by one."""
    for batch in batches(result):
        yield from batch


ORDERS: Final[Mapping[str, str]] = {
    "oldest": "ticket.created_at",
    "recent_first": "coalesce(said.newest, ticket.created_at) DESC",
    "open_first": "CASE state WHEN 'open' THEN 0 WHEN 'snoozed' THEN 1 ELSE 2 END, "
    "coalesce(said.newest, ticket.created_at) DESC",
}
"""Which tickets go first (`options.order`); recent is what somebody wrote in last."""


def tickets(connection: duckdb.DuckDBPyConnection, order: str = "oldest") -> Iterator[tuple[Row, tuple[Row, ...]]]:
    """The tickets of the view `chosen` with their parts from the view `parts`, in one of `ORDERS`.

    Two sorted streams side by side: only the threads at work are in memory.
    """
    connection.execute(
        "CREATE OR REPLACE TABLE turns AS "
        f"SELECT source_id, row_number() OVER (ORDER BY {ORDERS[order]}, ticket.source_id) AS turn "
        "FROM chosen AS ticket "
        "LEFT JOIN (SELECT ticket_ref, max(created_at) AS newest FROM parts GROUP BY ALL) AS said "
        "ON said.ticket_ref = ticket.source_id"
    )
    chosen = beside(connection).sql("SELECT chosen.* FROM chosen JOIN turns USING (source_id) ORDER BY turns.turn")
    said = beside(connection).sql(
        "SELECT parts.* FROM parts JOIN turns ON parts.ticket_ref = turns.source_id ORDER BY turns.turn, position"
    )
    by_ticket = groupby(rows(said), key=lambda part: part["ticket_ref"])
    upcoming = next(by_ticket, None)
    for ticket in rows(chosen):
        mine: tuple[Row, ...] = ()
        if upcoming is not None and upcoming[0] == ticket["source_id"]:
            mine = tuple(upcoming[1])
            upcoming = next(by_ticket, None)
        yield ticket, mine


def count(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[int, ...]:
    """The one row of a query that counts."""
    return connection.execute(query).fetchall()[0]
