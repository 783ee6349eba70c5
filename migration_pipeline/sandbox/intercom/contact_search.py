"""Finding contacts: GET /contacts and POST /contacts/search. Both see only active contacts, and new ones late."""

from __future__ import annotations

from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from migration_pipeline.sandbox.intercom.admission import version_of
from migration_pipeline.sandbox.intercom.contact_shapes import contact_json
from migration_pipeline.sandbox.intercom.errors import fail
from migration_pipeline.sandbox.intercom.paging import Listing, cursor_page, cursor_request
from migration_pipeline.sandbox.intercom.payload import object_of
from migration_pipeline.sandbox.intercom.search import Dates, Field, Kind, compile_query, json_text, never
from migration_pipeline.sandbox.intercom.workspace import Workspace
from migration_pipeline.sandbox.wire import Answer, Call, Route, json_answer

_TEXTS = ("id", "role", "name", "phone", "external_id", "avatar")
_DATES = ("created_at", "updated_at", "signed_up_at", "last_seen_at", "last_replied_at", "last_contacted_at")

FIELDS: dict[str, Field] = {
    **{name: Field(Kind.TEXT, f"t.{name}") for name in _TEXTS},
    **{name: Field(Kind.DATE, f"t.{name}") for name in _DATES},
    "email": Field(Kind.TEXT, "t.email COLLATE NOCASE"),
    "email_domain": Field(Kind.TEXT, "substr(t.email, instr(t.email, '@') + 1)"),
    "owner_id": Field(Kind.NUMBER, "t.owner_id"),
    "unsubscribed_from_emails": Field(Kind.BOOLEAN, "t.unsubscribed"),
    "tag_id": Field(
        Kind.MEMBER,
        "t.id IN (SELECT object_id FROM taggings WHERE kind = 'contact' AND tag_id",
        frozenset({"=", "!="}),
        numeric=True,
    ),
    "company_id": Field(
        Kind.MEMBER, "t.id IN (SELECT contact_id FROM contact_companies WHERE company_id", documented=False
    ),
    **never(Kind.DATE, "last_email_opened_at", "last_email_clicked_at", "ios_last_seen_at", "android_last_seen_at"),
    **never(Kind.TEXT, "language_override", "browser", "browser_language", "os"),
    **never(Kind.TEXT, "location.country", "location.region", "location.city"),
    "marked_email_as_spam": Field(Kind.BOOLEAN, "0"),
    "has_hard_bounced": Field(Kind.BOOLEAN, "0"),
}
"""The documented fields but for the segment and what devices tell, and one more."""
# The signs keep the index of both for counts: what is searched for decides the others.
SEEN = "+t.state = 'active' AND +t.born_at <= ?"
ORDERS = {"ascending": False, "descending": True}


def routes(ws: Workspace) -> list[Route]:
    """The routes of this module."""
    return [
        Route("GET", "/contacts", partial(_list, ws)),
        Route("POST", "/contacts/search", partial(_search, ws), writes=False),
    ]


def _list(ws: Workspace, call: Call) -> Answer:
    asked = cursor_request(ws, call.query, 10)
    lag = ws.switches["search_lag_s"] if ws.switches["lists_lag"] else 0
    where, values = SEEN, [ws.clock.now() - lag]
    rows, total, pages = cursor_page(ws, Listing("contacts", "seq", "t.created_at"), where, values, asked)
    data = [contact_json(ws, row, version_of(call)) for row in rows]
    return json_answer({"type": "list", "data": data, "total_count": total, "pages": pages})


def _search(ws: Workspace, call: Call) -> Answer:
    body = object_of(call)
    zone = ZoneInfo(ws.switches["timezone"])
    where, values = compile_query(body.get("query"), partial(_field, ws), Dates.by_day(zone))
    asked = cursor_request(ws, body.get("pagination") or {}, 50)
    where = f"{SEEN} AND {where}"
    values = [ws.clock.now() - ws.switches["search_lag_s"], *values]
    rows, total, pages = cursor_page(ws, _listing(body.get("sort")), where, values, asked)
    data = [contact_json(ws, row, version_of(call)) for row in rows]
    return json_answer({"type": "list", "data": data, "total_count": total, "pages": pages})


def _listing(sort: Any) -> Listing:
    given = sort if isinstance(sort, dict) else {}
    order = given.get("order", "descending")
    if order not in ORDERS:
        raise fail(400, "invalid_sort_order", f"Invalid sort order '{order}'. Must be one of: ascending, descending")
    field = given.get("field") or "created_at"
    if field not in (*_TEXTS, *_DATES, "email"):
        raise fail(400, "invalid_field", f"{field} is not a sortable field", field="sort")
    # Only a bare column can be walked by its index.
    sort = f"t.{field}" if field in ("id", "created_at", "updated_at") else f"coalesce(t.{field}, '')"
    return Listing("contacts", "seq", sort, ORDERS[order])


def _field(ws: Workspace, name: str) -> Field | None:
    if not name.startswith("custom_attributes."):
        found = FIELDS.get(name)
        return found if found and (found.documented or ws.switches["undocumented_search"]) else None
    attribute = name.removeprefix("custom_attributes.")
    data_type = ws.scalar("SELECT data_type FROM data_attributes WHERE model = 'contact' AND name = ?", attribute)
    kinds = {"integer": Kind.NUMBER, "float": Kind.NUMBER, "boolean": Kind.BOOLEAN, "date": Kind.DATE}
    return Field(kinds.get(data_type, Kind.TEXT), json_text("custom_attributes", attribute)) if data_type else None
