"""The rules of a thread: who speaks in the target for whom, what opens a conversation, and what becomes a part.

Belongs here: one ticket's comments in, one conversation's messages out, pure. Does not belong here: reading records
(`conversations`), mark-up (`html`), or sending anything (`loading`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from migration_pipeline.model.reasons import REASONS
from migration_pipeline.target.directory import Agent
from migration_pipeline.target.html import (
    EmbeddedImage,
    Readable,
    clean,
    escape,
    from_text,
    plain,
    readable,
    split,
    split_text,
    text_of,
)
from migration_pipeline.target.inputs import UNKNOWN_CONTACT, Loss, distinct, loss

Who = Literal["system", "teammate", "agent", "contact", "placeholder", "unknown", "outsider"]
"""system: the source's own rules; teammate: an agent with an admin of the target; agent: one without; contact;
placeholder: someone whom the source no longer knows; unknown: someone whom no record describes; outsider: someone who
never had an account at the source, only a name."""

NOTES: Final = frozenset({"voice", "chat", "side", "rating", "event"})
"""Kinds of what was said that arrive as notes, whoever could read them in the source."""


@dataclass(frozen=True, slots=True)
class Voice:
    """How a comment is said in the target."""

    speaker: Literal["admin", "fallback", "contact"]
    message_type: Literal["comment", "note"]
    named: bool = False  # the text begins with the author's name, because somebody else says it
    reason: str | None = None


VOICES: Final[Mapping[tuple[Who, bool], Voice]] = {
    # (author, public)
    ("system", True): Voice("fallback", "note", named=True),
    ("system", False): Voice("fallback", "note", named=True),
    ("teammate", True): Voice("admin", "comment"),
    ("teammate", False): Voice("admin", "note"),
    ("agent", True): Voice("fallback", "comment", named=True, reason="author_replaced"),
    ("agent", False): Voice("fallback", "note", named=True, reason="author_replaced"),
    ("contact", True): Voice("contact", "comment"),
    ("contact", False): Voice("fallback", "note", named=True, reason="contact_note"),
    ("placeholder", True): Voice("contact", "comment", reason="author_unknown"),
    ("placeholder", False): Voice("fallback", "note", named=True, reason="author_unknown"),
    ("unknown", True): Voice("contact", "comment", named=True, reason="author_unknown"),
    ("unknown", False): Voice("fallback", "note", named=True, reason="author_unknown"),
    ("outsider", True): Voice("fallback", "note", named=True),
    ("outsider", False): Voice("fallback", "note", named=True),
}
"""Only teammates write notes, and only teammates and contacts write at all (Intercom OpenAPI 2.16, replyConversation):
whoever is neither is named in the text of somebody who is."""


@dataclass(frozen=True, slots=True)
class File:
    """A file of a comment, `size` in bytes; `sha256` is None where its bytes are missing."""

    ref: str
    name: str
    content_type: str
    size: int | None
    sha256: str | None
    missing: str | None = None
    given_name: str | None = None  # the source's own name for it, where that could not be kept


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment as a thread sees it; `at` in Unix seconds."""

    source_id: str
    author_ref: str | None
    contact_kind: str | None  # of the author's contact record; None where there is none
    contact_name: str | None
    public: bool
    html: str | None
    text: str | None
    at: int | None
    files: tuple[File, ...] = ()
    kind: str = "text"  # text | voice | chat | side | rating | event
    author_name: str | None = None  # of somebody who has no account at the source


@dataclass(frozen=True, slots=True)
class Ticket:
    """What of a ticket decides how its thread opens; `at` in Unix seconds."""

    requester_ref: str | None  # None where no contact record describes the requester
    assignee_ref: str | None
    subject: str | None
    at: int | None


@dataclass(frozen=True)
class Speakers:
    """Who may speak in the target, and how."""

    source_name: str
    agents: Mapping[str, Agent]
    fallback_admin: str
    files_per_part: int
    max_file_bytes: int
    max_body_chars: int
    keep: Callable[[bytes], tuple[str, int]]  # stores bytes; their SHA-256 and number


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation's messages. Parts lack their ticket and position; `at` is the opener's, in Unix seconds."""

    opener: str
    opener_comment_ref: str | None
    requester_ref: str
    at: int | None
    parts: list[dict[str, Any]]
    losses: list[Loss]


def title_of(subject: str | None) -> str | None:
    """The subject as a conversation's title: one line, None where it is empty."""
    return " ".join(plain(subject or "").split()) or None


