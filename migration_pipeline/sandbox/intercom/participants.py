"""Contacts who take part in a conversation beside its first one."""

from __future__ import annotations

from functools import partial
from typing import Any

from migration_pipeline.sandbox.intercom.admins import require_admin
from migration_pipeline.sandbox.intercom.admission import version_of
from migration_pipeline.sandbox.intercom.contacts import add_contact, find_contact, require_contact
from migration_pipeline.sandbox.intercom.conversation_shapes import conversation_json
from migration_pipeline.sandbox.intercom.errors import fail, invalid
from migration_pipeline.sandbox.intercom.parts import Part, add_part, admin_author, contact_author
from migration_pipeline.sandbox.intercom.payload import is_email, object_of
from migration_pipeline.sandbox.intercom.replies import contact_of
from migration_pipeline.sandbox.intercom.threads import change_thread, join_thread, require_thread
from migration_pipeline.sandbox.intercom.workspace import Row, Workspace
from migration_pipeline.sandbox.wire import Answer, Call, Route, json_answer

Json = dict[str, Any]


def routes(ws: Workspace) -> list[Route]:
    """The routes of this module."""
    base = "/conversations/{id}/customers"
    return [
        Route("POST", base, partial(_add, ws)),
        Route("DELETE", base + "/{contact_id}", partial(_remove, ws)),
    ]


def _add(ws: Workspace, call: Call) -> Answer:
    row = require_thread(ws, call.params["id"])
    body = object_of(call)
    author = admin_author(require_admin(ws, body["admin_id"])) if body.get("admin_id") is not None else None
    customer = body.get("customer")
    if not isinstance(customer, dict):
        raise invalid("customer must be an object", "customer")
    contact = _found_or_lead(ws, customer)
    if join_thread(ws, row["id"], contact["id"]):
        part = Part("participant_added", author or contact_author(contact), ws.now(), row["state"])
        add_part(ws, row["id"], part)
        change_thread(ws, row, {})
    answer = conversation_json(ws, require_thread(ws, row["id"]), version_of(call))
    # Described as a conversation, shown by its example as `customers` alone: both are here.
    customers = [{"type": contact["role"], "id": contact["id"]}]
    return json_answer({**answer, "customers": customers})


def _found_or_lead(ws: Workspace, customer: Json) -> Row:
    email = customer.get("email")
    if isinstance(email, str) and len([k for k in ("intercom_user_id", "user_id") if customer.get(k)]) == 0:
        if not is_email(email):
            raise invalid(f"Invalid email address: {email}", "email")
        return find_contact(ws, email=email) or add_contact(ws, {"role": "lead", "email": email})
    return contact_of(ws, customer)


def _remove(ws: Workspace, call: Call) -> Answer:
    row = require_thread(ws, call.params["id"])
    contact = require_contact(ws, call.params["contact_id"])
    taking_part = {r["contact_id"] for r in ws.rows("SELECT * FROM participants WHERE conversation_id = ?", row["id"])}
    if contact["id"] not in taking_part:
        raise fail(404, "not_found", "User Not Found")
    if len(taking_part) == 1:
        raise fail(422, "parameter_invalid", "Removing the last customer is not allowed")
    ws.db.execute("DELETE FROM participants WHERE conversation_id = ? AND contact_id = ?", (row["id"], contact["id"]))
    change_thread(ws, row, {})
    answer = conversation_json(ws, require_thread(ws, row["id"]), version_of(call))
    return json_answer({**answer, "customers": [{"type": contact["role"], "id": contact["id"]}]})
