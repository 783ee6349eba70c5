"""Tickets as Intercom tickets: made whole, once, with the fewest calls, whatever shape the service answers in."""

from typing import Any

import orjson
import pytest

from migration_pipeline.config.mapping import Mapping
from migration_pipeline.model.errors import Rejected, SettingsError
from migration_pipeline.model.run import Run
from migration_pipeline.target import reading, ticket_steps
from migration_pipeline.target.messages import Reply
from migration_pipeline.target.rollback import roll_back
from migration_pipeline.target.ticket_types import read_ticket_types, require_agreement
from migration_pipeline_tests.target.bench import PATIENCE, START, Bench, Row
from migration_pipeline_tests.target.test_loading import verified


def ticket_type(bench: Bench, name: str = "Incident", **more: Any) -> str:
    """The payload row of a ticket type; its name."""
    title = f"{bench.prefix} {name}"
    attributes: list[Row] = [
        {"name": "migration_key", "data_type": "string"},
        {"name": "Color", "data_type": "list", "options": ["red", "blue"]},
        {"name": "Amount", "data_type": "integer"},
        {"name": "Zendesk in copy", "data_type": "string", "multiline": True},
    ]
    body = {
        "name": title,
        "description": "Migrated.",
        "category": "Customer",
        "attributes": [{"description": "", "options": [], "multiline": False} | one for one in attributes],
    } | more
    row = {"model": "ticket_type", "name": title, "data_type": "", "options": [], "body": orjson.dumps(body).decode()}
    bench._add("fields", name, row)
    return title


def everything(bench: Bench, **more: Any) -> None:
    """One Intercom ticket with all that it can have."""
    title = ticket_type(bench)
    tag = bench.tag("vip")
    bench.company("acme")
    bench.contact("ann", ["acme"])
    bench.contact("bob")
    parts = [
        bench.said("<p>Good <b>morning</b></p>", files=[bench.file("b.txt", b"from an agent")]),
        bench.said("<p>Thanks</p>", by="ann", after=120, files=[bench.file("a.txt", b"hello")]),
        bench.said("<p>[file: c.txt]</p>", by="ann", after=130, files=[bench.file("c.txt", b"only a file")]),
        bench.said("<p>She is right</p>", note=True, after=140),
        bench.said("<p>Me too</p>", by="bob", after=180),
    ]
    row = {
        "attributes": orjson.dumps({"migration_key": f"zendesk:{bench.prefix}", "color": "red", "Amount": 5}).decode(),
        "company_ref": bench.id("acme"),
        "in_copy": ["Bob <bob@x.example>", "Cyd"],
        "tags": [tag["name"]],
        "admin_id": bench.admins[1],
        "team_id": bench.teams[0],
        "state": "closed",
        "ticket_type": title,
        "ticket_state": "resolved",
    }
    bench.ticket("full", "ann", parts, **{**row, **more})


def there(bench: Bench, name: str = "full") -> Row:
    found = bench.client.ticket(bench.outcome("tickets", name)["target_id"])
    assert found is not None
    return found


def said(ticket: Row) -> list[tuple[str, str, list[str]]]:
    """Kind, author's kind and names of files of each message."""
    parts = ticket["ticket_parts"]["ticket_parts"]
    return [
        (part["part_type"], part["author"]["type"], [file["name"] for file in part["attachments"]])
        for part in parts
        if part["body"]
    ]


SWITCHES: list[Row] = [
    {"ticket_attributes_location": "ticket_type_attributes", "ticket_list_options_carrier": "input_options.options"},
    {"ticket_list_options_carrier": "input_options.list_items", "ticket_contact_files": "accept"},
    {"ticket_list_options_carrier": "list_options", "ticket_attributes_location": "ticket_type_attributes"},
]


