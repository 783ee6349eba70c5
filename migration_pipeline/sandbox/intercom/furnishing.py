"""A workspace that was in use before the migration: what it already holds matches the help desk only in part.

Names and types are those that the generated help desk has, so that every case of a mapping occurs: equal, equal but for
case, nearly equal, of another type, archived, twice. A new workspace has none of it: it comes by the control route
`furnish` or by the plan `intercom-used`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from migration_pipeline.sandbox.intercom import attributes, conversation_attributes, people, tags, ticket_types
from migration_pipeline.sandbox.intercom.directory import DOMAIN
from migration_pipeline.sandbox.intercom.workspace import Workspace
from migration_pipeline.sandbox.wire import Answer, Call, Handler, json_answer

Json = dict[str, Any]

DATA_ATTRIBUTES: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("contact", "Customer number", "string", ()),
    ("contact", "Newsletter", "boolean", ()),
    ("contact", "Lifetime value", "float", ()),
    ("contact", "member since", "date", ()),
    ("contact", "VAT-id", "string", ()),
    ("contact", "Orders", "string", ()),
    ("contact", "Tier", "options", ("gold", "Silber", "Basic", "Platinum")),
    ("contact", "Fax", "string", ()),
    ("company", "Contract", "string", ()),
    ("company", "Seats", "string", ()),
    ("company", "Segment", "options", ("SMB", "mid market", "Großkunde")),
    ("company", "Renewal", "date", ()),
)
"""Model, name, data type, options."""
CONVERSATION_ATTRIBUTES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("Order number", "string", ()),
    ("Refund amount", "decimal", ()),
    ("Number of Units", "integer", ()),
    ("Date of purchase", "string", ()),
    ("Topics", "string", ()),
    ("Serial number", "string", ()),
    ("Serial number", "string", ()),
    ("Warranty case", "boolean", ()),
    ("Product", "list", ("Kitchen::Kettle № 5", "kitchen::coffee::brewmaster 300", "Sonstiges")),
    ("Root cause", "list", ("Carrier", "CUSTOMER")),
)
"""Name, data type, options. One name is there twice, which the service allows and then stumbles over."""
TICKET_ATTRIBUTES: tuple[tuple[str, str, str], ...] = (
    ("Order number", "string", ""),
    ("Date of purchase", "string", ""),
    ("Number of Units", "integer", ""),
    ("Product", "list", "Kitchen::Kettle № 5,kitchen::coffee::brewmaster 300,Sonstiges"),
    ("Credit card", "string", ""),
)
"""Name, data type, list items, on the type that every workspace has."""
ARCHIVED = frozenset({"Fax", "Renewal", "Warranty case", "Credit card"})
TAGS = ("VIP", "Refund", "shipping")
TEAMMATES = (("Seventh Agent", "Agent7@Acme.example"), ("Anna Ohneplatz", f"anna.ohneplatz@{DOMAIN}"))
"""The first has an agent's address but for its case, the second nobody's."""
NEW_TEAMS = ("returns", "V.I.P.")


def controls(ws: Workspace) -> dict[tuple[str, str], Handler]:
    """The control route of this module: `POST furnish`, with {"names": [...]} of teammates who share only a name."""
    return {("POST", "furnish"): partial(_furnish, ws)}


def furnish(ws: Workspace, names: list[str] | None = None) -> None:
    """Put everything in; only once in the life of a workspace."""
    if ws.state.get("furnished"):
        return
    ws.state.put("furnished", True)
    for model, name, data_type, options in DATA_ATTRIBUTES:
        values = {"options": [{"value": option} for option in options]} if options else {}
        row = attributes.define(ws, {"model": model, "name": name, "data_type": data_type, **values})
        ws.update("data_attributes", "id", row["id"], {"archived": name in ARCHIVED})
    for name, data_type, labels in CONVERSATION_ATTRIBUTES:
        listed = {"options": [{"label": label} for label in labels]} if labels else {}
        row = conversation_attributes.define(ws, {"name": name, "data_type": data_type, **listed})
        ws.update("conversation_attributes", "id", row["id"], {"archived": name in ARCHIVED})
    first = ticket_types.require_type(ws, ws.scalar("SELECT min(id) FROM ticket_types"))
    for name, data_type, items in TICKET_ATTRIBUTES:
        body = {"name": name, "data_type": data_type, "description": "", "list_items": items}
        row = ticket_types.define(ws, first, body)
        if name in ARCHIVED:
            ticket_types.archive_attribute(ws, row["id"])
    for name in TAGS:
        tags.found_or_made(ws, name)
    for team in NEW_TEAMS:
        people.add_team(ws, team)
    for name, email in TEAMMATES:
        people.invite(ws, name, email)
    for number, name in enumerate(names or (), start=1):
        people.invite(ws, name, f"someone{number}@other.example")


def _furnish(ws: Workspace, call: Call) -> Answer:
    furnish(ws, [str(name) for name in (call.json or {}).get("names", ())])
    return json_answer({"furnished": True})
