"""Conversations: opening them, reading one, updating, tagging, converting, redacting and deleting.

Replies, state changes, participants, lists and searches have modules of their own.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from migration_pipeline.sandbox.intercom import bodies, conversation_attributes, outbox
from migration_pipeline.sandbox.intercom.admission import version_of
from migration_pipeline.sandbox.intercom.companies import require_company
from migration_pipeline.sandbox.intercom.contacts import USER_NOT_FOUND, require_contact
from migration_pipeline.sandbox.intercom.conversation_shapes import conversation_json
from migration_pipeline.sandbox.intercom.errors import fail, invalid, missing
from migration_pipeline.sandbox.intercom.paging import number_pages, number_request
from migration_pipeline.sandbox.intercom.parts import Part, add_part, contact_author, operator, redact_part
from migration_pipeline.sandbox.intercom.payload import flag, id_number, object_of, text
from migration_pipeline.sandbox.intercom.tags import tag_object, tagging_admin, untag_object
from migration_pipeline.sandbox.intercom.threads import (
    attribute_part,
    change_thread,
    open_thread,
    remove_thread,
    require_thread,
)
from migration_pipeline.sandbox.intercom.uploads import Upload, uploads_of
from migration_pipeline.sandbox.intercom.workspace import Row, Workspace, dumps, loads
from migration_pipeline.sandbox.wire import Answer, Call, Route, json_answer

Json = dict[str, Any]


def routes(ws: Workspace) -> list[Route]:
    """The routes of this module."""
    one = "/conversations/{id}"
    return [
        Route("POST", "/conversations", partial(_create, ws)),
        Route("GET", one, partial(_get, ws)),
        Route("PUT", one, partial(_update, ws)),
        Route("DELETE", one, partial(_delete, ws)),
        Route("POST", f"{one}/tags", partial(_tag, ws)),
        Route("DELETE", one + "/tags/{tag_id}", partial(_untag, ws)),
        Route("POST", "/conversations/redact", partial(_redact, ws)),
        Route("GET", "/conversations/deleted", partial(_deleted, ws)),
    ]


def start(ws: Workspace, body: Json, uploads: list[Upload], route: str) -> Json:
    """Open a conversation written by a contact; answers the message, which is what creating one answers."""
    contact = _opener(ws, body)
    given = text(body, "body")
    if not given:
        raise invalid("Body is required", "body")
    created_at = bodies.dated(ws, body)
    bodies.refuse_older_than_contact(ws, contact, created_at)
    row = open_thread(
        ws,
        author=contact_author(contact),
        contact_ids=[contact["id"]],
        body=bodies.opener(ws, given),
        created_at=created_at,
        subject=text(body, "subject") or "",
        attachments=[ws.files.add(upload) for upload in uploads],
    )
    ws.update("contacts", "id", contact["id"], {"last_replied_at": max(created_at, contact["last_replied_at"] or 0)})
    outbox.tell_teammates(ws, "new conversation", route, row["id"])
    if ws.switches["workflows"]:
        answer = Part("comment", operator(ws), ws.now(), "open", body="<p>Thanks, we will be with you soon.</p>")
        add_part(ws, row["id"], answer)
        outbox.tell_contacts(ws, row["id"], "workflow", route)
    return {
        "type": "user_message",
        "id": loads(row["source"])["id"],
        "created_at": created_at,
        "body": given,
        "message_type": "inapp",
        "conversation_id": str(row["id"]),
    }


def _opener(ws: Workspace, body: Json) -> Row:
    """The contact of `from`; a very new one is not known here yet."""
    sender = body.get("from")
    if not isinstance(sender, dict) or sender.get("type") not in ("user", "lead", "contact") or not sender.get("id"):
        raise invalid("from must be an object with type user, lead or contact, and id", "from")
    contact = require_contact(ws, sender["id"])
    if ws.clock.now() - contact["born_at"] < ws.switches["new_contact_delay_s"]:
        raise missing(USER_NOT_FOUND)
    return contact


async def _create(ws: Workspace, call: Call) -> Answer:
    body = object_of(call)
    _opener(ws, body)
    uploads = await uploads_of(body, ws.switches, files=False)
    return json_answer(start(ws, body, uploads, call.template))


def _get(ws: Workspace, call: Call) -> Answer:
    row = require_thread(ws, call.params["id"])
    plaintext = call.query.get("display_as") == "plaintext"
    return json_answer(conversation_json(ws, row, version_of(call), plaintext=plaintext))


def _update(ws: Workspace, call: Call) -> Answer:
    row = require_thread(ws, call.params["id"])
    body = object_of(call)
    changes: Row = {}
    if flag(body, "read") is not None:
        changes["read"] = body["read"]
    if "title" in body:
        changes["title"] = text(body, "title")
    if body.get("company_id") is not None:
        changes["company_id"] = require_company(ws, body["company_id"])["id"]
    given = conversation_attributes.checked(ws, body.get("custom_attributes"))
    if given:
        changes["custom_attributes"] = dumps({**loads(row["custom_attributes"]), **given})
    change_thread(ws, row, changes)
    for name, value in given.items():
        attribute_part(ws, row, "conversation_attribute_updated_by_admin", name, value, {})
    return json_answer(conversation_json(ws, require_thread(ws, row["id"]), version_of(call)))


def _delete(ws: Workspace, call: Call) -> Answer:
    row = require_thread(ws, call.params["id"])
    retain = call.query.get("retain_metrics", "true") != "false"
    scope = "delete_conversations_and_metrics"
    if not retain and scope in ws.switches["missing_scopes"]:
        raise fail(403, "token_unauthorized", f"Not authorized to access resource: {scope} is missing")
    remove_thread(ws, row, retain_metrics=retain)
    return json_answer({"id": str(row["id"]), "object": "conversation", "deleted": True})


def _tag(ws: Workspace, call: Call) -> Answer:
    row = require_thread(ws, call.params["id"], "Conversation not found")
    body = object_of(call)
    tag = tag_object(ws, "conversation", row["id"], body, tagging_admin(ws, body))
    change_thread(ws, row, {})
    return json_answer(tag)


def _untag(ws: Workspace, call: Call) -> Answer:
    row = require_thread(ws, call.params["id"], "Conversation not found")
    tagging_admin(ws, object_of(call))
    tag = untag_object(ws, "conversation", row["id"], call.params["tag_id"])
    change_thread(ws, row, {})
    return json_answer(tag)


def _redact(ws: Workspace, call: Call) -> Answer:
    body = object_of(call)
    row = ws.row("SELECT * FROM conversations WHERE id = ?", id_number(body.get("conversation_id")))
    done = row is not None and (
        redact_part(ws, row["id"], id_number(body.get("conversation_part_id")))
        if body.get("type") == "conversation_part"
        else _redact_source(ws, row, body.get("source_id"))
    )
    if row is None or not done:
        raise fail(404, "conversation_part_or_message_not_found", "Conversation part or message not found")
    change_thread(ws, row, {})
    return json_answer(conversation_json(ws, require_thread(ws, row["id"]), version_of(call)))


def _redact_source(ws: Workspace, row: Row, source_id: Any) -> bool:
    source = loads(row["source"])
    if source["id"] != str(source_id):
        return False
    tombstone = {**source, "body": bodies.REDACTED, "attachments": [], "redacted": True}
    ws.update("conversations", "id", row["id"], {"source": dumps(tombstone)})
    return True


def _deleted(ws: Workspace, call: Call) -> Answer:
    asked = number_request(ws, call.query, 20, 60)
    order = "ASC" if call.query.get("order") == "asc" else "DESC"
    total = ws.scalar("SELECT count(*) FROM deleted_conversations")
    rows = ws.rows(
        f"SELECT * FROM deleted_conversations ORDER BY deleted_at {order}, id {order} LIMIT ? OFFSET ?",
        asked.per_page,
        asked.offset,
    )
    items = [
        {
            "type": "conversation",
            "id": str(row["id"]),
            "metrics_retained": bool(row["metrics_retained"]),
            "deleted_at": row["deleted_at"],
        }
        for row in rows
    ]
    pages = number_pages(ws, call, asked, total)
    return json_answer({"type": "conversations.list", "total_count": total, "pages": pages, "conversations": items})
