"""Attributes of conversations: definition, list options, and the checking of values. Since version 2.16."""

from __future__ import annotations

import uuid
from functools import partial
from typing import Any

from migration_pipeline.sandbox.intercom.attributes import has_type, shortened
from migration_pipeline.sandbox.intercom.errors import fail, invalid
from migration_pipeline.sandbox.intercom.payload import flag, id_number, object_of, text
from migration_pipeline.sandbox.intercom.workspace import Row, Workspace, dumps, loads
from migration_pipeline.sandbox.wire import Answer, Call, Route, json_answer

Json = dict[str, Any]
MIN_OPTIONS = 2
TYPES = ("string", "integer", "list", "decimal", "boolean", "datetime", "relationship", "files")


def routes(ws: Workspace) -> list[Route]:
    """The routes of this module."""
    base = "/conversations/attributes"
    return [
        Route("GET", base, partial(_list, ws)),
        Route("POST", base, partial(_create, ws)),
        Route("GET", base + "/{id}", partial(_get, ws)),
        Route("PUT", base + "/{id}", partial(_update, ws)),
        Route("DELETE", base + "/{id}", partial(_archive, ws)),
        Route("POST", base + "/{id}/options", partial(_add_option, ws)),
        Route("PUT", base + "/{id}/options/{option_id}", partial(_rename_option, ws)),
        Route("DELETE", base + "/{id}/options/{option_id}", partial(_archive_option, ws)),
    ]


def checked(ws: Workspace, given: Any) -> Json:
    """`custom_attributes` of a conversation as they are stored, after all rules and switches. Raises 4xx."""
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise invalid("custom_attributes must be an object", "custom_attributes")
    stored: Json = {}
    for name, value in given.items():
        found = ws.rows("SELECT data FROM conversation_attributes WHERE name = ? AND archived = 0", name)
        if len(found) > 1:
            raise invalid(f"More than one conversation attribute is called '{name}'", f"custom_attributes.{name}")
        if not found:
            if ws.switches["unknown_custom_attribute"] == "ignore":
                continue
            raise invalid(f"Custom attribute '{name}' does not exist", f"custom_attributes.{name}")
        definition = loads(found[0]["data"])
        if value is not None and not _fits(ws, definition, value):
            mismatch = ws.switches["attribute_type_mismatch"]
            if mismatch == "ignore":
                continue
            message = f"Custom attribute '{name}' does not take this value as {definition['data_type']}"
            raise fail(int(mismatch), "type_mismatch", message, field=f"custom_attributes.{name}")
        stored[name] = value if definition.get("multiline") else shortened(ws, name, value)
    return stored


def _fits(ws: Workspace, definition: Json, value: Any) -> bool:
    data_type = definition["data_type"]
    if data_type == "list":
        key = ws.switches["conversation_list_attribute"]
        return value in [option[key] for option in definition["options"] if not option["archived"]]
    if data_type in ("relationship", "files"):
        return isinstance(value, list)
    return has_type(data_type, value)


def _list(ws: Workspace, call: Call) -> Answer:
    archived = call.query.get("include_archived") == "true"
    rows = ws.rows("SELECT * FROM conversation_attributes WHERE archived <= ? ORDER BY id", int(archived))
    return json_answer({"type": "list", "data": [_json(row) for row in rows]})


def _create(ws: Workspace, call: Call) -> Answer:
    return json_answer(_json(define(ws, object_of(call))))


def define(ws: Workspace, body: Json) -> Row:
    """Store a new attribute and answer its row. Raises 422."""
    name, data_type = text(body, "name"), body.get("data_type")
    if not name:
        raise fail(422, "parameter_invalid", "name is required")
    if data_type not in TYPES:
        text_ = f"data_type '{data_type}' is not valid. Allowed types: {', '.join(TYPES)}"
        raise fail(422, "parameter_invalid", text_)
    now = ws.now()
    data: Json = {
        "description": text(body, "description") or "",
        "data_type": data_type,
        "required": bool(flag(body, "required")),
        "visible_to_team_ids": body.get("visible_to_team_ids") or [],
        "created_at": now,
        "updated_at": now,
        "admin_id": str(ws.directory.me.id),
    }
    if data_type == "string":
        data["multiline"] = bool(flag(body, "multiline"))
    elif data_type == "list":
        data["options"] = _options(body.get("options"))
    elif data_type == "relationship":
        data["reference"] = body.get("reference") or {"type": "one", "object_type_id": ""}
    key = ws.insert("conversation_attributes", {"name": name, "data": dumps(data)})
    return _require(ws, key)


