"""Companies: upsert by company_id, reading, lists that show only companies with a contact, and their notes.

Attaching contacts stands in `contact_links`, the scroll in `company_scroll`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import orjson

from migration_pipeline.sandbox.intercom import attributes
from migration_pipeline.sandbox.intercom.admission import version_of
from migration_pipeline.sandbox.intercom.contact_shapes import contact_json
from migration_pipeline.sandbox.intercom.errors import fail, invalid
from migration_pipeline.sandbox.intercom.paging import number_pages, number_request
from migration_pipeline.sandbox.intercom.payload import flag, id_text, object_of, text, timestamp
from migration_pipeline.sandbox.intercom.workspace import Row, Workspace, dumps, loads
from migration_pipeline.sandbox.wire import Answer, Call, Route, json_answer

Json = dict[str, Any]

WRITABLE = frozenset(
    {
        "company_id",
        "name",
        "plan",
        "size",
        "website",
        "industry",
        "custom_attributes",
        "remote_created_at",
        "update_last_request_at",
        "monthly_spend",
    }
)
MAX_SPEND = 2**31 - 1
MAX_LISTED = 10_000

VISIBLE = "EXISTS (SELECT 1 FROM contact_companies cc WHERE cc.company_id = t.id)"
"""Companies without a contact are in no list and no scroll."""


def routes(ws: Workspace) -> list[Route]:
    """The routes of this module."""
    one = "/companies/{id}"
    return [
        Route("POST", "/companies", partial(_upsert, ws)),
        Route("GET", "/companies", partial(_read, ws)),
        Route("POST", "/companies/list", partial(_post_list, ws), writes=False),
        Route("GET", one, partial(_get, ws)),
        Route("PUT", one, partial(_update, ws)),
        Route("DELETE", one, partial(_delete, ws)),
        Route("GET", f"{one}/contacts", partial(_contacts, ws)),
    ]


def require_company(ws: Workspace, company_id: Any) -> Row:
    """A company by Intercom's id. 404 company_not_found."""
    row = ws.row("SELECT * FROM companies WHERE id = ?", id_text(company_id))
    if row is None:
        raise fail(404, "company_not_found", "Company Not Found")
    return row


def company_json(ws: Workspace, row: Row) -> Json:
    """A company as it is read back; what was never set is left out."""
    tags = ws.rows(
        "SELECT g.id, g.name FROM taggings x JOIN tags g ON g.id = x.tag_id "
        "WHERE x.kind = 'company' AND x.object_id = ?",
        row["id"],
    )
    optional = {
        key: row[key] for key in ("name", "size", "website", "industry", "remote_created_at", "last_request_at")
    }
    return {
        "type": "company",
        "company_id": row["company_id"],
        "id": row["id"],
        "app_id": ws.id_code,
        **{key: value for key, value in optional.items() if value is not None},
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "monthly_spend": row["monthly_spend"] or 0,
        "session_count": 0,
        "user_count": ws.scalar("SELECT count(*) FROM contact_companies WHERE company_id = ?", row["id"]),
        "tags": {"type": "tag.list", "tags": [{"type": "tag", "id": str(t["id"]), "name": t["name"]} for t in tags]},
        "segments": {"type": "segment.list", "segments": []},
        "plan": {"type": "plan", "id": row["plan"], "name": row["plan"]} if row["plan"] else {},
        "custom_attributes": orjson.Fragment(row["custom_attributes"]),
    }


def _upsert(ws: Workspace, call: Call) -> Answer:
    body = object_of(call)
    company_id = id_text(body.get("company_id"))
    changes = _changes(ws, body)
    if company_id is None:
        raise fail(400, "parameter_missing", "company_id is required", field="company_id")
    row = ws.row("SELECT * FROM companies WHERE company_id = ?", company_id)
    if row is None:
        now = ws.now()
        row = {"id": ws.new_object_id("company"), "company_id": company_id, "created_at": now, "updated_at": now}
        ws.insert("companies", row)
        row = require_company(ws, row["id"])
    return _stored(ws, row, changes, body)


def _update(ws: Workspace, call: Call) -> Answer:
    row = require_company(ws, call.params["id"])
    body = object_of(call)
    # The company_id is fixed for life; an update that names it is not refused but does not change it.
    return _stored(ws, row, _changes(ws, body), body)


