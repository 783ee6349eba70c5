"""Tickets: types and attributes, creation, replies, states, jobs, conversion."""

from __future__ import annotations

from typing import Any

import pytest

from migration_pipeline_tests.sandbox.intercom_kit import T0, Json, Kit, file

SUBMITTED, IN_PROGRESS, RESOLVED = "8321", "8322", "8324"


def listed(desk: Kit, kind: Json, **more: object) -> Json:
    """A list attribute of two levels."""
    body = {"name": "Level", "description": "", "data_type": "list", "list_items": "low, high", **more}
    return desk.ok("POST", f"/ticket_types/{kind['id']}/attributes", body)


def carried(attribute: Json, carrier: str) -> list[Json]:
    """The options of a list attribute at a dotted path."""
    found: Any = attribute
    for key in carrier.split("."):
        found = found[key]
    assert isinstance(found, list)
    return found


def part_types(ticket: Json) -> list[str]:
    return [part["part_type"] for part in ticket["ticket_parts"]["ticket_parts"]]


def reply(desk: Kit, ticket: Json, **more: object) -> Json:
    body = {"message_type": "comment", "type": "admin", "admin_id": desk.admin, "body": "x", **more}
    return desk.ok("POST", f"/tickets/{ticket['id']}/reply", body)


def test_a_new_type_has_title_description_and_the_workspaces_states(desk: Kit) -> None:
    kind = desk.ticket_type("Back-office")
    attributes = kind["ticket_type_attributes"]["data"]
    assert [a["name"] for a in attributes] == ["_default_title_", "_default_description_"]
    assert attributes[1]["input_options"] == {"multiline": True}
    assert kind["category"] == "Back-office"
    states = desk.ok("GET", "/ticket_states")["data"]
    assert {s["category"] for s in states} == {"submitted", "in_progress", "waiting_on_customer", "resolved"}
    assert [s["id"] for s in kind["ticket_states"]["data"]] == [s["id"] for s in states]
    assert kind["id"] in {k["id"] for k in states[0]["ticket_types"]["data"]}
    desk.switch(ticket_attributes_location="ticket_type_attributes")
    moved = desk.ok("GET", f"/ticket_types/{kind['id']}")["ticket_type_attributes"]
    assert moved["ticket_type_attributes"] == attributes
    assert "data" not in moved


@pytest.mark.parametrize(
    "carrier", ["input_options.list_options", "input_options.options", "input_options.list_items", "list_options"]
)
def test_what_carries_the_options_of_a_list(desk: Kit, carrier: str) -> None:
    desk.switch(ticket_list_options_carrier=carrier)
    kind = desk.ticket_type()
    made = listed(desk, kind)
    options = carried(made, carrier)
    assert [option["label"] for option in options] == ["low", "high"]
    path = f"/ticket_types/{kind['id']}/attributes/{made['id']}"
    changed = carried(desk.ok("PUT", path, {"list_items": "mid,high"}), carrier)
    assert [option["label"] for option in changed] == ["mid", "high"]
    assert changed[1]["id"] == options[1]["id"], "an option that stays keeps its id"


def test_types_and_attributes_that_cannot_be(desk: Kit) -> None:
    kind = desk.ticket_type()
    path = f"/ticket_types/{kind['id']}/attributes"
    listed(desk, kind)
    assert desk.error("POST", "/ticket_types", {}) == (400, "parameter_missing")
    assert desk.error("POST", "/ticket_types", {"name": "x", "category": "Secret"}) == (400, "parameter_invalid")
    good = {"name": "x", "description": "", "data_type": "list", "list_items": "a"}
    for change, code in (
        ({"name": None}, "parameter_missing"),
        ({"description": None}, "parameter_missing"),
        ({"data_type": "mithril"}, "parameter_invalid"),
        ({"list_items": "a,,b"}, "parameter_invalid"),
        ({"name": "LEVEL"}, "parameter_invalid"),
    ):
        assert desk.error("POST", path, {**good, **change}) == (400, code)
    assert desk.error("GET", "/ticket_types/1") == (404, "not_found")
    assert desk.error("PUT", f"{path}/1", {}) == (404, "not_found")


