"""POST /messages: a message that an admin really sends, or a contact's, which opens a conversation."""

from __future__ import annotations

from functools import partial
from typing import Any

from migration_pipeline.sandbox.intercom import bodies, outbox
from migration_pipeline.sandbox.intercom.admins import admin_json, require_admin
from migration_pipeline.sandbox.intercom.contacts import USER_NOT_FOUND, find_contact, require_contact
from migration_pipeline.sandbox.intercom.conversations import start
from migration_pipeline.sandbox.intercom.errors import fail, invalid, missing
from migration_pipeline.sandbox.intercom.parts import admin_author
from migration_pipeline.sandbox.intercom.payload import flag, id_text, object_of, text
from migration_pipeline.sandbox.intercom.threads import open_thread
from migration_pipeline.sandbox.intercom.workspace import Row, Workspace, loads
from migration_pipeline.sandbox.wire import Answer, Call, Route, json_answer

Json = dict[str, Any]


def routes(ws: Workspace) -> list[Route]:
    """The routes of this module."""
    return [Route("POST", "/messages", partial(_create, ws))]


def _create(ws: Workspace, call: Call) -> Answer:
    body = object_of(call)
    sender = body.get("from")
    if not isinstance(sender, dict):
        raise invalid("from must be an object", "from")
    if sender.get("type") != "admin":
        return json_answer(start(ws, body, [], call.template))
    admin = require_admin(ws, sender.get("id"))
    is_email = body.get("message_type") == "email"
    given, subject = text(body, "body"), text(body, "subject")
    if not given:
        raise invalid("Body is required", "body")
    if is_email and not subject:
        raise fail(422, "parameter_not_found", "No subject supplied for email message")
    to = body.get("to")
    recipients = [_recipient(ws, item) for item in (to if isinstance(to, list) else [to])]
    created_at = bodies.dated(ws, body)
    answer: Json = {
        "type": "admin_message",
        "created_at": created_at,
        "subject": subject or "",
        "body": given,
        "message_type": "email" if is_email else "inapp",
        "owner": admin_json(admin),
    }
    if flag(body, "create_conversation_without_contact_reply"):
        row = open_thread(
            ws,
            author=admin_author(admin),
            contact_ids=[contact["id"] for contact in recipients],
            body=bodies.reply(ws, given, by_contact=False),
            created_at=created_at,
            subject=subject or "",
        )
        answer.update(id=loads(row["source"])["id"], conversation_id=str(row["id"]))
    else:
        answer["id"] = str(ws.insert("messages", {"conversation_id": None}))
    for contact in recipients:
        outbox.tell_contact(ws, contact, "message", call.template, answer["id"])
    return json_answer(answer)


def _recipient(ws: Workspace, item: Any) -> Row:
    if not isinstance(item, dict):
        raise invalid("to must name contacts", "to")
    if item.get("id") is not None:
        return require_contact(ws, item["id"])
    key = "user_id" if item.get("user_id") is not None else "email"
    found = find_contact(ws, **{"external_id" if key == "user_id" else "email": id_text(item.get(key)) or ""})
    if found is None:
        raise missing(USER_NOT_FOUND)
    return found
