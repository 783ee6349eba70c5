"""Articles of the help centre, from creation to deletion, and their search and tags.

How they are answered stands in `article_shapes`, what becomes of their bodies in `article_bodies`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from migration_pipeline.sandbox.intercom.admins import require_admin
from migration_pipeline.sandbox.intercom.admission import version_of
from migration_pipeline.sandbox.intercom.article_bodies import images_of, read_body, stored
from migration_pipeline.sandbox.intercom.article_html import ArticleBody
from migration_pipeline.sandbox.intercom.article_shapes import article_item, article_json
from migration_pipeline.sandbox.intercom.errors import fail, invalid, missing
from migration_pipeline.sandbox.intercom.help_centers import help_center, require_help_center, translations
from migration_pipeline.sandbox.intercom.help_collections import require_collection
from migration_pipeline.sandbox.intercom.paging import number_pages, number_request
from migration_pipeline.sandbox.intercom.payload import flag, id_number, object_of, text
from migration_pipeline.sandbox.intercom.tags import tag_object, untag_object
from migration_pipeline.sandbox.intercom.workspace import Row, Workspace, dumps, loads
from migration_pipeline.sandbox.wire import Answer, Call, Route, json_answer

Json = dict[str, Any]

STATES = ("draft", "published")
AVAILABILITY = ("ai_chatbot_availability", "ai_copilot_availability", "ai_sales_agent_availability")
SCHEDULES = ("scheduled_publish_at", "scheduled_unpublish_at")


def routes(ws: Workspace) -> list[Route]:
    """The routes of this module."""
    one = "/articles/{id}"
    return [
        Route("GET", "/articles", partial(_list, ws)),
        Route("POST", "/articles", partial(_create, ws)),
        Route("GET", "/articles/search", partial(_search, ws)),
        Route("GET", one, partial(_get, ws)),
        Route("PUT", one, partial(_update, ws)),
        Route("DELETE", one, partial(_delete, ws)),
        Route("POST", f"{one}/tags", partial(_tag, ws)),
        Route("DELETE", one + "/tags/{tag_id}", partial(_untag, ws)),
    ]


def require_article(ws: Workspace, value: Any, code: str = "not_found", message: str = "Resource Not Found") -> Row:
    """An article by id. 404 with the given code."""
    row = ws.row("SELECT * FROM articles WHERE id = ?", id_number(value))
    if row is None:
        raise fail(404, code, message)
    return row


def teammate(ws: Workspace, given: Json, key: str) -> int | None:
    """The admin id under `key`, None where the call gives none. 400 where it is no teammate's."""
    if given.get(key) is None:
        return None
    admin = id_number(given[key])
    if admin not in ws.directory.admins:
        raise invalid(f"{key} must be a teammate on the help center's workspace", key)
    return admin


async def _create(ws: Workspace, call: Call) -> Answer:
    body = object_of(call)
    contents, bodies = _contents(ws, {}, body, version_of(call))
    settings = _settings(ws, body)
    images = await images_of(ws, list(bodies.values()))
    _put_bodies(ws, contents, bodies, images)
    now = ws.now()
    me = ws.directory.me.id
    row = {
        "born_at": ws.clock.now(),
        "parent_id": None,
        "created_at": now,
        "updated_at": now,
        "created_by": me,
        "updated_by": me,
        "contents": dumps(contents),
        "availability": "{}",
        **settings,
    }
    return json_answer(article_json(ws, {"id": ws.insert("articles", row), **row}))


async def _update(ws: Workspace, call: Call) -> Answer:
    article_id = require_article(ws, call.params["id"])["id"]
    body = object_of(call)
    version = version_of(call)
    images = await images_of(ws, list(_contents(ws, _contents_of(ws, article_id), body, version)[1].values()))
    # Read only now: while images were fetched, another call may have changed the article.
    contents, bodies = _contents(ws, _contents_of(ws, article_id), body, version)
    _put_bodies(ws, contents, bodies, images)
    row = require_article(ws, article_id)
    settings = _settings(ws, body)
    if "availability" in settings:
        settings["availability"] = dumps({**loads(row["availability"]), **loads(settings["availability"])})
    changes = {"contents": dumps(contents), "updated_at": ws.now(), "updated_by": ws.directory.me.id, **settings}
    ws.update("articles", "id", article_id, changes)
    return json_answer(article_json(ws, require_article(ws, article_id)))


def _contents_of(ws: Workspace, article_id: int) -> Json:
    contents: Json = loads(require_article(ws, article_id)["contents"])
    return contents


def _contents(ws: Workspace, before: Json, body: Json, version: str) -> tuple[Json, dict[str, ArticleBody]]:
    """Contents by locale after a call, and the bodies it brings by locale; what stands outside is the default locale's.

    400 for whatever a content lacks or has wrong.
    """
    default = help_center(ws).default_locale
    translated = translations(ws, body)
    if default in translated and translated[default] is None:
        raise invalid("The content of the default locale cannot be removed", f"translated_content.{default}")
    main = {**(translated.pop(default, None) or {}), **_given(body)}
    contents = {locale: content for locale, content in before.items() if translated.get(locale, content) is not None}
    bodies: dict[str, ArticleBody] = {}
    for locale, given in [(default, main), *translated.items()]:
        if given is None:
            continue
        contents[locale] = _content(ws, contents.get(locale), given)
        read = read_body(ws, given, version)
        if read is not None:
            bodies[locale] = read
            markdown = text(given, "body_markdown") if version >= "2.16" else None
            contents[locale]["body_markdown"] = markdown
    for key in ("title", "author_id"):
        if not contents[default].get(key):
            message = f"{key} must be in the main body or default locale translated_content object"
            raise fail(400, "parameter_not_found", message)
    for locale, content in contents.items():
        if not content.get("title"):
            raise fail(400, "parameter_not_found", f"title must be in the translated_content of {locale}")
        content["author_id"] = content.get("author_id") or contents[default]["author_id"]
    return contents, bodies


