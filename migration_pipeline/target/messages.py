"""The steps that carry what people wrote: the message that opens a conversation, and each part after it.

Belongs here: their bodies, their recognition, and other ways to send them after a refusal. Does not belong here: the
order of a thread (`threads`).
"""

import time
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from migration_pipeline.journal.rows import Loss
from migration_pipeline.model.errors import InDoubt, Rejected
from migration_pipeline.target import reading
from migration_pipeline.target.canonical import body_hash, files_hash, plain_hash, short_hash
from migration_pipeline.target.reading import Message
from migration_pipeline.target.steps import Adapted, Json, Step, soon


@dataclass(frozen=True)
class Attached:
    """A file of a message; its bytes are in the blob store."""

    name: str
    content_type: str
    size: int  # bytes
    sha256: str


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

    @property
    def author(self) -> str:
        """As `reading.Message` spells it."""
        return f"{self.author_kind}:{self.author_id}"


def create_conversation(contact_id: str, text: str, created_at: int) -> Step:
    """Open a conversation in a contact's name, in plain text.

    No two of ours share contact and second, so that the pair can be searched for when an answer is lost.
    """
    meant = {"from": {"type": "user", "id": contact_id}, "body": text, "created_at": created_at}

    def adapt(refusal: Rejected, adapted: Adapted) -> Adapted | None:
        now = int(time.time())
        if refusal.status in (400, 422) and adapted["created_at"] > now:
            return {**adapted, "created_at": now}
        return soon(refusal, adapted)

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
        start={"contact": contact_id, "created_at": created_at},
        body=lambda adapted: {**meant, "created_at": adapted["created_at"]},
        identity=lambda _: plain_hash(text),
        reserves=lambda adapted: f"conversation:{adapted['contact']}:{adapted['created_at']}",
        result=result,
        losses=lambda adapted: _moved("the opening message", created_at, adapted),
        adapt=adapt,
    )


def reply(
    conversation_id: str,
    part: Reply,
    not_before: int,
    blob: Callable[[str], bytes],
    conversation: Callable[[str], Json | None],
) -> Step:
    """Add a part to a conversation.

    `not_before` is the second of the message before it; `blob` gives the bytes of a file by their hash; `conversation`
    reads the thread, to find a date that the service takes when it refuses the one that was meant.
    """
    files = {file.sha256: file for file in part.files}

    def kept(adapted: Adapted) -> list[Attached]:
        return [file for file in part.files if file.sha256 not in adapted.get("dropped", ())]

    def body_of(adapted: Adapted) -> str:
        dropped = "".join(
            f"<p>[File not accepted by Intercom: {escape(files[sha256].name)}]</p>"
            for sha256 in adapted.get("dropped", ())
            if sha256 in files
        )
        return part.body + dropped

    def request(adapted: Adapted) -> Json:
        body: Json = {
            "message_type": part.kind,
            "type": "admin" if part.author_kind == "admin" else "user",
            "body": body_of(adapted),
            "created_at": adapted["created_at"],
        }
        if part.author_kind == "admin":
            body |= {"admin_id": part.author_id, "skip_notifications": True}
        else:
            body["intercom_user_id"] = part.author_id
        attached = [_file(file, blob) for file in kept(adapted)]
        return body | {"attachment_files": attached} if attached else body

    def identity(adapted: Adapted) -> str:
        sizes = files_hash((file.name, file.size) for file in kept(adapted))
        return reading.identity(part.kind, part.author, adapted["created_at"], body_hash(body_of(adapted)), sizes)

    def adapt(refusal: Rejected, adapted: Adapted) -> Adapted | None:
        if refusal.status not in (400, 413, 422):
            return soon(refusal, adapted)
        remaining = kept(adapted)
        about_date = "created_at" in refusal.message or "date" in refusal.message.lower()
        if not (remaining and not about_date):
            moved = _accepted_second(conversation(conversation_id), adapted["created_at"])
            if moved != adapted["created_at"] and not adapted.get("moved"):
                return {**adapted, "created_at": moved, "moved": True}
        if not remaining:
            return None
        largest = max(remaining, key=lambda file: file.size)
        return {**adapted, "dropped": [*adapted.get("dropped", ()), largest.sha256]}

    def losses(adapted: Adapted) -> tuple[Loss, ...]:
        dropped = [files[sha256].name for sha256 in adapted.get("dropped", ()) if sha256 in files]
        moved = _moved(f"message {part.position + 1}", part.created_at, adapted)
        return moved + tuple(("file_rejected", f"message {part.position + 1}: {name}") for name in dropped)

    def result(answer: Json, adapted: Adapted, owned: frozenset[str]) -> str | None:
        found = recognize(list(reading.messages(answer)), identity(adapted), owned, others_known=True)
        return found.id if found else None

    return Step(
        f"part/{part.position}",
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
        start={"created_at": max(part.created_at, not_before)},
        body=request,
        identity=identity,
        result=result,
        losses=losses,
        adapt=adapt,
    )


def recognize(
    messages: Sequence[Message], identity: str, owned: frozenset[str], *, others_known: bool
) -> Message | None:
    """The message that an operation made, if the thread holds it; those in `owned` were made by other operations.

    Author, kind and second must be equal. Among those, an equal text and equal files are preferred; if the parts of all
    other operations are known (`others_known`), one remaining message is ours even if the service changed its text:
    nobody else can date a message back.
    """
    head = "|".join(identity.split("|")[:3])
    candidates = [
        message
        for message in messages
        if message.id not in owned and f"{message.kind}|{message.author}|{message.created_at}" == head
    ]
    if not candidates:
        return None
    for facts in (5, 4):
        wanted = identity.split("|")[:facts]
        equal = [message for message in candidates if message.identity.split("|")[:facts] == wanted]
        if equal:
            return equal[-1]
    return candidates[0] if others_known and len(candidates) == 1 else None


def _accepted_second(conversation: Json | None, second: int) -> int:
    """The nearest second that no service should refuse: not before the newest part, not in the future."""
    newest = reading.newest_second(conversation) if conversation else second
    return min(max(second, newest), int(time.time()))


def _moved(what: str, meant: int, adapted: Adapted) -> tuple[Loss, ...]:
    seconds = int(adapted["created_at"]) - meant
    return (("date_bumped", f"{what} is dated {seconds:+d} s"),) if seconds else ()


def _file(file: Attached, blob: Callable[[str], bytes]) -> Json:
    return {
        "name": file.name,
        "content_type": file.content_type,
        "data": b64encode(blob(file.sha256)).decode("ascii"),
    }
