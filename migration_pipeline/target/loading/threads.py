"""Loading tickets as conversations: the calls of one thread, strictly one after the other, its state last.

Belongs here: the order of a thread and what a refusal in it means. Does not belong here: request bodies (`messages`,
`steps`).
"""

import datetime as dt
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from migration_pipeline.journal import Known, Outcome, State
from migration_pipeline.target import messages, reading, steps, volumes
from migration_pipeline.target.canonical import short_hash
from migration_pipeline.target.dates import done_at, written_at
from migration_pipeline.target.loading import impressions
from migration_pipeline.target.loading import slots as loading_slots
from migration_pipeline.target.loading.cuts import as_begun, slot_of
from migration_pipeline.target.loading.desk import Desk, json_of
from migration_pipeline.target.loading.work import ParentMissing, StepRefused, Work
from migration_pipeline.target.messages import Attached, Reply
from migration_pipeline.target.rows import Row
from migration_pipeline.target.steps import Json, Predates, Step

DAY: Final = 86_400


@dataclass(frozen=True)
class Volume:
    """One of a ticket's conversations, as it is to be."""

    number: int
    row: Row  # the ticket's payload, as this conversation has it
    replies: tuple[Reply, ...]


def ticket(desk: Desk, work: Work, row: Row, parts: Iterable[Row]) -> Outcome:
    """A ticket as a conversation, or, where it does not fit into one, as several that are linked.

    A refused part, tag or assignment is reported, and the rest goes on: what can arrive does.

    Raises:
        ParentMissing, StepUnclear.
    """
    thread = as_begun(work, row["opener_comment_ref"], parts)
    contacts = contacts_of(desk, row, thread)
    company = company_of(desk, work, row)
    tags = tags_of(desk, row)
    opened: list[Opened] = []
    for volume in volumes_of(row, thread, replies_of(row, thread, contacts)):
        try:
            opened.append(open_volume(desk, work.of_volume(volume.number), volume, contacts))
        except StepRefused as refusal:
            if not opened:
                return desk.failed(work, row, "rejected_by_target", str(refusal))
            work.refusals.append(str(refusal))
            break
    for one, following in zip(opened, [*opened[1:], None], strict=True):
        if following is not None:
            lead(desk, one, volumes.NEXT, following)
        complete(desk, one, contacts, tags, company)
    work.notes.extend(filter(None, [row["remark_detail"]]))
    return desk.migrated(work, row, opened[0].id, row["remark"], seen=impression(desk, opened))


@dataclass
class Opened:
    """A conversation that is there, with its messages."""

    work: Work
    volume: Volume
    id: str
    present: set[str]
    last: int  # UTC seconds of its newest message
    undated: int = 0  # UTC seconds at which the target dated a part itself: nothing older follows with its own date

    def note(self, step: Step) -> None:
        """Count a message in that was sent, or that was refused."""
        sent = self.work.operations[self.work.key(step.name)]
        self.last = max(self.last, int(sent.adapted["created_at"]))
        self.undated = max(self.undated, written_at(sent))


def volumes_of(row: Row, parts: Sequence[Row], replies: Sequence[Reply]) -> list[Volume]:
    """The ticket's conversations; the payload says which part goes into which."""
    numbers = sorted({1, *(part["volume"] or 1 for part in parts)})
    found = []
    for number in numbers:
        mine = [at for at, part in enumerate(parts) if (part["volume"] or 1) == number]
        first_at = parts[mine[0]]["created_at"] if mine else None
        found.append(Volume(number, volumes.row_of(row, number, first_at), tuple(replies[at] for at in mine)))
    return found


def open_volume(desk: Desk, work: Work, volume: Volume, contacts: dict[str, Known], back: str | None = None) -> Opened:
    """Open a conversation and say its messages; `back` is the conversation before it.

    Raises:
        StepRefused: the conversation could not be opened; StepUnclear.
    """
    row = volume.row
    requester = str(contacts[row["requester_ref"]].target_id)
    opening = messages.create_conversation(
        requester, row["opener"], seconds(row["created_at"]), row["opener_comment_ref"]
    )
    opening = replace(opening, predates=before_contact(desk, row))
    opened = Opened(work, volume, str(desk.writer.perform(work, opening)), {requester}, 0)
    sent = work.operations[work.key(opening.name)].adapted
    opened.last = int(sent["created_at"])
    if back is None and volume.number > 1:
        back = loading_slots.volumes(work.of_volume(1)).get(volume.number - 1)
    if back is not None:
        lead(desk, opened, volumes.BACK, None, back)
    replies = list(volume.replies)
    if "clipped" in sent:
        replies.insert(0, messages.whole_opener(requester, row["opener"], opened.last))
    for reply in replies:
        step = reply_step(desk, opened, reply)
        say(desk, work, opened.id, reply, step, opened.present)
        opened.note(step)
    return opened


