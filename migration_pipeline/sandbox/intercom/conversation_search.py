"""Finding conversations: GET /conversations and POST /conversations/search. Neither shows parts; new ones come late.

Tickets are among them where the token has the tickets scope.
"""

from __future__ import annotations

from functools import partial

from migration_pipeline.sandbox.intercom.admission import version_of
from migration_pipeline.sandbox.intercom.conversation_shapes import conversation_json
from migration_pipeline.sandbox.intercom.paging import Listing, cursor_page, cursor_request
from migration_pipeline.sandbox.intercom.payload import object_of
from migration_pipeline.sandbox.intercom.search import Dates, Field, Kind, compile_query, json_text, never
from migration_pipeline.sandbox.intercom.workspace import Workspace
from migration_pipeline.sandbox.wire import Answer, Call, Route, json_answer

CONTACTS = Field(Kind.MEMBER, "t.id IN (SELECT conversation_id FROM participants WHERE contact_id")
TAGS = Field(
    Kind.MEMBER,
    "t.id IN (SELECT CAST(object_id AS INTEGER) FROM taggings WHERE kind = 'conversation' AND tag_id",
    numeric=True,
)


def _source(key: str) -> str:
    return f"json_extract(t.source, '$.{key}')"


FIELDS: dict[str, Field] = {
    "id": Field(Kind.NUMBER, "t.id"),
    **{name: Field(Kind.DATE, f"t.{name}") for name in ("created_at", "updated_at", "waiting_since", "snoozed_until")},
    **{
        f"source.{name}": Field(Kind.TEXT, _source(name))
        for name in (
            "type",
            "id",
            "delivered_as",
            "subject",
            "url",
            "author.id",
            "author.type",
            "author.name",
            "author.email",
        )
    },
    "source.body": Field(Kind.WORDS, _source("body")),
    "contact_ids": CONTACTS,
    "teammate_ids": Field(Kind.NUMBER, "t.admin_assignee_id"),
    "admin_assignee_id": Field(Kind.NUMBER, "t.admin_assignee_id"),
    "team_assignee_id": Field(Kind.NUMBER, "t.team_assignee_id"),
    "open": Field(Kind.BOOLEAN, "(t.state != 'closed')"),
    "read": Field(Kind.BOOLEAN, "t.read"),
    "state": Field(Kind.TEXT, "t.state"),
    "tag_ids": TAGS,
    "channel_initiated": Field(Kind.TEXT, _source("type")),
    "priority": Field(Kind.TEXT, "'none'"),
    "ai_agent_participated": Field(Kind.BOOLEAN, "0"),
    **never(
        Kind.NUMBER,
        "statistics.time_to_assignment",
        "statistics.time_to_admin_reply",
        "statistics.time_to_first_close",
        "statistics.time_to_last_close",
        "statistics.median_time_to_reply",
        "statistics.count_reopens",
        "statistics.count_assignments",
        "statistics.count_conversation_parts",
        "conversation_rating.score",
        "ai_agent.rating",
    ),
    **never(
        Kind.DATE,
        "statistics.first_contact_reply_at",
        "statistics.first_assignment_at",
        "statistics.first_admin_reply_at",
        "statistics.first_close_at",
        "statistics.last_assignment_at",
        "statistics.last_assignment_admin_reply_at",
        "statistics.last_contact_reply_at",
        "statistics.last_admin_reply_at",
        "statistics.last_close_at",
        "conversation_rating.requested_at",
        "conversation_rating.replied_at",
    ),
    **never(
        Kind.TEXT,
        "statistics.last_closed_by_id",
        "conversation_rating.remark",
        "conversation_rating.contact_id",
        "ai_agent.resolution_state",
        "ai_agent.last_answer_type",
        "ai_agent.rating_remark",
        "ai_agent.source_type",
        "ai_agent.source_title",
    ),
}
"""Statistics, ratings and agents of AI have no values here: nobody answers or rates what a migration writes."""

LISTING = Listing("conversations", "id", "t.updated_at")


def routes(ws: Workspace) -> list[Route]:
    """The routes of this module."""
    return [
        Route("GET", "/conversations", partial(_list, ws)),
        Route("POST", "/conversations/search", partial(_search, ws), writes=False),
    ]


def _list(ws: Workspace, call: Call) -> Answer:
    asked = cursor_request(ws, call.query, 20)
    lag = ws.switches["search_lag_s"] if ws.switches["lists_lag"] else 0
    rows, total, pages = cursor_page(ws, LISTING, _seen(ws), [ws.clock.now() - lag], asked)
    data = [conversation_json(ws, row, version_of(call), with_parts=False) for row in rows]
    return json_answer({"type": "conversation.list", "pages": pages, "total_count": total, "conversations": data})


def _search(ws: Workspace, call: Call) -> Answer:
    body = object_of(call)
    dates = Dates.inclusive(lenient=ws.switches["undocumented_search"])
    where, values = compile_query(body.get("query"), partial(_field, ws), dates)
    asked = cursor_request(ws, body.get("pagination") or {}, 20)
    values = [ws.clock.now() - ws.switches["search_lag_s"], *values]
    rows, total, pages = cursor_page(ws, LISTING, f"{_seen(ws)} AND {where}", values, asked)
    data = [conversation_json(ws, row, version_of(call), with_parts=False) for row in rows]
    return json_answer({"type": "conversation.list", "pages": pages, "total_count": total, "conversations": data})


def _seen(ws: Workspace) -> str:
    """Without the tickets scope, tickets are silently left out. The sign keeps the index of births for counts."""
    return "+t.born_at <= ?" + (
        " AND t.ticket_type_id IS NULL" if "read_tickets" in ws.switches["missing_scopes"] else ""
    )


def _field(ws: Workspace, name: str) -> Field | None:
    if name.startswith("custom_attributes.") and ws.switches["conversation_search_custom_attributes"]:
        return Field(Kind.TEXT, json_text("custom_attributes", name.removeprefix("custom_attributes.")))
    return FIELDS.get(name)
