"""Changes of records that arrived before: what people did in Intercom meanwhile, edits, deletions, and going back."""

from typing import Any

import pytest

from migration_pipeline_tests.target.bench import Bench, Row
from migration_pipeline_tests.target.test_loading import verified


def moved(bench: Bench) -> Row:
    """A ticket with one reply, assigned and closed; its payload row."""
    bench.contact("ann")
    bench.tag("red")
    bench.tag("blue")
    red = bench.rows["tags"][0]["name"]
    said = bench.said("<p>first</p>", comment_ref="c1")
    row = bench.ticket("t", "ann", [said], tags=[red], admin_id=bench.admins[0], state="closed")
    assert bench.load_all()["tickets"].migrated == 1
    return row


def change(bench: Bench, row: Row, *parts: Row, **changes: Any) -> None:
    """Change the ticket in the source, and carry it."""
    row.update(changes, digest=f"{row['digest']}+")
    for part in parts:
        place = {"ticket_ref": bench.id("t"), "position": len(bench.rows["parts"])}
        bench.rows["parts"].append(place | part)
    bench.control.delete("stats")
    assert bench.load("tickets", "run-2", t="update").failed == 0


def people_open_it(bench: Bench) -> str:
    """Somebody opens the conversation in Intercom, and takes it."""
    conversation = str(bench.outcome("tickets", "t")["target_id"])
    path, somebody = f"/conversations/{conversation}/parts", bench.admins[1]
    bench.client.write("POST", path, {"message_type": "open", "admin_id": somebody})
    taken = {"message_type": "assignment", "type": "admin", "admin_id": somebody, "assignee_id": somebody}
    bench.client.write("POST", path, taken)
    return somebody


def bodies(bench: Bench) -> list[str]:
    parts = bench.conversation("t")["conversation_parts"]["conversation_parts"]
    return [part["body"] for part in parts if part["body"]]


def writes(bench: Bench) -> int:
    return int(bench.control.get("stats")["writes"])


def choose(bench: Bench, **options: str) -> None:
    bench.document["options"] = options
    bench.write_config()


@pytest.mark.behaviour("B18")
def test_what_people_set_stays_and_new_comments_are_added(bench: Bench) -> None:
    row = moved(bench)
    somebody = people_open_it(bench)
    change(bench, row, bench.said("<p>second</p>", comment_ref="c2", after=120), title="Another", state="closed")
    shown = bench.conversation("t")
    assert bodies(bench) == ["<p>first</p>", "<p>second</p>"]
    assert (shown["state"], str(shown["admin_assignee_id"]), shown["title"]) == ("open", somebody, "Ticket t")
    assert bench.outcome("tickets", "t")["reason"] == "conflict_kept"
    assert writes(bench) == 1


@pytest.mark.behaviour("B18")
def test_the_source_wins_where_the_settings_say_so(bench: Bench) -> None:
    row = moved(bench)
    people_open_it(bench)
    choose(bench, conflicts="source_wins")
    change(bench, row, title="Another")
    shown = bench.conversation("t")
    assert (shown["state"], str(shown["admin_assignee_id"]), shown["title"]) == ("closed", bench.admins[0], "Another")
    assert bench.outcome("tickets", "t")["reason"] == "conflict_overwritten"


@pytest.mark.behaviour("B18")
def test_a_conflict_is_only_reported_where_the_settings_say_so(bench: Bench) -> None:
    row = moved(bench)
    people_open_it(bench)
    choose(bench, conflicts="report_only")
    change(bench, row, bench.said("<p>second</p>", comment_ref="c2", after=120), title="Another")
    assert bodies(bench) == ["<p>first</p>"]
    assert bench.outcome("tickets", "t")["reason"] == "conflict_reported"
    assert writes(bench) == 0


@pytest.mark.behaviour("B18")
def test_a_conversation_that_people_deleted_stays_deleted(bench: Bench) -> None:
    row = moved(bench)
    bench.client.write("DELETE", f"/conversations/{bench.outcome('tickets', 't')['target_id']}", {})
    change(bench, row, title="Another")
    assert bench.outcome("tickets", "t")["reason"] == "conflict_deleted"
    assert writes(bench) == 0


