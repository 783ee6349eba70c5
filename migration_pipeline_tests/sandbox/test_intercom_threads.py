"""Conversations: opening, replying, states, assignment, attributes, participants, tags, redaction, deletion."""

from __future__ import annotations

import pytest

from migration_pipeline_tests.sandbox.intercom_kit import T0, Json, Kit


def parts(conversation: Json) -> list[Json]:
    found: list[Json] = conversation["conversation_parts"]["conversation_parts"]
    return found


def test_creating_answers_the_message_not_the_conversation(desk: Kit) -> None:
    who = desk.contact()
    body = {"from": {"type": "user", "id": who["id"]}, "body": "Hello", "subject": "Hi", "created_at": T0}
    message = desk.ok("POST", "/conversations", body)
    assert (message["type"], message["message_type"], message["body"]) == ("user_message", "inapp", "Hello")
    shown = desk.ok("GET", f"/conversations/{message['conversation_id']}")
    assert shown["source"]["id"] == message["id"]
    assert (shown["source"]["subject"], shown["source"]["delivered_as"]) == ("Hi", "customer_initiated")
    assert (shown["created_at"], shown["state"], shown["open"]) == (T0, "open", True)
    assert shown["updated_at"] > T0
    assert shown["source"]["author"] == {"type": "user", "id": who["id"], "name": "Ann", "email": who["email"]}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"from": {"type": "user", "id": "123_doesnt_exist"}}, 404),
        ({"from": {"type": "admin", "id": "1"}}, 400),
        ({"from": None}, 400),
        ({"body": ""}, 400),
        ({"created_at": "yesterday"}, 400),
    ],
)
def test_conversations_that_cannot_be(desk: Kit, change: Json, status: int) -> None:
    body = {"from": {"type": "user", "id": desk.contact()["id"]}, "body": "Hello", **change}
    assert desk.error("POST", "/conversations", body)[0] == status


def test_a_very_new_contact_may_not_be_known_yet(desk: Kit) -> None:
    desk.switch(new_contact_delay_s=30)
    who = desk.contact()
    body = {"from": {"type": "user", "id": who["id"]}, "body": "Hello"}
    assert desk.error("POST", "/conversations", body) == (404, "not_found")
    desk.advance(31)
    assert desk.conversation(who)


@pytest.mark.parametrize(
    ("switches", "stored"),
    [
        ({}, "<p>1 &lt; 2 &lt;b&gt;x&lt;/b&gt;<br><br>y</p>"),
        ({"html_in_create_body": "strip"}, "<p>1 &lt; 2 x<br><br>y</p>"),
        ({"plain_text_newlines": "paragraphs"}, "<p>1 &lt; 2 &lt;b&gt;x&lt;/b&gt;</p><p>y</p>"),
        ({"plain_text_newlines": "keep"}, "<p>1 &lt; 2 &lt;b&gt;x&lt;/b&gt;\n\ny</p>"),
    ],
)
def test_the_opening_body_is_plain_text(desk: Kit, switches: Json, stored: str) -> None:
    desk.switch(**switches)
    talk = desk.conversation(body="1 < 2 <b>x</b>\n\ny")
    assert desk.ok("GET", f"/conversations/{talk}")["source"]["body"] == stored


@pytest.mark.parametrize(
    ("switches", "sent", "by_admin", "by_contact"),
    [
        ({}, "plain & simple", "<p>plain &amp; simple</p>", "<p>plain &amp; simple</p>"),
        ({}, "<b class=x>bold</b>", "<b class=x>bold</b>", "<b class=x>bold</b>"),
        ({"contact_reply_html": "escape"}, "<b>x</b>", "<b>x</b>", "<p>&lt;b&gt;x&lt;/b&gt;</p>"),
        (
            {"html_normalisation": "mild"},
            "<html> <body>  <h2>A</h2>  <ul>   <li>B</li> </ul><script>x</script></body></html>",
            "<h2>A</h2>\n<ul>\n<li>B</li>\n</ul>",
            "<h2>A</h2>\n<ul>\n<li>B</li>\n</ul>",
        ),
    ],
)
def test_how_bodies_of_replies_are_stored(desk: Kit, switches: Json, sent: str, by_admin: str, by_contact: str) -> None:
    desk.switch(**switches)
    who = desk.contact()
    talk = desk.conversation(who)
    assert parts(desk.note(talk, body=sent))[-1]["body"] == by_admin
    assert parts(desk.contact_reply(talk, who, body=sent))[-1]["body"] == by_contact


