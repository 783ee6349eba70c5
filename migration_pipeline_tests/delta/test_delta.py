"""A delta beside a full run of the changed help desk into an empty workspace, object by object."""

from collections import Counter
from typing import Any

import pytest

from migration_pipeline_tests.delta.story import TOMBSTONE, Story


@pytest.mark.behaviour("B03", "S54", "S55")
def test_a_delta_equals_a_full_run_of_the_changed_help_desk(story: Story) -> None:
    assert len(story.carried["conversations"]) > 50
    assert story.differences() == []


def test_every_kind_of_change_was_made(story: Story) -> None:
    kinds = {change["kind"] for change in story.changed}
    assert kinds >= {
        "new_ticket",
        "reply",
        "note",
        "edit",
        "assign",
        "solve",
        "delete",
        "redact",
        "privacy",
        "new_user",
    }


@pytest.mark.behaviour("B05")
def test_what_a_delta_wrote_is_read_back_equal(story: Story) -> None:
    assert story.delta.mismatches == ()


def test_the_report_tells_of_what_changed_and_of_nothing_else(story: Story) -> None:
    touched = {str(change["ticket_id"]) for change in story.changed if change["ticket_id"]}
    told = {row["source_id"]: row for row in story.delta.rows if row["entity_type"] == "tickets"}
    assert told.keys() <= touched
    assert story.tickets("reply") | story.tickets("new_ticket") | story.tickets("edit") <= told.keys()
    assert {row["outcome"] for row in told.values()} <= {"migrated", "skipped"}


def test_a_delta_writes_no_more_than_it_must(story: Story) -> None:
    """The floor: new tickets as a full run writes them, and for the others a call for each thing that differs."""
    new = {f"zendesk:{change['ticket_id']}" for change in story.changed if change["kind"] == "new_ticket"}
    floor = sum(creation(story.expected["conversations"][key]) for key in new - story.deleted)
    changed = {
        f"zendesk:{change['ticket_id']}"
        for change in story.changed
        if change["ticket_id"] and change["kind"] != "new_ticket"
    }
    # An attribute call for each ticket; two for each change, which may reopen it; one more for what was taken back.
    changes = [c for c in story.changed if f"zendesk:{c['ticket_id']}" in changed - new - story.deleted]
    withdrawn = [c for c in changes if c["kind"] in ("redact", "privacy")]
    floor += len(changed - new - story.deleted) + 2 * len(changes) + len(withdrawn)
    assert 0 < story.delta.loaded["tickets"].writes <= floor


def test_a_delta_takes_the_calls_that_its_plan_foresees(story: Story) -> None:
    taken = {name: loaded.writes for name, loaded in story.delta.loaded.items()}
    assert sum(story.delta.planned.values()) == pytest.approx(story.delta.writes, rel=0.02), (
        story.delta.planned,
        taken,
    )
    assert story.again.planned == dict.fromkeys(taken, 0)


@pytest.mark.behaviour("B06", "B07")
def test_a_plan_of_a_delta_tells_what_the_delta_does(story: Story) -> None:
    planned = story.planned
    assert (planned.mode, story.plan_wrote) == ("delta", 0)
    for side, routes in story.asked.items():
        told = sum(entity.source_calls if side == "source" else entity.target_calls for entity in planned.entities)
        assert told == pytest.approx(routes.total(), rel=0.02), (side, planned.endpoints, routes)
    told_writes = Counter[str]()
    for endpoint in planned.endpoints:
        if endpoint.side == "target" and not endpoint.endpoint.startswith("GET"):
            told_writes[endpoint.endpoint] += endpoint.calls
    writes = {route: calls for route, calls in story.asked["target"].items() if not route.startswith("GET")}
    assert told_writes == writes
    tickets = next(entity for entity in planned.entities if entity.entity_type == "tickets")
    assert tickets.records == len(story.delta.reasons("tickets"))
    assert tickets.updates.keys() >= {"messages", "fields", "states", "redactions", "assignees"}
    assert tickets.updates["messages"] >= len(story.tickets("reply") - story.tickets("new_ticket"))


def creation(thread: dict[str, Any]) -> int:
    """Calls that a conversation needs from nothing, the opener for its first contact and one update among them."""
    assigned = sum(thread[kind] is not None for kind in ("admin", "team"))
    listed = sum(len(thread[name]) for name in ("messages", "tags", "participants"))
    return listed + assigned + bool(thread["state"] != "open")


@pytest.mark.behaviour("B02", "B03")
def test_a_second_delta_writes_nothing(story: Story) -> None:
    assert story.again.writes == 0
    assert story.again.rows == ()


@pytest.mark.behaviour("S21", "S22")
def test_nobody_gets_a_message(story: Story) -> None:
    assert story.outbox == []


def test_redacted_words_do_not_stay(story: Story) -> None:
    for ticket in story.tickets("redact") | story.tickets("privacy"):
        messages = story.carried["conversations"][f"zendesk:{ticket}"]["messages"]
        assert any(message["text"] == TOMBSTONE for message in messages)


def test_what_became_internal_is_said_again_as_a_note(story: Story) -> None:
    for ticket in story.tickets("privacy"):
        key = f"zendesk:{ticket}"
        notes = [m for m in story.carried["conversations"][key]["messages"] if m["kind"] == "note"]
        assert notes
        assert notes == [m for m in story.expected["conversations"][key]["messages"] if m["kind"] == "note"]


def test_a_deleted_ticket_is_reported_and_stays(story: Story) -> None:
    reasons = story.delta.reasons("tickets")
    gone = [key.removeprefix("zendesk:") for key in story.deleted & story.carried["conversations"].keys()]
    assert gone
    assert {reasons[ticket] for ticket in gone} == {"deleted_in_source"}
