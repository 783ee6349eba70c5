"""The steps that carry what people wrote: the message that opens a conversation, and each part after it.

Belongs here: their bodies, their recognition, and other ways to send them after a refusal. Does not belong here: the
order of a thread (`threads`).
"""

import re
import time
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from html import escape
from typing import Final

from migration_pipeline.journal.rows import Loss
from migration_pipeline.model.errors import InDoubt, Rejected
from migration_pipeline.target import reading
from migration_pipeline.target.canonical import body_hash, characters, files_hash, plain_hash, readable, short_hash
from migration_pipeline.target.dates import (
    BUMP_S,
    NO_SECOND,
    UNDATED,
    about_date,
    dated,
    line,
    moved,
    second_of,
    undated,
)
from migration_pipeline.target.reading import Message
from migration_pipeline.target.steps import Adapted, Json, Step, soon

WHOLE_MESSAGE: Final = "message.html"
WHOLE_OPENER: Final = "message.txt"
SHORTEST: Final = 100
"""Characters below which a text is not cut any further: then its length is not what the service minds."""


@dataclass(frozen=True)
class Attached:
    """A file of a message; its bytes are in the blob store."""

    name: str
    content_type: str
    size: int  # bytes
    sha256: str
    data: bytes | None = None  # where the bytes are not in the blob store


@dataclass(frozen=True)
class Reply:
    """A part of a thread, with the target's ids."""

    position: int
    kind: str  # comment | note
    author_kind: str  # admin | contact
    author_id: str
    body: str  # HTML
    created_at: int  # UTC seconds, as meant
    files: tuple[Attached, ...]
    key: str = "0"  # of the comment it comes from; the same in every run
    redacted: bool = False  # the source took something out of it after it was written
    said_by: str = ""  # name of the contact, where one speaks
    own: bool = False  # a note of the pipeline's, which nobody wrote at the source: its date says nothing

    @property
    def author(self) -> str:
        """As `reading.Message` spells it."""
        return f"{self.author_kind}:{self.author_id}"


def create_conversation(contact_id: str, text: str, created_at: int, comment_ref: str | None = None) -> Step:
    """Open a conversation in a contact's name, in plain text.

    No two of ours share contact and second, so that the pair can be searched for when an answer is lost. `comment_ref`
    is the comment whose words these are; None where nobody said them.
    """
    sender = {"type": "user", "id": contact_id}

    def adapt(refusal: Rejected, adapted: Adapted) -> Adapted | None:
        now = int(time.time())
        if refusal.status in (400, 422) and adapted["created_at"] > now and not about_length(refusal):
            return {**adapted, "created_at": now}
        return shorter(refusal, adapted, text) or soon(refusal, adapted) or undated(refusal, adapted)

    def result(answer: Json, adapted: Adapted, owned: frozenset[str]) -> str:
        del adapted, owned
        if not answer.get("conversation_id"):
            raise InDoubt("an answer without a conversation_id")
        return str(answer["conversation_id"])

    return Step(
        "create",
        "create_conversation",
        "POST",
        "/conversations",
        {"contact": contact_id, "body": short_hash(text), "created_at": created_at},
        start={"contact": contact_id, "created_at": created_at, "comment": comment_ref},
        body=lambda adapted: {"from": sender, "body": opener_text(text, adapted), **dated(adapted)},
        identity=lambda adapted: plain_hash(opener_text(text, adapted)),
        reserves=lambda adapted: f"conversation:{adapted['contact']}:{adapted['created_at']}",
        result=result,
        losses=lambda adapted: (
            *moved("the opening message", created_at, adapted),
            *clipped("the opening message", adapted),
        ),
        adapt=adapt,
    )


def opener_text(text: str, adapted: Adapted) -> str:
    """The opening text as it is sent."""
    return naming_date(f"{text[: adapted['clipped']]} […]" if "clipped" in adapted else text, adapted)


def naming_date(text: str, adapted: Adapted) -> str:
    """The opening text, with its date where that was refused."""
    return f"{line(adapted['created_at'])}\n\n{text}" if UNDATED in adapted else text


def as_dated(part: Reply, adapted: Adapted) -> Reply:
    """A part whose text names its date where that was refused."""
    if part.own or UNDATED not in adapted:
        return part
    return replace(part, body=f"<p>{line(adapted['created_at'])}</p>{part.body}")


