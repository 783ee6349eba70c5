"""Internal articles: knowledge for teammates, in one language, outside the help centre."""

from __future__ import annotations

from functools import partial
from typing import Any

from migration_pipeline.sandbox.intercom.admins import require_admin
from migration_pipeline.sandbox.intercom.admission import version_of
from migration_pipeline.sandbox.intercom.article_bodies import images_of, read_body, stored
from migration_pipeline.sandbox.intercom.article_html import ArticleBody
from migration_pipeline.sandbox.intercom.articles import teammate
from migration_pipeline.sandbox.intercom.errors import fail, invalid
from migration_pipeline.sandbox.intercom.help_centers import LOCALES, help_center
from migration_pipeline.sandbox.intercom.paging import number_pages, number_request
from migration_pipeline.sandbox.intercom.payload import id_number, object_of, text
from migration_pipeline.sandbox.intercom.tags import tag_object, untag_object
from migration_pipeline.sandbox.intercom.workspace import Row, Workspace
from migration_pipeline.sandbox.wire import Answer, Call, Route, json_answer

Json = dict[str, Any]


def routes(ws: Workspace) -> list[Route]:
    """The routes of this module."""
    one = "/internal_articles/{id}"
    return [
        Route("GET", "/internal_articles", partial(_list, ws)),
        Route("POST", "/internal_articles", partial(_create, ws)),
        Route("GET", one, partial(_get, ws)),
        Route("PUT", one, partial(_update, ws)),
        Route("DELETE", one, partial(_delete, ws)),
        Route("POST", f"{one}/tags", partial(_tag, ws)),
        Route("DELETE", one + "/tags/{tag_id}", partial(_untag, ws)),
    ]


async def _create(ws: Workspace, call: Call) -> Answer:
    body = object_of(call)
    columns, read = _columns(ws, body, version_of(call))
    for key in ("title", "author_id", "owner_id"):
        if not columns.get(key):
            raise fail(400, "parameter_not_found", f"{key} must be in the main body")
    columns["body"] = await _stored(ws, read)
    now = ws.now()
    locale = help_center(ws).default_locale
    row = {"locale": locale, "body_markdown": None, "created_at": now, "updated_at": now, **columns}
    return json_answer(_json({"id": ws.insert("internal_articles", row), **row}))


async def _update(ws: Workspace, call: Call) -> Answer:
    article_id = _require(ws, call.params["id"])["id"]
    columns, read = _columns(ws, object_of(call), version_of(call))
    if read is not None:
        columns["body"] = await _stored(ws, read)
    ws.update("internal_articles", "id", article_id, {**columns, "updated_at": ws.now()})
    return json_answer(_json(_require(ws, article_id)))


async def _stored(ws: Workspace, read: ArticleBody | None) -> str:
    bodies = [] if read is None else [read]
    return "".join(stored(ws, bodies, await images_of(ws, bodies)))


def _columns(ws: Workspace, body: Json, version: str) -> tuple[Row, ArticleBody | None]:
    """The columns that a call sets but for the body, and the body."""
    columns: Row = {}
    if body.get("title") is not None:
        columns["title"] = text(body, "title")
    for key in ("author_id", "owner_id"):
        admin = teammate(ws, body, key)
        if admin is not None:
            columns[key] = admin
    if body.get("locale") is not None:
        if body["locale"] not in LOCALES:
            raise invalid(f"{body['locale']} is not a supported locale", "locale")
        columns["locale"] = body["locale"]
    read = read_body(ws, body, version)
    if read is not None:
        columns["body_markdown"] = text(body, "body_markdown") if version >= "2.16" else None
    return columns, read


def _require(ws: Workspace, value: Any, code: str = "not_found", message: str = "Resource Not Found") -> Row:
    row = ws.row("SELECT * FROM internal_articles WHERE id = ?", id_number(value))
    if row is None:
        raise fail(404, code, message)
    return row


def _get(ws: Workspace, call: Call) -> Answer:
    return json_answer(_json(_require(ws, call.params["id"])))


def _list(ws: Workspace, call: Call) -> Answer:
    asked = number_request(ws, call.query, 25, 150)
    total = ws.scalar("SELECT count(*) FROM internal_articles")
    sql = "SELECT * FROM internal_articles ORDER BY updated_at DESC, id DESC LIMIT ? OFFSET ?"
    data = [_json(row) for row in ws.rows(sql, asked.per_page, asked.offset)]
    return json_answer(
        {"type": "list", "data": data, "total_count": total, "pages": number_pages(ws, call, asked, total)}
    )


def _delete(ws: Workspace, call: Call) -> Answer:
    row = _require(ws, call.params["id"])
    ws.db.execute("DELETE FROM taggings WHERE kind = 'internal_article' AND object_id = ?", (str(row["id"]),))
    ws.db.execute("DELETE FROM internal_articles WHERE id = ?", (row["id"],))
    return json_answer({"id": str(row["id"]), "object": "internal_article", "deleted": True})


def _tag(ws: Workspace, call: Call) -> Answer:
    row = _tagged(ws, call)
    body = object_of(call)
    admin = ws.directory.me if body.get("admin_id") is None else require_admin(ws, body["admin_id"])
    return json_answer(tag_object(ws, "internal_article", row["id"], body, admin.id, code="tag_not_found"))


def _untag(ws: Workspace, call: Call) -> Answer:
    gone = untag_object(ws, "internal_article", _tagged(ws, call)["id"], call.params["tag_id"])
    return json_answer({**gone, "applied_at": None, "applied_by": None})


def _tagged(ws: Workspace, call: Call) -> Row:
    return _require(ws, call.params["id"], "internal_article_not_found", "Internal article not found")


def _json(row: Row) -> Json:
    return {"type": "internal_article", **row, "id": str(row["id"])}
