"""Subscription types, which are made by hand, and what contacts chose about them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from migration_pipeline.sandbox.intercom.contacts import require_contact
from migration_pipeline.sandbox.intercom.errors import fail, invalid, missing
from migration_pipeline.sandbox.intercom.payload import id_text, object_of
from migration_pipeline.sandbox.intercom.workspace import Workspace
from migration_pipeline.sandbox.wire import Answer, Call, Route, json_answer

Json = dict[str, Any]
CONSENTS = ("opt_out", "opt_in")


@dataclass(frozen=True, slots=True)
class SubscriptionType:
    """A kind of message that contacts can opt out of, or into."""

    id: str
    name: str
    consent_type: str


TYPES = (
    SubscriptionType("301", "Announcements", "opt_out"),
    SubscriptionType("302", "Newsletter", "opt_out"),
    SubscriptionType("303", "Text messages", "opt_in"),
)


def routes(ws: Workspace) -> list[Route]:
    """The routes of this module."""
    base = "/contacts/{id}/subscriptions"
    return [
        Route("GET", "/subscription_types", _list),
        Route("GET", base, partial(_of_contact, ws)),
        Route("POST", base, partial(_choose, ws)),
        Route("DELETE", base + "/{subscription_id}", partial(_forget, ws)),
    ]


def _require_type(value: Any) -> SubscriptionType:
    found = next((kind for kind in TYPES if kind.id == id_text(value)), None)
    if found is None:
        raise missing()
    return found


def _json(kind: SubscriptionType) -> Json:
    text = {"name": kind.name, "description": f"{kind.name} of Acme", "locale": "en"}
    return {
        "type": "subscription",
        "id": kind.id,
        "state": "live",
        "consent_type": kind.consent_type,
        "default_translation": text,
        "translations": [text],
        "content_types": ["sms_message" if kind.consent_type == "opt_in" else "email"],
    }


def _list(_: Call) -> Answer:
    return json_answer({"type": "list", "data": [_json(kind) for kind in TYPES]})


def _of_contact(ws: Workspace, call: Call) -> Answer:
    contact = require_contact(ws, call.params["id"])
    rows = ws.rows("SELECT type_id FROM contact_subscriptions WHERE contact_id = ? ORDER BY type_id", contact["id"])
    return json_answer({"type": "list", "data": [_json(_require_type(row["type_id"])) for row in rows]})


def _choose(ws: Workspace, call: Call) -> Answer:
    contact = require_contact(ws, call.params["id"])
    body = object_of(call)
    if body.get("consent_type") not in CONSENTS:
        raise invalid("consent_type must be opt_out or opt_in", "consent_type")
    kind = _require_type(body.get("id"))
    if kind.consent_type != body["consent_type"]:
        raise invalid(f"The subscription type takes {kind.consent_type}", "consent_type")
    row = (contact["id"], kind.id, kind.consent_type)
    ws.db.execute("INSERT OR IGNORE INTO contact_subscriptions VALUES (?, ?, ?)", row)
    return json_answer(_json(kind))


def _forget(ws: Workspace, call: Call) -> Answer:
    contact = require_contact(ws, call.params["id"])
    kind = _require_type(call.params["subscription_id"])
    sql = "DELETE FROM contact_subscriptions WHERE contact_id = ? AND type_id = ?"
    if not ws.db.execute(sql, (contact["id"], kind.id)).rowcount:
        raise fail(404, "not_found", "Resource Not Found")
    return json_answer(_json(kind))
