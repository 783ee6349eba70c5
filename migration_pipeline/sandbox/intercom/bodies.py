"""What a body and a date of a message become when they are stored, as the switches have it."""

from __future__ import annotations

from typing import Any

from migration_pipeline.sandbox.intercom import html
from migration_pipeline.sandbox.intercom.errors import invalid
from migration_pipeline.sandbox.intercom.payload import timestamp
from migration_pipeline.sandbox.intercom.workspace import Row, Workspace

REDACTED = "<p><i>This message was deleted</i></p>"


def opener(ws: Workspace, body: str) -> str:
    """The body of a new conversation: it is plain text, HTML is not supported there."""
    _limit(ws, body)
    text = html.stripped(body) if ws.switches["html_in_create_body"] == "strip" else body
    return html.paragraphs(text, ws.switches["plain_text_newlines"])


def reply(ws: Workspace, body: str, *, by_contact: bool) -> str:
    """The body of a reply, note or state change."""
    _limit(ws, body)
    escaped = by_contact and ws.switches["contact_reply_html"] == "escape"
    if escaped or not html.has_markup(body):
        return html.paragraphs(body, ws.switches["plain_text_newlines"])
    return html.mild(body) if ws.switches["html_normalisation"] == "mild" else body


def dated(ws: Workspace, body: dict[str, Any], parent_created_at: int | None = None) -> int:
    """The `created_at` that a call gives, else now, in unix seconds. 400 where the switches refuse it."""
    given = timestamp(body, "created_at")
    now = ws.now()
    if given is None:
        return now
    if given > now and ws.switches["created_at_in_future"] == "reject":
        raise invalid("created_at must not be in the future", "created_at")
    before = parent_created_at is not None and given < parent_created_at
    if before and ws.switches["created_at_before_parent"] == "reject":
        raise invalid("created_at must not be before the conversation's", "created_at")
    return given


def refuse_older_than_contact(ws: Workspace, contact: Row, created_at: int) -> None:
    """400 for a thread that is older than its contact in this workspace, where the switch has it so."""
    if created_at < contact["created_at"] and ws.switches["created_at_before_contact"] == "reject":
        raise invalid("created_at must not be before the contact's", "created_at")


def refuse_out_of_order(ws: Workspace, conversation_id: int, created_at: int) -> None:
    """400 for a part that is older than the thread's last one, where the switch has it so."""
    if ws.switches["created_at_out_of_order"] == "reject":
        last = ws.scalar("SELECT max(created_at) FROM parts WHERE conversation_id = ?", conversation_id)
        if last is not None and created_at < last:
            raise invalid("created_at must not be before the last part's", "created_at")


def _limit(ws: Workspace, body: str) -> None:
    limit = ws.switches["max_body_length"]
    if limit and len(body) > limit:
        raise invalid(f"body must not exceed {limit} characters", "body")