_CONTENT_KEYS = ("title", "description", "body", "body_markdown", "author_id", "state")


def _given(body: Json) -> Json:
    return {key: body[key] for key in _CONTENT_KEYS if body.get(key) is not None}


def _content(ws: Workspace, before: Json | None, given: Json) -> Json:
    """One locale's content after a call, but for its body."""
    now = ws.now()
    content = dict(
        before or {"description": "", "body": "", "body_markdown": None, "state": "draft", "created_at": now}
    )
    for key in ("title", "description"):
        if given.get(key) is not None:
            content[key] = text(given, key)
    author = teammate(ws, given, "author_id")
    if author is not None:
        content["author_id"] = author
    if given.get("state") is not None:
        if given["state"] not in STATES:
            raise invalid("state must be published or draft", "state")
        content["state"] = given["state"]
    content["updated_at"] = now
    return content


def _put_bodies(ws: Workspace, contents: Json, bodies: dict[str, ArticleBody], images: Any) -> None:
    for locale, html in zip(bodies, stored(ws, list(bodies.values()), images), strict=True):
        contents[locale]["body"] = html


def _settings(ws: Workspace, body: Json) -> Row:
    """The columns that are the same in all locales; only what the call names."""
    for key in SCHEDULES:
        if body.get(key) is not None:
            raise invalid(f"{key} is not available in this workspace", key)
    if body.get("audience_ids"):
        # The workspace has no audiences, so every id is an unknown one.
        raise missing("Audience not found")
    columns: Row = {}
    if "parent_id" in body:
        columns["parent_id"] = _parent(ws, body)
    given = {key: body[key] for key in AVAILABILITY if flag(body, key) is not None}
    if given:
        columns["availability"] = dumps(given)
    return columns


def _parent(ws: Workspace, body: Json) -> int | None:
    if body["parent_id"] is None:
        return None
    if body.get("parent_type") not in (None, "collection", "section"):
        raise invalid("parent_type must be collection or section", "parent_type")
    found: int = require_collection(ws, body["parent_id"])["id"]
    return found


def _get(ws: Workspace, call: Call) -> Answer:
    return json_answer(article_json(ws, require_article(ws, call.params["id"])))


def _delete(ws: Workspace, call: Call) -> Answer:
    row = require_article(ws, call.params["id"])
    ws.db.execute("DELETE FROM taggings WHERE kind = 'article' AND object_id = ?", (str(row["id"]),))
    ws.db.execute("DELETE FROM redirects WHERE target_type = 'article' AND target_id = ?", (row["id"],))
    ws.db.execute("DELETE FROM articles WHERE id = ?", (row["id"],))
    return json_answer({"id": str(row["id"]), "object": "article", "deleted": True})


def _list(ws: Workspace, call: Call) -> Answer:
    asked = number_request(ws, call.query, 25, 150)
    total = ws.scalar("SELECT count(*) FROM articles")
    sql = "SELECT * FROM articles ORDER BY updated_at DESC, id DESC LIMIT ? OFFSET ?"
    data = [article_item(ws, row) for row in ws.rows(sql, asked.per_page, asked.offset)]
    return json_answer(
        {"type": "list", "data": data, "total_count": total, "pages": number_pages(ws, call, asked, total)}
    )


def _search(ws: Workspace, call: Call) -> Answer:
    state = call.query.get("state") or "all"
    if state not in (*STATES, "all"):
        raise invalid("state must be published, draft or all", "state")
    if call.query.get("help_center_id"):
        require_help_center(ws, call.query["help_center_id"])
    own = f'$."{help_center(ws).default_locale}"'
    where = (
        "born_at <= ? AND (? = 'all' OR json_extract(contents, ?) = ?) "
        "AND has_words(json_extract(contents, ?) || ' ' || json_extract(contents, ?), ?)"
    )
    ripe = ws.clock.now() - ws.switches["search_lag_s"]
    phrase = call.query.get("phrase") or ""
    values = (ripe, state, f"{own}.state", state, f"{own}.title", f"{own}.body", phrase)
    asked = number_request(ws, call.query, 10, 150)
    total = ws.scalar(f"SELECT count(*) FROM articles WHERE {where}", *values)
    sql = f"SELECT * FROM articles WHERE {where} ORDER BY id DESC LIMIT ? OFFSET ?"
    found = [article_json(ws, row) for row in ws.rows(sql, *values, asked.per_page, asked.offset)]
    data = {"articles": found, "highlights": []}
    return json_answer(
        {"type": "list", "total_count": total, "data": data, "pages": number_pages(ws, call, asked, total)}
    )


def _tag(ws: Workspace, call: Call) -> Answer:
    row = require_article(ws, call.params["id"], "article_not_found", "Article not found")
    body = object_of(call)
    admin = ws.directory.me if body.get("admin_id") is None else require_admin(ws, body["admin_id"])
    return json_answer(tag_object(ws, "article", row["id"], body, admin.id, code="tag_not_found"))


def _untag(ws: Workspace, call: Call) -> Answer:
    row = require_article(ws, call.params["id"], "article_not_found", "Article not found")
    gone = untag_object(ws, "article", row["id"], call.params["tag_id"])
    return json_answer({**gone, "applied_at": None, "applied_by": None})