def reply_step(desk: Desk, one: Opened, said: Reply) -> Step:
    """The call that adds a message after those that are there."""
    step = messages.reply(one.id, said, one.last, desk.blobs.read, desk.client.conversation, one.undated)
    return replace(step, predates=before_conversation(one.work, said))


def before_contact(desk: Desk, row: Row) -> Predates:
    """A thread's date may be older than its contact, where we made that."""

    def holds() -> bool:
        ref = row["requester_ref"]
        made = desk.journal.operations("contacts", ref).get(f"contacts/{ref}/create")
        return made is not None and made.code != "adopted" and seconds(row["created_at"]) < done_at(made)

    return Predates("contact", holds)


def before_conversation(work: Work, said: Reply) -> Predates:
    """A message's date may be older than its conversation, where the target dated that itself."""
    opening = work.operations.get(work.key("create"))
    return Predates("conversation", lambda: opening is not None and said.created_at < written_at(opening))


def lead(desk: Desk, one: Opened, key: str, to: Opened | None, conversation: str | None = None) -> None:
    """Leave a note that leads to another of the ticket's conversations."""
    target = to.id if to is not None else str(conversation)
    number = one.volume.number + (1 if key == volumes.NEXT else -1)
    body = volumes.link(key, number, desk.client.url_of("tickets", target), target)
    note = Reply(-1, "note", "admin", desk.admin_id, body, one.last, (), key, own=True)
    attempt(desk, one.work, reply_step(desk, one, note))


def complete(desk: Desk, one: Opened, contacts: dict[str, Known], tags: dict[str, str], company: str | None) -> None:
    """Everything around the messages of a new conversation, its state last."""
    work, row = one.work, one.volume.row
    for step in _finish(desk, work, row, one.id, one.present, contacts, tags):
        attempt(desk, work, step)
    _update(desk, work, row, one.id, company)
    for step in _assignments(desk, row, one.id):
        attempt(desk, work, step)
    _leave(desk, work, row, one.id)


def impression(desk: Desk, opened: Sequence[Opened]) -> Json:
    """How a ticket's conversations looked when they were left."""
    told = []
    for one in opened:
        left = one.work.shown or desk.client.conversation(one.id) or {}
        labels, _ = attributes_of(desk, Work(one.work.entity_type, one.work.source_id, {}), one.volume.row)
        told.append(impressions.of_conversation(left, labels, one.work))
    return told[0] | ({impressions.FURTHER: told[1:]} if told[1:] else {})


def seconds(moment: dt.datetime) -> int:
    """Unix seconds, as Intercom takes them."""
    return int(moment.timestamp())


def attempt(desk: Desk, work: Work, step: Step) -> bool:
    """Perform a step that the rest of the thread does not depend on; whether it was done."""
    try:
        desk.writer.perform(work, step)
    except StepRefused as refusal:
        work.refusals.append(str(refusal))
        return False
    return True


def say(desk: Desk, work: Work, conversation: str, reply: Reply, step: Step, present: set[str]) -> None:
    """Perform a reply; who is refused for not taking part is let in first."""
    outsider = reply.author_kind == "contact" and reply.author_id not in present
    if attempt(desk, work, step) or not outsider:
        return
    refused = work.refusals.pop()
    entry = steps.add_participant(conversation, f"contact:{reply.author_id}", reply.author_id, desk.admin_id)
    if attempt(desk, work, entry):
        present.add(reply.author_id)
        attempt(desk, work, step)
    else:
        work.refusals.append(refused)


def contacts_of(desk: Desk, row: Row, thread: list[Row]) -> dict[str, Known]:
    """Everyone who speaks or listens. Who speaks must be there; who only listens may stay behind by rule."""
    speaking = {row["requester_ref"], *(part["contact_ref"] for part in thread if part["contact_ref"])}
    if None in speaking:
        raise ParentMissing("the ticket has no requester")
    known = desk.parents("contacts", [*speaking, *(row["participant_refs"] or ())], "contact")
    for ref in speaking:
        if known[ref].target_id is None:
            raise ParentMissing(f"contact {ref} does not move ({known[ref].reason})")
    return known