def _stored(ws: Workspace, row: Row, changes: Row, body: Json) -> Answer:
    given = attributes.checked(ws, "company", body.get("custom_attributes"))
    merged = dumps({**loads(row["custom_attributes"]), **given})
    ws.update("companies", "id", row["id"], {**changes, "custom_attributes": merged, "updated_at": ws.now()})
    return json_answer(company_json(ws, require_company(ws, row["id"])))


def _changes(ws: Workspace, body: Json) -> Row:
    for key in body:
        if key not in WRITABLE:
            raise fail(400, "bad_request", f"bad '{key}' parameter")
    changes: Row = {key: text(body, key) for key in ("name", "plan", "website", "industry") if key in body}
    if "size" in body:
        changes["size"] = _whole(body, "size")
    if "monthly_spend" in body:
        changes["monthly_spend"] = _whole(body, "monthly_spend")
    if "remote_created_at" in body:
        changes["remote_created_at"] = timestamp(body, "remote_created_at")
    if flag(body, "update_last_request_at"):
        changes["last_request_at"] = ws.now()
    return changes


def _whole(body: Json, key: str) -> int | None:
    """A number cut to an integer below 2^31."""
    value = body[key]
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > MAX_SPEND:
        raise invalid(f"{key} must be a number up to {MAX_SPEND}", key)
    return int(value)


def _read(ws: Workspace, call: Call) -> Answer:
    for key in ("company_id", "name"):
        if call.query.get(key):
            row = ws.row(f"SELECT * FROM companies WHERE {key} = ? ORDER BY seq", call.query[key])
            if row is None:
                raise fail(404, "company_not_found", "Company Not Found")
            company = company_json(ws, row)
            if ws.switches["companies_by_company_id"] == "object":
                return json_answer(company)
            pages = {"type": "pages", "next": None, "page": 1, "per_page": 15, "total_pages": 1}
            return json_answer({"type": "list", "data": [company], "pages": pages, "total_count": 1})
    return _listed(ws, call, call.query)


def _post_list(ws: Workspace, call: Call) -> Answer:
    return _listed(ws, call, {**object_of(call), **call.query})


def _listed(ws: Workspace, call: Call, wanted: dict[str, Any]) -> Answer:
    asked = number_request(ws, wanted, 15, 60)
    if asked.offset + asked.per_page > MAX_LISTED:
        raise invalid("Only the first 10,000 companies can be listed; use the scroll")
    order = {"asc": "ASC", "desc": "DESC"}.get(str(wanted.get("order", "desc")))
    if order is None:
        raise fail(400, "invalid_sort_order", "order must be asc or desc")
    total = ws.scalar(f"SELECT count(*) FROM companies t WHERE {VISIBLE}")
    rows = ws.rows(
        f"SELECT * FROM companies t WHERE {VISIBLE} ORDER BY t.seq {order} LIMIT ? OFFSET ?",
        asked.per_page,
        asked.offset,
    )
    data = [company_json(ws, row) for row in rows]
    pages = number_pages(ws, call, asked, total)
    return json_answer({"type": "list", "data": data, "pages": pages, "total_count": total})


def _get(ws: Workspace, call: Call) -> Answer:
    return json_answer(company_json(ws, require_company(ws, call.params["id"])))


def _delete(ws: Workspace, call: Call) -> Answer:
    row = require_company(ws, call.params["id"])
    ws.db.execute("DELETE FROM companies WHERE id = ?", (row["id"],))
    ws.db.execute("DELETE FROM contact_companies WHERE company_id = ?", (row["id"],))
    ws.db.execute("DELETE FROM taggings WHERE kind = 'company' AND object_id = ?", (row["id"],))
    return json_answer({"id": row["id"], "object": "company", "deleted": True})


def _contacts(ws: Workspace, call: Call) -> Answer:
    row = require_company(ws, call.params["id"])
    asked = number_request(ws, call.query, 50, 50)
    where = (
        "FROM contact_companies cc JOIN contacts c ON c.id = cc.contact_id "
        "WHERE cc.company_id = ? AND c.state = 'active'"
    )
    total = ws.scalar(f"SELECT count(*) {where}", row["id"])
    rows = ws.rows(f"SELECT c.* {where} ORDER BY cc.seq LIMIT ? OFFSET ?", row["id"], asked.per_page, asked.offset)
    data = [contact_json(ws, contact, version_of(call)) for contact in rows]
    return json_answer(
        {"type": "list", "data": data, "total_count": total, "pages": number_pages(ws, call, asked, total)}
    )
