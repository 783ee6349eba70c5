"""How a ticket is answered, by version and switches. Nothing is changed here."""

from __future__ import annotations

from typing import Any

from migration_pipeline.sandbox.intercom.conversation_shapes import contacts_json, linked_json
from migration_pipeline.sandbox.intercom.parts import ticket_parts
from migration_pipeline.sandbox.intercom.ticket_types import (
    attributes_of,
    require_type,
    state_json,
    state_of,
    type_json,
)
from migration_pipeline.sandbox.intercom.workspace import Row, Workspace, loads

Json = dict[str, Any]


def ticket_json(ws: Workspace, row: Row, version: str) -> Json:
    """A whole ticket with its parts. Attributes without a value are null."""
    ticket_type = require_type(ws, row["ticket_type_id"])
    values = loads(row["ticket_attributes"])
    previous = row["previous_ticket_state_id"]
    answer: Json = {
        "type": "ticket",
        "id": str(row["id"]),
        "ticket_id": str(row["ticket_number"]),
        "category": ticket_type["category"],
        "ticket_attributes": {
            attribute["name"]: values.get(attribute["name"])
            for attribute in attributes_of(ws, ticket_type["id"])
            if not attribute["archived"]
        },
        "ticket_state": state_json(state_of(row["ticket_state_id"])),
        "previous_ticket_state_id": None if previous is None else str(previous),
        "ticket_type": type_json(ws, ticket_type, with_states=False),
        "contacts": contacts_json(ws, row["id"]),
        "admin_assignee_id": _assignee(row["admin_assignee_id"], version),
        "team_assignee_id": _assignee(row["team_assignee_id"], version),
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "ticket_parts": ticket_parts(ws, row["id"]),
        "open": row["state"] != "closed",
        "linked_objects": linked_json(ws, row["id"]),
        "is_shared": bool(row["is_shared"]),
    }
    if row["snoozed_until"] is not None:
        answer["snoozed_until"] = row["snoozed_until"]
    return answer


def _assignee(admin_or_team: int, version: str) -> int | str:
    """A string before 2.16, an integer since; 0 is nobody."""
    return admin_or_team if version >= "2.16" else str(admin_or_team)