def build_thread(ticket: Ticket, comments: Sequence[Comment], speakers: Speakers) -> Thread:
    """Turn a ticket's comments, in order, into an opening message and parts.

    Intercom lets a contact open a conversation, in plain text and without files (createConversation); all else follows
    as parts, never earlier than what stands before them.
    """
    builder = _Builder(ticket, speakers)
    followed_at = [comment.at for comment in comments[1:]] + [None]
    builder.open(comments[0] if comments else None, followed_at[0])
    for comment, following in zip(comments[1:], followed_at[1:], strict=True):
        builder.add(comment, following)
    return builder.finish()


class _Builder:
    def __init__(self, ticket: Ticket, speakers: Speakers) -> None:
        self._ticket = ticket
        self._speakers = speakers
        self._requester = ticket.requester_ref or UNKNOWN_CONTACT
        self._opener = ""
        self._opener_ref: str | None = None
        self._opened_at = self._clock = ticket.at
        self._parts: list[dict[str, Any]] = []
        self._losses: list[Loss] = []
        if ticket.requester_ref is None:
            self._losses.append(loss("author_unknown", "the requester"))

    def finish(self) -> Thread:
        return Thread(
            self._opener, self._opener_ref, self._requester, self._opened_at, self._parts, distinct(self._losses)
        )

    def open(self, first: Comment | None, following: int | None) -> None:
        """Open with the requester's own words where the thread begins with them, else with a line that names it."""
        if first is not None and first.at is not None:
            self._opened_at = self._clock = first.at if self._clock is None else min(self._clock, first.at)
        if first is None or not _opens(first, self._ticket):
            self._opener = title_of(self._ticket.subject) or "(no subject)"
            self._losses.append(loss("opener_stub"))
            if first is not None:
                self.add(first, following)
            return
        self._opener_ref = first.source_id
        if first.at is not None and self._opened_at is not None and first.at > self._opened_at:
            seconds = first.at - self._opened_at
            self._losses.append(loss("date_bumped", f"comment {first.source_id}: {seconds} s earlier, with its ticket"))
        if first.contact_kind == "placeholder":
            self._losses.append(loss("author_unknown", _name_of(first)))
        said = readable(first.html) if first.html else Readable(text_of(first.text or ""), False, ())
        if said.formatted:
            self._losses.append(loss("opener_formatting", f"comment {first.source_id}"))
        files, notes = self._files(first, said.images)
        words = said.text if said.text.strip() else _named(files) or "(no text)"
        self._opener, *rest = split_text("\n\n".join([words, *notes]), self._speakers.max_body_chars)
        author = {"author_kind": "contact", "contact_ref": self._requester, "message_type": "comment"}
        if rest:
            self._losses.append(loss("body_split", f"comment {first.source_id}: {1 + len(rest)} messages"))
        for piece in (short for long in rest for short in split(from_text(long), self._speakers.max_body_chars)):
            self._append(first, author, piece, self._later(following), ())
        self._more_files(first, author, "", self._chunks(files), following)

    def add(self, comment: Comment, following: int | None) -> None:
        """Append the comment as a part, and further parts where it has more files than one may carry."""
        who, agent = self._who(comment)
        voice = VOICES[who, comment.public and comment.kind not in NOTES]
        name = agent.name if agent else self._speakers.source_name if who == "system" else _name_of(comment)
        if voice.reason and not (voice.reason == "contact_note" and comment.kind in NOTES):
            self._losses.append(loss(voice.reason, name))
        author: dict[str, str | None] = {"message_type": voice.message_type}
        if voice.speaker == "contact":
            ref = UNKNOWN_CONTACT if who == "unknown" else comment.author_ref
            author |= {"author_kind": "contact", "contact_ref": ref}
        else:
            admin = agent.admin_id if agent and voice.speaker == "admin" else self._speakers.fallback_admin
            author |= {"author_kind": "admin", "admin_id": admin}
        cleaned = clean(comment.html) if comment.html else None
        files, notes = self._files(comment, cleaned.images if cleaned else ())
        chunks = self._chunks(files) or [()]
        origin = "" if who == "system" else f" ({escape(self._speakers.source_name)})"
        lead = f"<p><b>{escape(name)}</b>{origin}</p>" if voice.named else ""
        body = cleaned.html if cleaned else from_text(comment.text or "")
        body = body or f"<p>{escape(_named(chunks[0]) or '(no text)')}</p>"
        tail = "".join(f"<p>{escape(note)}</p>" for note in notes)
        whole, *rest = split(body + tail, self._speakers.max_body_chars)
        self._append(comment, author, lead + whole, self._start(comment), chunks[0])
        if rest:
            self._losses.append(loss("body_split", f"comment {comment.source_id}: {1 + len(rest)} messages"))
        for piece in rest:
            self._append(comment, author, lead + piece, self._later(following), ())
        self._more_files(comment, author, lead, chunks[1:], following)

    def _more_files(
        self,
        comment: Comment,
        author: Mapping[str, Any],
        lead: str,
        chunks: Sequence[Sequence[File]],
        following: int | None,
    ) -> None:
        """Append a part of the same author for each chunk, a second after the one before it."""
        for chunk in chunks:
            self._append(comment, author, f"{lead}<p>{escape(_named(chunk))}</p>", self._later(following), chunk)

    def _who(self, comment: Comment) -> tuple[Who, Agent | None]:
        if comment.author_ref is None:
            return ("outsider" if comment.author_name else "system"), None
        if agent := self._speakers.agents.get(comment.author_ref):
            return ("teammate" if agent.admin_id else "agent"), agent
        if comment.author_ref == self._ticket.assignee_ref != self._ticket.requester_ref:
            return "agent", None  # whoever a ticket is assigned to was an agent once
        if comment.contact_kind is None:
            return "unknown", None
        return ("placeholder" if comment.contact_kind == "placeholder" else "contact"), None

    def _files(self, comment: Comment, images: Iterable[EmbeddedImage]) -> tuple[list[File], list[str]]:
        """The files that can be carried, and a line of text for each that cannot."""
        files, notes = [], []
        for file in comment.files:
            if file.given_name is not None:
                self._losses.append(loss("file_renamed", f"{file.name}: {file.given_name!a}"))
            too_large = (file.size or 0) > self._speakers.max_file_bytes
            if file.sha256 is not None and not too_large:
                files.append(file)
                continue
            if file.sha256 is not None:
                kept = f"{file.name} ({file.size} bytes; staged as {file.sha256})"
                self._losses.append(loss("file_too_large", kept))
                notes.append(f"[file not available: {file.name}]")
                continue
            reason = file.missing if file.missing in REASONS else None
            self._losses.append(loss(reason or "file_missing", f"{file.name} (attachment {file.ref})"))
            notes.append(f"[file not available: {file.name}]")
        for number, image in enumerate(images, start=1):
            if image.content is None and any(file.name.casefold() == image.name.casefold() for file in comment.files):
                continue
            if image.content is None:
                self._losses.append(loss("file_missing", f"{image.name} (embedded in comment {comment.source_id})"))
                continue
            sha256, size = self._speakers.keep(image.content)
            ref = f"embedded:{comment.source_id}:{number}"
            files.append(File(ref, image.name, image.content_type, size, sha256))
        return files, notes

    def _chunks(self, files: Sequence[File]) -> list[Sequence[File]]:
        step = self._speakers.files_per_part
        return [files[at : at + step] for at in range(0, len(files), step)]

    def _start(self, comment: Comment) -> int | None:
        """The comment's own time, or the time of what stands before it where that is later."""
        if comment.at is None or self._clock is None or comment.at >= self._clock:
            return comment.at if comment.at is not None else self._clock
        moved = self._clock - comment.at
        self._losses.append(loss("date_bumped", f"comment {comment.source_id}: {moved} s later, to keep the order"))
        return self._clock

    def _later(self, following: int | None) -> int | None:
        """A second after what stands before, but no later than the comment that follows."""
        if self._clock is None:
            return None
        later = self._clock + 1
        return later if following is None else max(self._clock, min(later, following))

    def _append(
        self, comment: Comment, author: Mapping[str, Any], body: str, at: int | None, files: Sequence[File]
    ) -> None:
        self._clock = at if at is not None else self._clock
        self._parts.append(
            {
                "admin_id": None,
                "contact_ref": None,
                **author,
                "comment_ref": comment.source_id,
                "body": body,
                "at": at,
                "files": [
                    {
                        "attachment_ref": file.ref,
                        "name": file.name,
                        "content_type": file.content_type,
                        "size": file.size,
                        "sha256": file.sha256,
                    }
                    for file in files
                ],
            }
        )


def _opens(first: Comment, ticket: Ticket) -> bool:
    """Whether a thread begins with its requester's own words."""
    by_requester = first.author_ref is not None and first.author_ref == ticket.requester_ref
    return first.public and first.kind not in NOTES and by_requester


def _name_of(comment: Comment) -> str:
    named = comment.contact_name or comment.author_name
    return " ".join(plain(named or "").split()) or f"Unknown ({comment.author_ref})"


def _named(files: Sequence[File]) -> str:
    return line_of([file.name for file in files])


def line_of(names: Sequence[str]) -> str:
    """A line that names files; '' without any."""
    if not names:
        return ""
    word = "file" if len(names) == 1 else "files"
    return f"[{word}: {', '.join(names)}]"
