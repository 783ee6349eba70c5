"""What is made by hand in the UI and only read by API: segments, brands, macros.

Admins and teams, help centres and ticket states are so too, and have modules of their own.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import orjson

from migration_pipeline.sandbox.intercom.admins import CREATED_AT
from migration_pipeline.sandbox.intercom.companies import require_company
from migration_pipeline.sandbox.intercom.contacts import require_contact
from migration_pipeline.sandbox.intercom.errors import fail, missing
from migration_pipeline.sandbox.intercom.help_centers import help_center
from migration_pipeline.sandbox.intercom.html import plain_text
from migration_pipeline.sandbox.intercom.paging import cursor_request
from migration_pipeline.sandbox.intercom.workspace import Workspace
from migration_pipeline.sandbox.wire import Answer, Call, Route, json_answer

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment of everyone who has a role; `person_type` is user, or contact for leads."""

    id: str
    name: str
    person_type: str
    role: str


SEGMENTS = (
    Segment("5f3a1c0e9d2b4a0001a00001", "All users", "user", "user"),
    Segment("5f3a1c0e9d2b4a0001a00002", "All leads", "contact", "lead"),
)


@dataclass(frozen=True, slots=True)
class Macro:
    """A saved reply; `team` is the name of the only team that sees it, empty for everyone."""

    id: int
    name: str
    body: str
    team: str = ""


MACROS = (
    Macro(5101, "Greeting", '<p>Hi <attribute key="user.name" default="there"/>,</p>'),
    Macro(5102, "Refund", "<p>Your refund is on its way.</p>"),
    Macro(5103, "Invoice", "<p>Your invoice is attached.</p>", team="Billing"),
)


def routes(ws: Workspace) -> list[Route]:
    """The routes of this module."""
    return [
        Route("GET", "/segments", partial(_segments, ws)),
        Route("GET", "/segments/{id}", partial(_segment, ws)),
        Route("GET", "/contacts/{id}/segments", partial(_segments_of_contact, ws)),
        Route("GET", "/companies/{id}/segments", partial(_segments_of_company, ws)),
        Route("GET", "/brands", partial(_brands, ws)),
        Route("GET", "/brands/{id}", partial(_brand, ws)),
        Route("GET", "/macros", partial(_macros, ws)),
        Route("GET", "/macros/{id}", partial(_macro, ws)),
    ]


def _segment_json(ws: Workspace, segment: Segment, *, counted: bool = False) -> Json:
    answer: Json = {
        "type": "segment",
        "id": segment.id,
        "name": segment.name,
        "created_at": CREATED_AT,
        "updated_at": CREATED_AT,
        "person_type": segment.person_type,
    }
    if counted:
        sql = "SELECT count(*) FROM contacts WHERE state = 'active' AND role = ?"
        answer["count"] = ws.scalar(sql, segment.role)
    return answer


def _segments(ws: Workspace, call: Call) -> Answer:
    counted = call.query.get("include_count") == "true"
    shown = [_segment_json(ws, segment, counted=counted) for segment in SEGMENTS]
    return json_answer({"type": "segment.list", "segments": shown})


def _segment(ws: Workspace, call: Call) -> Answer:
    found = next((segment for segment in SEGMENTS if segment.id == call.params["id"]), None)
    if found is None:
        raise missing()
    return json_answer(_segment_json(ws, found))


def _segments_of_contact(ws: Workspace, call: Call) -> Answer:
    role = require_contact(ws, call.params["id"])["role"]
    return json_answer({"type": "list", "data": [_segment_json(ws, s) for s in SEGMENTS if s.role == role]})


def _segments_of_company(ws: Workspace, call: Call) -> Answer:
    require_company(ws, call.params["id"])
    return json_answer({"type": "list", "data": []})


def _all_brands(ws: Workspace) -> list[Json]:
    """The default brand, whose id is the workspace's, and one more."""
    common = {"type": "brand", "created_at": CREATED_AT, "updated_at": CREATED_AT}
    first = {"id": ws.id_code, "name": "Acme", "is_default": True, "help_center_id": str(help_center(ws).id)}
    second = {"id": "10", "name": "Acme Outlet", "is_default": False}
    return [{**common, **first, "default_address_settings_id": "15"}, {**common, **second}]


def _brands(ws: Workspace, _: Call) -> Answer:
    return json_answer({"type": "list", "data": _all_brands(ws)})


def _brand(ws: Workspace, call: Call) -> Answer:
    found = next((brand for brand in _all_brands(ws) if brand["id"] == call.params["id"]), None)
    if found is None:
        raise missing()
    return json_answer(found)


def _visible_macros(ws: Workspace) -> list[Macro]:
    """What the token's own admin may see, the most recently updated first."""
    mine = {ws.directory.teams[team].name for team in ws.directory.me.team_ids}
    return [macro for macro in reversed(MACROS) if not macro.team or macro.team in mine]


def _macro_json(ws: Workspace, macro: Macro) -> Json:
    at = datetime.fromtimestamp(_updated_at(macro), UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    teams = [str(team.id) for team in ws.directory.teams.values() if team.name == macro.team]
    return {
        "type": "macro",
        "id": str(macro.id),
        "name": macro.name,
        "body": macro.body,
        "body_text": plain_text(macro.body),
        "created_at": at,
        "updated_at": at,
        "visible_to": "specific_teams" if macro.team else "everyone",
        "visible_to_team_ids": teams,
        "available_on": ["inbox"],
    }


def _updated_at(macro: Macro) -> int:
    return CREATED_AT + macro.id


def _macros(ws: Workspace, call: Call) -> Answer:
    asked = cursor_request(ws, {"per_page": call.query.get("per_page")}, 50)
    found = _visible_macros(ws)
    if call.query.get("updated_since"):
        found = [macro for macro in found if _updated_at(macro) > int(call.query["updated_since"])]
    if call.query.get("starting_after"):
        last = _cursor(call.query["starting_after"])
        found = [macro for macro in found if (_updated_at(macro), str(macro.id)) < last]
    shown = found[: asked.per_page]
    following = None
    if len(found) > len(shown):
        cursor = orjson.dumps([_updated_at(shown[-1]), str(shown[-1].id)])
        following = {"starting_after": base64.urlsafe_b64encode(cursor).decode()}
    pages = {"type": "pages", "per_page": asked.per_page, "next": following}
    return json_answer({"type": "list", "data": [_macro_json(ws, macro) for macro in shown], "pages": pages})


def _cursor(given: str) -> tuple[int, str]:
    try:
        at, macro_id = orjson.loads(base64.urlsafe_b64decode(given))
        return int(at), str(macro_id)
    except (binascii.Error, ValueError, TypeError):
        raise fail(400, "client_error", "Invalid starting_after param. Please provide a valid cursor.") from None


def _macro(ws: Workspace, call: Call) -> Answer:
    found = next((macro for macro in _visible_macros(ws) if str(macro.id) == call.params["id"]), None)
    if found is None:
        raise missing()
    return json_answer(_macro_json(ws, found))
