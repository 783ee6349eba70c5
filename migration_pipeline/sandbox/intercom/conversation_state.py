"""POST /conversations/{id}/parts: closing, opening, snoozing, assigning. None of them takes a date."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from migration_pipeline.sandbox.intercom import bodies, outbox
from migration_pipeline.sandbox.intercom.admins import require_admin
from migration_pipeline.sandbox.intercom.admission import version_of
from migration_pipeline.sandbox.intercom.conversation_shapes import conversation_json
from migration_pipeline.sandbox.intercom.errors import fail, invalid
from migration_pipeline.sandbox.intercom.parts import Author, Part, add_part, admin_author
from migration_pipeline.sandbox.intercom.payload import id_number, object_of, text, timestamp
from migration_pipeline.sandbox.intercom.threads import change_thread, require_thread
from migration_pipeline.sandbox.intercom.workspace import Row, Workspace
from migration_pipeline.sandbox.wire import Answer, Call, Route, json_answer

Json = dict[str, Any]
Change = tuple[str, Row, Json | None]
"""Part type, changed columns, assignee reference."""


def routes(ws: Workspace) -> list[Route]:
    """The routes of this module."""
    return [Route("POST", "/conversations/{id}/parts", partial(_parts, ws))]


def assign(ws: Workspace, row: Row, kind: str, assignee: Any) -> Change:
    """The change that assigning a thread means. 404 for nobody, 422 for who has it already."""
    number = id_number(assignee)
    known = ws.directory.admins if kind == "admin" else ws.directory.teams
    if number is None or (number and number not in known):
        raise fail(404, "assignee_not_found", "Assignee not found")
    column = f"{kind}_assignee_id"
    if row[column] == number:
        raise fail(422, "unprocessable_entity", f"Conversation is already assigned to this {kind}")
    reopens = row["state"] != "open"
    changes: Row = {column: number, **({"state": "open", "snoozed_until": None} if reopens else {})}
    reference = {"type": kind, "id": str(number)} if number else None
    return ("assign_and_reopen" if reopens else "assignment"), changes, reference


def _parts(ws: Workspace, call: Call) -> Answer:
    row = require_thread(ws, call.params["id"])
    body = object_of(call)
    change = _CHANGES.get(str(body.get("message_type")))
    if change is None:
        raise invalid("message_type must be close, open, snoozed or assignment", "message_type")
    if body.get("admin_id") is None:
        raise fail(400, "parameter_missing", "admin_id is required", field="admin_id")
    author = admin_author(require_admin(ws, body["admin_id"]))
    part_type, changes, assigned_to = change(ws, row, body)
    _store(ws, row, author, part_type, changes, assigned_to, text(body, "body"))
    if text(body, "body"):
        outbox.tell_contacts(ws, row["id"], part_type, call.template)
    if assigned_to:
        outbox.tell_teammates(ws, "assignment", call.template, row["id"])
    return json_answer(conversation_json(ws, require_thread(ws, row["id"]), version_of(call)))


def _store(
    ws: Workspace, row: Row, author: Author, part_type: str, changes: Row, assigned_to: Json | None, body: str | None
) -> None:
    state: str = changes.get("state") or row["state"]
    stored = bodies.reply(ws, body, by_contact=False) if body else None
    add_part(ws, row["id"], Part(part_type, author, ws.now(), state, body=stored, assigned_to=assigned_to))
    change_thread(ws, row, changes)


def _close(ws: Workspace, row: Row, body: Json) -> Change:
    if body.get("type") != "admin":
        raise invalid("type must be admin", "type")
    _refuse_repeated(ws, row, "closed")
    return "close", {"state": "closed", "snoozed_until": None, "waiting_since": None}, None


def _open(ws: Workspace, row: Row, _: Json) -> Change:
    _refuse_repeated(ws, row, "open")
    return "open", {"state": "open", "snoozed_until": None}, None


def _snooze(_: Workspace, __: Row, body: Json) -> Change:
    until = timestamp(body, "snoozed_until")
    if until is None:
        raise fail(400, "parameter_missing", "snoozed_until is required", field="snoozed_until")
    return "snoozed", {"state": "snoozed", "snoozed_until": until}, None


def _assign(ws: Workspace, row: Row, body: Json) -> Change:
    kind = body.get("type")
    if kind not in ("admin", "team"):
        raise invalid("type must be admin or team", "type")
    if body.get("assignee_id") is None:
        raise fail(400, "parameter_missing", "assignee_id is required", field="assignee_id")
    return assign(ws, row, kind, body["assignee_id"])


def _refuse_repeated(ws: Workspace, row: Row, state: str) -> None:
    if row["state"] == state and ws.switches["repeated_state"] == "reject":
        raise invalid(f"Conversation is already {state}")


_CHANGES: dict[str, Callable[[Workspace, Row, Json], Change]] = {
    "close": _close,
    "open": _open,
    "snoozed": _snooze,
    "assignment": _assign,
}