def test_only_what_differs_is_sent(bench: Bench) -> None:
    row = moved(bench)
    change(bench, row)
    assert writes(bench) == 0
    red, blue = (tag["name"] for tag in bench.rows["tags"])
    change(bench, row, tags=[blue])
    assert [tag["name"] for tag in bench.conversation("t")["tags"]["tags"]] == [blue]
    assert writes(bench) == 2
    change(bench, row, tags=[red])
    assert [tag["name"] for tag in bench.conversation("t")["tags"]["tags"]] == [red]
    change(bench, row, admin_id=None)
    assert bench.conversation("t")["admin_assignee_id"] in (None, 0)
    assert bench.conversation("t")["state"] == "closed"
    change(bench, row, state="open")
    assert bench.conversation("t")["state"] == "open"
    assert writes(bench) == 1


def test_a_contacts_reply_leaves_a_closed_conversation_closed(bench: Bench) -> None:
    row = moved(bench)
    change(bench, row, bench.said("<p>thanks</p>", by="ann", comment_ref="c2", after=120))
    assert bodies(bench) == ["<p>first</p>", "<p>thanks</p>"]
    assert bench.conversation("t")["state"] == "closed"
    assert writes(bench) == 2


@pytest.mark.parametrize(("rule", "shown"), [("report", ["<p>first</p>"]), ("append", ["<p>first</p>", "<p>1st</p>"])])
def test_an_edited_comment_follows_its_rule(bench: Bench, rule: str, shown: list[str]) -> None:
    row = moved(bench)
    choose(bench, edited_comments=rule)
    bench.rows["parts"][0]["body"] = "<p>1st</p>"
    change(bench, row)
    assert bodies(bench) == shown
    assert (bench.outcome("tickets", "t")["reason"] == "comment_edited") == (rule == "report")


def test_who_speaks_or_asks_by_now_is_told_and_what_arrived_stays(bench: Bench) -> None:
    row = moved(bench)
    bench.contact("bob")
    bench.load("contacts")
    reply = bench.rows["parts"][0]
    reply["admin_id"] = bench.admins[1]
    change(bench, row)
    assert (bench.outcome("tickets", "t")["reason"], writes(bench)) == ("author_changed", 0)
    reply["admin_id"] = bench.admins[0]
    change(bench, row, requester_ref=bench.id("bob"))
    assert bench.outcome("tickets", "t")["reason"] == "requester_changed"
    assert bodies(bench) == ["<p>first</p>"]
    ann, bob = (bench.outcome("contacts", name)["target_id"] for name in ("ann", "bob"))
    shown = bench.conversation("t")
    assert shown["source"]["author"]["id"] == ann
    assert {contact["id"] for contact in shown["contacts"]["contacts"]} == {ann, bob}, "who asks by now takes part"


def test_what_is_another_than_was_written_is_told(bench: Bench) -> None:
    moved(bench)
    assert verified(bench, "tickets") == {}
    conversation = bench.outcome("tickets", "t")["target_id"]
    bench.client.write("PUT", f"/conversations/{conversation}", {"title": "By hand"})
    bench.staging.tables.remove("verification", "tickets")
    (field,) = verified(bench, "tickets").values()
    assert (field["field"], field["reason"]) == ("title", "differs_in_target")


def test_a_redacted_comment_does_not_stay(bench: Bench) -> None:
    row = moved(bench)
    bench.rows["parts"][0].update(body="<p>f****</p>", redacted=True)
    change(bench, row)
    assert "<p>first</p>" not in bodies(bench)
    assert "<p>f****</p>" in bodies(bench)
    assert writes(bench) == 2


@pytest.mark.parametrize("rule", ["report", "delete"])
def test_a_deleted_ticket_follows_its_rule(bench: Bench, rule: str) -> None:
    moved(bench)
    conversation = bench.outcome("tickets", "t")["target_id"]
    choose(bench, deleted_tickets=rule)
    bench.load("tickets", "run-2", t="retire:deleted_in_source")
    told = bench.outcome("tickets", "t")
    assert (bench.client.conversation(conversation) is None) == (rule == "delete")
    expected = ("skipped", "removed_from_target") if rule == "delete" else ("migrated", "deleted_in_source")
    assert (told["outcome"], told["reason"]) == expected