def test_a_reply_answers_the_whole_conversation_with_its_parts(desk: Kit) -> None:
    who = desk.contact()
    talk = desk.conversation(who)
    desk.comment(talk, created_at=T0 + 10)
    desk.note(talk, created_at=T0 + 20)
    shown = desk.contact_reply(talk, who, created_at=T0 + 30)
    assert shown["id"] == talk
    assert [(p["part_type"], p["created_at"], p["author"]["type"]) for p in parts(shown)] == [
        ("comment", T0 + 10, "admin"),
        ("note", T0 + 20, "admin"),
        ("comment", T0 + 30, "user"),
    ]
    assert parts(shown)[0]["author"]["id"] == str(desk.admin)
    assert parts(shown)[2]["author"]["id"] == who["id"]
    assert parts(shown) == parts(desk.ok("GET", f"/conversations/{talk}"))


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"type": "admin", "message_type": "comment", "body": "x"}, 400, "parameter_missing"),
        ({"type": "admin", "message_type": "comment", "body": "x", "admin_id": 1}, 404, "admin_not_found"),
        ({"type": "admin", "message_type": "shout", "body": "x", "admin_id": 1}, 400, "parameter_invalid"),
        ({"type": "user", "message_type": "note", "body": "x", "email": "x"}, 400, "parameter_invalid"),
        ({"type": "user", "message_type": "comment", "body": "x"}, 400, "parameter_invalid"),
        (
            {"type": "user", "message_type": "comment", "body": "x", "user_id": "a", "email": "b"},
            400,
            "parameter_invalid",
        ),
        ({"type": "user", "message_type": "comment", "body": "x", "user_id": "nobody"}, 404, "not_found"),
        ({"type": "bot", "message_type": "comment", "body": "x"}, 400, "parameter_invalid"),
        ({"type": "admin", "message_type": "quick_reply", "admin_id": "ME"}, 400, "parameter_missing"),
        ({"type": "admin", "message_type": "note", "admin_id": "ME"}, 400, "parameter_missing"),
        (
            {"type": "admin", "message_type": "note", "admin_id": "ME", "body": "x", "created_at": -1},
            400,
            "parameter_invalid",
        ),
    ],
)
def test_replies_that_cannot_be(desk: Kit, body: Json, status: int, code: str) -> None:
    talk = desk.conversation()
    sent = {key: desk.admin if value == "ME" else value for key, value in body.items()}
    assert desk.error("POST", f"/conversations/{talk}/reply", sent) == (status, code)
    assert parts(desk.ok("GET", f"/conversations/{talk}")) == []


def test_a_contact_replies_under_any_of_its_three_names(desk: Kit) -> None:
    who = desk.contact()
    talk = desk.conversation(who)
    for key, value in (("intercom_user_id", who["id"]), ("user_id", who["external_id"]), ("email", who["email"])):
        body = {"message_type": "comment", "type": "user", key: value, "body": key}
        assert parts(desk.ok("POST", f"/conversations/{talk}/reply", body))[-1]["author"]["id"] == who["id"]
    body = {"message_type": "comment", "type": "user", "intercom_user_id": who["id"], "body": "last"}
    assert desk.ok("POST", "/conversations/last/reply", body)["id"] == talk


@pytest.mark.parametrize("rule", ["accept", "reject"])
def test_a_contact_who_takes_no_part_may_or_may_not_reply(desk: Kit, rule: str) -> None:
    desk.switch(reply_by_non_participant=rule)
    talk, stranger = desk.conversation(), desk.contact()
    body = {"message_type": "comment", "type": "user", "intercom_user_id": stranger["id"], "body": "x"}
    assert desk.post(f"/conversations/{talk}/reply", body).status_code == (200 if rule == "accept" else 404)


@pytest.mark.parametrize("state", ["closed", "snoozed"])
def test_a_contacts_reply_reopens_and_the_part_says_so(desk: Kit, state: str) -> None:
    who = desk.contact()
    talk = desk.conversation(who)
    if state == "closed":
        desk.part(talk, "close")
    else:
        desk.part(talk, "snoozed", snoozed_until=T0 + 10**9)
    shown = desk.contact_reply(talk, who, body="again")
    assert (shown["state"], shown["open"], shown["snoozed_until"]) == ("open", True, None)
    assert (parts(shown)[-1]["part_type"], parts(shown)[-1]["body"]) == ("open", "<p>again</p>")


