"""Opening, finding, changing and removing the rows that conversations and tickets share.

The routes stand in `conversations`, `conversation_state`, `replies`, `participants` and `tickets`.
"""

from __future__ import annotations

from typing import Any

from migration_pipeline.sandbox.intercom.errors import missing
from migration_pipeline.sandbox.intercom.parts import Author, Part, add_part, operator
from migration_pipeline.sandbox.intercom.payload import id_number
from migration_pipeline.sandbox.intercom.workspace import Row, Workspace, dumps

Json = dict[str, Any]


def require_thread(ws: Workspace, conversation_id: Any, what: str = "Resource Not Found") -> Row:
    """A conversation (or ticket: it is the same row) by id. 404 not_found."""
    row = ws.row("SELECT * FROM conversations WHERE id = ?", id_number(conversation_id))
    if row is None:
        raise missing(what)
    return row


def open_thread(
    ws: Workspace,
    *,
    author: Author,
    contact_ids: list[str],
    body: str,
    created_at: int,
    subject: str = "",
    attachments: list[Json] | None = None,
    columns: Row | None = None,
) -> Row:
    """Store a new thread with its opening message and answer its row."""
    by_contact = author.type in ("user", "lead")
    message_id = ws.insert("messages", {"conversation_id": None})
    source = {
        "type": "conversation",
        "id": str(message_id),
        "delivered_as": "customer_initiated" if by_contact else "admin_initiated",
        "subject": subject,
        "body": body,
        "author": {"type": author.type, "id": author.id, "name": author.name, "email": author.email},
        "attachments": attachments or [],
        "url": None,
        "redacted": False,
    }
    conversation_id = ws.insert(
        "conversations",
        {
            "born_at": ws.clock.now(),
            "created_at": created_at,
            "updated_at": ws.now(),
            "source": dumps(source),
            "waiting_since": created_at if by_contact else None,
            "first_contact_reply_at": created_at if by_contact else None,
            **(columns or {}),
        },
    )
    ws.update("messages", "id", message_id, {"conversation_id": conversation_id})
    for contact_id in contact_ids:
        join_thread(ws, conversation_id, contact_id)
    return require_thread(ws, conversation_id)


def join_thread(ws: Workspace, conversation_id: int, contact_id: str) -> bool:
    """Let a contact take part; False where it already did."""
    cursor = ws.db.execute(
        "INSERT OR IGNORE INTO participants SELECT ?, ?, coalesce(max(seq), 0) + 1 FROM participants "
        "WHERE conversation_id = ?",
        (conversation_id, contact_id, conversation_id),
    )
    return cursor.rowcount > 0


def change_thread(ws: Workspace, row: Row, changes: Row) -> None:
    """Set columns of a thread; its updated_at becomes now."""
    ws.update("conversations", "id", row["id"], {**changes, "updated_at": ws.now()})


def attribute_part(ws: Workspace, row: Row, part_type: str, name: str, value: Any, event: Json) -> None:
    """The part that each changed attribute leaves, written by the workspace's bot at the present time."""
    shown = ", ".join(map(str, value)) if isinstance(value, list) else value
    details = {"attribute": {"name": name}, "value": {"name": None if shown is None else str(shown)}}
    part = Part(part_type, operator(ws), ws.now(), row["state"], event={"event_details": details, **event})
    add_part(ws, row["id"], part)


def remove_thread(ws: Workspace, row: Row, *, retain_metrics: bool) -> None:
    """Delete a thread with all that hangs on it, and remember that it was there."""
    key = row["id"]
    ws.db.execute("DELETE FROM parts WHERE conversation_id = ?", (key,))
    ws.db.execute("DELETE FROM participants WHERE conversation_id = ?", (key,))
    ws.db.execute("DELETE FROM links WHERE conversation_id = ?1 OR ticket_id = ?1", (key,))
    ws.db.execute("DELETE FROM ticket_values WHERE conversation_id = ?", (key,))
    ws.db.execute("DELETE FROM taggings WHERE kind = 'conversation' AND object_id = ?", (str(key),))
    ws.db.execute("DELETE FROM conversations WHERE id = ?", (key,))
    ws.db.execute("INSERT INTO deleted_conversations VALUES (?, ?, ?)", (key, retain_metrics, ws.now()))
