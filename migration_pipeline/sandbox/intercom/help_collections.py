"""Collections of the help centre: nested folders of articles, each with a name in one or several languages."""

from __future__ import annotations

from functools import partial
from typing import Any

from migration_pipeline.sandbox.intercom.errors import fail, invalid, missing
from migration_pipeline.sandbox.intercom.help_centers import help_center, require_help_center, translations
from migration_pipeline.sandbox.intercom.paging import number_pages, number_request
from migration_pipeline.sandbox.intercom.payload import id_number, object_of, text
from migration_pipeline.sandbox.intercom.workspace import Row, Workspace, dumps, loads
from migration_pipeline.sandbox.wire import Answer, Call, Route, json_answer

Json = dict[str, Any]
ICON = "book-bookmark"
"""What a collection has until somebody picks another icon in the UI; not settable by API."""


def routes(ws: Workspace) -> list[Route]:
    """The routes of this module."""
    base = "/help_center/collections"
    return [
        Route("GET", base, partial(_list, ws)),
        Route("POST", base, partial(_create, ws)),
        Route("GET", base + "/{id}", partial(_get, ws)),
        Route("PUT", base + "/{id}", partial(_update, ws)),
        Route("DELETE", base + "/{id}", partial(_delete, ws)),
    ]


def require_collection(ws: Workspace, value: Any) -> Row:
    """A collection by id. 404 not_found."""
    row = ws.row("SELECT * FROM collections WHERE id = ?", id_number(value))
    if row is None:
        raise missing()
    return row


def _create(ws: Workspace, call: Call) -> Answer:
    body = object_of(call)
    center = help_center(ws)
    if body.get("help_center_id") is not None:
        require_help_center(ws, body["help_center_id"])
    contents = _merged(ws, {}, body)
    parent = _parent(ws, body)
    now = ws.now()
    siblings = ws.scalar("SELECT count(*) FROM collections WHERE parent_id IS ?", parent)
    row = {
        "help_center_id": center.id,
        "parent_id": parent,
        "position": siblings + 1,
        "created_at": now,
        "updated_at": now,
        "contents": dumps(contents),
    }
    return json_answer(collection_json(ws, {"id": ws.insert("collections", row), **row}))


def _get(ws: Workspace, call: Call) -> Answer:
    return json_answer(collection_json(ws, require_collection(ws, call.params["id"])))


def _list(ws: Workspace, call: Call) -> Answer:
    asked = number_request(ws, call.query, 20, 150)
    total = ws.scalar("SELECT count(*) FROM collections")
    sql = "SELECT * FROM collections ORDER BY updated_at DESC, id DESC LIMIT ? OFFSET ?"
    data = [collection_json(ws, row) for row in ws.rows(sql, asked.per_page, asked.offset)]
    return json_answer(
        {"type": "list", "data": data, "total_count": total, "pages": number_pages(ws, call, asked, total)}
    )


def _update(ws: Workspace, call: Call) -> Answer:
    row = require_collection(ws, call.params["id"])
    body = object_of(call)
    contents = _merged(ws, loads(row["contents"]), body)
    changes: Row = {"contents": dumps(contents), "updated_at": ws.now()}
    if "parent_id" in body:
        changes["parent_id"] = _parent(ws, body, moved=row["id"])
    ws.update("collections", "id", row["id"], changes)
    return json_answer(collection_json(ws, require_collection(ws, row["id"])))


def _delete(ws: Workspace, call: Call) -> Answer:
    row = require_collection(ws, call.params["id"])
    below = [r["id"] for r in ws.rows(_TREE, row["id"])]
    marks = ", ".join("?" * len(below))
    # Articles outlive their collection; they then stand alone.
    ws.db.execute(f"UPDATE articles SET parent_id = NULL WHERE parent_id IN ({marks})", below)
    ws.db.execute(f"DELETE FROM redirects WHERE target_type = 'collection' AND target_id IN ({marks})", below)
    ws.db.execute(f"DELETE FROM collections WHERE id IN ({marks})", below)
    return json_answer({"id": str(row["id"]), "object": "collection", "deleted": True})


_TREE = (
    "WITH RECURSIVE tree(id, depth) AS (SELECT ?, 1 UNION ALL SELECT c.id, tree.depth + 1 "
    "FROM collections c JOIN tree ON c.parent_id = tree.id) SELECT id, depth FROM tree"
)
"""A collection with all below it; the depth of the collection itself is 1."""

_DEPTH = (
    "WITH RECURSIVE up(id) AS (SELECT ? UNION ALL SELECT c.parent_id FROM collections c JOIN up ON c.id = up.id "
    "WHERE c.parent_id IS NOT NULL) SELECT count(*) FROM up"
)
"""How many levels lead down to a collection, itself included."""


def _parent(ws: Workspace, body: Json, moved: int | None = None) -> int | None:
    """The collection that `parent_id` names, None for the first level. 404, or 400 for a circle or too deep a tree."""
    if body.get("parent_id") is None:
        return None
    parent: int = require_collection(ws, body["parent_id"])["id"]
    tree: list[Row] = ws.rows(_TREE, moved) if moved is not None else [{"id": None, "depth": 1}]
    if parent in [row["id"] for row in tree]:
        raise invalid("A collection cannot be moved into itself", "parent_id")
    deepest = ws.switches["collection_levels"]
    if deepest and ws.scalar(_DEPTH, parent) + max(row["depth"] for row in tree) > deepest:
        raise invalid(f"Collections can be nested {deepest} levels deep", "parent_id")
    return parent


def _merged(ws: Workspace, before: Json, body: Json) -> Json:
    """Names and descriptions by locale after a call; what stands outside translated_content is the default locale's.

    400 parameter_not_found where one would have no name.
    """
    contents = dict(before)
    for locale, given in translations(ws, body).items():
        if given is None:
            contents.pop(locale, None)
        else:
            contents[locale] = {**contents.get(locale, {}), **_texts(given)}
    default = help_center(ws).default_locale
    contents[default] = {**contents.get(default, {}), **_texts(body)}
    if not all(texts.get("name") for texts in contents.values()):
        raise fail(400, "parameter_not_found", "Name is a required parameter.")
    return contents


def _texts(given: Json) -> Json:
    return {key: text(given, key) for key in ("name", "description") if given.get(key) is not None}


def collection_json(ws: Workspace, row: Row) -> Json:
    """A collection as it is read back."""
    center = help_center(ws)
    contents: Json = loads(row["contents"])
    own = contents.get(center.default_locale) or next(iter(contents.values()))
    answer = {
        "id": str(row["id"]),
        "workspace_id": ws.id_code,
        "name": own["name"],
        "description": own.get("description", ""),
        "url": center.page(center.default_locale, "collections", row["id"], own["name"]),
        "icon": ICON,
        "order": row["position"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "parent_id": None if row["parent_id"] is None else str(row["parent_id"]),
        "help_center_id": row["help_center_id"],
    }
    if center.multilingual:
        shown = {locale: {"type": "group_content", "description": "", **texts} for locale, texts in contents.items()}
        answer["default_locale"] = center.default_locale
        answer["translated_content"] = {"type": "group_translated_content", **shown}
    return answer