@pytest.mark.behaviour("B05", "B10", "S07", "S21", "S22")
@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_a_ticket_arrives_whole_with_the_fewest_calls(bench: Bench, switches: Row) -> None:
    bench.control.post("switches", switches)
    everything(bench)
    done = bench.load_all()
    # one to make it, five messages and a note for the files of a contact's, one tag, one for state and closing
    assert done["tickets"].writes == 1 + (5 + 1) + 1 + 1
    assert [result.failed for result in done.values()] == [0] * 5
    for entity_type in done:
        assert verified(bench, entity_type) == {}
    ticket = there(bench)
    assert said(ticket) == [
        ("comment", "admin", ["b.txt"]),
        ("comment", "user", []),
        ("note", "admin", ["a.txt"]),
        ("note", "admin", ["c.txt"]),
        ("note", "admin", []),
        ("comment", "user", []),
    ]
    values = ticket["ticket_attributes"]
    assert (values["_default_title_"], values["Amount"]) == ("Ticket full", 5)
    assert values["_default_description_"] == "Hello from full & <friends>"
    assert values["Zendesk in copy"] == "Bob <bob@x.example>\nCyd"
    assert (ticket["open"], ticket["ticket_state"]["category"]) == (False, "resolved")
    assert ticket["created_at"] == int(START.timestamp())
    assert bench.control.get("outbox") == []
    bench.again()
    assert sum(result.writes for result in bench.load_all().values()) == 0


ROUTES = {
    "POST /ticket_types": "fields",
    "POST /ticket_types/{id}/attributes": "fields",
    "POST /tickets": "tickets",
    "POST /tickets/{id}/reply": "tickets",
    "POST /tickets/{id}/tags": "tickets",
    "PUT /tickets/{id}": "tickets",
}


@pytest.mark.behaviour("B01", "S21")
@pytest.mark.parametrize("kind", ["refuse", "drop_after_commit"])
def test_a_fault_on_each_route_loses_and_doubles_nothing(bench: Bench, kind: str) -> None:
    everything(bench)
    for entity_type in ("tags", "companies", "contacts"):
        bench.load(entity_type)
    for route, entity_type in ROUTES.items():
        if entity_type == "tickets":
            bench.rows["tickets"][0]["attributes"] = orjson.dumps({"migration_key": f"{bench.prefix}{route}"}).decode()
            bench.rows["tickets"][0]["source_id"] = bench.id(route)
            for part in bench.rows["parts"]:
                part["ticket_ref"] = bench.id(route)
        bench.control.fault(kind, route)
        done = bench.load(entity_type)
        assert (done.failed, bench.journal.in_doubt()) == (0, []), route
        assert verified(bench, entity_type) == {}
    names = [row["name"] for row in bench.client.ticket_types() if row["name"].startswith(bench.prefix)]
    assert len(names) == 1
    assert len(bench.conversations_of("ann")) == len([one for one in ROUTES.values() if one == "tickets"])


@pytest.mark.behaviour("B10")
def test_what_intercom_refuses_of_a_ticket_is_lost_alone(bench: Bench) -> None:
    everything(bench, attributes='{"migration_key": "zendesk:odd", "Amount": "a lot", "Color": "green"}')
    bench.load_all()
    told = bench.outcome("tickets", "full")
    assert told["outcome"] == "migrated"
    assert told["losses"].keys() == {"value_dropped"}
    assert (there(bench)["admin_assignee_id"], there(bench)["open"]) == (
        int(bench.admins[1]),
        False,
    )
    assert {row["reason"] for row in verified(bench, "tickets").values()} == {"value_dropped"}


def test_who_may_not_speak_in_a_ticket_is_named_in_a_note() -> None:
    part = Reply(2, "comment", "contact", "c1", "<p>Me too</p>", 5, (), "7.0", said_by="Bob <b>")
    step = ticket_steps.reply("1", part, 0, lambda _: b"", lambda _: None, "9")
    asked = step.request(step.start)
    assert (asked["intercom_user_id"], asked["skip_notifications"]) == ("c1", True)
    noted = step.adapt(Rejected(404, "not_found", "no"), step.start)
    assert noted is not None
    asked = step.request(noted)
    assert (asked["message_type"], asked["admin_id"], asked["skip_notifications"]) == ("note", "9", True)
    assert asked["body"] == "<p><b>Bob &lt;b&gt;</b></p><p>Me too</p>"
    assert step.losses(noted) == (("author_replaced", "message 3: Bob <b>"),)
    assert (step.identity(noted) or "").startswith("note|admin:9|5|")


