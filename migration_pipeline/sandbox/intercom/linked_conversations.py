"""Links between tracker tickets and the conversations (or customer tickets) that they track."""

from __future__ import annotations

from functools import partial
from typing import Any

from migration_pipeline.sandbox.intercom import ticket_types
from migration_pipeline.sandbox.intercom.admission import version_of
from migration_pipeline.sandbox.intercom.conversation_shapes import conversation_json
from migration_pipeline.sandbox.intercom.errors import fail
from migration_pipeline.sandbox.intercom.payload import id_number, object_of
from migration_pipeline.sandbox.intercom.threads import change_thread, require_thread
from migration_pipeline.sandbox.intercom.tickets import require_ticket
from migration_pipeline.sandbox.intercom.workspace import Row, Workspace
from migration_pipeline.sandbox.wire import Answer, Call, Route, json_answer

LIMIT = 2500


def routes(ws: Workspace) -> list[Route]:
    """The routes of this module."""
    base = "/tickets/{id}/linked_conversations"
    return [
        Route("POST", base, partial(_link, ws)),
        Route("DELETE", base + "/{conversation_id}", partial(_unlink, ws)),
    ]


def _link(ws: Workspace, call: Call) -> Answer:
    ticket = _tracker(ws, call, "linking")
    given = object_of(call).get("conversation_id")
    if given is None:
        raise fail(400, "parameter_not_found", "conversation_id not specified")
    row = _linkable(ws, given)
    if ws.scalar("SELECT 1 FROM links WHERE conversation_id = ?", row["id"]):
        raise fail(400, "already_linked_to_tracker", "A conversation can only have one tracker ticket")
    if ws.scalar("SELECT count(*) FROM links WHERE ticket_id = ?", ticket["id"]) >= LIMIT:
        text = "Ticket has reached the maximum number of conversations that can be linked"
        raise fail(400, "linked_conversation_limit_exceeded", text)
    ws.insert("links", {"ticket_id": ticket["id"], "conversation_id": row["id"]})
    return _answer(ws, row, call)


def _unlink(ws: Workspace, call: Call) -> Answer:
    ticket = _tracker(ws, call, "unlinking")
    key = (ticket["id"], id_number(call.params["conversation_id"]))
    if not ws.db.execute("DELETE FROM links WHERE ticket_id = ? AND conversation_id = ?", key).rowcount:
        raise fail(404, "conversation_not_found", "Conversation is not linked to this ticket")
    return _answer(ws, require_thread(ws, key[1]), call)


def _tracker(ws: Workspace, call: Call, doing: str) -> Row:
    ticket = require_ticket(ws, call.params["id"])
    if ticket_types.require_type(ws, ticket["ticket_type_id"])["category"] != "Tracker":
        raise fail(400, "invalid_ticket_type", f"Only tracker tickets support {doing} conversations")
    return ticket


def _linkable(ws: Workspace, given: Any) -> Row:
    row = ws.row("SELECT * FROM conversations WHERE id = ?", id_number(given))
    if row is None:
        raise fail(404, "conversation_not_found", "Conversation not found")
    return row


def _answer(ws: Workspace, row: Row, call: Call) -> Answer:
    change_thread(ws, row, {})
    return json_answer(conversation_json(ws, require_thread(ws, row["id"]), version_of(call)))
