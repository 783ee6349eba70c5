"""Redirects of a help centre: old URLs within its URL space that lead to articles and collections. Since 2.16."""

from __future__ import annotations

from functools import partial
from typing import Any

from migration_pipeline.sandbox.intercom.errors import fail, invalid, missing
from migration_pipeline.sandbox.intercom.help_centers import LOCALES, HelpCenter, help_center, require_help_center
from migration_pipeline.sandbox.intercom.paging import number_pages, number_request
from migration_pipeline.sandbox.intercom.payload import id_number, object_of, text
from migration_pipeline.sandbox.intercom.workspace import Row, Workspace, loads
from migration_pipeline.sandbox.wire import Answer, Call, Route, json_answer

Json = dict[str, Any]
TARGETS = {"article": "articles", "collection": "collections"}
"""Kinds of targets and their tables."""
NOT_FOUND = "Resource not found"


def routes(ws: Workspace) -> list[Route]:
    """The routes of this module."""
    base = "/help_center/help_centers/{id}/redirects"
    return [
        Route("GET", base, partial(_list, ws)),
        Route("POST", base, partial(_create, ws)),
        Route("GET", base + "/{redirect_id}", partial(_get, ws)),
        Route("DELETE", base + "/{redirect_id}", partial(_delete, ws)),
    ]


def _create(ws: Workspace, call: Call) -> Answer:
    center = require_help_center(ws, call.params["id"], NOT_FOUND)
    body = object_of(call)
    for key in ("from_url", "locale", "target_type", "target_id"):
        if body.get(key) in (None, ""):
            raise fail(400, "parameter_not_found", f"{key} is required")
    if body["target_type"] not in TARGETS:
        raise invalid("target_type must be 'article' or 'collection'")
    from_url, locale = text(body, "from_url") or "", text(body, "locale") or ""
    if locale not in LOCALES:
        raise fail(422, "data_invalid", f"{locale} is not a supported locale")
    if not center.holds(from_url):
        raise fail(422, "data_invalid", "from_url must be an absolute URL within this help center's URL space")
    if ws.scalar("SELECT 1 FROM redirects WHERE from_url = ?", from_url):
        raise fail(409, "resource_conflict", "A redirect with that URL already exists")
    table = TARGETS[body["target_type"]]
    target = ws.row(f"SELECT id, contents FROM {table} WHERE id = ?", id_number(body["target_id"]))
    if target is None:
        raise fail(422, "data_invalid", "target must be a member of this help center")
    now = ws.now()
    row = {
        "from_url": from_url,
        "locale": _bound(center, locale, loads(target["contents"])),
        "target_type": body["target_type"],
        "target_id": target["id"],
        "created_at": now,
        "updated_at": now,
    }
    return json_answer(_json(ws, {"id": ws.insert("redirects", row), **row}))


def _bound(center: HelpCenter, locale: str, contents: Json) -> str:
    """The locale of the translation that a redirect leads to: the asked one where the target has it."""
    return locale if locale in contents else center.default_locale


def _get(ws: Workspace, call: Call) -> Answer:
    return json_answer(_json(ws, _require(ws, call)))


def _list(ws: Workspace, call: Call) -> Answer:
    require_help_center(ws, call.params["id"], NOT_FOUND)
    asked = number_request(ws, call.query, 50, 250)
    total = ws.scalar("SELECT count(*) FROM redirects")
    sql = "SELECT * FROM redirects ORDER BY updated_at DESC, id DESC LIMIT ? OFFSET ?"
    data = [_json(ws, row) for row in ws.rows(sql, asked.per_page, asked.offset)]
    return json_answer(
        {"type": "list", "data": data, "total_count": total, "pages": number_pages(ws, call, asked, total)}
    )


def _delete(ws: Workspace, call: Call) -> Answer:
    row = _require(ws, call)
    ws.db.execute("DELETE FROM redirects WHERE id = ?", (row["id"],))
    return json_answer({"id": str(row["id"]), "object": "help_center_redirect", "deleted": True})


def _require(ws: Workspace, call: Call) -> Row:
    require_help_center(ws, call.params["id"], NOT_FOUND)
    row = ws.row("SELECT * FROM redirects WHERE id = ?", id_number(call.params["redirect_id"]))
    if row is None:
        raise missing(NOT_FOUND)
    return row


def _json(ws: Workspace, row: Row) -> Json:
    return {
        "type": "help_center_redirect",
        "id": str(row["id"]),
        "from_url": row["from_url"],
        "locale": row["locale"],
        "help_center_id": str(help_center(ws).id),
        "target_type": row["target_type"],
        "target_id": str(row["target_id"]),
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
    }
