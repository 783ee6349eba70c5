"""Segments, brands, macros, subscriptions; links and types of tickets; options of conversation attributes."""

from __future__ import annotations

import pytest

from migration_pipeline_tests.sandbox.intercom_kit import Json, Kit


def test_segments_follow_the_role_of_a_contact(desk: Kit) -> None:
    user, lead = desk.contact(), desk.contact(role="lead")
    counted = {s["name"]: s["count"] for s in desk.ok("GET", "/segments?include_count=true")["segments"]}
    assert counted["All users"] >= 1
    for contact, name in ((user, "All users"), (lead, "All leads")):
        shown = desk.ok("GET", f"/contacts/{contact['id']}/segments")["data"]
        assert [s["name"] for s in shown] == [name]
        assert desk.ok("GET", f"/segments/{shown[0]['id']}")["name"] == name
    assert desk.ok("GET", f"/companies/{desk.company()['id']}/segments")["data"] == []
    assert desk.error("GET", "/segments/1") == (404, "not_found")


def test_the_default_brand_is_the_workspaces_own(desk: Kit) -> None:
    brands = desk.ok("GET", "/brands")["data"]
    assert [b["id"] for b in brands if b["is_default"]] == [desk.ok("GET", "/me")["app"]["id_code"]]
    assert desk.ok("GET", f"/brands/{brands[1]['id']}") == brands[1]
    assert desk.error("GET", "/brands/77") == (404, "not_found")


def test_macros_are_read_in_pages_and_only_by_those_who_see_them(desk: Kit) -> None:
    first = desk.ok("GET", "/macros?per_page=1")
    second = desk.ok("GET", f"/macros?per_page=1&starting_after={first['pages']['next']['starting_after']}")
    assert [m["name"] for m in first["data"] + second["data"]] == ["Refund", "Greeting"]
    assert second["pages"]["next"] is None
    assert desk.ok("GET", f"/macros/{first['data'][0]['id']}") == first["data"][0]
    assert desk.error("GET", "/macros/5103") == (404, "not_found")
    assert desk.error("POST", "/macros", {"name": "x"}) == (404, "not_found")
    assert desk.error("GET", "/macros?starting_after=x") == (400, "client_error")
    old = desk.at("2.15")
    assert old.error("GET", "/macros") == (400, "intercom_version_invalid")
    old.close()


def test_a_contact_shows_what_it_chose(desk: Kit) -> None:
    path = f"/contacts/{desk.contact()['id']}"
    types = {t["default_translation"]["name"]: t for t in desk.ok("GET", "/subscription_types")["data"]}
    newsletter = {"id": types["Newsletter"]["id"], "consent_type": "opt_out"}
    for _ in range(2):
        desk.ok("POST", f"{path}/subscriptions", newsletter)
    assert [s["id"] for s in desk.ok("GET", f"{path}/subscriptions")["data"]] == [newsletter["id"]]
    shown = desk.ok("GET", path)
    assert shown["opted_out_subscription_types"]["total_count"] == 1
    assert shown["opted_in_subscription_types"]["data"] == []
    assert desk.error("POST", f"{path}/subscriptions", {**newsletter, "consent_type": "opt_in"})[0] == 400
    assert desk.error("POST", f"{path}/subscriptions", {**newsletter, "id": "1"}) == (404, "not_found")
    desk.ok("DELETE", f"{path}/subscriptions/{newsletter['id']}")
    assert desk.error("DELETE", f"{path}/subscriptions/{newsletter['id']}") == (404, "not_found")