def test_an_admins_comment_wakes_a_snoozed_conversation_but_leaves_a_closed_one(desk: Kit) -> None:
    talk = desk.conversation()
    desk.part(talk, "snoozed", snoozed_until=T0 + 10**9)
    assert desk.note(talk)["state"] == "snoozed"
    assert desk.comment(talk)["state"] == "open"
    desk.part(talk, "close")
    assert desk.comment(talk)["state"] == "closed"


@pytest.mark.parametrize("rule", ["accept", "reject"])
def test_dates_in_the_future_or_before_the_conversation(desk: Kit, rule: str) -> None:
    desk.switch(created_at_in_future=rule, created_at_before_parent=rule)
    talk = desk.conversation(created_at=T0)
    for at in (T0 - 1, T0 * 2):
        body = {"message_type": "note", "type": "admin", "admin_id": desk.admin, "body": "x", "created_at": at}
        assert desk.post(f"/conversations/{talk}/reply", body).status_code == (200 if rule == "accept" else 400)
    future = {"from": {"type": "user", "id": desk.contact()["id"]}, "body": "x", "created_at": T0 * 2}
    assert desk.post("/conversations", future).status_code == (200 if rule == "accept" else 400)


@pytest.mark.parametrize(("order", "expected"), [("created_at", [1, 2, 3]), ("insertion", [3, 1, 2])])
def test_the_order_of_parts(desk: Kit, order: str, expected: list[int]) -> None:
    desk.switch(part_order=order)
    talk = desk.conversation()
    for n in (3, 1, 2):
        shown = desk.note(talk, created_at=T0 + n)
    assert [p["created_at"] - T0 for p in parts(shown)] == expected


def test_bodies_may_have_a_maximum(desk: Kit) -> None:
    desk.switch(max_body_length=10)
    talk = desk.conversation(body="0123456789")
    body = {"message_type": "note", "type": "admin", "admin_id": desk.admin, "body": "01234567890"}
    assert desk.error("POST", f"/conversations/{talk}/reply", body) == (400, "parameter_invalid")


def test_only_the_500_most_recent_parts_are_shown(desk: Kit) -> None:
    talk = desk.conversation()
    for n in range(502):
        desk.note(talk, created_at=T0 + n, body=str(n))
    shown = desk.ok("GET", f"/conversations/{talk}")
    assert [p["created_at"] - T0 for p in parts(shown)] == list(range(2, 502))
    assert shown["conversation_parts"]["total_count"] == 502


def test_states_leave_parts_dated_now(desk: Kit) -> None:
    talk = desk.conversation()
    until = T0 + 10**9
    for message_type, more, state in (
        ("snoozed", {"snoozed_until": until}, "snoozed"),
        ("open", {}, "open"),
        ("close", {"body": "bye", "created_at": T0}, "closed"),
    ):
        shown = desk.part(talk, message_type, **more)
        assert (shown["state"], parts(shown)[-1]["part_type"]) == (state, message_type)
        assert parts(shown)[-1]["created_at"] > T0
        assert shown["snoozed_until"] == (until if state == "snoozed" else None)
    assert parts(shown)[-1]["body"] == "<p>bye</p>"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"message_type": "vanish", "admin_id": "ME"}, 400, "parameter_invalid"),
        ({"message_type": "close", "type": "admin"}, 400, "parameter_missing"),
        ({"message_type": "close", "admin_id": "ME"}, 400, "parameter_invalid"),
        ({"message_type": "close", "type": "admin", "admin_id": 1}, 404, "admin_not_found"),
        ({"message_type": "snoozed", "admin_id": "ME"}, 400, "parameter_missing"),
        ({"message_type": "assignment", "type": "admin", "admin_id": "ME"}, 400, "parameter_missing"),
        ({"message_type": "assignment", "type": "pet", "admin_id": "ME", "assignee_id": "0"}, 400, "parameter_invalid"),
        (
            {"message_type": "assignment", "type": "admin", "admin_id": "ME", "assignee_id": "1"},
            404,
            "assignee_not_found",
        ),
    ],
)
def test_state_changes_that_cannot_be(desk: Kit, body: Json, status: int, code: str) -> None:
    sent = {key: desk.admin if value == "ME" else value for key, value in body.items()}
    assert desk.error("POST", f"/conversations/{desk.conversation()}/parts", sent) == (status, code)


