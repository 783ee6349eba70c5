"""A conversation as it is read back: its messages, people, tags, assignees and state, whatever shape they came in.

Belongs here: what an answer says. Does not belong here: what was meant (`steps`), or what follows from a difference.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Any, Final

from migration_pipeline.target.canonical import body_hash, files_hash

Json = dict[str, Any]


@dataclass(frozen=True)
class File:
    """An attachment of a message; the URL is signed and expires."""

    name: str
    size: int | None  # bytes, where the service says
    url: str


@dataclass(frozen=True)
class Message:
    """Something a person wrote: the opener, or a part with a text or a file."""

    id: str
    kind: str  # comment | note
    author: str  # `admin:<id>` or `contact:<id>`
    created_at: int
    body: str
    files: tuple[File, ...]
    redacted: bool = False

    @property
    def identity(self) -> str:
        """What the message is recognized by; see `identity`."""
        named = [(file.name, file.size or 0) for file in self.files]
        return identity(self.kind, self.author, self.created_at, body_hash(self.body), files_hash(named))


def identity(kind: str, author: str, created_at: int, body: str, files: str) -> str:
    """What a message is recognized by, most telling facts first: `body` and `files` are hashes."""
    return f"{kind}|{author}|{created_at}|{body}|{files}"


TITLE: Final = "_default_title_"
DESCRIPTION: Final = "_default_description_"
"""Attributes that every ticket has (Intercom OpenAPI 2.16, createTicket)."""


def of_ticket(ticket: Json, row: Json | None) -> Json:
    """A ticket in the shape of a conversation; `row` is the conversation of the same id, which alone tells the tags.

    Its state is that of the ticket with whether it is open, as `ticket_state` spells it.
    """
    attributes = _dict(ticket.get("ticket_attributes"))
    people_ = _dict(ticket.get("contacts")).get("contacts") or [{}]
    row = row or {}
    return {
        **{name: ticket.get(name) for name in ("id", "created_at", "updated_at", "contacts")},
        **{name: ticket.get(name) for name in ("admin_assignee_id", "team_assignee_id")},
        "title": attributes.get(TITLE),
        "custom_attributes": {name: value for name, value in attributes.items() if name != TITLE},
        "source": {
            "id": str(ticket.get("id")),
            "body": escape(str(attributes.get(DESCRIPTION) or ""), quote=False),
            "author": {"type": "user", "id": _dict(people_[0]).get("id")},
        },
        "state": ticket_state(_dict(ticket.get("ticket_state")).get("id"), open_=ticket.get("open") is not False),
        "conversation_parts": {"conversation_parts": _dict(ticket.get("ticket_parts")).get("ticket_parts") or []},
        "tags": row.get("tags"),
        "company": row.get("company"),
    }


def ticket_state(state_id: Any, *, open_: bool) -> str:
    """The id of a ticket's state, and whether the ticket is open."""
    return f"{state_id} {'open' if open_ else 'closed'}"


def opener(conversation: Json) -> Message:
    """The message that opened the conversation; its time is the conversation's."""
    source = _dict(conversation.get("source"))
    return Message(
        id=str(source.get("id") or ""),
        kind="comment",
        author=_author(source),
        created_at=int(conversation.get("created_at") or 0),
        body=str(source.get("body") or ""),
        files=_files(source),
        redacted=bool(source.get("redacted")),
    )


def messages(conversation: Json) -> Iterator[Message]:
    """The parts that carry a text or a file, in the order of the answer.

    The type of a part does not tell: a reply to a closed conversation has the type `open`, one that assigns has
    `assignment`; what a person wrote is what has a body (Intercom OpenAPI 2.16, conversation_part).
    """
    for part in _parts(conversation):
        if part.get("body") or part.get("attachments"):
            yield Message(
                id=str(part.get("id") or ""),
                kind="note" if part.get("part_type") == "note" else "comment",
                author=_author(part),
                created_at=int(part.get("created_at") or 0),
                body=str(part.get("body") or ""),
                files=_files(part),
                redacted=bool(part.get("redacted")),
            )


def newest_second(conversation: Json) -> int:
    """The time of the newest part, or of the conversation."""
    times = [int(part.get("created_at") or 0) for part in _parts(conversation)]
    return max([int(conversation.get("created_at") or 0), *times])


def people(conversation: Json) -> set[str]:
    """Ids of the contacts of the conversation: its opener and its participants."""
    return _ids(conversation.get("contacts"), "contacts")


def tags(conversation: Json) -> dict[str, str]:
    """The conversation's tags: names by id."""
    rows = _dict(conversation.get("tags")).get("tags") or []
    return {str(row.get("id")): str(row.get("name") or "") for row in rows if isinstance(row, dict)}


def assignee(conversation: Json, kind: str) -> str | None:
    """The id of the assigned `admin` or `team`; 0 and null both mean that there is none."""
    value = conversation.get(f"{kind}_assignee_id")
    return str(value) if value not in (None, 0, "0", "") else None


def state(conversation: Json) -> str:
    """open, closed or snoozed."""
    return str(conversation.get("state") or "")


def attributes(conversation: Json) -> Json:
    """The custom attributes by name."""
    return _dict(conversation.get("custom_attributes"))


def company(conversation: Json) -> str | None:
    """The id of the conversation's company."""
    value = _dict(conversation.get("company")).get("id")
    return str(value) if value else None


def _parts(conversation: Json) -> list[Json]:
    rows = _dict(conversation.get("conversation_parts")).get("conversation_parts") or []
    return [row for row in rows if isinstance(row, dict)]


def _author(part: Json) -> str:
    author = _dict(part.get("author"))
    kind = str(author.get("type") or "")
    return f"{'contact' if kind in ('user', 'lead', 'contact') else kind}:{author.get('id')}"


def _files(part: Json) -> tuple[File, ...]:
    rows = part.get("attachments") or []
    return tuple(
        File(str(row.get("name") or ""), _size(row.get("filesize")), str(row.get("url") or ""))
        for row in rows
        if isinstance(row, dict)
    )


def _size(value: Any) -> int | None:
    return int(value) if isinstance(value, int | str) and str(value).isdigit() else None


def _ids(value: Any, key: str) -> set[str]:
    return {str(row.get("id")) for row in _dict(value).get(key) or [] if isinstance(row, dict)}


def _dict(value: Any) -> Json:
    return value if isinstance(value, dict) else {}