def company_of(desk: Desk, work: Work, row: Row) -> str | None:
    """The target's id of the ticket's company; None where it has none, or one that does not move."""
    ref = row["company_ref"]
    if ref is None:
        return None
    known = desk.parents("companies", [ref], "company")[ref]
    if known.target_id is None:
        work.losses.append(("reference_skipped", f"company {ref} ({known.reason})"))
    return known.target_id


def tags_of(desk: Desk, row: Row) -> dict[str, str]:
    """Tag names by id, each tag once."""
    found: dict[str, str] = {}
    for name in row["tags"] or ():
        tag_id = desk.tags.get(name.casefold())
        if tag_id is None:
            raise ParentMissing(f"tag {name} was not loaded yet")
        found.setdefault(tag_id, name)
    return found


def replies_of(row: Row, parts: Iterable[Row], contacts: dict[str, Known]) -> list[Reply]:
    """A ticket's parts in the target's ids.

    The key of each is its comment and a number among the parts of that comment, 0 being the one with the text: the same
    in every run, whatever else the thread gains.
    """
    opener_ref = row["opener_comment_ref"]
    numbers = Counter[str]({opener_ref: 1} if opener_ref else {})
    replies = []
    for part in parts:
        comment = part["comment_ref"]
        key = slot_of(comment, numbers[comment]).removeprefix("part/") if comment else str(part["position"])
        numbers[comment] += 1
        replies.append(reply_of(part, contacts, key))
    return replies


def reply_of(part: Row, contacts: dict[str, Known], key: str) -> Reply:
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
        key=key,
        redacted=bool(part["redacted"]),
        said_by=part["speaker"] or "",
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
    attempt(desk, work, step)


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
    labels, ids = attributes_of(desk, work, row)
    rest: Json = {"title": row["title"]} if row["title"] else {}
    if company is not None:
        rest["company_id"] = company
    if not labels and not rest:
        return
    if performed(desk, work, put(desk, conversation, "attributes", labels, ids, rest)):
        return
    # Something in it is refused, and nobody says what: each alone, so that only that is lost.
    refused = work.refusals.pop()
    if rest and not performed(desk, work, put(desk, conversation, "title", {}, {}, rest)):
        refused = ""
    for name, value in labels.items():
        one = put(desk, conversation, f"attribute/{short_hash(name)}", {name: value}, {name: ids[name]}, {})
        if not performed(desk, work, one):
            work.losses.append(("value_dropped", f"{name}: {work.refusals.pop()}"))
            refused = ""
    if refused:
        work.notes.append(f"sent one by one after {refused}")


def performed(desk: Desk, work: Work, step: Step) -> bool:
    """Perform an update, and remember in which spelling list values were taken."""
    done = attempt(desk, work, step)
    if done and work.operations[work.key(step.name)].adapted.get("spelling") == "other":
        desk.spelling.first = "id" if desk.spelling.first == "label" else "label"
    return done


def put(desk: Desk, conversation: str, name: str, labels: Json, ids: Json, rest: Json) -> Step:
    """The call that sets attributes and the `rest`, in the spelling of list values that worked last."""
    first, other = (labels, ids) if desk.spelling.first == "label" else (ids, labels)
    meant = {**rest, "custom_attributes": first} if first else rest
    if labels == ids:
        return steps.update_conversation(conversation, name, meant)
    return steps.update_conversation(conversation, name, meant, lambda payload: {**payload, "custom_attributes": other})


def attributes_of(desk: Desk, work: Work, row: Row) -> tuple[Json, Json]:
    """The attributes that the workspace has, under its own names; list values by label, and by option id."""
    labels: Json = {}
    ids: Json = {}
    for name, value in json_of(row["attributes"]).items():
        attribute = desk.conversation_attributes.get(name.casefold())
        if attribute is None:
            work.losses.append(("value_dropped", f"{name} is no attribute of the workspace"))
            continue
        labels[attribute.name] = value
        by_label = {option.label: option.id for option in attribute.options}
        ids[attribute.name] = by_label.get(value, value) if attribute.data_type == "list" else value
    return labels, ids
