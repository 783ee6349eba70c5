"""How a conversation is answered, by version and switches. Nothing is changed here."""

from __future__ import annotations

from typing import Any

import orjson

from migration_pipeline.sandbox.intercom import html
from migration_pipeline.sandbox.intercom.companies import company_json
from migration_pipeline.sandbox.intercom.contact_shapes import reference
from migration_pipeline.sandbox.intercom.parts import conversation_parts
from migration_pipeline.sandbox.intercom.tags import tags_of
from migration_pipeline.sandbox.intercom.workspace import Row, Workspace, loads

Json = dict[str, Any]


def conversation_json(
    ws: Workspace, row: Row, version: str, *, with_parts: bool = True, plaintext: bool = False
) -> Json:
    """A conversation; lists and searches leave the parts out."""
    modern = version >= "2.16"
    assignee = row["admin_assignee_id"]
    answer: Json = {
        "type": "conversation",
        "id": str(row["id"]),
        "title": row["title"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "waiting_since": row["waiting_since"],
        "snoozed_until": row["snoozed_until"],
        "source": _source(ws, row, plaintext=plaintext),
        "contacts": contacts_json(ws, row["id"]),
        "first_contact_reply": _first_reply(row),
        "admin_assignee_id": assignee if modern else assignee or None,
        "team_assignee_id": row["team_assignee_id"] if modern else row["team_assignee_id"] or None,
        "open": row["state"] != "closed",
        "state": row["state"],
        "read": bool(row["read"]),
        "tags": {"type": "tag.list", "tags": tags_of(ws, "conversation", row["id"])},
        "priority": "none" if modern else "not_priority",
        "sla_applied": None,
        "statistics": None,
        "conversation_rating": None,
        "teammates": {
            "type": "admin.list",
            "teammates": [{"type": "admin", "id": str(assignee)}] if assignee else [],
        },
        "custom_attributes": orjson.Fragment(row["custom_attributes"]),
        "topics": {},
        "ticket": {"type": "ticket", "id": str(row["id"])} if row["ticket_type_id"] else None,
        "linked_objects": linked_json(ws, row["id"]),
        "ai_agent": None,
        "ai_agent_participated": False,
    }
    if version >= "2.15":
        answer["company"] = _company(ws, row["company_id"])
    if with_parts:
        answer["conversation_parts"] = conversation_parts(ws, row["id"], plaintext=plaintext)
    return answer


def contacts_json(ws: Workspace, conversation_id: int) -> Json:
    """The contacts who take part in a thread, the first one first."""
    rows = ws.rows(
        "SELECT c.id, c.external_id FROM participants p JOIN contacts c ON c.id = p.contact_id "
        "WHERE p.conversation_id = ? ORDER BY p.seq",
        conversation_id,
    )
    return {"type": "contact.list", "contacts": [reference(row) for row in rows]}


def linked_json(ws: Workspace, conversation_id: int) -> Json:
    """What a thread is linked with: the tracker ticket of a conversation, the conversations of a tracker ticket."""
    found = ws.db.execute(
        "SELECT ticket_id FROM links WHERE conversation_id = ?1 "
        "UNION ALL SELECT conversation_id FROM links WHERE ticket_id = ?1",
        (conversation_id,),
    ).fetchall()
    data = [_linked_object(ws, key) for (key,) in found]
    return {"type": "list", "data": data, "total_count": len(data), "has_more": False}


def _linked_object(ws: Workspace, conversation_id: int) -> Json:
    sql = "SELECT t.data FROM conversations c JOIN ticket_types t ON t.id = c.ticket_type_id WHERE c.id = ?"
    ticket_type = loads(ws.scalar(sql, conversation_id))
    return {
        "type": "ticket" if ticket_type else "conversation",
        "id": str(conversation_id),
        "category": ticket_type["category"] if ticket_type else None,
    }


def _source(ws: Workspace, row: Row, *, plaintext: bool) -> Json:
    source: Json = loads(row["source"])
    source["attachments"] = ws.files.with_urls(source["attachments"])
    if plaintext:
        source["body"] = html.plain_text(source["body"])
    return source


def _first_reply(row: Row) -> Json | None:
    at = row["first_contact_reply_at"]
    return None if at is None else {"created_at": at, "type": "conversation", "url": None}


def _company(ws: Workspace, company_id: str | None) -> Json | None:
    row = ws.row("SELECT * FROM companies WHERE id = ?", company_id) if company_id else None
    return company_json(ws, row) if row else None