@pytest.mark.behaviour("B03", "B10")
def test_a_record_stays_what_it_was_made_as_and_follows_the_source(bench: Bench) -> None:
    everything(bench)
    bench.load_all()
    before = there(bench)
    row = bench.rows["tickets"][0]
    row |= {"ticket_type": None, "opener": "Hello again", "title": "Other", "admin_id": None, "digest": "changed"}
    row["attributes"] = orjson.dumps({"migration_key": f"zendesk:{bench.prefix}", "Color": "blue"}).decode()
    row |= {"tags": [], "state": "open", "ticket_state": "in_progress", "in_copy": None}
    bench.rows["parts"].append(bench.said("<p>One more</p>", by="ann", after=900) | {"ticket_ref": row["source_id"]})
    bench.rows["parts"][-1]["position"] = 5
    bench.again()
    assert bench.load("tickets", full="update").failed == 0
    assert bench.outcome("tickets", "full")["reason"] == "ticket_kind_stays"
    after = there(bench)
    assert (after["id"], after["open"], after["ticket_state"]["category"]) == (before["id"], True, "in_progress")
    assert after["ticket_attributes"]["_default_description_"] == "Hello again"
    assert (after["ticket_attributes"]["Amount"], after["admin_assignee_id"]) == (None, 0)
    assert after["ticket_attributes"]["Zendesk in copy"] == before["ticket_attributes"]["Zendesk in copy"]
    assert after["team_assignee_id"] == int(bench.teams[0])
    assert len(said(after)) == len(said(before)) + 1
    assert verified(bench, "tickets") == {}
    bench.again()
    assert bench.load("tickets", full="update").writes == 0


@pytest.mark.behaviour("B04")
@pytest.mark.parametrize("touched", [False, True])
def test_a_roll_back_deletes_a_ticket_unless_people_touched_it(bench: Bench, touched: bool) -> None:
    everything(bench)
    # One that is left as it began, so that no call after its messages tells the service's own time.
    title, key = bench.rows["fields"][0]["name"], orjson.dumps({"migration_key": f"zendesk:{bench.prefix}p"}).decode()
    plain = {"ticket_type": title, "ticket_state": "submitted", "attributes": key}
    bench.ticket("plain", "bob", [bench.said("<p>x</p>"), bench.said("<p>y</p>", by="bob", after=90)], **plain)
    bench.load_all()
    ticket_id = there(bench)["id"]
    if touched:
        note = {"message_type": "note", "type": "admin", "admin_id": bench.admins[0], "body": "<p>hm</p>"}
        bench.client.write("POST", f"/tickets/{ticket_id}/reply", {**note, "skip_notifications": True})
    bench.journal.begin_run("back", "rollback", bench.migration.target.workspace)
    run = Run("back", "rollback", bench.stop)
    told = roll_back(["run-1"], bench.staging, bench.journal, bench.client, bench.migration, run, patience=PATIENCE)
    assert told.removed.get("tickets", 0) == (1 if touched else 2)
    assert (bench.client.ticket(ticket_id) is None) is not touched
    reasons = {(left.entity_type, left.reason) for left in told.spared}
    assert (("tickets", "touched_since") in reasons) is touched
    assert ("fields", "definition_kept") in reasons


@pytest.mark.behaviour("B10")
def test_rules_that_the_workspace_cannot_follow_are_refused(bench: Bench) -> None:
    name = f"{bench.prefix} Internal"
    bench.client.write("POST", "/ticket_types", {"name": name, "category": "Back-office"})
    bench.document["tickets"] = [{"as": "ticket", "type": name}]
    bench.write_config()
    types = read_ticket_types(bench.client)
    with pytest.raises(SettingsError, match=r"line \d+: tickets.0.type: .*Internal is a Back-office ticket type"):
        require_agreement(bench.migration, Mapping(), types)
    bench.document["tickets"] = [{"as": "ticket", "type": "Brand new"}]
    bench.write_config()
    require_agreement(bench.migration, Mapping(ticket_states={"open": "On hold", "new": "submitted"}), types)
    with pytest.raises(SettingsError, match=r"ticket_states.open: Intercom has no ticket state Thinking; take one of"):
        require_agreement(bench.migration, Mapping(ticket_states={"open": "Thinking"}), types)


def test_the_impression_of_a_new_ticket_is_that_of_the_ticket_read_back(bench: Bench) -> None:
    """Else the next delta would take our own work for people's."""
    everything(bench)
    bench.load_all()
    remembered = bench.journal.remembered("tickets", bench.id("full"))
    assert remembered is not None
    assert remembered.seen is not None
    row = bench.client.conversation(str(remembered.target_id))
    state = reading.state(reading.of_ticket(there(bench), row))
    assert remembered.seen["state"] == state
    assert remembered.seen["tags"] == sorted(reading.tags(row or {}))
