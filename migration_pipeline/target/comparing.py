"""What was meant beside what is read back, field by field, for one record.

Belongs here: pure comparisons and what explains a difference. Does not belong here: reading (`client`, `reading`), or
which records are compared (`verify`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from migration_pipeline.target import reading
from migration_pipeline.target.canonical import body_hash, plain_hash, readable, same_value
from migration_pipeline.target.messages import WHOLE_MESSAGE, Attached, Reply
from migration_pipeline.target.reading import File, Json, Message

_SHOWN: Final = 200
"""Characters of a text that a finding shows."""

_EXPLAINED_BY: Final[Mapping[str, tuple[str, ...]]] = {
    "comments": ("body_clipped", "requester_changed"),
    "created_at": ("date_refused", "date_bumped", "comment_edited"),
    "authors": ("author_changed", "requester_changed", "author_replaced"),
    "visibility": ("author_replaced",),
    "body": (
        "body_clipped",
        "file_rejected",
        "comment_edited",
        "author_changed",
        "author_replaced",
        "conflict_kept",
        "conflict_reported",
    ),
    "files": ("file_rejected", "file_missing", "file_size_differs", "file_not_recognised", "comment_edited"),
    "attributes": ("value_dropped", "value_truncated", "conflict_kept", "shared_contact"),
    "title": ("conflict_kept", "conflict_reported"),
    "tags": ("conflict_kept", "reference_skipped"),
    "assignee": ("conflict_kept",),
    "team": ("conflict_kept",),
    "state": ("conflict_kept", "conflict_reported"),
    "participants": ("reference_skipped",),
    "company": ("reference_skipped",),
    "companies": ("reference_skipped",),
    "email": ("shared_contact", "email_dropped", "conflict_kept"),
    "phone": ("shared_contact", "value_dropped", "conflict_kept"),
    "name": ("shared_contact", "conflict_kept"),
    "website": ("conflict_kept",),
    "signed_up_at": ("shared_contact",),
    "parent": ("reference_skipped", "conflict_kept", "conflict_reported"),
    "pictures": ("image_refused", "conflict_kept", "conflict_reported"),
    "links": ("link_kept", "conflict_kept", "conflict_reported"),
    "author": ("conflict_kept", "conflict_reported"),
}
"""The losses of a record that explain a difference in a field."""


@dataclass(frozen=True)
class Finding:
    """One field of one record."""

    field: str
    matched: bool
    expected: str | None = None
    actual: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Thread:
    """What a conversation was meant to be, in the target's ids."""

    requester: str
    opener: str | None  # None where the opener says something that the ticket no longer does
    created_at: int
    replies: tuple[Reply, ...]
    made: Mapping[str, str]  # ids of the parts, by key, as the journal knows them
    ours: frozenset[str]  # ids of all parts that the journal knows, those of earlier texts too
    resent: frozenset[str]  # ids of parts that took the place of an earlier one: the last among those of their second
    title: str | None
    attributes: tuple[Json, Json]  # list values by label, and by option id
    tags: tuple[str, ...]
    admin: str | None
    team: str | None
    state: str
    participants: frozenset[str]
    company: str | None
    loaded_at: int  # UTC seconds; what others wrote from then on is not ours


Download = Callable[[File], tuple[int, str]]
"""Fetches a file; its size in bytes and the SHA-256 of its bytes."""


def finding(field: str, expected: Any, actual: Any, losses: Iterable[str], *, matched: bool | None = None) -> Finding:
    """Compare one field; a difference carries the loss that explains it."""
    equal = same_value(expected, actual) if matched is None else matched
    if equal:
        return Finding(field, True)
    explained = next((code for code in _EXPLAINED_BY.get(field, ()) if code in set(losses)), "differs_in_target")
    return Finding(field, False, _shown(expected), _shown(actual), explained)


def missing() -> list[Finding]:
    """The record is not there at all."""
    return [Finding("exists", False, "there", "missing", "missing_in_target")]


def together(found: Sequence[Sequence[Finding]]) -> list[Finding]:
    """The findings of several conversations of one ticket as one for each field: the first difference stands."""
    one: dict[str, Finding] = {}
    for each in (finding for findings in found for finding in findings):
        if each.field not in one or (one[each.field].matched and not each.matched):
            one[each.field] = each
    return list(one.values())


def compare_thread(thread: Thread, conversation: Json, losses: Sequence[str], download: Download) -> list[Finding]:
    """Every field of a conversation."""
    pairs, unexpected, order = _paired(thread, conversation)
    said = [(reply, message) for reply, message in pairs if message is not None]
    opener = reading.opener(conversation)

    def each(field: str, meant: list[Any], read: list[Any]) -> Finding:
        """All messages in one field; the first difference is shown."""
        differing = [(m, r) for m, r in zip(meant, read, strict=True) if m != r]
        first = differing[0] if differing else (None, None)
        return finding(field, first[0], first[1], losses, matched=not differing)

    bodies = [(plain_hash(thread.opener), thread.opener, opener.body)] if thread.opener is not None else []
    bodies += [(body_hash(reply.body), readable(reply.body), message.body) for reply, message in said]
    changed = [(meant, readable(read)) for hashed, meant, read in bodies if hashed != body_hash(read)]
    meant_body, read_body = changed[0] if changed else (None, None)
    labels, ids = thread.attributes
    actual = reading.attributes(conversation)
    wrong = [name for name in labels if not _either(labels[name], ids[name], actual.get(name))]
    tags = {name.casefold() for name in reading.tags(conversation).values()}
    people = reading.people(conversation)
    found = len(said) + len(unexpected)
    return [
        Finding("exists", True),
        finding("comments", len(pairs) + 1, found + 1, losses, matched=len(pairs) == len(said) and not unexpected),
        finding("order", "as in the source", "another", losses, matched=order),
        each(
            "authors",
            [f"contact:{thread.requester}", *(reply.author for reply, _ in said)],
            [opener.author, *(message.author for _, message in said)],
        ),
        each(
            "created_at",
            [thread.created_at, *(reply.created_at for reply, _ in said)],
            [opener.created_at, *(message.created_at for _, message in said)],
        ),
        each("visibility", [reply.kind for reply, _ in said], [message.kind for _, message in said]),
        finding("body", meant_body, read_body, losses, matched=not changed),
        finding("title", thread.title, conversation.get("title"), losses),
        finding(
            "attributes",
            {name: labels[name] for name in wrong},
            {name: actual.get(name) for name in wrong},
            losses,
            matched=not wrong,
        ),
        _subset("tags", {tag.casefold() for tag in thread.tags}, tags, losses),
        finding("assignee", thread.admin, reading.assignee(conversation, "admin"), losses),
        finding("team", thread.team, reading.assignee(conversation, "team"), losses),
        finding("state", thread.state, reading.state(conversation), losses),
        _subset("participants", thread.participants, people, losses),
        _subset("company", {thread.company} - {None}, {reading.company(conversation)}, losses),
        _files(said, losses, download),
    ]


