"""Loading tickets of the source as Intercom tickets: born with all they can carry, their messages, their state last.

Belongs here: the order of a new ticket, and what a record was made as. Does not belong here: request bodies
(`ticket_steps`), conversations (`threads`), or changes of what arrived before (`changed_tickets`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from migration_pipeline.config.mapping import KEY_ATTRIBUTE
from migration_pipeline.journal import Known, Outcome, State
from migration_pipeline.target import messages, reading, ticket_steps
from migration_pipeline.target.canonical import short_hash
from migration_pipeline.target.loading import impressions, threads
from migration_pipeline.target.loading.cuts import as_begun
from migration_pipeline.target.loading.desk import Desk, json_of
from migration_pipeline.target.loading.threads import Opened, Volume
from migration_pipeline.target.loading.work import ParentMissing, StepRefused, Work
from migration_pipeline.target.messages import Reply
from migration_pipeline.target.rows import Row
from migration_pipeline.target.steps import Json, Step
from migration_pipeline.target.ticket_form import ticket_parts, ticket_row
from migration_pipeline.target.ticket_steps import BARE, NewTicket
from migration_pipeline.target.ticket_types import TicketType

_SENT = (State.INTENT, State.IN_DOUBT, State.DONE)


def is_ticket(work: Work, row: Row) -> bool:
    """Whether the record is an Intercom ticket: it is what it was made as, whatever the rules say by now."""
    opening = work.operations.get(work.key("create"))
    if opening is not None and opening.state in _SENT:
        return opening.kind == "create_ticket"
    return row["ticket_type"] is not None


def kind_stays(work: Work, row: Row) -> bool:
    """Whether the rules would make the record the other of ticket and conversation by now."""
    return is_ticket(work, row) != (row["ticket_type"] is not None)


@dataclass(frozen=True)
class Meant:
    """A record as an Intercom ticket, in the target's ids."""

    row: Row
    type: TicketType
    requester: str
    replies: Sequence[Reply]
    attributes: Json  # list values by option id; the description is none of them
    state: str  # as `reading.ticket_state` spells it
    state_id: str
    open: bool
    company: str | None
    tags: Mapping[str, str]  # names by id
    contacts: dict[str, Known]


def meant(desk: Desk, work: Work, row: Row, parts: Iterable[Row]) -> Meant:
    """The record as it is to be.

    Raises:
        ParentMissing: its type, a state of it, or somebody who speaks is not there.
    """
    row = ticket_row(row)
    said = parts_of(work, row, parts, desk.admin_id)
    contacts = threads.contacts_of(desk, row, said)
    type_ = _type(desk, work, row)
    state = desk.ticket_types.state(type_.id, row["ticket_state"])
    if state is None:
        raise ParentMissing(
            f"ticket type {type_.name} has no state {row['ticket_state']} (mapping.yaml, ticket_states)"
        )
    open_ = row["state"] != "closed"
    return Meant(
        row=row,
        type=type_,
        requester=str(contacts[row["requester_ref"]].target_id),
        replies=threads.replies_of(row, said, contacts),
        attributes=attributes_of(type_, row, work),
        state=reading.ticket_state(state.id, open_=open_),
        state_id=state.id,
        open=open_,
        company=threads.company_of(desk, work, row),
        tags=threads.tags_of(desk, row),
        contacts=contacts,
    )


def parts_of(work: Work, row: Row, parts: Iterable[Row], admin_id: str) -> list[Row]:
    """The parts of a ticket, those of a comment that was begun cut as they were then."""
    return as_begun(work, row["opener_comment_ref"], ticket_parts(row, parts, admin_id))


def _type(desk: Desk, work: Work, row: Row) -> TicketType:
    opening = work.operations.get(work.key("create"))
    made = desk.ticket_types.of_id(str(opening.adapted.get("type"))) if opening is not None else None
    found = made or desk.ticket_types.by_name.get((row["ticket_type"] or "").casefold())
    if found is None:
        raise ParentMissing(f"ticket type {row['ticket_type']} was not loaded yet")
    if KEY_ATTRIBUTE not in found.attributes:
        raise ParentMissing(f"ticket type {found.name} lacks the attribute {KEY_ATTRIBUTE}")
    return found


def attributes_of(type_: TicketType, row: Row, work: Work | None = None) -> Json:
    """The attributes that the type has, under its own names; list values by option id."""
    values: Json = {}
    for name, value in json_of(row["attributes"]).items():
        attribute = type_.attributes.get(name.casefold())
        listed = attribute is not None and attribute.data_type == "list"
        if attribute is None or (listed and value not in attribute.options):
            if work is not None:
                why = f"{value} is no option of it" if attribute else f"no attribute of ticket type {type_.name}"
                work.losses.append(("value_dropped", f"{name}: {why}"))
            continue
        if listed:
            values[attribute.name] = attribute.options[value]
        else:
            values[attribute.name] = str(value) if attribute.data_type == "string" else value
    return values