def whole_opener(contact_id: str, text: str, created_at: int) -> Reply:
    """The part that carries the opening text as a file, where the opener had to be cut."""
    body = f"<p>[The whole message is attached: {WHOLE_OPENER}]</p>"
    data = text.encode()
    file = Attached(WHOLE_OPENER, "text/plain", len(data), sha256(data).hexdigest(), data)
    return Reply(-1, "comment", "contact", contact_id, body, created_at, (file,), "")


def opener_as_reply(contact_id: str, text: str, created_at: int, key: str, *, redacted: bool = False) -> Reply:
    """The opening text as a part, where the opener itself can no longer say it."""
    lines = [f"<p>{escape(line, quote=False)}</p>" for line in text.split("\n") if line.strip()]
    return Reply(0, "comment", "contact", contact_id, "".join(lines), created_at, (), key, redacted)


def reply(
    conversation_id: str,
    part: Reply,
    not_before: int,
    blob: Callable[[str], bytes],
    conversation: Callable[[str], Json | None],
    undated_before: int = 0,
) -> Step:
    """Add a part to a conversation.

    `not_before` is the second of the message before it; `blob` gives the bytes of a file by their hash; `conversation`
    reads the thread, to find a date that the service takes when it refuses the one that was meant. A part from before
    `undated_before`, when the service dated a message of the thread itself, can only follow it without a date.
    """
    files = {file.sha256: file for file in part.files}
    second = max(part.created_at, not_before)

    def request(adapted: Adapted) -> Json:
        body: Json = {
            "message_type": part.kind,
            "type": "admin" if part.author_kind == "admin" else "user",
            "body": _body_of(part, adapted),
            **dated(adapted),
        }
        if part.author_kind == "admin":
            body |= {"admin_id": part.author_id, "skip_notifications": True}
        else:
            body["intercom_user_id"] = part.author_id
        attached = [_file(file, blob) for file in _kept(part, adapted)]
        return body | {"attachment_files": attached} if attached else body

    def adapt(refusal: Rejected, adapted: Adapted) -> Adapted | None:
        if refusal.status not in (400, 413, 422):
            return None
        droppable = [file for file in _kept(part, adapted) if file.data is None]
        if about_length(refusal):
            return shorter(refusal, adapted, part.body)
        if droppable and not about_date(refusal):
            # Empty files are refused for being empty; of the others, the largest most likely for its size.
            unwanted = min(droppable, key=lambda file: (file.size > 0, -file.size))
            return {**adapted, "dropped": [*adapted.get("dropped", ()), unwanted.sha256]}
        if UNDATED not in adapted and "moved" not in adapted:
            later = _accepted_second(conversation(conversation_id), second) - second
            if later and later <= BUMP_S:
                return {**adapted, "created_at": second + later, "moved": True}
        if refusal.status == 413:
            return shorter(refusal, adapted, part.body)
        return undated(refusal, {**adapted, "created_at": second})

    def losses(adapted: Adapted) -> tuple[Loss, ...]:
        what = f"message {part.position + 1}"
        dropped = [files[digest].name for digest in adapted.get("dropped", ()) if digest in files]
        return (
            *(() if part.own else moved(what, part.created_at, adapted)),
            *clipped(what, adapted),
            *(("file_rejected", f"{what}: {name}") for name in dropped),
        )

    def result(answer: Json, adapted: Adapted, owned: frozenset[str]) -> str | None:
        found = recognize(list(reading.messages(answer)), identity_of(part, adapted), owned, others_known=True)
        return found.id if found else None

    return Step(
        f"part/{part.key}" if part.key else "opener",
        "reply",
        "POST",
        "/conversations/{id}/reply",
        {
            "kind": part.kind,
            "author": part.author,
            "body": short_hash(part.body),
            "created_at": part.created_at,
            "files": [[file.name, file.size, file.sha256] for file in part.files],
        },
        conversation_id,
        start={"created_at": second} | ({UNDATED: True} if second < undated_before else {}),
        body=request,
        identity=lambda adapted: identity_of(part, adapted),
        result=result,
        losses=losses,
        adapt=adapt,
    )


NOTED: Final = "noted"
"""Key of `Adapted`: the id of the admin whose note says what a contact may not say."""