@pytest.mark.parametrize("by", ["call", "creation"])
def test_a_tracker_ticket_is_linked_with_conversations(desk: Kit, by: str) -> None:
    kind, talk = desk.ticket_type("Tracker"), desk.conversation()
    if by == "call":
        tracker = desk.ticket(kind)["id"]
        shown = desk.ok("POST", f"/tickets/{tracker}/linked_conversations", {"conversation_id": talk})
    else:
        tracker = desk.ticket(kind, conversation_to_link_id=talk)["id"]
        shown = desk.ok("GET", f"/conversations/{talk}")
    path = f"/tickets/{tracker}/linked_conversations"
    assert shown["linked_objects"]["data"] == [{"type": "ticket", "id": tracker, "category": "Tracker"}]
    linked = desk.ok("GET", f"/tickets/{tracker}")["linked_objects"]
    assert linked["data"] == [{"type": "conversation", "id": talk, "category": None}]
    assert desk.error("POST", path, {"conversation_id": talk}) == (400, "already_linked_to_tracker")
    assert desk.error("POST", path, {}) == (400, "parameter_not_found")
    assert desk.error("POST", path, {"conversation_id": 1}) == (404, "conversation_not_found")
    customer = desk.ticket(desk.ticket_type())["id"]
    refused = desk.error("POST", f"/tickets/{customer}/linked_conversations", {"conversation_id": talk})
    assert refused == (400, "invalid_ticket_type")
    assert desk.ok("DELETE", f"{path}/{talk}")["linked_objects"]["total_count"] == 0
    assert desk.error("DELETE", f"{path}/{talk}") == (404, "conversation_not_found")


def test_a_ticket_changes_to_another_type_of_its_category(desk: Kit) -> None:
    before, after = desk.ticket_type(), desk.ticket_type()
    for kind, data_type in ((before, "string"), (after, "string"), (before, "integer")):
        name = "Order" if data_type == "string" else "Units"
        attribute = {"name": name, "description": "", "data_type": data_type}
        desk.ok("POST", f"/ticket_types/{kind['id']}/attributes", attribute)
    ticket = desk.ticket(before, ticket_attributes={"_default_title_": "T", "Order": "A1", "Units": 2})
    path = f"/tickets/{ticket['id']}/change_type"
    order: Json = {"ticket_type_id": after["id"], "ticket_state_id": "8322", "skip_notifications": True}
    changed = desk.ok("POST", path, order)
    assert changed["ticket_type"]["id"] == after["id"]
    assert changed["ticket_attributes"] == {"_default_title_": "T", "_default_description_": None, "Order": "A1"}
    assert changed["ticket_state"]["id"] == "8322"
    assert desk.error("POST", path, order) == (400, "parameter_invalid")
    tracker = {**order, "ticket_type_id": desk.ticket_type("Tracker")["id"]}
    assert desk.error("POST", path, tracker) == (400, "parameter_invalid")
    assert desk.error("POST", path, {"ticket_type_id": before["id"]}) == (400, "parameter_not_found")


def test_options_of_a_conversation_attribute_are_renamed_and_archived(desk: Kit) -> None:
    made = desk.conversation_attribute("list", options=[{"label": "a"}, {"label": "b"}, {"label": "c"}])
    path = f"/conversations/attributes/{made['id']}/options"
    a, b, _ = made["options"]
    renamed = desk.call("PUT", f"{path}/{a['id']}", {"label": "A"}).json()
    assert renamed["options"][0] == {**a, "label": "A"}
    archived = desk.ok("DELETE", f"{path}/{b['id']}")
    assert [o["archived"] for o in archived["options"]] == [False, True, False]
    talk = desk.conversation()
    for label, status in (("A", 200), ("a", 422), ("b", 422)):
        answer = desk.put(f"/conversations/{talk}", {"custom_attributes": {made["name"]: label}})
        assert answer.status_code == status
    assert desk.error("DELETE", f"{path}/{a['id']}") == (422, "parameter_invalid")
    assert desk.error("PUT", f"{path}/{a['id']}", {"label": "x", "order": 1}) == (422, "parameter_invalid")
    assert desk.error("PUT", f"{path}/nothing", {"label": "x"}) == (404, "conversation_attribute_not_found")
