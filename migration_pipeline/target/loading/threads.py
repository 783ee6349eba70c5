"""Loading tickets as conversations: the calls of one thread, strictly one after the other, its state last.

Belongs here: the order of a thread and what a refusal in it means. Does not belong here: request bodies (`messages`,
`steps`).
"""

import datetime as dt
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from migration_pipeline.journal import Known, Outcome, State
from migration_pipeline.target import messages, reading, steps
from migration_pipeline.target.canonical import short_hash
from migration_pipeline.target.loading.desk import Desk, json_of
from migration_pipeline.target.loading.work import ParentMissing, StepRefused, Work
from migration_pipeline.target.messages import Attached, Reply
from migration_pipeline.target.rows import Row
from migration_pipeline.target.steps import Json, Step

DAY: Final = 86_400


def ticket(desk: Desk, work: Work, row: Row, parts: Iterable[Row]) -> Outcome:
    """A ticket as a conversation.

    A refused part, tag or assignment is reported, and the rest goes on: what can arrive does.

    Raises:
        ParentMissing, StepUnclear.
    """
    thread = list(parts)
    contacts = _contacts(desk, row, thread)
    company = _company(desk, work, row)
    tags = _tags(desk, row)
    requester = str(contacts[row["requester_ref"]].target_id)
    opening = messages.create_conversation(requester, row["opener"], seconds(row["created_at"]))
    try:
        conversation = str(desk.writer.perform(work, opening))
    except StepRefused as refusal:
        return desk.failed(work, row, "rejected_by_target", str(refusal))
    sent = work.operations[work.key(opening.name)].adapted
    last = int(sent["created_at"])
    present = {requester}
    replies = [reply_of(part, contacts) for part in thread]
    if "clipped" in sent:
        replies.insert(0, messages.whole_opener(requester, row["opener"], last))
    for reply in replies:
        step = messages.reply(conversation, reply, last, desk.blobs.read, desk.client.conversation)
        _say(desk, work, conversation, reply, step, present)
        last = max(last, int(work.operations[work.key(step.name)].adapted["created_at"]))
    for step in _finish(desk, work, row, conversation, present, contacts, tags):
        _attempt(desk, work, step)
    _update(desk, work, row, conversation, company)
    for step in _assignments(desk, row, conversation):
        _attempt(desk, work, step)
    _leave(desk, work, row, conversation)
    return desk.migrated(work, row, conversation)


def seconds(moment: dt.datetime) -> int:
    """Unix seconds, as Intercom takes them."""
    return int(moment.timestamp())


def _attempt(desk: Desk, work: Work, step: Step) -> bool:
    """Perform a step that the rest of the thread does not depend on; whether it was done."""
    try:
        desk.writer.perform(work, step)
    except StepRefused as refusal:
        work.refusals.append(str(refusal))
        return False
    return True


def _say(desk: Desk, work: Work, conversation: str, reply: Reply, step: Step, present: set[str]) -> None:
    """Perform a reply; who is refused for not taking part is let in first."""
    outsider = reply.author_kind == "contact" and reply.author_id not in present
    if _attempt(desk, work, step) or not outsider:
        return
    refused = work.refusals.pop()
    entry = steps.add_participant(conversation, f"contact:{reply.author_id}", reply.author_id, desk.admin_id)
    if _attempt(desk, work, entry):
        present.add(reply.author_id)
        _attempt(desk, work, step)
    else:
        work.refusals.append(refused)


def _contacts(desk: Desk, row: Row, thread: list[Row]) -> dict[str, Known]:
    """Everyone who speaks or listens. Who speaks must be there; who only listens may stay behind by rule."""
    speaking = {row["requester_ref"], *(part["contact_ref"] for part in thread if part["contact_ref"])}
    if None in speaking:
        raise ParentMissing("the ticket has no requester")
    known = desk.parents("contacts", [*speaking, *(row["participant_refs"] or ())], "contact")
    for ref in speaking:
        if known[ref].target_id is None:
            raise ParentMissing(f"contact {ref} does not move ({known[ref].reason})")
    return known


def _company(desk: Desk, work: Work, row: Row) -> str | None:
    ref = row["company_ref"]
    if ref is None:
        return None
    known = desk.parents("companies", [ref], "company")[ref]
    if known.target_id is None:
        work.losses.append(("reference_skipped", f"company {ref} ({known.reason})"))
    return known.target_id


def _tags(desk: Desk, row: Row) -> dict[str, str]:
    """Tag names by id, each tag once."""
    found: dict[str, str] = {}
    for name in row["tags"] or ():
        tag_id = desk.tags.get(name.casefold())
        if tag_id is None:
            raise ParentMissing(f"tag {name} was not loaded yet")
        found.setdefault(tag_id, name)
    return found