def _options(given: Any) -> list[Json]:
    labels = [o.get("label") if isinstance(o, dict) else None for o in given] if isinstance(given, list) else []
    if not labels or not all(isinstance(label, str) and label for label in labels):
        raise fail(422, "parameter_invalid", "options must be an array of objects with a label")
    return [{"id": str(uuid.uuid4()), "label": label, "archived": False} for label in labels]


def _get(ws: Workspace, call: Call) -> Answer:
    return json_answer(_json(_require(ws, call.params["id"])))


def _update(ws: Workspace, call: Call) -> Answer:
    row = _require(ws, call.params["id"])
    body = object_of(call)
    data = loads(row["data"])
    data.update({k: body[k] for k in ("description", "required", "visible_to_team_ids") if body.get(k) is not None})
    if "multiline" in data and flag(body, "multiline") is not None:
        data["multiline"] = body["multiline"]
    return _stored(ws, row["id"], {"name": text(body, "name") or row["name"]}, data)


def _archive(ws: Workspace, call: Call) -> Answer:
    row = _require(ws, call.params["id"])
    return _stored(ws, row["id"], {"archived": True}, loads(row["data"]))


def _add_option(ws: Workspace, call: Call) -> Answer:
    row, data = _require_list(ws, call)
    data["options"] += _options([{"label": _label(call)}])
    return _stored(ws, row["id"], {}, data)


def _rename_option(ws: Workspace, call: Call) -> Answer:
    row, data = _require_list(ws, call)
    option = _require_option(data, call)
    option["label"] = _label(call)
    return _stored(ws, row["id"], {}, data)


def _archive_option(ws: Workspace, call: Call) -> Answer:
    row, data = _require_list(ws, call)
    option = _require_option(data, call)
    active = [o for o in data["options"] if not o["archived"] and o is not option]
    if len(active) < MIN_OPTIONS:
        raise fail(422, "parameter_invalid", "A list attribute must have at least 2 active options")
    option["archived"] = True
    return _stored(ws, row["id"], {}, data)


def _require_list(ws: Workspace, call: Call) -> tuple[Row, Json]:
    row = _require(ws, call.params["id"])
    data = loads(row["data"])
    if data["data_type"] != "list":
        raise fail(422, "parameter_invalid", "Options can only be managed on list attributes")
    return row, data


def _require_option(data: Json, call: Call) -> Json:
    found: Json | None = next((o for o in data["options"] if o["id"] == call.params["option_id"]), None)
    if found is None:
        raise fail(404, "conversation_attribute_not_found", "List option not found")
    return found


def _label(call: Call) -> str:
    """The label that a call about an option gives, which is all that it may give."""
    body = object_of(call)
    if body.keys() - {"label"}:
        raise fail(422, "parameter_invalid", "only 'label' is accepted")
    label = body.get("label")
    if not label:
        raise fail(422, "parameter_invalid", "label is required")
    if not isinstance(label, str):
        raise fail(422, "parameter_invalid", "label must be a string")
    return label


def _stored(ws: Workspace, key: int, changes: Row, data: Json) -> Answer:
    data["updated_at"] = ws.now()
    ws.update("conversation_attributes", "id", key, {**changes, "data": dumps(data)})
    return json_answer(_json(_require(ws, key)))


def _require(ws: Workspace, key: Any) -> Row:
    row = ws.row("SELECT * FROM conversation_attributes WHERE id = ?", id_number(key))
    if row is None:
        raise fail(404, "conversation_attribute_not_found", "Conversation attribute not found")
    return row


def _json(row: Row) -> Json:
    return {
        "type": "conversation_attribute",
        "id": row["id"],
        "name": row["name"],
        "archived": bool(row["archived"]),
        **loads(row["data"]),
    }