def as_note(part: Reply, admin_id: str) -> Reply:
    """What a contact says, as a note of an admin that names them."""
    body = f"<p><b>{escape(part.said_by or 'A contact')}</b></p>{part.body}"
    return replace(part, kind="note", author_kind="admin", author_id=admin_id, body=body)


def identity_of(part: Reply, adapted: Adapted) -> str:
    """What a part is recognized by, as it is sent."""
    part = as_note(part, adapted[NOTED]) if NOTED in adapted else part
    sizes = files_hash((file.name, file.size) for file in _kept(part, adapted))
    second = NO_SECOND if part.own and UNDATED in adapted else second_of(adapted)
    return reading.identity(part.kind, part.author, second, body_hash(_body_of(part, adapted)), sizes)


def _kept(part: Reply, adapted: Adapted) -> list[Attached]:
    remaining = [file for file in part.files if file.sha256 not in adapted.get("dropped", ())]
    if "clipped" in adapted:
        data = part.body.encode()
        remaining.append(Attached(WHOLE_MESSAGE, "text/html", len(data), short_hash(part.body), data))
    return remaining


def _body_of(part: Reply, adapted: Adapted) -> str:
    text = part.body
    if "clipped" in adapted:
        start = escape(readable(part.body)[: adapted["clipped"]])
        text = f"<p>{start} […]</p><p>[The whole message is attached: {WHOLE_MESSAGE}]</p>"
    files = {file.sha256: file for file in part.files}
    return as_dated(replace(part, body=text), adapted).body + "".join(
        f"<p>[File not accepted by Intercom: {escape(files[digest].name)}]</p>"
        for digest in adapted.get("dropped", ())
        if digest in files
    )


def recognize(
    messages: Sequence[Message], identity: str, owned: frozenset[str], *, others_known: bool
) -> Message | None:
    """The message that an operation made, if the thread holds it; those in `owned` were made by other operations.

    Author, kind and second must be equal, or the text must name the second that the service did not take, or, where
    there is no second that means anything, be equal. Among those, an equal text and equal files are preferred; if the
    parts of all other operations are known (`others_known`), one remaining message is ours even if the service changed
    its text: nobody else can date a message back.
    """
    if not identity:
        return None
    kind, author, at, *content = identity.split("|")
    candidates = [
        message
        for message in messages
        if message.id not in owned
        and (message.kind, message.author) == (kind, author)
        and _at(message, int(at), content[0])
    ]
    if not candidates:
        return None
    for facts in (2, 1):
        equal = [message for message in candidates if message.identity.split("|")[3:][:facts] == content[:facts]]
        if equal:
            return equal[-1]
    return candidates[0] if others_known and len(candidates) == 1 else None


def _at(message: Message, second: int, body: str) -> bool:
    """Whether a message is of a second that is meant as `dates.second_of` spells it; `body` is the hash of its text."""
    if second == NO_SECOND:
        return body_hash(message.body) == body
    return message.created_at == second if second > 0 else names(message.body, -second)


def names(body: str, second: int) -> bool:
    """Whether a text, however it is marked up, names this second as the one that it was written in."""
    return characters(line(second)) in characters(body)


def _accepted_second(conversation: Json | None, second: int) -> int:
    """The nearest second that no service should refuse: not before the newest part, not in the future."""
    newest = reading.newest_second(conversation) if conversation else second
    return min(max(second, newest), int(time.time()))


def about_length(refusal: Rejected) -> bool:
    """Whether a refusal speaks of the length of a text. No limit is documented; one may exist."""
    return refusal.status in (400, 422) and bool(re.search(r"(?i)too long|length|characters", refusal.message))


def shorter(refusal: Rejected, adapted: Adapted, text: str) -> Adapted | None:
    """Half as much of the text as before, until little is left; what is cut off goes along as a file."""
    half = int(adapted.get("clipped", len(text))) // 2
    about_size = about_length(refusal) or refusal.status == 413
    return {**adapted, "clipped": half} if about_size and half >= SHORTEST else None


def clipped(what: str, adapted: Adapted) -> tuple[Loss, ...]:
    """What is to be told of a text that was cut."""
    return (("body_clipped", f"{what}: after {adapted['clipped']} characters"),) if "clipped" in adapted else ()


def _file(file: Attached, blob: Callable[[str], bytes]) -> Json:
    return {
        "name": file.name,
        "content_type": file.content_type,
        "data": b64encode(blob(file.sha256) if file.data is None else file.data).decode("ascii"),
    }