def reply_of(part: Row, contacts: dict[str, Known]) -> Reply:
    """A payload part, in the target's ids."""
    admin = part["author_kind"] == "admin"
    return Reply(
        position=part["position"],
        kind=part["message_type"],
        author_kind=part["author_kind"],
        author_id=part["admin_id"] if admin else str(contacts[part["contact_ref"]].target_id),
        body=part["body"],
        created_at=seconds(part["created_at"]),
        files=tuple(
            Attached(
                file["name"] or "file",
                file["content_type"] or "application/octet-stream",
                file["size"] or 0,
                file["sha256"],
            )
            for file in part["files"] or ()
            if file["sha256"]
        ),
    )


def _finish(
    desk: Desk,
    work: Work,
    row: Row,
    conversation: str,
    present: set[str],
    contacts: dict[str, Known],
    tags: dict[str, str],
) -> Iterator[Step]:
    """Participants and tags. Two source contacts may have become one; those who are `present` take part already."""
    for ref in row["participant_refs"] or ():
        contact_id = contacts[ref].target_id
        if contact_id is None:
            work.losses.append(("reference_skipped", f"participant {ref} ({contacts[ref].reason})"))
        elif contact_id not in present:
            present.add(contact_id)
            yield steps.add_participant(conversation, ref, contact_id, desk.admin_id)
    for tag_id, name in tags.items():
        yield steps.tag_conversation(conversation, name, tag_id, desk.admin_id)


def _assignments(desk: Desk, row: Row, conversation: str) -> Iterator[Step]:
    """Admin and team, before the state: assigning a closed conversation would open it again."""
    for kind in ("admin", "team"):
        if row[f"{kind}_id"] is not None:
            yield steps.assign(conversation, kind, row[f"{kind}_id"], desk.admin_id)


def _leave(desk: Desk, work: Work, row: Row, conversation: str) -> None:
    """Leave the conversation in its state, also where something that an earlier run missed has opened it again."""
    step = _state(desk, row, conversation)
    if step is None:
        return
    known = work.operations.get(work.key(step.name))
    if known is not None and known.state is State.DONE and work.sent:
        actual = desk.client.conversation(conversation) or {}
        if reading.state(actual) != row["state"]:
            step = replace(step, name=f"{step.name}/{known.attempts + work.sent}-{short_hash(known.run_id)}")
    _attempt(desk, work, step)


def _state(desk: Desk, row: Row, conversation: str) -> Step | None:
    """The call that puts the conversation into the ticket's state; open is what it is anyway."""
    if row["state"] == "closed":
        return steps.close(conversation, desk.admin_id)
    if row["state"] == "snoozed":
        until = seconds(row["snoozed_until"]) if row["snoozed_until"] else 0
        default = int(time.time()) + desk.migration.options.snooze_days * DAY
        return steps.snooze(conversation, desk.admin_id, until if until > time.time() + 60 else default)
    return None


def _update(desk: Desk, work: Work, row: Row, conversation: str, company: str | None) -> None:
    """Title, company and attributes: one call, or, where it is refused, one for each attribute."""
    labels, ids = _attributes(desk, work, json_of(row["attributes"]))
    rest: Json = {"title": row["title"]} if row["title"] else {}
    if company is not None:
        rest["company_id"] = company
    if not labels and not rest:
        return
    if _performed(desk, work, _put(desk, conversation, "attributes", labels, ids, rest)):
        return
    # Something in it is refused, and nobody says what: each alone, so that only that is lost.
    refused = work.refusals.pop()
    if rest and not _performed(desk, work, _put(desk, conversation, "title", {}, {}, rest)):
        refused = ""
    for name, value in labels.items():
        one = _put(desk, conversation, f"attribute/{short_hash(name)}", {name: value}, {name: ids[name]}, {})
        if not _performed(desk, work, one):
            work.losses.append(("value_dropped", f"{name}: {work.refusals.pop()}"))
            refused = ""
    if refused:
        work.notes.append(f"sent one by one after {refused}")


def _performed(desk: Desk, work: Work, step: Step) -> bool:
    """Perform an update, and remember in which spelling list values were taken."""
    done = _attempt(desk, work, step)
    if done and work.operations[work.key(step.name)].adapted.get("spelling") == "other":
        desk.spelling.first = "id" if desk.spelling.first == "label" else "label"
    return done


def _put(desk: Desk, conversation: str, name: str, labels: Json, ids: Json, rest: Json) -> Step:
    first, other = (labels, ids) if desk.spelling.first == "label" else (ids, labels)
    meant = {**rest, "custom_attributes": first} if first else rest
    if labels == ids:
        return steps.update_conversation(conversation, name, meant)
    return steps.update_conversation(conversation, name, meant, lambda payload: {**payload, "custom_attributes": other})


def _attributes(desk: Desk, work: Work, values: dict[str, Any]) -> tuple[Json, Json]:
    """The attributes that the workspace has, under its own names; list values by label, and by option id."""
    labels: Json = {}
    ids: Json = {}
    for name, value in values.items():
        attribute = desk.conversation_attributes.get(name.casefold())
        if attribute is None:
            work.losses.append(("value_dropped", f"{name} is no attribute of the workspace"))
            continue
        labels[attribute.name] = value
        by_label = {option.label: option.id for option in attribute.options}
        ids[attribute.name] = by_label.get(value, value) if attribute.data_type == "list" else value
    return labels, ids