def ticket(desk: Desk, work: Work, row: Row, parts: Iterable[Row]) -> Outcome:
    """A ticket of the source as an Intercom ticket.

    A refused part, tag or value is reported, and the rest goes on: what can arrive does.

    Raises:
        ParentMissing, StepUnclear.
    """
    made = meant(desk, work, row, parts)
    create = replace(ticket_steps.create_ticket(_new(made)), predates=threads.before_contact(desk, row))
    try:
        ticket_id = str(desk.writer.perform(work, create))
    except StepRefused as refusal:
        return desk.failed(work, row, "rejected_by_target", str(refusal))
    sent = work.operations[work.key(create.name)].adapted
    if BARE in sent:
        _one_by_one(desk, work, made, ticket_id)
    thread = Opened(work, Volume(1, made.row, ()), ticket_id, set(), int(sent["created_at"]))
    for said in [*_whole_text(desk, made, sent, thread.last), *made.replies]:
        step = reply_step(desk, ticket_id, said, thread.last, thread.undated)
        step = replace(step, predates=threads.before_conversation(work, said))
        threads.attempt(desk, work, step)
        thread.note(step)
    for tag_id, name in made.tags.items():
        threads.attempt(desk, work, ticket_steps.tag(ticket_id, name, tag_id, desk.admin_id))
    _leave(desk, work, made, ticket_id)
    work.notes.extend(filter(None, [row["remark_detail"]]))
    return desk.migrated(work, row, ticket_id, row["remark"], seen=_impression(desk, work, made, ticket_id))


def reply_step(desk: Desk, ticket_id: str, said: Reply, not_before: int, undated_before: int) -> Step:
    """The call that adds a part to a ticket; see `messages.reply`."""
    return ticket_steps.reply(
        ticket_id, said, not_before, desk.blobs.read, lambda one: read(desk, one), desk.admin_id, undated_before
    )


def read(desk: Desk, ticket_id: str) -> Json | None:
    """A ticket in the shape of a conversation, with its tags and company."""
    there = desk.client.ticket(ticket_id)
    return reading.of_ticket(there, desk.client.conversation(ticket_id)) if there else None


def _new(made: Meant) -> NewTicket:
    row, key = made.row, made.type.attributes[KEY_ATTRIBUTE]
    return NewTicket(
        type_id=made.type.id,
        contact_id=made.requester,
        key=str(json_of(row["attributes"])[KEY_ATTRIBUTE]),
        key_attribute=(key.id, key.name),
        title=row["title"],
        text=row["opener"],
        created_at=threads.seconds(row["created_at"]),
        comment_ref=row["opener_comment_ref"],
        attributes=made.attributes,
        company_id=made.company,
        admin_id=row["admin_id"],
        team_id=row["team_id"],
    )


def _whole_text(desk: Desk, made: Meant, sent: Mapping[str, object], at: int) -> list[Reply]:
    """A note that carries the description as a file, where it had to be cut."""
    if "clipped" not in sent:
        return []
    whole = messages.whole_opener(made.requester, made.row["opener"], at)
    return [Reply(-1, "note", "admin", desk.admin_id, whole.body, at, whole.files, "")]


def _one_by_one(desk: Desk, work: Work, made: Meant, ticket_id: str) -> None:
    """What the ticket was made without, each alone, so that only what is refused is lost."""
    for name, value in made.attributes.items():
        if name.casefold() != KEY_ATTRIBUTE:
            step = ticket_steps.update(ticket_id, f"attribute/{short_hash(name)}", {"ticket_attributes": {name: value}})
            if not threads.attempt(desk, work, step):
                work.losses.append(("value_dropped", f"{name}: {work.refusals.pop()}"))
    if made.company is not None:
        threads.attempt(desk, work, ticket_steps.update(ticket_id, "company", {"company_id": made.company}))
    for kind in ("admin", "team"):
        if (assignee := made.row[f"{kind}_id"]) is not None:
            threads.attempt(desk, work, ticket_steps.update(ticket_id, f"assign_{kind}", {"assignee_id": assignee}))


def _leave(desk: Desk, work: Work, made: Meant, ticket_id: str) -> None:
    """Leave the ticket in its state: it begins as open, in the first submitted state of its type."""
    first = desk.ticket_types.state(made.type.id, "submitted")
    state: Json = {} if first is not None and first.id == made.state_id else {"ticket_state_id": made.state_id}
    if not made.open:
        state["open"] = False
    if not state:
        return
    step = ticket_steps.update(ticket_id, "state", state)
    known = work.operations.get(work.key(step.name))
    if known is not None and known.state is State.DONE and work.sent:
        # What an earlier run missed was added now, and may have opened it again.
        actual = read(desk, ticket_id) or {}
        if reading.state(actual) == made.state:
            return
        name = f"{step.name}/{known.attempts + work.sent}-{short_hash(known.run_id)}"
        step = ticket_steps.update(ticket_id, name, state)
    threads.attempt(desk, work, step)


def _impression(desk: Desk, work: Work, made: Meant, ticket_id: str) -> Json:
    """How the ticket looked when it was left; the answers to our calls tell, where there were any."""
    answer = work.answers.get("update_ticket") or work.answers.get("create_ticket")
    tags = {"tags": [{"id": tag_id, "name": name} for tag_id, name in made.tags.items()]}
    there = reading.of_ticket(answer, {"tags": tags}) if answer else read(desk, ticket_id) or {}
    return impressions.of_conversation(there, [*made.attributes, reading.DESCRIPTION], work)
