"""Payload rows as they are read for loading and verifying: a few thousand at a time, threads with their parts.

Belongs here: streaming out of DuckDB. Does not belong here: which rows are chosen.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

import duckdb
import pyarrow as pa

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


def tickets(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[Row, tuple[Row, ...]]]:
    """The tickets of the view `chosen` with their parts from the view `parts`, oldest first.

    Two sorted streams side by side: only the threads at work are in memory.
    """
    chosen = connection.cursor().sql("FROM chosen ORDER BY created_at, source_id")
    said = connection.cursor().sql(
        "SELECT parts.* FROM parts "
        "JOIN (SELECT source_id, created_at AS opened_at FROM chosen) AS ticket ON parts.ticket_ref = ticket.source_id "
        "ORDER BY opened_at, source_id, position"
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
