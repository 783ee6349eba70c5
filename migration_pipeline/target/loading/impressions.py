"""How an object of the target looked when we left it, in ids and hashes, and what people changed in it since.

Belongs here: telling people's changes from ours. Does not belong here: what follows from them (`changed_threads`,
`changed_people`).
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from migration_pipeline.journal import State
from migration_pipeline.target import reading
from migration_pipeline.target.canonical import short_hash
from migration_pipeline.target.loading.work import Work
from migration_pipeline.target.steps import Json

MESSAGES: Final = "messages"
ATTRIBUTES: Final = "attributes"
FURTHER: Final = "further"
"""Where an impression keeps those of the ticket's further conversations, in order."""


def of_conversation(conversation: Json, attributes: Iterable[str], work: Work) -> Json:
    """An impression of a conversation; of its attributes, only those that we set (`attributes`)."""
    actual = reading.attributes(conversation)
    values = {name: actual.get(name) for name in attributes}
    return {
        "title": short_hash(conversation.get("title") or ""),
        "state": reading.state(conversation),
        "admin": reading.assignee(conversation, "admin"),
        "team": reading.assignee(conversation, "team"),
        "tags": sorted(reading.tags(conversation)),
        ATTRIBUTES: {name: short_hash(str(value)) for name, value in values.items() if value not in (None, "")},
        MESSAGES: sorted(foreign(conversation, work)),
    }


def of_volume(seen: Mapping[str, Any] | None, number: int) -> Mapping[str, Any] | None:
    """The impression of one of a ticket's conversations; None where nobody knows."""
    if seen is None or number == 1:
        return seen
    further = seen.get(FURTHER) or []
    return further[number - 2] if len(further) > number - 2 else None


def foreign(conversation: Json, work: Work) -> set[str]:
    """Ids of the messages that none of our calls made, bots' aside."""
    ours = sent(work)
    return {
        message.id
        for message in reading.messages(conversation)
        if message.id not in ours and not message.author.startswith("bot:") and not message.redacted
    }


def sent(work: Work) -> set[str]:
    """Ids of the messages that our calls made."""
    return {
        operation.target_id
        for operation in work.operations.values()
        if operation.kind == "reply" and operation.state is State.DONE and operation.target_id
    }


def touched(seen: Mapping[str, Any] | None, conversation: Json, work: Work) -> set[str]:
    """What people changed in a conversation since the impression was taken; nothing where there is none."""
    if seen is None:
        return set()
    now = of_conversation(conversation, seen[ATTRIBUTES], work)
    changed = {name for name, value in now.items() if value != seen[name]}
    if not set(now[MESSAGES]) - set(seen[MESSAGES]):
        changed.discard(MESSAGES)
        if (seen["state"], now["state"]) == ("snoozed", "open"):
            changed.discard("state")  # its time was over
    return changed


def of_fields(answer: Mapping[str, Any] | None, names: Iterable[str], attributes: Iterable[str] = ()) -> Json | None:
    """An impression of a contact or company by the answer to a call; None where nobody knows.

    Of its attributes, only those that we set (`attributes`).
    """
    if not answer:
        return None
    fields = {name: short_hash(str(answer.get(name) or "")) for name in names if name != ATTRIBUTES}
    held = answer.get("custom_attributes") or {}
    values = {name: held.get(name) for name in attributes}
    return {
        **fields,
        ATTRIBUTES: {name: short_hash(str(value)) for name, value in values.items() if value not in (None, "")},
    }


def touched_fields(seen: Mapping[str, Any] | None, actual: Mapping[str, Any]) -> set[str]:
    """The fields of a contact or company that people changed since."""
    now = of_fields(actual, seen or ()) or {}
    return {name for name, value in now.items() if seen and name != ATTRIBUTES and value != seen[name]}


def touched_attributes(seen: Mapping[str, Any] | None, actual: Mapping[str, Any]) -> set[str]:
    """The attributes of a contact or company that we set, and people changed since."""
    ours: Mapping[str, Any] = (seen or {}).get(ATTRIBUTES, {})
    now = (of_fields(actual, (), ours) or {}).get(ATTRIBUTES, {})
    return {name for name, value in ours.items() if now.get(name) != value}