def test_a_ticket_carries_everything_from_birth(desk: Kit) -> None:
    kind, who, company = desk.ticket_type(), desk.contact(), desk.company()
    level = listed(desk, kind)["input_options"]["list_options"][1]["id"]
    attributes = {"_default_title_": "Broken", "Level": level}
    assignment = {"admin_assignee_id": str(desk.admin), "team_assignee_id": desk.team()}
    ticket = desk.ticket(kind, who, ticket_attributes=attributes, assignment=assignment, company_id=company["id"])
    assert (ticket["created_at"], ticket["open"], ticket["ticket_state"]["id"]) == (T0, True, SUBMITTED)
    assert ticket["ticket_attributes"] == {**attributes, "_default_description_": None}
    assert (ticket["admin_assignee_id"], ticket["team_assignee_id"]) == (desk.admin, desk.team())
    assert [c["id"] for c in ticket["contacts"]["contacts"]] == [who["id"]]
    assert part_types(ticket) == ["ticket_state_updated_by_admin"]
    assert ticket["id"] != ticket["ticket_id"]
    assert int(desk.ticket(kind)["ticket_id"]) == int(ticket["ticket_id"]) + 1
    # It is a conversation too, under the same id.
    shown = desk.ok("GET", f"/conversations/{ticket['id']}")
    assert (shown["ticket"]["id"], shown["title"], shown["company"]["id"]) == (ticket["id"], "Broken", company["id"])
    old = desk.at("2.15")
    assert old.ok("GET", f"/tickets/{ticket['id']}")["admin_assignee_id"] == str(desk.admin)
    old.close()


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"ticket_type_id": None}, 400, "parameter_missing"),
        ({"ticket_type_id": 1}, 404, "not_found"),
        ({"contacts": []}, 400, "parameter_invalid"),
        ({"contacts": [{"email": "a@b"}, {"email": "c@d"}]}, 400, "parameter_invalid"),
        ({"contacts": [{"id": "nobody"}]}, 404, "not_found"),
        ({"contacts": [{"external_id": "nobody"}]}, 404, "not_found"),
        ({"contacts": [{}]}, 400, "parameter_invalid"),
        ({"ticket_attributes": {"nothing": 1}}, 400, "parameter_invalid"),
        ({"ticket_attributes": {"Level": "low"}}, 422, "type_mismatch"),
        ({"assignment": {"admin_assignee_id": 1}}, 404, "assignee_not_found"),
        ({"company_id": "nothing"}, 404, "company_not_found"),
        ({"conversation_to_link_id": "1"}, 400, "parameter_invalid"),
        ({"created_at": "yesterday"}, 400, "parameter_invalid"),
    ],
)
def test_tickets_that_cannot_be(desk: Kit, change: Json, status: int, code: str) -> None:
    kind = desk.ticket_type()
    listed(desk, kind)
    body = {"ticket_type_id": kind["id"], "contacts": [{"id": desk.contact()["id"]}], **change}
    assert desk.error("POST", "/tickets", body) == (status, code)
    assert desk.error("POST", "/tickets/enqueue", body) == (status, code)


def test_a_required_attribute_is_required(desk: Kit) -> None:
    kind = desk.ticket_type()
    made = listed(desk, kind, required_to_create=True)
    body = {"ticket_type_id": kind["id"], "contacts": [{"id": desk.contact()["id"]}], "skip_notifications": True}
    assert desk.error("POST", "/tickets", body) == (400, "parameter_invalid")
    level = made["input_options"]["list_options"][0]["id"]
    assert desk.ok("POST", "/tickets", {**body, "ticket_attributes": {"Level": level}})["open"]


def test_an_unknown_email_makes_a_contact_and_a_known_one_is_used(desk: Kit) -> None:
    kind, who = desk.ticket_type(), desk.contact()
    known = desk.ticket(kind, contacts=[{"email": who["email"]}])
    assert known["contacts"]["contacts"][0]["id"] == who["id"]
    made = desk.ticket(kind, contacts=[{"email": f"new{known['id']}@customer.example"}])["contacts"]["contacts"][0]
    assert desk.ok("GET", f"/contacts/{made['id']}")["email"] == f"new{known['id']}@customer.example"


