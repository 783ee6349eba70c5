"""The parts of a thread: stored as JSON text, so that a thread of hundreds is answered by joining strings.

A ticket is a conversation row with a ticket type, so both kinds of thread keep their parts here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from migration_pipeline.sandbox.intercom import html
from migration_pipeline.sandbox.intercom.bodies import REDACTED
from migration_pipeline.sandbox.intercom.directory import Admin
from migration_pipeline.sandbox.intercom.workspace import Row, Workspace, dumps, loads

Json = dict[str, Any]

SHOWN = 500
"""A thread answers at most its 500 most recent parts."""

_ORDERS = {"created_at": "created_at, id", "insertion": "id"}
_RECENT = {"created_at": "created_at DESC, id DESC", "insertion": "id DESC"}
_TICKET_KEYS = ("part_type", "body", "created_at", "updated_at", "assigned_to", "author", "external_id", "redacted")
_TICKET_EVENT_KEYS = ("previous_ticket_state", "ticket_state", "updated_attribute_data")


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote a part: admin, user, lead or bot."""

    type: str
    id: str
    name: str | None
    email: str | None

    def as_json(self) -> Json:
        """As a part shows it; an unknown e-mail is left out, since parts describe it as a string."""
        return {key: value for key, value in asdict(self).items() if key != "email" or value is not None}


def admin_author(admin: Admin) -> Author:
    """An admin as author."""
    return Author("admin", str(admin.id), admin.name, admin.email)


def contact_author(contact: Row) -> Author:
    """A contact as author: of type user or lead."""
    return Author(contact["role"], contact["id"], contact["name"], contact["email"])


def operator(ws: Workspace) -> Author:
    """The workspace's bot, author of what nobody in particular did."""
    return Author("bot", str(ws.directory.me.id + 99), "Operator", f"operator+{ws.id_code}@intercom.io")


@dataclass(frozen=True, slots=True)
class Part:
    """A part to be stored. `state` is the thread's after it; `event` holds keys of ticket events or event_details."""

    part_type: str
    author: Author
    created_at: int
    state: str
    body: str | None = None
    assigned_to: Json | None = None
    attachments: tuple[Json, ...] = ()
    event: Json | None = None


def add_part(ws: Workspace, conversation_id: int, part: Part) -> int:
    """Store a part and answer its id."""
    data = {
        "part_type": part.part_type,
        "body": part.body,
        "created_at": part.created_at,
        "updated_at": part.created_at,
        "notified_at": part.created_at,
        "assigned_to": part.assigned_to,
        "author": part.author.as_json(),
        "external_id": None,
        "redacted": False,
        "metadata": {},
        "email_message_metadata": None,
        "state": part.state,
        "tags": [],
        "event_details": None,
        "app_package_code": None,
        **(part.event or {}),
    }
    row = {
        "conversation_id": conversation_id,
        "created_at": part.created_at,
        "data": dumps(data),
        "files": dumps(part.attachments) if part.attachments else None,
    }
    return ws.insert("parts", row)


def conversation_parts(ws: Workspace, conversation_id: int, *, plaintext: bool = False) -> Json:
    """The `conversation_parts` list of a conversation."""
    rows, total = _shown(ws, conversation_id)
    rendered = [_spliced(ws, row) for row in rows]
    if plaintext:
        rendered = [_as_plaintext(part) for part in rendered]
    return {
        "type": "conversation_part.list",
        "conversation_parts": [orjson.Fragment(part) for part in rendered],
        "total_count": total,
    }


def ticket_parts(ws: Workspace, conversation_id: int) -> Json:
    """The `ticket_parts` list of a ticket."""
    rows, total = _shown(ws, conversation_id)
    return {"type": "ticket_part.list", "ticket_parts": [_ticket_part(ws, row) for row in rows], "total_count": total}


def ticket_part(ws: Workspace, part_id: int) -> Json:
    """One part as the reply to a ticket answers it."""
    row: _Stored = ws.db.execute("SELECT id, data, files FROM parts WHERE id = ?", (part_id,)).fetchone()
    return _ticket_part(ws, row)


def redact_part(ws: Workspace, conversation_id: int, part_id: int | None) -> bool:
    """Replace a part's body by the tombstone and drop its files; False where there is no such part."""
    row = ws.row("SELECT * FROM parts WHERE id = ? AND conversation_id = ?", part_id, conversation_id)
    if row is None:
        return False
    data = {**loads(row["data"]), "body": REDACTED, "redacted": True, "updated_at": ws.now()}
    ws.update("parts", "id", row["id"], {"data": dumps(data), "files": None})
    return True


_Stored = tuple[int, str, str | None]


def _shown(ws: Workspace, conversation_id: int) -> tuple[Iterable[_Stored], int]:
    order = ws.switches["part_order"]
    total = ws.scalar("SELECT count(*) FROM parts WHERE conversation_id = ?", conversation_id)
    sql = (
        f"SELECT id, data, files FROM (SELECT * FROM parts WHERE conversation_id = ? "
        f"ORDER BY {_RECENT[order]} LIMIT {SHOWN}) ORDER BY {_ORDERS[order]}"
    )
    return ws.db.execute(sql, (conversation_id,)).fetchall(), total


def _spliced(ws: Workspace, row: _Stored) -> str:
    """A conversation part: its stored text with id and attachments, whose URLs are signed anew, put in front."""
    part_id, data, files = row
    attachments = dumps(ws.files.with_urls(loads(files))) if files else "[]"
    return f'{{"type":"conversation_part","id":"{part_id}","attachments":{attachments},{data[1:]}'


def _as_plaintext(part: str) -> str:
    data = orjson.loads(part)
    if data["body"]:
        data["body"] = html.plain_text(data["body"])
    return dumps(data)


def _ticket_part(ws: Workspace, row: _Stored) -> Json:
    part_id, text, files = row
    data = loads(text)
    return {
        "type": "ticket_part",
        "id": str(part_id),
        **{key: data[key] for key in _TICKET_KEYS if not (key == "assigned_to" and data[key] is None)},
        **{key: data[key] for key in _TICKET_EVENT_KEYS if key in data},
        "attachments": ws.files.with_urls(loads(files)) if files else [],
        "app_package_code": "sandbox",
    }
