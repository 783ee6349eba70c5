"""POST /tickets/search. New tickets are found late; they come with their parts' list."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from migration_pipeline.sandbox.intercom.admission import version_of
from migration_pipeline.sandbox.intercom.conversation_search import CONTACTS, TAGS
from migration_pipeline.sandbox.intercom.paging import Listing, cursor_page, cursor_request
from migration_pipeline.sandbox.intercom.payload import id_number, object_of
from migration_pipeline.sandbox.intercom.search import Dates, Field, Kind, compile_query, json_text
from migration_pipeline.sandbox.intercom.ticket_shapes import ticket_json
from migration_pipeline.sandbox.intercom.ticket_types import DESCRIPTION, STATES
from migration_pipeline.sandbox.intercom.workspace import Workspace
from migration_pipeline.sandbox.wire import Answer, Call, Route, json_answer

_STATE = "CASE t.ticket_state_id " + " ".join(f"WHEN {s.id} THEN '{s.category}'" for s in STATES) + " END"
_CATEGORY = (
    "(SELECT CASE json_extract(k.data, '$.category') WHEN 'Customer' THEN 'request' WHEN 'Back-office' THEN 'task' "
    "ELSE 'tracker' END FROM ticket_types k WHERE k.id = t.ticket_type_id)"
)

FIELDS: dict[str, Field] = {
    "id": Field(Kind.NUMBER, "t.id"),
    "ticket_id": Field(Kind.NUMBER, "t.ticket_number", documented=False),
    **{name: Field(Kind.DATE, f"t.{name}") for name in ("created_at", "updated_at", "snoozed_until")},
    "title": Field(Kind.TEXT, "t.title"),
    "description": Field(Kind.TEXT, json_text("ticket_attributes", DESCRIPTION)),
    "category": Field(Kind.TEXT, _CATEGORY),
    "ticket_type_id": Field(Kind.NUMBER, "t.ticket_type_id"),
    "contact_ids": CONTACTS,
    "teammate_ids": Field(Kind.NUMBER, "t.admin_assignee_id"),
    "admin_assignee_id": Field(Kind.NUMBER, "t.admin_assignee_id"),
    "team_assignee_id": Field(Kind.NUMBER, "t.team_assignee_id"),
    "open": Field(Kind.BOOLEAN, "(t.state != 'closed')"),
    "state": Field(Kind.TEXT, _STATE),
    "tag_ids": replace(TAGS, documented=False),
}


def routes(ws: Workspace) -> list[Route]:
    """The routes of this module."""
    return [Route("POST", "/tickets/search", partial(_search, ws), writes=False)]


def _search(ws: Workspace, call: Call) -> Answer:
    body = object_of(call)
    where, values = compile_query(body.get("query"), partial(_field, ws), Dates.inclusive(lenient=True))
    asked = cursor_request(ws, body.get("pagination") or {}, 20)
    where = f"t.ticket_type_id IS NOT NULL AND +t.born_at <= ? AND {where}"
    values = [ws.clock.now() - ws.switches["search_lag_s"], *values]
    listing = Listing("conversations", "id", "t.updated_at")
    rows, total, pages = cursor_page(ws, listing, where, values, asked)
    tickets = [ticket_json(ws, row, version_of(call)) for row in rows]
    return json_answer({"type": "ticket.list", "pages": pages, "total_count": total, "tickets": tickets})


def _field(ws: Workspace, name: str) -> Field | None:
    if not name.startswith("ticket_attribute."):
        found = FIELDS.get(name)
        return found if found and (found.documented or ws.switches["undocumented_search"]) else None
    attribute_id = id_number(name.removeprefix("ticket_attribute."))
    if attribute_id is None:
        return None
    sql = f"t.id IN (SELECT conversation_id FROM ticket_values WHERE attribute_id = {attribute_id} AND value"
    return Field(Kind.MEMBER, sql)