@pytest.mark.parametrize("rule", ["adds_part", "reject"])
def test_closing_what_is_closed(desk: Kit, rule: str) -> None:
    desk.switch(repeated_state=rule)
    talk = desk.conversation()
    desk.part(talk, "close")
    body = {"message_type": "close", "type": "admin", "admin_id": desk.admin}
    assert desk.post(f"/conversations/{talk}/parts", body).status_code == (200 if rule == "adds_part" else 400)


def test_assignment_to_admin_and_team_reopens_and_is_refused_when_repeated(desk: Kit) -> None:
    talk, team = desk.conversation(), desk.team()
    shown = desk.part(talk, "assignment", assignee_id=str(desk.admin))
    assert (shown["admin_assignee_id"], parts(shown)[-1]["part_type"]) == (desk.admin, "assignment")
    assert parts(shown)[-1]["assigned_to"] == {"type": "admin", "id": str(desk.admin)}
    again = {"message_type": "assignment", "type": "admin", "admin_id": desk.admin, "assignee_id": desk.admin}
    assert desk.error("POST", f"/conversations/{talk}/parts", again)[0] == 422
    desk.part(talk, "close")
    shown = desk.part(talk, "assignment", type="team", assignee_id=team)
    assert (shown["team_assignee_id"], shown["admin_assignee_id"], shown["state"]) == (team, desk.admin, "open")
    assert parts(shown)[-1]["part_type"] == "assign_and_reopen"
    assert desk.part(talk, "assignment", assignee_id="0")["admin_assignee_id"] == 0


def test_nobody_is_zero_since_2_16_and_null_before(desk: Kit) -> None:
    talk = desk.conversation()
    new = desk.ok("GET", f"/conversations/{talk}")
    old, older = desk.at("2.15"), desk.at("2.14")
    before, earliest = old.ok("GET", f"/conversations/{talk}"), older.ok("GET", f"/conversations/{talk}")
    old.close()
    older.close()
    assert (new["admin_assignee_id"], new["team_assignee_id"], new["priority"]) == (0, 0, "none")
    assert (before["admin_assignee_id"], before["team_assignee_id"], before["priority"]) == (None, None, "not_priority")
    assert ("company" in before, "company" in earliest) == (True, False)


def test_one_update_sets_all_and_leaves_a_bot_part_per_attribute(desk: Kit) -> None:
    talk, company = desk.conversation(), desk.company()
    text, number = desk.conversation_attribute(), desk.conversation_attribute("integer")
    values = {text["name"]: "x", number["name"]: 3}
    body = {"read": True, "title": "T", "company_id": company["id"], "custom_attributes": values}
    shown = desk.ok("PUT", f"/conversations/{talk}", body)
    assert (shown["read"], shown["title"], shown["company"]["id"]) == (True, "T", company["id"])
    assert shown["custom_attributes"] == values
    assert [(p["part_type"], p["author"]["type"]) for p in parts(shown)] == [
        ("conversation_attribute_updated_by_admin", "bot")
    ] * 2
    assert parts(shown)[1]["event_details"] == {"attribute": {"name": number["name"]}, "value": {"name": "3"}}
    assert parts(shown)[0]["created_at"] > T0
    assert desk.error("PUT", f"/conversations/{talk}", {"company_id": "nothing"}) == (404, "company_not_found")


@pytest.mark.parametrize(
    ("data_type", "good", "bad"),
    [
        ("integer", 3, "three"),
        ("decimal", 1.5, "much"),
        ("boolean", False, 0),
        ("datetime", T0, "soon"),
        ("files", [1], 1),
    ],
)
def test_values_must_fit_their_conversation_attribute(desk: Kit, data_type: str, good: object, bad: object) -> None:
    talk, name = desk.conversation(), desk.conversation_attribute(data_type)["name"]
    path = f"/conversations/{talk}"
    assert desk.ok("PUT", path, {"custom_attributes": {name: good}})["custom_attributes"] == {name: good}
    assert desk.error("PUT", path, {"custom_attributes": {name: bad}}) == (422, "type_mismatch")


@pytest.mark.parametrize("key", ["label", "id"])
def test_list_values_of_conversations_are_labels_or_ids(desk: Kit, key: str) -> None:
    desk.switch(conversation_list_attribute=key)
    talk = desk.conversation()
    made = desk.conversation_attribute("list", options=[{"label": "High"}])
    made = desk.ok("POST", f"/conversations/attributes/{made['id']}/options", {"label": "Low"})
    low = made["options"][1]
    path, wrong = f"/conversations/{talk}", "id" if key == "label" else "label"
    shown = desk.ok("PUT", path, {"custom_attributes": {made["name"]: low[key]}})
    assert shown["custom_attributes"] == {made["name"]: low[key]}
    assert desk.error("PUT", path, {"custom_attributes": {made["name"]: low[wrong]}}) == (422, "type_mismatch")


