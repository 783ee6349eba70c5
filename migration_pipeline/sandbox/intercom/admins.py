"""GET /me, admins and teams. None of them can be made by API."""

from __future__ import annotations

from functools import partial
from typing import Any

from migration_pipeline.sandbox.intercom.admission import is_foreign
from migration_pipeline.sandbox.intercom.directory import Admin, Team
from migration_pipeline.sandbox.intercom.errors import fail
from migration_pipeline.sandbox.intercom.payload import id_number
from migration_pipeline.sandbox.intercom.workspace import Workspace, foreign_credentials
from migration_pipeline.sandbox.wire import Answer, Call, Route, json_answer

Json = dict[str, Any]
CREATED_AT = 1_671_465_577
"""When the workspace was made, unix seconds: any date before every migration does."""


def routes(ws: Workspace) -> list[Route]:
    """The routes of this module."""
    return [
        Route("GET", "/me", partial(_me, ws)),
        Route("GET", "/admins", partial(_admins, ws)),
        Route("GET", "/admins/{id}", partial(_admin, ws)),
        Route("GET", "/teams", partial(_teams, ws)),
        Route("GET", "/teams/{id}", partial(_team, ws)),
    ]


def require_admin(
    ws: Workspace, value: Any, *, code: str = "admin_not_found", message: str = "Admin not found"
) -> Admin:
    """The admin of an id as a client sent it. 404 where there is none."""
    admin = ws.directory.admins.get(id_number(value) or 0)
    if admin is None:
        raise fail(404, code, message)
    return admin


def admin_json(admin: Admin) -> Json:
    """An admin as lists and single reads show it."""
    return {
        "type": "admin",
        "id": str(admin.id),
        "name": admin.name,
        "email": admin.email,
        "job_title": "Support agent",
        "away_mode_enabled": False,
        "away_mode_reassign": False,
        "away_status_reason_id": None,
        "has_inbox_seat": admin.has_inbox_seat,
        "team_ids": list(admin.team_ids),
        "avatar": None,
        "team_priority_level": {"primary_team_ids": list(admin.team_ids[:1]), "secondary_team_ids": []},
    }


def team_json(team: Team) -> Json:
    """A team as lists and single reads show it."""
    return {
        "type": "team",
        "id": str(team.id),
        "name": team.name,
        "admin_ids": list(team.admin_ids),
        "admin_priority_level": {"primary_admin_ids": list(team.admin_ids), "secondary_admin_ids": []},
        "assignment_limit": None,
        "distribution_method": "manual",
    }


def _me(ws: Workspace, call: Call) -> Answer:
    foreign = is_foreign(call)
    app = {
        "type": "app",
        "id_code": foreign_credentials(ws.seed)[1] if foreign else ws.id_code,
        "name": "Another Acme" if foreign else "Acme",
        "created_at": CREATED_AT,
        "secure": False,
        "identity_verification": False,
        "timezone": ws.switches["timezone"],
        "region": ws.switches["region"],
    }
    admin = admin_json(ws.directory.me)
    del admin["team_priority_level"]
    avatar = {"type": "avatar", "image_url": None}
    return json_answer({**admin, "avatar": avatar, "email_verified": True, "app": app})


def _admins(ws: Workspace, _: Call) -> Answer:
    return json_answer({"type": "admin.list", "admins": [admin_json(a) for a in ws.directory.admins.values()]})


def _admin(ws: Workspace, call: Call) -> Answer:
    return json_answer(admin_json(require_admin(ws, call.params["id"])))


def _teams(ws: Workspace, _: Call) -> Answer:
    return json_answer({"type": "team.list", "teams": [team_json(team) for team in ws.directory.teams.values()]})


def _team(ws: Workspace, call: Call) -> Answer:
    team = ws.directory.teams.get(id_number(call.params["id"]) or 0)
    if team is None:
        raise fail(404, "team_not_found", "Team not found")
    return json_answer(team_json(team))
