"""Every message that would have reached a person: what a migration must keep empty.

Called by those who know what happened; here is only who would have been told.
"""

from __future__ import annotations

from typing import Any

from migration_pipeline.sandbox.intercom.workspace import Workspace, dumps, loads


def entries(ws: Workspace) -> list[dict[str, Any]]:
    """All entries, oldest first."""
    return [loads(row["entry"]) for row in ws.rows("SELECT entry FROM outbox ORDER BY id")]


def tell_contacts(ws: Workspace, conversation_id: int, reason: str, route: str) -> None:
    """A message to every contact of a conversation or ticket, unless messages to contacts are switched off."""
    contacts = ws.rows(
        "SELECT c.* FROM participants p JOIN contacts c ON c.id = p.contact_id WHERE p.conversation_id = ?",
        conversation_id,
    )
    for contact in contacts:
        tell_contact(ws, contact, reason, route, str(conversation_id))


def tell_contact(ws: Workspace, contact: dict[str, Any], reason: str, route: str, object_id: str) -> None:
    """A message to one contact: by e-mail where it has one, else in the Messenger."""
    if ws.switches["contact_emails"]:
        channel = "email" if contact["email"] else "in_app"
        _put(ws, channel, contact["email"] or contact["id"], reason, route, object_id)


def tell_teammates(ws: Workspace, reason: str, route: str, object_id: int) -> None:
    """A notification to the teammates of the workspace, where they are switched on."""
    if ws.switches["teammate_notifications"]:
        _put(ws, "teammate", "teammates", reason, route, str(object_id))


def _put(ws: Workspace, channel: str, recipient: str, reason: str, route: str, object_id: str) -> None:
    entry = {
        "at": ws.now(),
        "channel": channel,
        "recipient": recipient,
        "reason": reason,
        "route": route,
        "object_id": object_id,
    }
    ws.insert("outbox", {"entry": dumps(entry)})
