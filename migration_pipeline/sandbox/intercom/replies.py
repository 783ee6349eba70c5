"""Replies and notes, on conversations here and on tickets through `read_reply` and `add_reply`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from migration_pipeline.sandbox.intercom import bodies, outbox
from migration_pipeline.sandbox.intercom.admins import require_admin
from migration_pipeline.sandbox.intercom.admission import version_of
from migration_pipeline.sandbox.intercom.contacts import USER_NOT_FOUND, find_contact, require_contact
from migration_pipeline.sandbox.intercom.conversation_shapes import conversation_json
from migration_pipeline.sandbox.intercom.errors import fail, invalid, missing
from migration_pipeline.sandbox.intercom.parts import Author, Part, add_part, admin_author, contact_author
from migration_pipeline.sandbox.intercom.payload import id_text, object_of, text
from migration_pipeline.sandbox.intercom.threads import change_thread, require_thread
from migration_pipeline.sandbox.intercom.uploads import Upload, uploads_of
from migration_pipeline.sandbox.intercom.workspace import Row, Workspace
from migration_pipeline.sandbox.wire import Answer, Call, Route, json_answer

Json = dict[str, Any]
CONTACT_KEYS = ("intercom_user_id", "user_id", "email")


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply as its call brought it, already checked; `contact` is None for an admin's."""

    part_type: str
    author: Author
    body: str | None
    contact: Row | None


def routes(ws: Workspace) -> list[Route]:
    """The routes of this module."""
    return [Route("POST", "/conversations/{id}/reply", partial(_reply, ws))]


def contact_of(ws: Workspace, body: Json) -> Row:
    """The contact that a body names by exactly one of its three keys. 400, or 404 "User Not Found"."""
    keys = [key for key in CONTACT_KEYS if body.get(key) is not None]
    if len(keys) != 1:
        raise invalid(f"exactly one of {', '.join(CONTACT_KEYS)} is required")
    value = id_text(body[keys[0]])
    if keys[0] == "intercom_user_id":
        return require_contact(ws, value)
    found = find_contact(ws, **{"external_id" if keys[0] == "user_id" else "email": value})
    if found is None:
        raise missing(USER_NOT_FOUND)
    return found


def read_reply(ws: Workspace, body: Json) -> Reply:
    """Author, kind and stored body of a reply. Whether it needs a body is told by `require_content`."""
    kind, message_type, given = body.get("type"), body.get("message_type"), text(body, "body")
    if kind == "admin":
        if message_type not in ("comment", "note", "quick_reply"):
            raise invalid("message_type must be comment, note or quick_reply", "message_type")
        if body.get("admin_id") is None:
            raise fail(400, "parameter_missing", "admin_id is required", field="admin_id")
        author, contact = admin_author(require_admin(ws, body["admin_id"])), None
    elif kind == "user":
        if message_type not in ("comment", "quick_reply"):
            raise invalid("message_type must be comment", "message_type")
        contact = contact_of(ws, body)
        author = contact_author(contact)
    else:
        raise invalid("type must be admin or user", "type")
    if message_type == "quick_reply" and not body.get("reply_options"):
        raise fail(400, "parameter_missing", "reply_options is required", field="reply_options")
    # A contact's choice among quick replies is a comment like any other.
    part_type = "comment" if kind == "user" else str(message_type)
    stored = bodies.reply(ws, given, by_contact=contact is not None) if given else None
    return Reply(part_type, author, stored, contact)


def require_content(body: Json, reply: Reply, uploads: list[Upload]) -> None:
    """400 for a reply without body, options and files."""
    if reply.body is None and not uploads and not body.get("reply_options"):
        raise fail(400, "parameter_missing", "body is required", field="body")


def add_reply(ws: Workspace, row: Row, body: Json, reply: Reply, uploads: list[Upload]) -> int:
    """Store a reply, let it change the thread's state as the service does, and answer the part's id."""
    created_at = bodies.dated(ws, body, row["created_at"])
    bodies.refuse_out_of_order(ws, row["id"], created_at)
    changes: Row = {}
    state, part_type = row["state"], reply.part_type
    if reply.contact is not None:
        if state != "open":
            # A contact who writes again reopens the conversation; the part says so and still has the body.
            state = "open"
            part_type = "comment" if row["ticket_type_id"] else "open"
        changes = {"state": state, "snoozed_until": None, "read": False}
        changes["waiting_since"] = row["waiting_since"] or created_at
        changes["first_contact_reply_at"] = row["first_contact_reply_at"] or created_at
        last = max(created_at, reply.contact["last_replied_at"] or 0)
        ws.update("contacts", "id", reply.contact["id"], {"last_replied_at": last})
    elif part_type != "note":
        changes = {"waiting_since": None}
        if state == "snoozed":
            state = "open"
            changes.update(state=state, snoozed_until=None)
    part = Part(
        part_type,
        reply.author,
        created_at,
        state,
        body=reply.body,
        attachments=tuple(ws.files.add(upload) for upload in uploads),
    )
    part_id = add_part(ws, row["id"], part)
    change_thread(ws, row, changes)
    return part_id


async def _reply(ws: Workspace, call: Call) -> Answer:
    body = object_of(call)
    wanted = call.params["id"]
    if wanted != "last":
        require_thread(ws, wanted)
    reply = read_reply(ws, body)
    uploads = await uploads_of(body, ws.switches)
    require_content(body, reply, uploads)
    # Read only now: while files were fetched, another call may have changed the thread.
    row = _last_of(ws, reply) if wanted == "last" else require_thread(ws, wanted)
    _refuse_stranger(ws, row, reply)
    add_reply(ws, row, body, reply, uploads)
    skipped = body.get("skip_notifications") is True and version_of(call) >= "2.15"
    if reply.contact is not None:
        outbox.tell_teammates(ws, "contact reply", call.template, row["id"])
    elif reply.part_type != "note" and not skipped:
        outbox.tell_contacts(ws, row["id"], reply.part_type, call.template)
    return json_answer(conversation_json(ws, require_thread(ws, row["id"]), version_of(call)))


def _last_of(ws: Workspace, reply: Reply) -> Row:
    """The newest conversation of the replying contact."""
    found = reply.contact and ws.scalar(
        "SELECT max(conversation_id) FROM participants WHERE contact_id = ?", reply.contact["id"]
    )
    return require_thread(ws, found or None)


def _refuse_stranger(ws: Workspace, row: Row, reply: Reply) -> None:
    if reply.contact is None or ws.switches["reply_by_non_participant"] == "accept":
        return
    sql = "SELECT 1 FROM participants WHERE conversation_id = ? AND contact_id = ?"
    if not ws.scalar(sql, row["id"], reply.contact["id"]):
        raise missing(USER_NOT_FOUND)
