"""The control route `dump`: all that the workspace holds, as it is stored, for checks that do not go through the API.

`GET dump` is one document of lists. `GET dump?kind=conversations&after=0&limit=1000` is one page of one of them, for
workspaces too large for that: `items`, and `next`, which is the `after` of the next page or null.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from migration_pipeline.sandbox.intercom import outbox, ticket_types
from migration_pipeline.sandbox.intercom.workspace import Row, Workspace, loads
from migration_pipeline.sandbox.wire import Answer, Call, Handler, json_answer

Json = dict[str, Any]
PAGE = 1000


def controls(ws: Workspace) -> dict[tuple[str, str], Handler]:
    """The control route of this module."""
    return {("GET", "dump"): partial(_dump, ws)}


def _dump(ws: Workspace, call: Call) -> Answer:
    kind = call.query.get("kind")
    if kind is None:
        return json_answer({**{kind: _page(ws, kind, 0, -1) for kind in _KINDS}, "outbox": outbox.entries(ws)})
    if kind not in _KINDS:
        raise ValueError(f"kind takes one of {', '.join(_KINDS)}, not {kind!r}")
    limit = int(call.query.get("limit", PAGE))
    items = _page(ws, kind, int(call.query.get("after", 0)), limit)
    return json_answer({"items": items, "next": items[-1]["key"] if limit > 0 and len(items) == limit else None})


def _page(ws: Workspace, kind: str, after: int, limit: int) -> list[Json]:
    """Items by their integer key, which each of them carries as `key`."""
    table, key, shape = _KINDS[kind]
    rows = ws.rows(f"SELECT * FROM {table} WHERE {key} > ? ORDER BY {key} LIMIT ?", after, limit)
    return [{"key": row[key], **shape(ws, row)} for row in rows]


def _contact(ws: Workspace, row: Row) -> Json:
    companies = ws.rows(
        "SELECT c.company_id FROM contact_companies x JOIN companies c ON c.id = x.company_id "
        "WHERE x.contact_id = ? ORDER BY x.seq",
        row["id"],
    )
    return {
        **_parsed(row, "custom_attributes", "merge_history"),
        "companies": [company["company_id"] for company in companies],
        "tags": _tags(ws, "contact", row["id"]),
        "notes": _notes(ws, "contact", row["id"]),
    }


def _company(ws: Workspace, row: Row) -> Json:
    return {
        **_parsed(row, "custom_attributes"),
        "tags": _tags(ws, "company", row["id"]),
        "notes": _notes(ws, "company", row["id"]),
    }


def _conversation(ws: Workspace, row: Row) -> Json:
    """A conversation or ticket with its parts in the order of their dates; list values of tickets by their labels."""
    contacts = ws.rows(
        "SELECT c.id, c.external_id, c.email FROM participants p JOIN contacts c ON c.id = p.contact_id "
        "WHERE p.conversation_id = ? ORDER BY p.seq",
        row["id"],
    )
    source = loads(row["source"])
    parts = ws.rows("SELECT * FROM parts WHERE conversation_id = ? ORDER BY created_at, id", row["id"])
    return {
        **_parsed(row, "custom_attributes"),
        "source": {**source, "attachments": _files(ws, source["attachments"])},
        "ticket_attributes": _labelled(ws, row),
        "contacts": contacts,
        "tags": _tags(ws, "conversation", row["id"]),
        "parts": [
            {"id": part["id"], **loads(part["data"]), "attachments": _files(ws, loads(part["files"]) or [])}
            for part in parts
        ],
    }


def _labelled(ws: Workspace, row: Row) -> Json | None:
    values: Json | None = loads(row["ticket_attributes"])
    if values is None:
        return None
    known = ticket_types.attributes_of(ws, row["ticket_type_id"])
    labels = {option["id"]: option["label"] for attribute in known for option in attribute["options"]}

    def shown(value: Any) -> Any:
        return [shown(v) for v in value] if isinstance(value, list) else labels.get(value, value)

    return {name: shown(value) for name, value in values.items()}


def _article(ws: Workspace, row: Row) -> Json:
    """An article; each content tells the images that it shows."""
    contents = {
        locale: {**content, "images": _images(ws, content["body"])}
        for locale, content in loads(row["contents"]).items()
    }
    return {
        **_parsed(row, "availability"),
        "contents": contents,
        "tags": _tags(ws, "article", row["id"]),
    }


def _internal_article(ws: Workspace, row: Row) -> Json:
    return {**row, "images": _images(ws, row["body"]), "tags": _tags(ws, "internal_article", row["id"])}


def _with(*columns: str) -> Callable[[Workspace, Row], Json]:
    """A row with its JSON columns read."""
    return lambda _, row: _parsed(row, *columns)


def _parsed(row: Row, *columns: str) -> Json:
    return {**row, **{column: loads(row[column]) for column in columns}}


def _tags(ws: Workspace, kind: str, object_id: Any) -> list[str]:
    rows = ws.rows(
        "SELECT g.name FROM taggings x JOIN tags g ON g.id = x.tag_id "
        "WHERE x.kind = ? AND x.object_id = ? ORDER BY g.id",
        kind,
        str(object_id),
    )
    return [row["name"] for row in rows]


def _notes(ws: Workspace, kind: str, object_id: str) -> list[Row]:
    sql = "SELECT id, admin_id, body, created_at FROM notes WHERE kind = ? AND object_id = ? ORDER BY id"
    return ws.rows(sql, kind, object_id)


def _files(ws: Workspace, attachments: list[Json]) -> list[Row]:
    return [_file(ws, attachment["file_id"]) for attachment in attachments]


def _images(ws: Workspace, body: str) -> list[Row]:
    return [_file(ws, int(key)) for key in re.findall(re.escape(ws.files.images_url) + r"(\d+)/", body)]


def _file(ws: Workspace, key: int) -> Row:
    return ws.row("SELECT name, content_type, size, sha256 FROM files WHERE id = ?", key) or {}


_KINDS: dict[str, tuple[str, str, Callable[[Workspace, Row], Json]]] = {
    "contacts": ("contacts", "seq", _contact),
    "companies": ("companies", "seq", _company),
    "conversations": ("conversations", "id", _conversation),
    "collections": ("collections", "id", _with("contents")),
    "articles": ("articles", "id", _article),
    "internal_articles": ("internal_articles", "id", _internal_article),
    "redirects": ("redirects", "id", _with()),
    "tags": ("tags", "id", _with()),
    "data_attributes": ("data_attributes", "id", _with("options")),
    "conversation_attributes": ("conversation_attributes", "id", _with("data")),
    "ticket_types": ("ticket_types", "id", _with("data")),
    "ticket_attributes": ("ticket_attributes", "id", _with("data")),
}
"""Kinds of things: their table, its integer key, and how a row is shown. Tickets are conversations with a type."""