def test_a_job_is_pending_and_then_names_its_ticket(desk: Kit) -> None:
    desk.switch(job_delay_s=10)
    kind = desk.ticket_type()
    body = {"ticket_type_id": kind["id"], "contacts": [{"id": desk.contact()["id"]}], "skip_notifications": True}
    job = desk.ok("POST", "/tickets/enqueue", body)
    assert (job["type"], job["status"], job["resource_id"]) == ("job", "pending", None)
    assert desk.ok("GET", f"/jobs/status/{job['id']}")["status"] == "pending"
    desk.advance(11)
    done = desk.ok("GET", job["url"].removeprefix(desk.base_url))
    assert done["status"] == "success"
    assert desk.ok("GET", f"/tickets/{done['resource_id']}")["ticket_type"]["id"] == kind["id"]
    assert desk.error("GET", "/jobs/status/1") == (404, "job_not_found")


def test_a_reply_answers_only_the_part(desk: Kit) -> None:
    who = desk.contact()
    ticket = desk.ticket(desk.ticket_type(), who)
    note = reply(desk, ticket, message_type="note", body="<p>n</p>", created_at=T0 + 5)
    assert (note["type"], note["part_type"], note["body"], note["created_at"]) == (
        "ticket_part",
        "note",
        "<p>n</p>",
        T0 + 5,
    )
    comment = reply(desk, ticket, type="user", user_id=who["external_id"])
    assert comment["author"]["id"] == who["id"]
    shown = desk.ok("GET", f"/tickets/{ticket['id']}")
    assert part_types(shown) == ["ticket_state_updated_by_admin", "note", "comment"]
    assert shown["ticket_parts"]["ticket_parts"][1:] == [note, comment]
    body = {"message_type": "note", "type": "admin", "admin_id": desk.admin, "body": "x"}
    assert desk.error("POST", "/tickets/1/reply", body) == (404, "not_found")


def test_who_may_attach_files_to_a_ticket(desk: Kit) -> None:
    who = desk.contact()
    ticket = desk.ticket(desk.ticket_type(), who)
    contact = {"type": "user", "intercom_user_id": who["id"]}
    assert [a["name"] for a in reply(desk, ticket, attachment_files=[file("a")])["attachments"]] == ["a"]
    assert reply(desk, ticket, attachment_files=[file("a")], **contact)["attachments"] == []
    old = desk.at("2.15")
    assert reply(old, ticket, attachment_files=[file("a")])["attachments"] == []
    old.close()
    desk.switch(ticket_contact_files="accept")
    assert len(reply(desk, ticket, attachment_files=[file("a")], **contact)["attachments"]) == 1


def test_contacts_cannot_reply_to_back_office_tickets(desk: Kit) -> None:
    who = desk.contact()
    ticket = desk.ticket(desk.ticket_type("Back-office"), who)
    body = {"message_type": "comment", "type": "user", "intercom_user_id": who["id"], "body": "x"}
    assert desk.error("POST", f"/tickets/{ticket['id']}/reply", body) == (400, "parameter_mismatch")
    assert reply(desk, ticket, message_type="note")["part_type"] == "note"
    linked = {"conversation_to_link_id": desk.conversation()}
    assert desk.ticket(desk.ticket_type("Back-office"), who, **linked)["category"] == "Back-office"


def test_state_and_closing_go_in_one_call_and_the_same_state_is_refused(desk: Kit) -> None:
    ticket = desk.ticket(desk.ticket_type())
    path = f"/tickets/{ticket['id']}"
    done = desk.ok("PUT", path, {"ticket_state_id": int(RESOLVED), "open": False, "skip_notifications": True})
    assert (done["ticket_state"]["id"], done["open"], done["previous_ticket_state_id"]) == (RESOLVED, False, SUBMITTED)
    assert part_types(done) == ["ticket_state_updated_by_admin"] * 2 + ["close"]
    changed = done["ticket_parts"]["ticket_parts"][1]
    assert (changed["previous_ticket_state"], changed["ticket_state"]) == ("submitted", "resolved")
    answer = desk.put(path, {"ticket_state_id": RESOLVED})
    assert (answer.status_code, answer.json()["errors"][0]["message"]) == (
        400,
        "Cannot transition ticket to the same state",
    )
    assert desk.error("PUT", path, {"ticket_state_id": 0}) == (400, "ticket_state_id_invalid")
    assert desk.error("PUT", "/tickets/1", {}) == (404, "ticket_not_found")


