"""Threads that do not fit: how many parts a conversation takes, and what its continuations are like.

A conversation is read back with its 500 newest parts (Intercom OpenAPI 2.16, retrieveConversation), so a longer thread
goes on in a further conversation: a volume, numbered from 1. All volumes are one ticket: they share requester,
participants, tags, assignees and state, carry the ticket's key with their number (`zendesk:7`, `zendesk:7/2`), and each
names the one before and after it in a note.

Belongs here: pure rules. Does not belong here: calls (`loading.threads`, `loading.changed_threads`).
"""

import datetime as dt
from collections.abc import Mapping
from html import escape
from typing import Any, Final

import orjson

from migration_pipeline.config.mapping import KEY_ATTRIBUTE

VISIBLE_PARTS: Final = 500

_STATE_PARTS: Final = 4  # title, admin, team, state
_LINKS: Final = 2
NEXT: Final = "link.next"
BACK: Final = "link.back"
"""Keys of the notes that lead from one volume to another, as keys of parts."""


def capacity(max_parts: int, attributes: int) -> int:
    """How many parts one conversation takes, so that what is set on it (each attribute a part) can be seen too."""
    return max(min(max_parts, VISIBLE_PARTS - attributes - _STATE_PARTS - _LINKS), 1)


def row_of(row: Mapping[str, Any], number: int, first_at: dt.datetime | None) -> dict[str, Any]:
    """The ticket's payload row as a volume has it; `first_at` is the time of the volume's first part."""
    if number == 1:
        return dict(row)
    attributes = orjson.loads(row["attributes"] or "{}")
    if KEY_ATTRIBUTE in attributes:
        attributes[KEY_ATTRIBUTE] = f"{attributes[KEY_ATTRIBUTE]}/{number}"
    at = first_at or row["created_at"]
    return {
        **row,
        "opener": f"{row['title'] or '(no subject)'} (continued, {number})",
        "opener_comment_ref": None,
        "opener_redacted": False,
        "attributes": orjson.dumps(attributes, option=orjson.OPT_SORT_KEYS).decode(),
        # A second of its own where there is one, for conversations of a contact are told apart by their second.
        "created_at": max(at - dt.timedelta(seconds=1), row["created_at"]) if row["created_at"] else at,
    }


def link(key: str, number: int, url: str | None, conversation: str) -> str:
    """The text of the note that leads to another volume."""
    words = "This thread goes on in" if key == NEXT else "This thread began in"
    named = escape(f"conversation {conversation} ({number})")
    return f'<p>{words} <a href="{escape(url)}">{named}</a></p>' if url else f"<p>{words} {named}</p>"