def compare_fields(
    meant: Json, actual: Json, names: Iterable[str], losses: Sequence[str], attributes: Json | None = None
) -> list[Finding]:
    """The named fields of a contact or company, and its custom attributes."""
    found = [Finding("exists", True)]
    found += [
        finding(name, _plain(name, meant[name]), _plain(name, actual.get(name)), losses)
        for name in names
        if name in meant
    ]
    if attributes:
        held = {name.casefold(): value for name, value in (actual.get("custom_attributes") or {}).items()}
        wrong = [name for name, value in attributes.items() if not same_value(value, held.get(name.casefold()))]
        expected = {name: attributes[name] for name in wrong}
        read = {name: held.get(name.casefold()) for name in wrong}
        found.append(finding("attributes", expected, read, losses, matched=not wrong))
    return found


def compare_companies(meant: set[str], actual: set[str], losses: Sequence[str]) -> Finding:
    """The companies that a contact was meant to belong to are among those it belongs to."""
    return _subset("companies", meant, actual, losses)


def compare_tags(meant: Iterable[str], actual: Iterable[str], losses: Sequence[str]) -> Finding:
    """The tags that a contact or company was meant to carry are among those it carries."""
    return _subset("tags", {name.casefold() for name in meant}, {name.casefold() for name in actual}, losses)


def compare_note(meant: str, actual: Iterable[str], losses: Sequence[str]) -> Finding:
    """One of the notes about a contact or company says what was meant."""
    there = body_hash(meant) in {body_hash(note) for note in actual}
    return finding("note", readable(meant), "missing", losses, matched=there)


def _paired(thread: Thread, conversation: Json) -> tuple[list[tuple[Reply, Message | None]], list[Message], bool]:
    """Each reply with the message it became, the messages that nobody meant, and whether all stand in order.

    The journal knows the ids; a part whose id it never learned is found by what it says. What others wrote after the
    load, and what bots say, is no concern of ours.
    """
    answered = [message for message in reading.messages(conversation) if not message.redacted]
    by_id = {message.id: message for message in answered}
    pairs: list[tuple[Reply, Message | None]] = [
        (reply, by_id.get(thread.made.get(reply.key, ""))) for reply in thread.replies
    ]
    taken = {message.id for _, message in pairs if message is not None} | thread.ours
    rest = [message for message in answered if message.id not in taken]
    for number, (reply, message) in enumerate(pairs):
        if message is None and not thread.made.get(reply.key):
            said = next((m for m in rest if m.created_at == reply.created_at and m.author == reply.author), None)
            if said is not None:
                rest.remove(said)
                pairs[number] = (reply, said)
    unexpected = [m for m in rest if m.created_at < thread.loaded_at and not m.author.startswith("bot:")]
    wanted = [message.id for _, message in pairs if message is not None and message.id not in thread.resent]
    listed = [message.id for message in answered if message.id in set(wanted)]
    return pairs, unexpected, wanted == listed


def _files(said: Sequence[tuple[Reply, Message]], losses: Sequence[str], download: Download) -> Finding:
    """Files by name, size and the hash of their bytes."""
    for reply, message in said:
        meant = sorted((file.name, file.size, file.sha256) for file in reply.files)
        attached = [file for file in message.files if file.name != WHOLE_MESSAGE or _has(reply.files, file.name)]
        read = sorted((file.name, *download(file)) for file in attached)
        if meant != read:
            return finding("files", meant, read, losses, matched=False)
    return Finding("files", True)


def _has(files: Iterable[Attached], name: str) -> bool:
    return any(file.name == name for file in files)


def _subset(field: str, meant: Iterable[str | None], actual: Iterable[str | None], losses: Sequence[str]) -> Finding:
    """All that was meant is there; people may have added to it since."""
    lacking = sorted(str(one) for one in set(meant) - set(actual))
    return finding(field, ", ".join(lacking), "missing", losses, matched=not lacking)


def _either(label: Any, option_id: Any, actual: Any) -> bool:
    return same_value(label, actual) or same_value(option_id, actual)


def _plain(name: str, value: Any) -> Any:
    """E-mail addresses in any case, phone numbers by their digits."""
    if name == "email" and isinstance(value, str):
        return value.casefold()
    if name == "phone" and isinstance(value, str):
        return "".join(character for character in value if character.isdigit())
    return value


def _shown(value: Any) -> str | None:
    return None if value is None else str(value)[:_SHOWN]
