"""What changes a ticket's row: creation, attributes, state. The calls that ask for it stand in `tickets`."""

from __future__ import annotations

from typing import Any

from migration_pipeline.sandbox.intercom.parts import Author, Part, add_part, operator
from migration_pipeline.sandbox.intercom.threads import attribute_part, change_thread
from migration_pipeline.sandbox.intercom.ticket_types import (
    DESCRIPTION,
    STATES,
    TITLE,
    State,
    attributes_of,
    state_of,
)
from migration_pipeline.sandbox.intercom.workspace import Row, Workspace, dumps, loads

Json = dict[str, Any]


def ticket_columns(ws: Workspace, ticket_type: Row, values: Json, state: State = STATES[0]) -> Row:
    """The columns that make a thread a ticket, in its first state; takes the next human number."""
    number = ws.state.get("ticket_number", 0) + 1
    ws.state.put("ticket_number", number)
    return {
        "ticket_type_id": ticket_type["id"],
        "ticket_number": number,
        "ticket_state_id": state.id,
        "ticket_attributes": dumps(values),
        "title": values.get(TITLE),
        "is_shared": ticket_type["category"] == "Customer",
    }


def index_values(ws: Workspace, ticket_id: int, type_id: int, values: Json) -> None:
    """Keep the values findable by `ticket_attribute.{id}`."""
    ids = {row["name"]: row["id"] for row in attributes_of(ws, type_id)}
    ws.db.execute("DELETE FROM ticket_values WHERE conversation_id = ?", (ticket_id,))
    for name, value in values.items():
        for single in value if isinstance(value, list) else [value]:
            # A value of an attribute that was renamed since is kept, but cannot be searched for.
            if single is not None and name in ids:
                key = (ids[name], str(single), ticket_id)
                ws.db.execute("INSERT OR IGNORE INTO ticket_values VALUES (?, ?, ?)", key)


def state_part(ws: Workspace, row: Row, author: Author, before: State, after: State, at: int | None = None) -> None:
    """The part that a state leaves; creation leaves one too."""
    event = {"ticket_state": after.category, "previous_ticket_state": before.category}
    part = Part("ticket_state_updated_by_admin", author, at or ws.now(), row["state"], event=event)
    add_part(ws, row["id"], part)


def set_state(ws: Workspace, row: Row, author: Author, state: State) -> None:
    """Move a ticket to another state."""
    change_thread(ws, row, {"ticket_state_id": state.id, "previous_ticket_state_id": row["ticket_state_id"]})
    state_part(ws, row, author, state_of(row["ticket_state_id"]), state)


def set_values(ws: Workspace, row: Row, values: Json) -> None:
    """Set attribute values; each leaves a part."""
    merged = {**loads(row["ticket_attributes"]), **values}
    changes: Row = {"ticket_attributes": dumps(merged)}
    if TITLE in values:
        changes["title"] = values[TITLE]
    change_thread(ws, row, changes)
    index_values(ws, row["id"], row["ticket_type_id"], merged)
    by_name = {attribute["name"]: attribute for attribute in attributes_of(ws, row["ticket_type_id"])}
    for name, value in values.items():
        attribute_part(ws, row, "ticket_attribute_updated_by_admin", name, value, _event(by_name[name], value))


def moved_values(ws: Workspace, row: Row, after: Row) -> Json:
    """A ticket's values that fit another type: those whose attribute has the same name and data type there."""
    before = {a["name"]: a for a in attributes_of(ws, row["ticket_type_id"])}
    values: Json = loads(row["ticket_attributes"])
    moved: Json = {}
    for attribute in attributes_of(ws, after["id"]):
        name = attribute["name"]
        if name in values and before[name]["data_type"] == attribute["data_type"] != "list":
            moved[name] = values[name]
    return moved


def description_of(values: Json) -> str:
    """The text that stands for the ticket's opening message."""
    return str(values.get(DESCRIPTION) or "")


def create_part(ws: Workspace, row: Row) -> None:
    """The part that the birth of a ticket leaves."""
    state = state_of(row["ticket_state_id"])
    state_part(ws, row, operator(ws), STATES[0], state, row["created_at"])


def _event(attribute: Row, value: Any) -> Json:
    labels = {option["id"]: option["label"] for option in attribute["options"]}
    shown = [str(labels.get(v, v)) for v in value] if isinstance(value, list) else str(labels.get(value, value))
    return {
        "updated_attribute_data": {
            "attribute": {"type": "attribute", "id": str(attribute["id"]), "label": attribute["name"]},
            "value": {
                "type": "value",
                "id": None if isinstance(value, list) or value is None else str(value),
                "label": shown,
            },
        }
    }
