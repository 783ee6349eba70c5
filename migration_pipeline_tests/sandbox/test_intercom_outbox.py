"""The outbox: what would have reached a person, and what would not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from migration_pipeline_tests.sandbox.intercom_kit import T0, Json, Kit

Act = Callable[[Kit, str, Json], Any]
"""Something done to a conversation and its contact."""

OPTIONS = [{"text": "Yes", "uuid": "a5e1c524-5ddd-4c3e-9328-6bca5d6e3edb"}]

SENT: dict[str, Act] = {
    "comment": lambda desk, talk, _: desk.comment(talk),
    "comment not skipped": lambda desk, talk, _: desk.comment(talk, skip_notifications=False),
    "quick reply": lambda desk, talk, _: desk.comment(talk, message_type="quick_reply", reply_options=OPTIONS),
    "close with words": lambda desk, talk, _: desk.part(talk, "close", body="bye"),
    "assignment with words": lambda desk, talk, _: desk.part(talk, "assignment", assignee_id=desk.admin, body="hi"),
    "snooze with words": lambda desk, talk, _: desk.part(talk, "snoozed", snoozed_until=T0 * 2, body="later"),
}
SILENT: dict[str, Act] = {
    "skipped comment": lambda desk, talk, _: desk.comment(talk, skip_notifications=True),
    "skipped quick reply": lambda desk, talk, _: desk.comment(
        talk, message_type="quick_reply", reply_options=OPTIONS, skip_notifications=True
    ),
    "note": lambda desk, talk, _: desk.note(talk),
    "contact reply": lambda desk, talk, who: desk.contact_reply(talk, who),
    "close": lambda desk, talk, _: desk.part(talk, "close"),
    "assignment": lambda desk, talk, _: desk.part(talk, "assignment", assignee_id=desk.admin),
    "participant": lambda desk, talk, _: desk.ok(
        "POST",
        f"/conversations/{talk}/customers",
        {"admin_id": desk.admin, "customer": {"intercom_user_id": desk.contact()["id"]}},
    ),
    "title": lambda desk, talk, _: desk.ok("PUT", f"/conversations/{talk}", {"title": "T", "read": True}),
    "tag": lambda desk, talk, _: desk.ok(
        "POST",
        f"/conversations/{talk}/tags",
        {"id": desk.ok("POST", "/tags", {"name": "o"})["id"], "admin_id": desk.admin},
    ),
    "another conversation": lambda desk, _, who: desk.conversation(who),
}


@pytest.mark.parametrize("name", SENT)
def test_what_reaches_the_contact(desk: Kit, name: str) -> None:
    who = desk.contact()
    talk = desk.conversation(who)
    SENT[name](desk, talk, who)
    (entry,) = desk.outbox()
    assert set(entry) == {"at", "channel", "recipient", "reason", "route", "object_id"}
    assert (entry["channel"], entry["recipient"], entry["object_id"]) == ("email", who["email"], talk)
    assert entry["route"].startswith("/conversations/{id}/")
    desk.switch(contact_emails=False)
    talk = desk.conversation(who)
    SENT[name](desk, talk, who)
    assert len(desk.outbox()) == 1, "with messages to contacts switched off nothing more is sent"


@pytest.mark.parametrize("name", SILENT)
def test_what_reaches_nobody(desk: Kit, name: str) -> None:
    who = desk.contact()
    talk = desk.conversation(who)
    SILENT[name](desk, talk, who)
    assert desk.outbox() == []


def test_before_2_15_the_flag_is_ignored(desk: Kit) -> None:
    talk = desk.conversation()
    for version, expected in (("2.15", 0), ("2.14", 1)):
        old = desk.at(version)
        old.comment(talk, skip_notifications=True)
        assert len(old.outbox()) == expected, version
        old.close()


def test_every_participant_is_told_and_one_without_email_in_the_messenger(desk: Kit) -> None:
    who, other = desk.contact(), desk.contact(email=None)
    talk = desk.conversation(who)
    desk.ok("POST", f"/conversations/{talk}/customers", {"customer": {"intercom_user_id": other["id"]}})
    desk.comment(talk)
    assert [(e["channel"], e["recipient"]) for e in desk.outbox()] == [("email", who["email"]), ("in_app", other["id"])]


@pytest.mark.parametrize("name", ["contact reply", "assignment", "another conversation"])
def test_teammates_are_told_where_their_notifications_are_on(desk: Kit, name: str) -> None:
    who = desk.contact()
    talk = desk.conversation(who)
    desk.switch(teammate_notifications=True)
    SILENT[name](desk, talk, who)
    assert [entry["channel"] for entry in desk.outbox()] == ["teammate"]


def test_messages_are_really_sent(desk: Kit) -> None:
    who, other = desk.contact(), desk.contact()
    body: Json = {
        "message_type": "in_app",
        "body": "hi",
        "from": {"type": "admin", "id": desk.admin},
        "to": [{"type": "user", "id": who["id"]}, {"type": "user", "email": other["email"]}],
        "created_at": T0,
        "create_conversation_without_contact_reply": True,
    }
    made = desk.ok("POST", "/messages", body)
    assert [e["recipient"] for e in desk.outbox()] == [who["email"], other["email"]]
    shown = desk.ok("GET", f"/conversations/{made['conversation_id']}")
    assert (shown["source"]["delivered_as"], shown["source"]["author"]["type"]) == ("admin_initiated", "admin")
    assert shown["created_at"] == T0
    assert desk.error("POST", "/messages", {**body, "body": None}) == (400, "parameter_invalid")
    assert desk.error("POST", "/messages", {**body, "message_type": "email"}) == (422, "parameter_not_found")
    assert desk.error("POST", "/messages", {**body, "to": {"type": "user", "id": "nobody"}}) == (404, "not_found")
    opened = desk.ok("POST", "/messages", {"from": {"type": "user", "id": who["id"]}, "body": "yo"})
    assert opened["type"] == "user_message"
    assert len(desk.outbox()) == 2, "a contact's own message reaches no contact"


TICKET_CALLS: dict[str, Callable[[Kit, Json, Json, Json], Any]] = {
    "create": lambda desk, kind, _, flags: desk.ok(
        "POST", "/tickets", {"ticket_type_id": kind["id"], "contacts": [{"id": desk.contact()["id"]}], **flags}
    ),
    "enqueue": lambda desk, kind, _, flags: desk.ok(
        "POST", "/tickets/enqueue", {"ticket_type_id": kind["id"], "contacts": [{"id": desk.contact()["id"]}], **flags}
    ),
    "update": lambda desk, _, ticket, flags: desk.ok("PUT", f"/tickets/{ticket['id']}", {"open": False, **flags}),
    "reply": lambda desk, _, ticket, flags: desk.ok(
        "POST",
        f"/tickets/{ticket['id']}/reply",
        {"message_type": "comment", "type": "admin", "admin_id": desk.admin, "body": "x", **flags},
    ),
}


@pytest.mark.parametrize("name", TICKET_CALLS)
def test_ticket_calls_tell_contact_and_teammates_unless_skipped(desk: Kit, name: str) -> None:
    desk.switch(teammate_notifications=True)
    kind = desk.ticket_type()
    ticket = desk.ticket(kind)
    assert desk.outbox() == [], "making the ticket was skipped"
    TICKET_CALLS[name](desk, kind, ticket, {"skip_notifications": True})
    assert desk.outbox() == []
    TICKET_CALLS[name](desk, kind, ticket, {})
    assert [entry["channel"] for entry in desk.outbox()] == ["email", "teammate"]


def test_notes_on_tickets_reach_nobody_and_a_contacts_reply_only_teammates(desk: Kit) -> None:
    desk.switch(teammate_notifications=True)
    who = desk.contact()
    path = f"/tickets/{desk.ticket(desk.ticket_type(), who)['id']}/reply"
    desk.ok("POST", path, {"message_type": "note", "type": "admin", "admin_id": desk.admin, "body": "x"})
    reply = {"message_type": "comment", "type": "user", "intercom_user_id": who["id"], "body": "x"}
    desk.ok("POST", path, {**reply, "skip_notifications": True})
    assert desk.outbox() == []
    desk.ok("POST", path, reply)
    assert [entry["channel"] for entry in desk.outbox()] == ["teammate"]


def test_converting_counts_as_a_message(desk: Kit) -> None:
    talk = desk.conversation()
    desk.ok("POST", f"/conversations/{talk}/convert", {"ticket_type_id": desk.ticket_type()["id"]})
    assert [entry["reason"] for entry in desk.outbox()] == ["conversation converted"]


def test_a_refused_call_sends_nothing(desk: Kit) -> None:
    talk = desk.conversation()
    desk.part(talk, "assignment", assignee_id=desk.admin)
    body = {
        "message_type": "assignment",
        "type": "admin",
        "admin_id": desk.admin,
        "assignee_id": desk.admin,
        "body": "x",
    }
    assert desk.error("POST", f"/conversations/{talk}/parts", body)[0] == 422
    assert desk.outbox() == []