def test_conversation_attributes_may_share_a_name_and_then_cannot_be_set(desk: Kit) -> None:
    talk, name = desk.conversation(), desk.conversation_attribute()["name"]
    path = f"/conversations/{talk}"
    twin = desk.ok("POST", "/conversations/attributes", {"name": name, "data_type": "string"})
    assert desk.error("PUT", path, {"custom_attributes": {name: "x"}}) == (400, "parameter_invalid")
    desk.ok("DELETE", f"/conversations/attributes/{twin['id']}")
    assert desk.ok("PUT", path, {"custom_attributes": {name: "x"}})["custom_attributes"] == {name: "x"}
    assert desk.error("PUT", path, {"custom_attributes": {"nothing": "x"}}) == (400, "parameter_invalid")
    desk.switch(unknown_custom_attribute="ignore")
    assert desk.ok("PUT", path, {"custom_attributes": {"nothing": "x"}})["custom_attributes"] == {name: "x"}


def test_conversation_attributes_that_cannot_be(desk: Kit) -> None:
    base = "/conversations/attributes"
    assert desk.error("POST", base, {"name": "x", "data_type": "invalid_type"}) == (422, "parameter_invalid")
    assert desk.error("POST", base, {"data_type": "string"}) == (422, "parameter_invalid")
    assert desk.error("POST", base, {"name": "x", "data_type": "list"}) == (422, "parameter_invalid")
    assert desk.error("GET", f"{base}/1") == (404, "conversation_attribute_not_found")
    text = desk.conversation_attribute()["id"]
    listed = desk.conversation_attribute("list", options=[{"label": "a"}])["id"]
    for key, body in ((text, {"label": "b"}), (listed, {}), (listed, {"label": 1}), (listed, {"label": "b", "x": 1})):
        assert desk.error("POST", f"{base}/{key}/options", body) == (422, "parameter_invalid")


def test_participants_join_once_and_the_last_one_stays(desk: Kit) -> None:
    first, second = desk.contact(), desk.contact()
    talk = desk.conversation(first)
    path = f"/conversations/{talk}/customers"
    for customer in (
        {"intercom_user_id": second["id"]},
        {"user_id": second["external_id"]},
        {"email": second["email"]},
    ):
        shown = desk.ok("POST", path, {"admin_id": desk.admin, "customer": customer})
        assert [c["id"] for c in shown["contacts"]["contacts"]] == [first["id"], second["id"]]
    assert [p["part_type"] for p in parts(shown)] == ["participant_added"]
    shown = desk.ok("POST", path, {"admin_id": desk.admin, "customer": {"email": "unknown@customer.example"}})
    lead = desk.ok("GET", f"/contacts/{shown['contacts']['contacts'][2]['id']}")
    assert (lead["role"], lead["email"]) == ("lead", "unknown@customer.example")
    assert desk.error("POST", path, {"admin_id": desk.admin, "customer": {"user_id": "nobody"}}) == (404, "not_found")
    for gone in (lead, first):
        desk.ok("DELETE", f"{path}/{gone['id']}", {"admin_id": desk.admin})
    assert desk.error("DELETE", f"{path}/{first['id']}", {"admin_id": desk.admin}) == (404, "not_found")
    assert desk.error("DELETE", f"{path}/{second['id']}", {"admin_id": desk.admin}) == (422, "parameter_invalid")


def test_tags_on_a_conversation_name_the_admin(desk: Kit) -> None:
    talk, tag = desk.conversation(), desk.ok("POST", "/tags", {"name": "conv"})["id"]
    path = f"/conversations/{talk}/tags"
    for _ in range(2):
        applied = desk.ok("POST", path, {"id": tag, "admin_id": desk.admin})
    assert applied["applied_by"] == {"type": "admin", "id": str(desk.admin)}
    assert desk.ok("GET", f"/conversations/{talk}")["tags"]["tags"] == [applied]
    assert desk.error("POST", path, {"id": tag}) == (400, "parameter_missing")
    assert desk.error("POST", "/conversations/1/tags", {"id": tag, "admin_id": desk.admin}) == (404, "not_found")
    desk.ok("DELETE", f"{path}/{tag}", {"admin_id": desk.admin})
    assert desk.error("DELETE", f"{path}/{tag}", {"admin_id": desk.admin}) == (404, "tag_not_found")


