"""Data attributes of contacts and companies: their definition, and the checking of values against it.

Attributes of conversations and of ticket types are other things with modules of their own.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from migration_pipeline.sandbox.intercom.admission import version_of
from migration_pipeline.sandbox.intercom.errors import fail, invalid
from migration_pipeline.sandbox.intercom.payload import flag, id_number, object_of, text
from migration_pipeline.sandbox.intercom.workspace import Row, Workspace, dumps, loads
from migration_pipeline.sandbox.wire import Answer, Call, Route, json_answer

Json = dict[str, Any]

LIMIT = 250
MAX_STRING = 255
STORED_TYPES = {
    "string": "string",
    "integer": "integer",
    "float": "float",
    "boolean": "boolean",
    "date": "date",
    "datetime": "date",
    "options": "string",
}
"""A data type as it is written, and as it is read back: a list is a string with options."""

_NAME = re.compile(r"[\w $€£¥¢-]+")

STANDARD: tuple[tuple[str, str, str, str, bool], ...] = (
    ("company", "name", "Company name", "string", True),
    ("company", "company_id", "Company ID", "string", False),
    ("company", "remote_created_at", "Company created at", "date", True),
    ("company", "monthly_spend", "Monthly Spend", "float", True),
    ("company", "user_count", "People", "integer", False),
    ("contact", "name", "Name", "string", True),
    ("contact", "external_id", "User ID", "string", True),
    ("contact", "email", "Email", "string", True),
    ("contact", "phone", "Phone", "string", True),
    ("contact", "signed_up_at", "Signed up", "date", True),
)
"""model, name, label, data type, writable by API."""


def routes(ws: Workspace) -> list[Route]:
    """The routes of this module."""
    return [
        Route("GET", "/data_attributes", partial(_list, ws)),
        Route("POST", "/data_attributes", partial(_create, ws)),
        Route("PUT", "/data_attributes/{id}", partial(_update, ws)),
    ]


def checked(ws: Workspace, model: str, given: Any) -> Json:
    """`custom_attributes` of a contact or company as they are stored, after all rules and switches. Raises 4xx."""
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise invalid("custom_attributes must be an object", "custom_attributes")
    stored: Json = {}
    for name, value in given.items():
        definition = ws.row("SELECT * FROM data_attributes WHERE model = ? AND name = ? AND archived = 0", model, name)
        if definition is None or "." in name or "$" in name:
            if ws.switches["unknown_custom_attribute"] == "ignore":
                continue
            raise invalid(f"Custom attribute '{name}' does not exist", f"custom_attributes.{name}")
        if value is not None and not _fits(definition, value):
            mismatch = ws.switches["attribute_type_mismatch"]
            if mismatch == "ignore":
                continue
            message = f"Custom attribute '{name}' must be of type {definition['data_type']}"
            raise fail(int(mismatch), "type_mismatch", message, field=f"custom_attributes.{name}")
        stored[name] = shortened(ws, name, value)
    return stored


def shortened(ws: Workspace, name: str, value: Any) -> Any:
    """A string value cut to 255 characters, or 400, as the switch has it."""
    if isinstance(value, str) and len(value) > MAX_STRING:
        if ws.switches["long_string"] == "reject":
            raise invalid(f"'{name}' must not exceed {MAX_STRING} characters", f"custom_attributes.{name}")
        return value[:MAX_STRING]
    return value


def has_type(data_type: str, value: Any) -> bool:
    """Whether a scalar fits string, integer, float/decimal, boolean or date/datetime (unix seconds)."""
    if data_type == "boolean":
        return isinstance(value, bool)
    if isinstance(value, (bool, list, dict)):
        return False
    if data_type == "string":
        return True
    if data_type in ("integer", "date", "datetime"):
        return isinstance(value, int) or (isinstance(value, str) and re.fullmatch(r"-?\d+", value) is not None)
    return isinstance(value, (int, float))


def _fits(definition: Row, value: Any) -> bool:
    options = loads(definition["options"])
    return has_type(definition["data_type"], value) and (options is None or value in options)


def _list(ws: Workspace, call: Call) -> Answer:
    model = call.query.get("model")
    if model == "conversation":
        if version_of(call) >= "2.16":
            text_ = "model=conversation is no longer supported. Use GET /conversations/attributes instead"
            raise fail(422, "parameter_invalid", text_)
        return json_answer({"type": "list", "data": []})
    if model not in (None, "", "contact", "company"):
        raise invalid("model must be contact or company", "model")
    standard = [_standard_json(*row) for row in STANDARD if not model or row[0] == model]
    archived = call.query.get("include_archived") == "true"
    custom = ws.rows("SELECT * FROM data_attributes WHERE archived <= ? ORDER BY id", int(archived))
    return json_answer(
        {"type": "list", "data": standard + [attribute_json(ws, r) for r in custom if not model or r["model"] == model]}
    )


def _create(ws: Workspace, call: Call) -> Answer:
    return json_answer(attribute_json(ws, define(ws, object_of(call))))


def define(ws: Workspace, body: Json) -> Row:
    """Store a new attribute and answer its row. Raises 400."""
    name, model, data_type = text(body, "name"), body.get("model"), body.get("data_type")
    if model not in ("contact", "company"):
        raise invalid("The Data Attribute model field must be either contact or company")
    if not name or not _NAME.fullmatch(name):
        raise invalid(
            "Your name for this attribute must only contain alphanumeric characters, currency symbols, and hyphens"
        )
    if data_type not in STORED_TYPES:
        raise invalid("Data Type isn't an option")
    taken = ws.scalar("SELECT model FROM data_attributes WHERE name = ? COLLATE NOCASE", name) or next(
        (m for m, standard, *_ in STANDARD if m == model and standard == name.casefold()), None
    )
    if taken:
        kind = "company" if taken == "company" else "people"
        new = "company" if model == "company" else "people"
        raise invalid(
            f"You already have '{name}' in your {kind} data. To save this as new {new} data, use a different name."
        )
    if ws.scalar("SELECT count(*) FROM data_attributes WHERE archived = 0") >= LIMIT:
        raise invalid(f"You have reached the limit of {LIMIT} custom data attributes")
    options = _options(body) if data_type == "options" else None
    now = ws.now()
    key = ws.insert(
        "data_attributes",
        {
            "model": model,
            "name": name,
            "data_type": STORED_TYPES[data_type],
            "options": None if options is None else dumps(options),
            "description": text(body, "description"),
            "messenger_writable": bool(flag(body, "messenger_writable")),
            "created_at": now,
            "updated_at": now,
        },
    )
    return _require(ws, key)


def _update(ws: Workspace, call: Call) -> Answer:
    row = _require(ws, id_number(call.params["id"]) or 0)
    body = object_of(call)
    changes: Row = {"updated_at": ws.now()}
    if "description" in body:
        changes["description"] = text(body, "description")
    for key in ("archived", "messenger_writable"):
        if flag(body, key) is not None:
            changes[key] = body[key]
    if "options" in body:
        if row["options"] is None:
            raise invalid("Options can only be set on list attributes")
        changes["options"] = dumps(_options(body))
    ws.update("data_attributes", "id", row["id"], changes)
    return json_answer(attribute_json(ws, _require(ws, row["id"])))


def _options(body: Json) -> list[str]:
    options = body.get("options")
    if not isinstance(options, list):
        raise invalid("Options isn't an array")
    values = [str(o.get("value", "")) if isinstance(o, dict) else "" for o in options]
    if len(values) < 2 or not all(values):
        raise invalid("At least two options are required, each with a value")
    return values


def _require(ws: Workspace, key: int) -> Row:
    row = ws.row("SELECT * FROM data_attributes WHERE id = ?", key)
    if row is None:
        raise fail(404, "field_not_found", "We couldn't find that data attribute to update")
    return row


def attribute_json(ws: Workspace, row: Row) -> Json:
    """A custom data attribute as it is read back."""
    options = loads(row["options"])
    return {
        "type": "data_attribute",
        "id": row["id"],
        "model": row["model"],
        "name": row["name"],
        "full_name": f"custom_attributes.{row['name']}",
        "label": row["name"],
        "description": row["description"] or "",
        "data_type": row["data_type"],
        **({} if options is None else {"options": options}),
        "api_writable": True,
        "ui_writable": False,
        "messenger_writable": bool(row["messenger_writable"]),
        "custom": True,
        "archived": bool(row["archived"]),
        "admin_id": str(ws.directory.me.id),
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
    }


def _standard_json(model: str, name: str, label: str, data_type: str, writable: bool) -> Json:
    return {
        "type": "data_attribute",
        "model": model,
        "name": name,
        "full_name": name,
        "label": label,
        "description": label,
        "data_type": data_type,
        "api_writable": writable,
        "ui_writable": False,
        "messenger_writable": False,
        "custom": False,
        "archived": False,
    }
