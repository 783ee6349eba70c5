"""Who is invited in the UI while the stand-in runs: teammates and teams beside those of the seed.

The API makes neither, so these are control routes: `POST teammates` {name, email, has_inbox_seat?, team_ids?} and
`POST teams` {name}. Both answer what the API would then show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from migration_pipeline.sandbox.intercom.admins import admin_json, team_json
from migration_pipeline.sandbox.intercom.directory import AGENTS, TEAMS, Admin, Team
from migration_pipeline.sandbox.intercom.workspace import Workspace
from migration_pipeline.sandbox.wire import Answer, Call, Handler, json_answer

Json = dict[str, Any]


def controls(ws: Workspace) -> dict[tuple[str, str], Handler]:
    """The control routes of this module."""
    return {("POST", "teammates"): partial(_invite, ws), ("POST", "teams"): partial(_add_team, ws)}


def restore(ws: Workspace) -> None:
    """Let those of an earlier run in again."""
    for stored in ws.state.get("teams", []):
        _let_in_team(ws, Team(**{**stored, "admin_ids": tuple(stored["admin_ids"])}))
    for stored in ws.state.get("teammates", []):
        _let_in(ws, Admin(**{**stored, "team_ids": tuple(stored["team_ids"])}))


def invite(ws: Workspace, name: str, email: str, *, seat: bool = True, team_ids: Sequence[int] = ()) -> Admin:
    """A new teammate. Raises ValueError for an unknown team or an address that a teammate has."""
    if any(admin.email == email for admin in ws.directory.admins.values()):
        raise ValueError(f"{email} is a teammate already")
    if unknown := [team for team in team_ids if team not in ws.directory.teams]:
        raise ValueError(f"no team has the id {unknown[0]}")
    known = ws.state.get("teammates", [])
    admin = Admin(ws.directory.me.id + 100 + AGENTS + len(known), name, email, seat, tuple(team_ids))
    ws.state.put("teammates", [*known, asdict(admin)])
    _let_in(ws, admin)
    return admin


def add_team(ws: Workspace, name: str) -> Team:
    """A new team without members."""
    known = ws.state.get("teams", [])
    team = Team(ws.directory.me.id * 2 + len(TEAMS) + len(known) + 1, name, ())
    ws.state.put("teams", [*known, asdict(team)])
    _let_in_team(ws, team)
    return team


def _let_in(ws: Workspace, admin: Admin) -> None:
    ws.directory.admins[admin.id] = admin
    for team_id in admin.team_ids:
        team = ws.directory.teams[team_id]
        ws.directory.teams[team_id] = replace(team, admin_ids=(*team.admin_ids, admin.id))


def _let_in_team(ws: Workspace, team: Team) -> None:
    ws.directory.teams[team.id] = team


def _invite(ws: Workspace, call: Call) -> Answer:
    body: Json = call.json
    team_ids = [int(team) for team in body.get("team_ids", ())]
    seat = bool(body.get("has_inbox_seat", True))
    return json_answer(admin_json(invite(ws, str(body["name"]), str(body["email"]), seat=seat, team_ids=team_ids)))


def _add_team(ws: Workspace, call: Call) -> Answer:
    return json_answer(team_json(add_team(ws, str(call.json["name"]))))