@pytest.mark.parametrize("how", ["update", "contact reply"])
def test_any_later_update_or_contact_reply_reopens(desk: Kit, how: str) -> None:
    who = desk.contact()
    ticket = desk.ticket(desk.ticket_type(), who)
    path = f"/tickets/{ticket['id']}"
    desk.ok("PUT", path, {"open": False})
    reply(desk, ticket, message_type="note")
    assert desk.ok("GET", path)["open"] is False
    if how == "update":
        desk.ok("PUT", path, {"ticket_state_id": IN_PROGRESS})
    else:
        reply(desk, ticket, type="user", intercom_user_id=who["id"])
    assert desk.ok("GET", path)["open"] is True


def test_an_update_leaves_a_part_per_attribute_and_assigns_admin_or_team(desk: Kit) -> None:
    kind = desk.ticket_type()
    level = listed(desk, kind)["input_options"]["list_options"][0]["id"]
    path = f"/tickets/{desk.ticket(kind)['id']}"
    body = {"ticket_attributes": {"Level": level, "_default_title_": "New"}, "admin_id": desk.admin}
    shown = desk.ok("PUT", path, body)
    parts = shown["ticket_parts"]["ticket_parts"]
    assert part_types(shown)[1:] == ["ticket_attribute_updated_by_admin"] * 2
    assert parts[1]["updated_attribute_data"]["value"] == {"type": "value", "id": level, "label": "low"}
    assert shown["ticket_attributes"]["_default_description_"] == "It broke"
    assert desk.ok("PUT", path, {"assignee_id": str(desk.admin)})["admin_assignee_id"] == desk.admin
    assert desk.ok("PUT", path, {"assignee_id": desk.team()})["team_assignee_id"] == desk.team()
    assert desk.error("PUT", path, {"assignee_id": desk.admin})[0] == 422
    assert desk.error("PUT", path, {"assignee_id": 1}) == (404, "assignee_not_found")
    assert desk.error("PUT", path, {"admin_id": 1}) == (404, "assignee_not_found")


def test_snoozing_and_sharing(desk: Kit) -> None:
    path = f"/tickets/{desk.ticket(desk.ticket_type())['id']}"
    shown = desk.ok("PUT", path, {"snoozed_until": T0 * 2, "is_shared": False})
    assert (shown["snoozed_until"], shown["is_shared"], part_types(shown)[-1]) == (T0 * 2, False, "snoozed")


def test_a_conversation_becomes_a_customer_ticket_once(desk: Kit) -> None:
    kind, talk = desk.ticket_type(), desk.conversation()
    desk.comment(talk, created_at=T0 + 1)
    back_office = {"ticket_type_id": desk.ticket_type("Back-office")["id"]}
    assert desk.error("POST", f"/conversations/{talk}/convert", back_office) == (400, "parameter_invalid")
    body = {"ticket_type_id": kind["id"], "ticket_state_id": IN_PROGRESS, "attributes": {"_default_title_": "T"}}
    ticket = desk.ok("POST", f"/conversations/{talk}/convert", body)
    assert (ticket["id"], ticket["ticket_state"]["id"], ticket["created_at"]) == (talk, IN_PROGRESS, T0)
    assert part_types(ticket) == ["comment", "ticket_state_updated_by_admin"]
    assert ticket["ticket_attributes"]["_default_title_"] == "T"
    assert desk.error("POST", f"/conversations/{talk}/convert", body) == (400, "parameter_invalid")


def test_tags_and_deletion(desk: Kit) -> None:
    ticket = desk.ticket(desk.ticket_type())
    tag = desk.ok("POST", "/tags", {"name": "ticket tag"})["id"]
    path = f"/tickets/{ticket['id']}"
    desk.ok("POST", f"{path}/tags", {"id": tag, "admin_id": desk.admin})
    assert [t["id"] for t in desk.ok("GET", f"/conversations/{ticket['id']}")["tags"]["tags"]] == [tag]
    desk.ok("DELETE", f"{path}/tags/{tag}", {"admin_id": desk.admin})
    assert desk.ok("DELETE", path) == {"id": ticket["id"], "object": "ticket", "deleted": True}
    assert desk.error("GET", path) == (404, "ticket_not_found")
    assert desk.error("GET", f"/tickets/{ticket['ticket_id']}") == (404, "ticket_not_found")
