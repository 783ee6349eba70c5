"""Options that change how a ticket moves: its title, a note with its fields, and which tickets go first."""

import datetime as dt

import duckdb
import orjson
import pytest

from migration_pipeline.target.rows import tickets
from migration_pipeline_tests.mapping.desk import START, Desk


@pytest.mark.behaviour("S30", "S40", "S44")
def test_title_tag_and_a_note_with_all_fields(desk: Desk) -> None:
    desk.add(
        "fields", source_id="360", scope="ticket", key="f", title="Size <cm>", type="options", active=True,
        options=[{"value": "s", "label": "Small & light"}, {"value": "l", "label": "Large"}],
    )  # fmt: skip
    desk.add("fields", source_id="361", scope="ticket", key="vip", title="VIP", type="boolean", active=True)
    attributes = orjson.dumps({"360": ["s", "l"], "361": True, "999": "of no field"}).decode()
    desk.ticket("1", {"body_text": "Hi"}, {"body_text": "More"}, attributes=attributes, priority="high", kind="problem")
    desk.ticket("2", {"body_text": "Hi"}, subject=None, status=None, status_label=None)
    mapped = desk.map(title="{subject} [#{id}]", ticket_fields_note=True, migrated_tag="from zendesk")
    first, second = mapped.row("tickets", "1"), mapped.row("tickets", "2")
    assert (first["title"], second["title"]) == ("Subject 1 [#1]", "[#2]")
    assert first["tags"] == ["from zendesk"]
    note, reply = mapped.parts("1")
    assert note["body"] == (
        "<p><b>Ticket fields (Zendesk)</b></p><ul><li>Priority: high</li><li>Type: problem</li>"
        "<li>Size &lt;cm&gt;: Small &amp; light, Large</li><li>VIP: true</li></ul>"
    )
    assert (note["message_type"], note["admin_id"], note["created_at"]) == ("note", "900", START)
    assert reply["body"] == "<p>More</p>"
    assert first["part_count"] == 2
    assert mapped.parts("2") == []


def test_titles_are_subjects_and_no_note_is_written_by_itself(desk: Desk) -> None:
    desk.ticket("1", {"body_text": "Hi"}, subject="The {id} of it", priority="high")
    mapped = desk.map(title="{id}: {subject}")
    assert mapped.row("tickets", "1")["title"] == "1: The {id} of it"
    assert mapped.parts("1") == []


@pytest.mark.behaviour("B11")
@pytest.mark.parametrize(
    ("order", "expected"), [("oldest", "abcd"), ("recent_first", "adcb"), ("open_first", "dcab")], ids=str
)
def test_open_and_recent_tickets_go_first(order: str, expected: str) -> None:
    days = {"a": (1, "closed"), "b": (2, "closed"), "c": (3, "snoozed"), "d": (4, "open")}
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE chosen (source_id VARCHAR, created_at TIMESTAMPTZ, state VARCHAR)")
        connection.execute("CREATE TABLE parts (ticket_ref VARCHAR, position BIGINT, created_at TIMESTAMPTZ)")
        for source_id, (day, state) in days.items():
            at = dt.datetime(2024, 1, day, tzinfo=dt.UTC)
            connection.execute("INSERT INTO chosen VALUES (?, ?, ?)", [source_id, at, state])
            for position in range(3):
                later = at + dt.timedelta(days=30 if source_id == "a" else 0, minutes=position)
                connection.execute("INSERT INTO parts VALUES (?, ?, ?)", [source_id, 2 - position, later])
        found = list(tickets(connection, order))
    assert "".join(ticket["source_id"] for ticket, _ in found) == expected
    assert all([part["position"] for part in parts] == [0, 1, 2] for _, parts in found)
    assert all(part["ticket_ref"] == ticket["source_id"] for ticket, parts in found for part in parts)
