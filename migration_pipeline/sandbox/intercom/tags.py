"""Tags and what carries them: contacts and companies in bulk, contacts, conversations and tickets one by one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from migration_pipeline.sandbox.intercom.admins import require_admin
from migration_pipeline.sandbox.intercom.admission import version_of
from migration_pipeline.sandbox.intercom.contacts import USER_NOT_FOUND, require_contact
from migration_pipeline.sandbox.intercom.errors import fail, invalid, missing
from migration_pipeline.sandbox.intercom.payload import id_number, id_text, object_of, text
from migration_pipeline.sandbox.intercom.workspace import Row, Workspace
from migration_pipeline.sandbox.wire import Answer, Call, Route, json_answer

Json = dict[str, Any]


def routes(ws: Workspace) -> list[Route]:
    """The routes of this module but for conversations and tickets, which call `tag_object` themselves."""
    return [
        Route("GET", "/tags", partial(_list, ws)),
        Route("POST", "/tags", partial(_post, ws)),
        Route("GET", "/tags/{id}", partial(_get, ws)),
        Route("DELETE", "/tags/{id}", partial(_delete, ws)),
        Route("GET", "/contacts/{id}/tags", partial(_of_contact, ws)),
        Route("POST", "/contacts/{id}/tags", partial(_tag_contact, ws)),
        Route("DELETE", "/contacts/{id}/tags/{tag_id}", partial(_untag_contact, ws)),
    ]


def tags_of(ws: Workspace, kind: str, object_id: Any) -> list[Json]:
    """The tags on an object, with who applied them and when."""
    rows = ws.rows(
        "SELECT g.id, g.name, x.applied_at, x.admin_id FROM taggings x JOIN tags g ON g.id = x.tag_id "
        "WHERE x.kind = ? AND x.object_id = ? ORDER BY g.id",
        kind,
        str(object_id),
    )
    return [_applied_json(row) for row in rows]


def tag_object(ws: Workspace, kind: str, object_id: Any, body: Json, admin_id: int, *, code: str = "not_found") -> Json:
    """Put a tag on an object and answer it; a tag that is there already follows the switch. 404 `code` for no tag."""
    tag = require_tag(ws, body.get("id"), code)
    key = (kind, str(object_id), tag["id"])
    sql = "SELECT applied_at, admin_id FROM taggings WHERE kind = ? AND object_id = ? AND tag_id = ?"
    there = ws.row(sql, *key)
    if there and ws.switches["tag_idempotence"] == "error":
        raise invalid("The object already has this tag", "id")
    if there is None:
        limit = ws.switches["max_tags_per_object"]
        if limit and ws.scalar("SELECT count(*) FROM taggings WHERE kind = ? AND object_id = ?", *key[:2]) >= limit:
            raise invalid(f"An object may have {limit} tags", "id")
        there = {"applied_at": ws.now(), "admin_id": admin_id}
        ws.db.execute("INSERT INTO taggings VALUES (?, ?, ?, ?, ?)", (*key, there["applied_at"], admin_id))
    return _applied_json({**tag, **there})


def untag_object(ws: Workspace, kind: str, object_id: Any, tag_id: Any) -> Json:
    """Take a tag off an object and answer it. 404 tag_not_found where the object does not have it."""
    tag = require_tag(ws, tag_id, code="tag_not_found", message="Tag not found")
    key = (kind, str(object_id), tag["id"])
    there = ws.row("SELECT applied_at, admin_id FROM taggings WHERE kind = ? AND object_id = ? AND tag_id = ?", *key)
    if there is None:
        raise fail(404, "tag_not_found", "Tag not found")
    ws.db.execute("DELETE FROM taggings WHERE kind = ? AND object_id = ? AND tag_id = ?", key)
    return _applied_json({**tag, **there})


def tagging_admin(ws: Workspace, body: Json) -> int:
    """The admin who tags a conversation or ticket: required, and must exist."""
    if body.get("admin_id") is None:
        raise fail(400, "parameter_missing", "admin_id is required", field="admin_id")
    return require_admin(ws, body["admin_id"]).id


def require_tag(ws: Workspace, tag_id: Any, code: str = "not_found", message: str = "Resource Not Found") -> Row:
    """A tag by id. 404 with the given code."""
    row = ws.row("SELECT id, name FROM tags WHERE id = ?", id_number(tag_id))
    if row is None:
        raise fail(404, code, message)
    return row


def tag_json(row: Row) -> Json:
    """A tag by itself."""
    return {"type": "tag", "id": str(row["id"]), "name": row["name"]}


def _applied_json(row: Row) -> Json:
    by = {"type": "admin", "id": str(row["admin_id"])}
    return {**tag_json(row), "applied_at": row["applied_at"], "applied_by": by}


def _list(ws: Workspace, _: Call) -> Answer:
    return json_answer(
        {"type": "list", "data": [tag_json(r) for r in ws.rows("SELECT id, name FROM tags ORDER BY id")]}
    )


def _get(ws: Workspace, call: Call) -> Answer:
    return json_answer(tag_json(require_tag(ws, call.params["id"])))


def _post(ws: Workspace, call: Call) -> Answer:
    body = object_of(call)
    name = text(body, "name")
    if not name or not name.strip():
        raise invalid("invalid tag parameters")
    tag = _renamed(ws, body["id"], name) if body.get("id") is not None else found_or_made(ws, name)
    modern = version_of(call) >= "2.16"
    users = _bulk(ws, tag, body.get("users"), "contact", partial(_user_id, ws), modern=modern)
    companies = _bulk(ws, tag, body.get("companies"), "company", partial(_company_id, ws), modern=modern)
    answer = tag_json(tag)
    return json_answer({**answer, "users": users, "companies": companies} if modern else answer)


def found_or_made(ws: Workspace, name: str) -> Row:
    """The tag of a name in whatever case, made where there is none."""
    key = name.strip().casefold()
    row = ws.row("SELECT id, name FROM tags WHERE name_key = ?", key)
    return row or {"id": ws.insert("tags", {"name": name.strip(), "name_key": key}), "name": name.strip()}


def _renamed(ws: Workspace, tag_id: Any, name: str) -> Row:
    tag = require_tag(ws, tag_id)
    key = name.strip().casefold()
    other = ws.scalar("SELECT id FROM tags WHERE name_key = ?", key)
    if other not in (None, tag["id"]):
        raise invalid("invalid tag parameters", "name")
    ws.update("tags", "id", tag["id"], {"name": name.strip(), "name_key": key})
    return {"id": tag["id"], "name": name.strip()}


def _bulk(
    ws: Workspace, tag: Row, given: Any, kind: str, find: Callable[[Json], str | None], *, modern: bool
) -> list[Json]:
    """Tag or untag many objects. Up to 2.15 a missing one is a 404, since then it is answered as not tagged."""
    if given is None:
        return []
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
        raise invalid("invalid tag parameters")
    answers: list[Json] = []
    for item in given:
        object_id = find(item)
        if object_id is None and not modern:
            raise missing(USER_NOT_FOUND) if kind == "contact" else fail(404, "company_not_found", "Company Not Found")
        named = id_text(item.get("id")) or id_text(item.get("company_id")) or id_text(item.get("user_id")) or ""
        untag = item.get("untag") is True
        answers.append({"id": named, "tagged": object_id is not None and not untag})
        if object_id is None:
            continue
        key = (kind, object_id, tag["id"])
        if untag:
            ws.db.execute("DELETE FROM taggings WHERE kind = ? AND object_id = ? AND tag_id = ?", key)
        else:
            ws.db.execute("INSERT OR IGNORE INTO taggings VALUES (?, ?, ?, ?, ?)", (*key, ws.now(), ws.directory.me.id))
    return answers


def _user_id(ws: Workspace, item: Json) -> str | None:
    column = next((c for c in ("id", "user_id", "email") if item.get(c) is not None), None)
    if column is None:
        return None
    name = {"id": "id", "user_id": "external_id", "email": "email"}[column]
    sql = f"SELECT id FROM contacts WHERE {name} = ? AND state = 'active'"
    found: str | None = ws.scalar(sql, id_text(item[column]))
    return found


def _company_id(ws: Workspace, item: Json) -> str | None:
    column = "id" if item.get("id") is not None else "company_id"
    found: str | None = ws.scalar(f"SELECT id FROM companies WHERE {column} = ?", id_text(item.get(column)))
    return found


def _delete(ws: Workspace, call: Call) -> Answer:
    tag = require_tag(ws, call.params["id"])
    count = ws.scalar("SELECT count(*) FROM taggings WHERE tag_id = ?", tag["id"])
    if count and ws.switches["tag_delete_with_taggings"] == "reject":
        text_ = f"Unable to delete Tag with dependent objects. Tagged objects: {count}."
        raise fail(400, "tag_has_dependent_objects", text_)
    ws.db.execute("DELETE FROM taggings WHERE tag_id = ?", (tag["id"],))
    ws.db.execute("DELETE FROM tags WHERE id = ?", (tag["id"],))
    return Answer(200)


def _of_contact(ws: Workspace, call: Call) -> Answer:
    row = require_contact(ws, call.params["id"])
    return json_answer({"type": "list", "data": tags_of(ws, "contact", row["id"])})


def _tag_contact(ws: Workspace, call: Call) -> Answer:
    row = require_contact(ws, call.params["id"])
    return json_answer(tag_object(ws, "contact", row["id"], object_of(call), ws.directory.me.id))


def _untag_contact(ws: Workspace, call: Call) -> Answer:
    row = require_contact(ws, call.params["id"])
    return json_answer(untag_object(ws, "contact", row["id"], call.params["tag_id"]))
