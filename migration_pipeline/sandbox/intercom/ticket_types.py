"""Ticket types, their attributes, and ticket states (which cannot be made by API and are the same for all types)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from functools import partial
from typing import Any

from migration_pipeline.sandbox.intercom.attributes import has_type, shortened
from migration_pipeline.sandbox.intercom.errors import fail, invalid, missing
from migration_pipeline.sandbox.intercom.payload import flag, id_number, object_of, text
from migration_pipeline.sandbox.intercom.workspace import Row, Workspace, dumps, loads
from migration_pipeline.sandbox.wire import Answer, Call, Route, json_answer

Json = dict[str, Any]

CATEGORIES = ("Customer", "Back-office", "Tracker")
DATA_TYPES = ("string", "list", "integer", "decimal", "boolean", "datetime", "files")
TITLE, DESCRIPTION = "_default_title_", "_default_description_"
SWITCHABLE = (
    "required_to_create",
    "required_to_create_for_contacts",
    "visible_on_create",
    "visible_to_contacts",
    "allow_multiple_values",
    "multiline",
)


@dataclass(frozen=True, slots=True)
class State:
    """A ticket state with the labels that teammates and contacts see."""

    id: int
    category: str
    internal_label: str
    external_label: str


STATES = (
    State(8321, "submitted", "Submitted", "Submitted"),
    State(8322, "in_progress", "In progress", "In progress"),
    State(8323, "waiting_on_customer", "Waiting on customer", "Waiting on you"),
    State(8324, "resolved", "Resolved", "Resolved"),
    State(8325, "in_progress", "On hold", "In progress"),
)
"""The four that every workspace begins with, and one made by hand."""


def routes(ws: Workspace) -> list[Route]:
    """The routes of this module."""
    one = "/ticket_types/{id}"
    return [
        Route("GET", "/ticket_types", partial(_list, ws)),
        Route("POST", "/ticket_types", partial(_create, ws)),
        Route("GET", one, partial(_get, ws)),
        Route("PUT", one, partial(_update, ws)),
        Route("POST", f"{one}/attributes", partial(_add_attribute, ws)),
        Route("PUT", one + "/attributes/{attribute_id}", partial(_update_attribute, ws)),
        Route("GET", "/ticket_states", partial(_states, ws)),
    ]


def seed_types(ws: Workspace) -> None:
    """The one ticket type that a new workspace has."""
    if not ws.scalar("SELECT count(*) FROM ticket_types"):
        _add_type(ws, {"name": "Tickets", "description": "Customer tickets", "category": "Customer"})


def require_type(ws: Workspace, type_id: Any) -> Row:
    """A ticket type with its parsed data. 404 not_found."""
    row = ws.row("SELECT * FROM ticket_types WHERE id = ?", id_number(type_id))
    if row is None:
        raise missing("Ticket type not found")
    return {**row, **loads(row["data"])}


def attributes_of(ws: Workspace, type_id: int) -> list[Row]:
    """The attributes of a type with their parsed data, in order."""
    rows = ws.rows("SELECT * FROM ticket_attributes WHERE ticket_type_id = ? ORDER BY id", type_id)
    return [{**row, **loads(row["data"])} for row in rows]


def checked(ws: Workspace, type_id: int, given: Any) -> Json:
    """`ticket_attributes` by name as they are stored, after all rules and switches. Raises 4xx."""
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise invalid("ticket_attributes must be an object", "ticket_attributes")
    known = {row["name"]: row for row in attributes_of(ws, type_id) if not row["archived"]}
    stored: Json = {}
    for name, value in given.items():
        if name not in known:
            if ws.switches["unknown_custom_attribute"] == "ignore":
                continue
            raise invalid(f"Ticket attribute '{name}' does not exist on this ticket type", f"ticket_attributes.{name}")
        if value is not None and not _fits(known[name], value):
            mismatch = ws.switches["attribute_type_mismatch"]
            if mismatch == "ignore":
                continue
            message = f"Ticket attribute '{name}' does not take this value as {known[name]['data_type']}"
            raise fail(int(mismatch), "type_mismatch", message, field=f"ticket_attributes.{name}")
        stored[name] = value if known[name]["multiline"] else shortened(ws, name, value)
    return stored


def require_required(ws: Workspace, type_id: int, given: Json) -> None:
    """400 where an attribute that creation requires has no value."""
    for row in attributes_of(ws, type_id):
        if row["required_to_create"] and not row["archived"] and given.get(row["name"]) in (None, ""):
            raise invalid("Missing required ticket attributes", f"ticket_attributes.{row['name']}")


def state_of(state_id: Any) -> State:
    """A state by id. 400 ticket_state_id_invalid."""
    found = next((state for state in STATES if state.id == id_number(state_id)), None)
    if found is None:
        text_ = "Ticket state id is not valid or is not associated with the ticket type"
        raise fail(400, "ticket_state_id_invalid", text_)
    return found


def state_json(state: State) -> Json:
    """A state as tickets and types show it."""
    return {
        "type": "ticket_state",
        "id": str(state.id),
        "category": state.category,
        "internal_label": state.internal_label,
        "external_label": state.external_label,
    }


def type_json(ws: Workspace, row: Row, *, with_states: bool = True) -> Json:
    """A type with its attributes; on a ticket it comes without the states."""
    attributes = [_attribute_json(ws, attribute) for attribute in attributes_of(ws, row["id"])]
    answer = {
        "type": "ticket_type",
        "id": str(row["id"]),
        "category": row["category"],
        "name": row["name"],
        "description": row["description"],
        "icon": row["icon"],
        "workspace_id": ws.id_code,
        # Listed under `data` by the description's examples, under another key by its schema: a switch.
        "ticket_type_attributes": {"type": "list", ws.switches["ticket_attributes_location"]: attributes},
        "archived": row["archived"],
        "is_internal": row["is_internal"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
    }
    if with_states:
        answer["ticket_states"] = {"type": "list", "data": [state_json(state) for state in STATES]}
    return answer


def _fits(attribute: Row, value: Any) -> bool:
    """List values are written by option id."""
    data_type = attribute["data_type"]
    if data_type == "list":
        ids = {option["id"] for option in attribute["options"] if not option["archived"]}
        values = value if isinstance(value, list) and attribute["allow_multiple_values"] else [value]
        return all(isinstance(v, str) and v in ids for v in values)
    return isinstance(value, list) if data_type == "files" else has_type(data_type, value)


def _list(ws: Workspace, _: Call) -> Answer:
    rows = ws.rows("SELECT id FROM ticket_types ORDER BY id")
    return json_answer({"type": "list", "data": [type_json(ws, require_type(ws, row["id"])) for row in rows]})


def _create(ws: Workspace, call: Call) -> Answer:
    return json_answer(type_json(ws, require_type(ws, _add_type(ws, object_of(call)))))


def _add_type(ws: Workspace, body: Json) -> int:
    name, category = text(body, "name"), body.get("category", "Customer")
    if not name:
        raise fail(400, "parameter_missing", "name is required", field="name")
    if category not in CATEGORIES:
        raise invalid(f"category must be one of {', '.join(CATEGORIES)}", "category")
    now = ws.now()
    data = {
        "category": category,
        "description": text(body, "description") or "",
        "icon": text(body, "icon") or "🎟️",
        "is_internal": bool(flag(body, "is_internal")),
        "archived": False,
        "created_at": now,
        "updated_at": now,
    }
    type_id = ws.insert("ticket_types", {"name": name, "data": dumps(data)})
    for order, (attribute, multiline) in enumerate(((TITLE, False), (DESCRIPTION, True))):
        _store_attribute(ws, type_id, attribute, "string", order, {"multiline": multiline}, default=True)
    return type_id


def _get(ws: Workspace, call: Call) -> Answer:
    return json_answer(type_json(ws, require_type(ws, call.params["id"])))


def _update(ws: Workspace, call: Call) -> Answer:
    row = require_type(ws, call.params["id"])
    body, data = object_of(call), loads(row["data"])
    if body.get("category", data["category"]) not in CATEGORIES:
        raise invalid(f"category must be one of {', '.join(CATEGORIES)}", "category")
    keys = ("category", "description", "icon", "is_internal", "archived")
    data.update({key: body[key] for key in keys if body.get(key) is not None}, updated_at=ws.now())
    ws.update("ticket_types", "id", row["id"], {"name": text(body, "name") or row["name"], "data": dumps(data)})
    return json_answer(type_json(ws, require_type(ws, row["id"])))


def _add_attribute(ws: Workspace, call: Call) -> Answer:
    return json_answer(_attribute_json(ws, define(ws, require_type(ws, call.params["id"]), object_of(call))))


def define(ws: Workspace, row: Row, body: Json) -> Row:
    """Store a new attribute of a type and answer its row. Raises 400."""
    name, data_type = text(body, "name"), body.get("data_type")
    if not name:
        raise fail(400, "parameter_missing", "name is required", field="name")
    if body.get("description") is None:
        raise fail(400, "parameter_missing", "description is required", field="description")
    if data_type not in DATA_TYPES:
        raise invalid(f"data_type must be one of {', '.join(DATA_TYPES)}", "data_type")
    there = attributes_of(ws, row["id"])
    if any(a["name"].casefold() == name.casefold() and not a["archived"] for a in there):
        raise invalid(f"A ticket attribute called '{name}' already exists", "name")
    key = _store_attribute(ws, row["id"], name, data_type, len(there), body, default=False)
    return _require_attribute(ws, row["id"], key)


def _store_attribute(
    ws: Workspace, type_id: int, name: str, data_type: str, order: int, body: Json, *, default: bool
) -> int:
    now = ws.now()
    data: Json = {
        "description": text(body, "description") or "",
        "data_type": data_type,
        "order": order,
        "default": default,
        "archived": False,
        "required_to_create": False,
        "required_to_create_for_contacts": False,
        "visible_on_create": True,
        "visible_to_contacts": True,
        "allow_multiple_values": False,
        "multiline": False,
        "options": _options(body, []) if data_type == "list" else [],
        "created_at": now,
        "updated_at": now,
    }
    data.update({key: body[key] for key in SWITCHABLE if flag(body, key) is not None})
    return ws.insert("ticket_attributes", {"ticket_type_id": type_id, "name": name, "data": dumps(data)})


def _update_attribute(ws: Workspace, call: Call) -> Answer:
    row = _require_attribute(ws, require_type(ws, call.params["id"])["id"], call.params["attribute_id"])
    body, data = object_of(call), loads(row["data"])
    data.update({key: body[key] for key in (*SWITCHABLE, "archived") if flag(body, key) is not None})
    if text(body, "description") is not None:
        data["description"] = body["description"]
    if data["data_type"] == "list" and body.get("list_items") is not None:
        data["options"] = _options(body, data["options"])
    data["updated_at"] = ws.now()
    changes = {"name": text(body, "name") or row["name"], "data": dumps(data)}
    ws.update("ticket_attributes", "id", row["id"], changes)
    return json_answer(_attribute_json(ws, _require_attribute(ws, row["ticket_type_id"], row["id"])))


def archive_attribute(ws: Workspace, key: int) -> None:
    """Archive an attribute, as a person would."""
    data = {**loads(ws.scalar("SELECT data FROM ticket_attributes WHERE id = ?", key)), "archived": True}
    ws.update("ticket_attributes", "id", key, {"data": dumps(data)})


def _options(body: Json, earlier: list[Json]) -> list[Json]:
    """Options from the comma string `list_items`; a label that was there keeps its id."""
    labels = [label.strip() for label in (text(body, "list_items") or "").split(",")]
    if not all(labels):
        raise invalid("list_items must be labels separated by commas", "list_items")
    ids = {option["label"]: option["id"] for option in earlier}
    return [{"id": ids.get(label) or str(uuid.uuid4()), "label": label, "archived": False} for label in labels]


def _require_attribute(ws: Workspace, type_id: int, key: Any) -> Row:
    number = id_number(key)
    found = next((row for row in attributes_of(ws, type_id) if row["id"] == number), None)
    if found is None:
        raise missing("Ticket type attribute not found")
    return found


def _attribute_json(ws: Workspace, row: Row) -> Json:
    input_options: Json = {"multiline": row["multiline"]} if row["data_type"] == "string" else {}
    answer: Json = {
        "type": "ticket_type_attribute",
        "id": str(row["id"]),
        "workspace_id": ws.id_code,
        "name": row["name"],
        "description": row["description"],
        "data_type": row["data_type"],
        "input_options": input_options,
        "order": row["order"],
        "required_to_create": row["required_to_create"],
        "required_to_create_for_contacts": row["required_to_create_for_contacts"],
        "visible_on_create": row["visible_on_create"],
        "visible_to_contacts": row["visible_to_contacts"],
        "default": row["default"],
        "ticket_type_id": row["ticket_type_id"],
        "archived": row["archived"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
    }
    if row["data_type"] == "list":
        # No public source shows what carries the options: a switch.
        options = [{"id": option["id"], "label": option["label"]} for option in row["options"]]
        parent, _, key = str(ws.switches["ticket_list_options_carrier"]).rpartition(".")
        (input_options if parent else answer)[key] = options
        input_options["allow_multiple_values"] = row["allow_multiple_values"]
    return answer


def _states(ws: Workspace, _: Call) -> Answer:
    keys = ("type", "id", "name", "description", "icon", "archived", "is_internal", "category")
    types = [
        {key: value for key, value in type_json(ws, require_type(ws, row["id"])).items() if key in keys}
        for row in ws.rows("SELECT id FROM ticket_types ORDER BY id")
    ]
    data = [
        {**state_json(state), "archived": False, "ticket_types": {"type": "list", "data": types}} for state in STATES
    ]
    return json_answer({"type": "list", "data": data})