def test_redaction_leaves_a_tombstone(desk: Kit) -> None:
    talk = desk.conversation()
    shown = desk.note(talk, body="secret")
    tombstone = "<p><i>This message was deleted</i></p>"
    order = {"type": "conversation_part", "conversation_id": talk, "conversation_part_id": parts(shown)[0]["id"]}
    part = parts(desk.ok("POST", "/conversations/redact", order))[0]
    assert (part["body"], part["redacted"], part["created_at"]) == (tombstone, True, parts(shown)[0]["created_at"])
    order = {"type": "source", "conversation_id": talk, "source_id": shown["source"]["id"]}
    source = desk.ok("POST", "/conversations/redact", order)["source"]
    assert (source["body"], source["redacted"]) == (tombstone, True)
    order = {"type": "source", "conversation_id": talk, "source_id": "1"}
    assert desk.error("POST", "/conversations/redact", order) == (404, "conversation_part_or_message_not_found")


def test_deleted_conversations_are_gone_and_listed(desk: Kit) -> None:
    first, second = desk.conversation(), desk.conversation()
    assert desk.ok("DELETE", f"/conversations/{first}")["deleted"] is True
    desk.advance(1)
    desk.ok("DELETE", f"/conversations/{second}?retain_metrics=false")
    assert desk.error("GET", f"/conversations/{first}") == (404, "not_found")
    page = desk.ok("GET", "/conversations/deleted?per_page=1")
    assert [(c["id"], c["metrics_retained"]) for c in page["conversations"]] == [(second, False)]
    following = desk.ok("GET", page["pages"]["next"])
    assert [(c["id"], c["metrics_retained"]) for c in following["conversations"]] == [(first, True)]


def test_plain_text_on_demand(desk: Kit) -> None:
    talk = desk.conversation(body="a < b")
    desk.note(talk, body="<p>one <b>two</b></p>")
    shown = desk.ok("GET", f"/conversations/{talk}?display_as=plaintext")
    assert (shown["source"]["body"], parts(shown)[0]["body"]) == ("a < b", "one two")


def test_a_workflow_may_answer_new_conversations(desk: Kit) -> None:
    desk.switch(workflows=True)
    shown = desk.ok("GET", f"/conversations/{desk.conversation()}")
    assert [(p["part_type"], p["author"]["type"]) for p in parts(shown)] == [("comment", "bot")]
    assert [entry["reason"] for entry in desk.outbox()] == ["workflow"]


def test_dates_may_have_to_follow_the_contact_and_each_other(desk: Kit) -> None:
    who = desk.contact()
    talk = desk.conversation(who)
    desk.note(talk, created_at=T0 + 50)
    desk.switch(created_at_before_contact="reject", created_at_out_of_order="reject")
    opener = {"from": {"type": "user", "id": who["id"]}, "body": "x"}
    assert desk.error("POST", "/conversations", {**opener, "created_at": T0}) == (400, "parameter_invalid")
    assert desk.ok("POST", "/conversations", {**opener, "created_at": who["created_at"]})["created_at"]
    note = {"message_type": "note", "type": "admin", "admin_id": desk.admin, "body": "x"}
    path = f"/conversations/{talk}/reply"
    assert desk.error("POST", path, {**note, "created_at": T0 + 49}) == (400, "parameter_invalid")
    assert desk.note(talk, created_at=T0 + 50)["conversation_parts"]["total_count"] == 2


def test_a_call_that_is_delivered_twice_is_done_twice(desk: Kit) -> None:
    talk = desk.conversation()
    desk.control("POST", "faults", {"kinds": ["duplicate"], "limit": 1})
    assert desk.note(talk)["conversation_parts"]["total_count"] == 2
    desk.control("POST", "faults", {"kinds": ["unavailable"], "limit": 1})
    assert desk.error("GET", f"/conversations/{talk}") == (503, "service_unavailable")
    desk.control("POST", "faults", {"kinds": ["timeout_after_commit"], "limit": 1})
    note = {"message_type": "note", "type": "admin", "admin_id": desk.admin, "body": "x"}
    assert desk.error("POST", f"/conversations/{talk}/reply", note) == (408, "request_timeout")
    assert desk.ok("GET", f"/conversations/{talk}")["conversation_parts"]["total_count"] == 3
