"""A filter by date is handed on to the service: less is read, and a wider filter fetches what is missing, once."""

import datetime as dt

import duckdb
import pytest

from migration_pipeline.credentials import TokenFile
from migration_pipeline.sources.zendesk import ZendeskSource
from migration_pipeline_tests.sources.conftest import Desk, Place, Whole


def reread(where: Place, created_from: dt.datetime | None) -> None:
    """Read the tickets with another start, in a run of its own."""
    where.source = ZendeskSource(
        where.migration.source, tokens=TokenFile(where.token_path), stop=where.stop, created_from=created_from
    )
    where.extract("tickets", "companies")


def ids(where: Place, stream: str) -> tuple[set[str], int]:
    """The ids of a stream, and how many rows were ever stored of it."""
    with duckdb.connect() as connection:
        rows = connection.sql(f"SELECT id FROM {where.staging.snapshots.history(stream)}").fetchall()
    return {row[0] for row in rows}, len(rows)


@pytest.mark.behaviour("S32")
def test_a_start_is_pushed_down_and_a_wider_filter_reads_the_rest_once(
    desk: Desk, somewhere: Place, whole: Whole
) -> None:
    tickets = {row["source_id"]: row for row in whole.records["tickets"]}
    changed = sorted(row["updated_at"] for row in tickets.values())
    start = changed[len(changed) // 2]
    reread(somewhere, start)
    found, stored = ids(somewhere, "tickets")
    everything = {row_id for row_id, _ in whole.rows["tickets"]}
    assert len(found) < len(everything)
    assert {ticket for ticket, row in tickets.items() if row["created_at"] >= start} <= found
    assert somewhere.staging.snapshots.state("tickets").since == int(start.timestamp())
    somewhere.normalize("tickets")
    told = somewhere.told("tickets", "comments")
    young = {ticket for ticket, row in tickets.items() if row["created_at"] >= start}
    assert young
    for table, column in (("tickets", "source_id"), ("comments", "ticket_ref")):
        assert [row for row in told[table] if row[column] in young] == [
            row for row in whole.records[table] if row[column] in young
        ]
    # A later start, then an earlier one: what is there stays, what is missing comes, nothing comes twice.
    desk.advance(61)
    reread(somewhere, start + dt.timedelta(days=1))
    assert ids(somewhere, "tickets")[0] == found
    assert somewhere.staging.snapshots.state("tickets").since == int(start.timestamp())
    desk.advance(61)
    reread(somewhere, None)
    again, rows = ids(somewhere, "tickets")
    assert again == everything
    assert rows == len(everything)
    assert stored < rows
    assert ids(somewhere, "comments")[1] == len(ids(somewhere, "comments")[0])
    somewhere.normalize("tickets")
    assert somewhere.told("tickets", "comments") == {table: whole.records[table] for table in ("tickets", "comments")}
