"""Calls that the updates of a delta will take, by what the journal knows of the target.

The journal holds what was sent of a record and how the record's object looked when it was left; what people did since
only Intercom tells, and nobody asks it here.

Belongs here: counting. Does not belong here: the calls themselves (`loading`), or which records are updated (`plan`).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa

from migration_pipeline.config import Migration
from migration_pipeline.journal import Journal, Known
from migration_pipeline.model.payloads import PAYLOADS, PLAN
from migration_pipeline.staging import Staging
from migration_pipeline.target import endpoints, messages, reading, steps, volumes
from migration_pipeline.target.canonical import short_hash
from migration_pipeline.target.catalogue import Catalogue
from migration_pipeline.target.endpoints import Call
from migration_pipeline.target.loading import impressions
from migration_pipeline.target.loading import tickets as loading_tickets
from migration_pipeline.target.loading.changed_people import CLEARED
from migration_pipeline.target.loading.changed_threads import comment_of, difference
from migration_pipeline.target.loading.cuts import as_begun
from migration_pipeline.target.loading.desk import json_of
from migration_pipeline.target.loading.slots import filled
from migration_pipeline.target.loading.slots import volumes as volumes_made
from migration_pipeline.target.loading.threads import replies_of, seconds
from migration_pipeline.target.loading.work import Work
from migration_pipeline.target.messages import Reply
from migration_pipeline.target.rows import Row, rows, tickets
from migration_pipeline.target.ticket_form import ticket_row
from migration_pipeline.target.ticket_rules import MODEL
from migration_pipeline.target.ticket_types import NO_TYPES, TicketTypes

Seen = Mapping[str, Any]

FORESEEN: Final = pa.schema(
    [("source_id", pa.string()), ("changes", PLAN.field("changes").type), ("reads", pa.int64())]
)

_BATCH: Final = 1000
_IDENTITY: Final = ("role", "external_id", "company_id")
"""Fields that no update sends."""


@dataclass(frozen=True)
class Held:
    """What is known of the target before a delta, and the rules that it follows."""

    journal: Journal
    catalogue: Catalogue
    migration: Migration
    types: TicketTypes = NO_TYPES


@dataclass
class Foreseen:
    """What one record takes."""

    writes: Counter[Call] = field(default_factory=Counter)
    reads: int = 1  # the object as it is now, before anything is compared with it


def foresee(entity_type: str, staging: Staging, held: Held) -> Iterator[pa.RecordBatch]:
    """The calls of each record that the plan of an entity type updates or retires (schema FORESEEN)."""
    tables, connection = staging.tables, staging.connect()
    plan = tables.scan("plan", entity_type, PLAN)
    payload = tables.scan("payloads", entity_type, PAYLOADS[entity_type])
    connection.execute(
        f"CREATE VIEW chosen AS SELECT payload.*, plan.action, plan.reason AS planned_reason FROM {payload} AS payload "
        f"JOIN (FROM {plan} WHERE action IN ('update', 'retire')) AS plan ON plan.source_id = payload.source_id"
    )
    connection.execute(f"CREATE VIEW parts AS FROM {tables.scan('payloads', 'parts', PAYLOADS['parts'])}")
    chosen: Iterable[tuple[Row, tuple[Row, ...]]] = (
        tickets(connection) if entity_type == "tickets" else ((row, ()) for row in rows(connection.sql("FROM chosen")))
    )
    found: list[dict[str, Any]] = []
    for row, parts in chosen:
        foreseen = (_retired if row["action"] == "retire" else _COUNTED[entity_type])(held, row, parts)
        changes = [{**call._asdict(), "calls": calls} for call, calls in foreseen.writes.items() if calls]
        found.append({"source_id": row["source_id"], "changes": changes, "reads": foreseen.reads})
        if len(found) == _BATCH:
            yield pa.RecordBatch.from_pylist(found, FORESEEN)
            found = []
    yield pa.RecordBatch.from_pylist(found, FORESEEN)


# Definitions


def _nothing(held: Held, row: Row, parts: tuple[Row, ...]) -> Foreseen:
    """Agents and teams are only found again."""
    del held, row, parts
    return Foreseen(reads=0)


def _field(held: Held, row: Row, parts: tuple[Row, ...]) -> Foreseen:
    """Values that the workspace's list lacks, or attributes that a ticket type lacks; nothing else changes."""
    del parts
    if row["model"] == MODEL:
        known = held.types.by_name.get(row["name"].casefold())
        wanted = json_of(row["body"])["attributes"]
        lacking = sum(1 for one in wanted if known is None or one["name"].casefold() not in known.attributes)
        return Foreseen(Counter({endpoints.ATTRIBUTE: lacking}), reads=0)
    attributes = {each.name.casefold(): each for each in held.catalogue.conversation_attributes if not each.archived}
    there = attributes.get(row["name"].casefold()) if row["model"] == "conversation" else None
    if there is None or there.data_type != "list":
        return Foreseen(reads=0)
    values = len(set(row["options"] or ()) - {option.label for option in there.options})
    return Foreseen(Counter({endpoints.OPTION: values}), reads=0)


def _tag(held: Held, row: Row, parts: tuple[Row, ...]) -> Foreseen:
    """A tag that has another name now is another one."""
    del parts
    return Foreseen(Counter({endpoints.TAG: int(row["name"].casefold() not in _tags(held))}), reads=0)


def _tags(held: Held) -> dict[str, str]:
    return {tag.name.casefold(): tag.id for tag in held.catalogue.tags}


# People


def _company(held: Held, row: Row, parts: tuple[Row, ...]) -> Foreseen:
    del parts
    work = Work("companies", row["source_id"], held.journal.operations("companies", row["source_id"]))
    on, off = _links(work, "tag/", "tag_company", row["tags"] or ())
    fields, note = _profile(held, work, "company", row)
    return Foreseen(
        Counter({endpoints.COMPANY_FIELDS: fields, endpoints.COMPANY_TAGS: on + off, endpoints.COMPANY_NOTE: note})
    )


def _contact(held: Held, row: Row, parts: tuple[Row, ...]) -> Foreseen:
    del parts
    work = Work("contacts", row["source_id"], held.journal.operations("contacts", row["source_id"]))
    attached, detached = _links(work, "company/", "attach_company", row["company_refs"] or ())
    on, off = _links(work, "tag/", "tag_contact", row["tags"] or ())
    fields, note = _profile(held, work, "contact", row)
    return Foreseen(
        Counter(
            {
                endpoints.CONTACT_FIELDS: fields,
                endpoints.CONTACT_COMPANIES: attached,
                endpoints.CONTACT_COMPANIES_OFF: detached,
                endpoints.CONTACT_TAGS: on,
                endpoints.CONTACT_TAGS_OFF: off,
                endpoints.CONTACT_NOTE: note,
            }
        )
    )


def _profile(held: Held, work: Work, kind: str, row: Row) -> tuple[int, int]:
    """The calls for what a company or contact is, and for a note of another text."""
    known = held.journal.remembered(work.entity_type, row["source_id"])
    if known is None:
        return 1, 0
    fields = int(_differs(held, work, kind, json_of(row["body"]), known.seen or {}))
    if not row["note"]:
        return fields, 0
    sent = filled(work)
    note = steps.add_note(kind, str(known.target_id), row["note"], held.catalogue.me.id)
    return fields, int("note" not in sent or sent["note"].payload_hash != note.payload_hash)


def _differs(held: Held, work: Work, kind: str, body: Mapping[str, Any], seen: Seen) -> bool:
    """Whether a field or an attribute is another than when it was left."""
    adopted = any(op.code == "adopted" or op.kind == "claim_contact" for op in work.operations.values())
    cleared = dict.fromkeys(name for name in CLEARED if name in seen) if kind == "contact" and not adopted else {}
    fields = {name: value for name, value in {**cleared, **body}.items() if name in seen and name not in _IDENTITY}
    if any(short_hash(str(value or "")) != seen[name] for name, value in fields.items()):
        return True
    names = {each.name.casefold(): each.name for each in held.catalogue.data_attributes if each.model == kind}
    meant = {
        names[name.casefold()]: [value]
        for name, value in (body.get("custom_attributes") or {}).items()
        if name.casefold() in names
    }
    return _attributes_differ(meant, seen.get(impressions.ATTRIBUTES, {}))


def _attributes_differ(meant: Mapping[str, Sequence[Any]], left: Seen) -> bool:
    """Whether attributes are others than when they were left; each is `meant` in one of several spellings."""
    filled_in = {name: values for name, values in meant.items() if values[0] not in (None, "")}
    return filled_in.keys() != left.keys() or any(
        left[name] not in {short_hash(str(value)) for value in values} for name, values in filled_in.items()
    )


def _links(work: Work, prefix: str, kind: str, wanted: Iterable[str]) -> tuple[int, int]:
    """Companies or tags to put on, and those that were put on and are to come off."""
    there = {slot for slot, op in filled(work).items() if slot.startswith(prefix) and op.kind == kind}
    meant = {f"{prefix}{name}" for name in wanted}
    return len(meant - there), len(there - meant)


# Help centre


def _collection(held: Held, row: Row, parts: tuple[Row, ...]) -> Foreseen:
    """A changed collection is sent whole."""
    del held, row, parts
    return Foreseen(Counter({endpoints.COLLECTION_FIELDS: 1}))


def _article(held: Held, row: Row, parts: tuple[Row, ...]) -> Foreseen:
    """A changed article is sent whole; its tags are put on and taken off."""
    del parts
    work = Work("articles", row["source_id"], held.journal.operations("articles", row["source_id"]))
    on, off = _links(work, "tag/", "tag_article", row["tags"] or ())
    return Foreseen(Counter({endpoints.ARTICLE_FIELDS: 1, endpoints.ARTICLE_TAGS: on, endpoints.ARTICLE_TAGS_OFF: off}))


# Threads


def _retired(held: Held, row: Row, parts: tuple[Row, ...]) -> Foreseen:
    """What left the source stays, or goes by rule; see `loading.retiring`."""
    del parts
    foreseen = Foreseen(reads=0)
    if row["planned_reason"] != "deleted_in_source":
        return foreseen
    if "requester_ref" in row and held.migration.options.deleted_tickets == "delete":
        work = Work("tickets", row["source_id"], held.journal.operations("tickets", row["source_id"]))
        gone = endpoints.TICKET_DELETED if loading_tickets.is_ticket(work, row) else endpoints.DELETED
        foreseen.writes[gone] = len(volumes_made(work)) or 1
    elif "old_urls" in row and held.migration.help_center.archived == "unpublish":
        foreseen.writes[endpoints.ARTICLE_FIELDS] = foreseen.reads = int(row["kind"] == "article")
    return foreseen


def _ticket(held: Held, row: Row, parts: tuple[Row, ...]) -> Foreseen:
    work = Work("tickets", row["source_id"], held.journal.operations("tickets", row["source_id"]))
    known = held.journal.remembered("tickets", row["source_id"])
    if known is not None and loading_tickets.is_ticket(work, row):
        return _intercom_ticket(held, work, row, parts, known.seen)
    made = volumes_made(work)
    if known is None or not made:
        return Foreseen(Counter({endpoints.FIELDS: 1}))
    refs = {row["requester_ref"], *(row["participant_refs"] or ()), *(part["contact_ref"] for part in parts)} - {None}
    new = {ref: Known("migrated", f"new:{ref}", None) for ref in refs}
    contacts = new | held.journal.known("contacts", refs)
    replies = replies_of(row, as_begun(work, row["opener_comment_ref"], parts), contacts)
    where = {slot: number for number in made for slot in filled(work.of_volume(number))}
    foreseen = Foreseen(reads=0)
    for number in made:
        mine = [reply for reply in replies if where.get(f"part/{reply.key}", max(made)) == number]
        seen = impressions.of_volume(known.seen, number)
        told = _conversation(held, work.of_volume(number), volumes.row_of(row, number, None), mine, contacts, seen)
        foreseen.writes += told.writes
        foreseen.reads += told.reads
    for _ in range(max((row["volumes"] or 1) - len(made), 0)):
        foreseen.writes += _around(row)
    return foreseen


def _intercom_ticket(held: Held, work: Work, row: Row, parts: tuple[Row, ...], seen: Seen | None) -> Foreseen:
    """An Intercom ticket is described, assigned and put into its state by updates."""
    row = ticket_row(row)
    said = loading_tickets.parts_of(work, row, parts, held.catalogue.me.id)
    refs = {part["contact_ref"] for part in said if part["contact_ref"]}
    contacts = {ref: Known("migrated", f"new:{ref}", None) for ref in refs} | held.journal.known("contacts", refs)
    writes, new = _said(held, work, replies_of(row, said, contacts), endpoints.TICKET_MESSAGES)
    type_ = held.types.of_id(str(work.operations[work.key("create")].adapted.get("type")))
    if seen is None or type_ is None:
        return Foreseen(writes + Counter({endpoints.TICKET_FIELDS: 1}), reads=_TICKET_READS)
    meant = {name: [value] for name, value in loading_tickets.attributes_of(type_, row).items()}
    described = {**meant, reading.DESCRIPTION: [row["opener"]]}
    titled = row["title"] and short_hash(row["title"]) != seen["title"]
    writes[endpoints.TICKET_FIELDS] = int(bool(titled) or _attributes_differ(described, seen[impressions.ATTRIBUTES]))
    writes[endpoints.TICKET_ASSIGNEES] = sum(row[f"{kind}_id"] not in (None, seen[kind]) for kind in ("admin", "team"))
    state = held.types.state(type_.id, row["ticket_state"])
    wanted = reading.ticket_state(state.id if state else None, open_=row["state"] != "closed")
    # Whatever changes a ticket opens it again.
    changes = writes[endpoints.TICKET_FIELDS] + writes[endpoints.TICKET_ASSIGNEES]
    reopened = changes or any(reply.author_kind == "contact" for reply in new)
    left = seen["state"].replace("closed", "open") if reopened else seen["state"]
    writes += _tagging(held, work, row, seen, endpoints.TICKET_TAGS, endpoints.TICKET_TAGS_OFF)
    before_state = writes.total()
    writes[endpoints.TICKET_STATE] = int(wanted != left)
    # It is read at first, and again after calls: no answer to one shows the tags.
    reads = _TICKET_READS * (1 + (before_state > 0) + (writes.total() > 0))
    return Foreseen(writes, reads)


_TICKET_READS: Final = 2
"""An Intercom ticket is read with the conversation of its id, which tells its tags."""


def _around(row: Row) -> Counter[Call]:
    """What a further conversation takes besides its messages: it is opened, described and linked with the last one."""
    return Counter(
        {
            endpoints.CONVERSATION: 1,
            endpoints.MESSAGES: 2,
            endpoints.FIELDS: 1,
            endpoints.PARTICIPANTS: len(row["participant_refs"] or ()),
            endpoints.TAGS: len(row["tags"] or ()),
            endpoints.ASSIGNEES: sum(row[f"{kind}_id"] is not None for kind in ("admin", "team")),
            endpoints.STATE: int(row["state"] != "open"),
        }
    )


def _conversation(
    held: Held, work: Work, row: Row, replies: list[Reply], contacts: Mapping[str, Known], seen: Seen | None
) -> Foreseen:
    writes, reopened = _messages(held, work, row, replies, contacts)
    writes[endpoints.PARTICIPANTS] = _people(work, row, contacts)
    if seen is None:
        return Foreseen(writes)
    tagging = _tagging(held, work, row, seen, endpoints.TAGS, endpoints.TAGS_OFF)
    writes += tagging
    writes[endpoints.FIELDS] = _described(held, row, seen)
    sent = filled(work)
    meant = {kind: row[f"{kind}_id"] for kind in ("admin", "team")}
    assigned = len([k for k, v in meant.items() if v != seen[k] and (v is not None or f"assign_{k}" in sent)])
    writes[endpoints.ASSIGNEES] = assigned
    state = "open" if assigned or reopened(seen["state"]) else seen["state"]
    writes[endpoints.STATE] = int(state != row["state"])
    # The answer to a tag does not show the conversation, which is then read before its state is set, and when left.
    hidden = tagging.total() > 0 and not writes[endpoints.FIELDS] and not assigned
    return Foreseen(writes, 1 + hidden + (hidden and not writes[endpoints.STATE]))


def _messages(
    held: Held, work: Work, row: Row, replies: list[Reply], contacts: Mapping[str, Known]
) -> tuple[Counter[Call], Callable[[str], bool]]:
    """The calls for what is new, taken back or edited, and whether they reopen a conversation that was in a state."""
    append = held.migration.options.edited_comments == "append"
    redacted, replies = _opening(work, row, replies, contacts, append=append)
    writes, said = _said(held, work, replies, endpoints.MESSAGES)
    writes[endpoints.REDACTIONS] += redacted
    by_contact = any(reply.author_kind == "contact" for reply in said)
    answered = any(reply.kind == "comment" for reply in said)
    return writes, lambda state: by_contact or (answered and state == "snoozed")


def _said(held: Held, work: Work, replies: list[Reply], message: Call) -> tuple[Counter[Call], list[Reply]]:
    """The calls for what is new, taken back or edited, and what is said."""
    sent, append = filled(work), held.migration.options.edited_comments == "append"
    redactions = 0
    said: list[Reply] = []
    withdrawn: set[str] = set()
    for reply in replies:
        known = sent.get(f"part/{reply.key}")
        change = "new" if known is None else difference(reply, known)
        if change == "withdraw":
            withdrawn.add(comment_of(reply.key))
            redactions += 1
        if change in ("new", "withdraw") or (change == "edited" and append):
            said.append(reply)
    kept = {f"part/{reply.key}" for reply in replies}
    rest = [slot for slot in sent if slot.startswith("part/") and slot not in kept]
    redactions += sum(comment_of(slot.removeprefix("part/")) in withdrawn for slot in rest)
    return Counter({endpoints.REDACTIONS: redactions, message: len(said)}), said


def _opening(
    work: Work, row: Row, replies: list[Reply], contacts: Mapping[str, Known], *, append: bool
) -> tuple[int, list[Reply]]:
    """The calls that take the opening words back, and the messages with those words among them where they are said."""
    sent = filled(work)
    opening, ref = sent["create"], row["opener_comment_ref"]
    was, withdrawn = opening.adapted.get("comment"), "redact/source" in sent
    requester = str(contacts[row["requester_ref"]].target_id)
    second, redacted = int(opening.adapted["created_at"]), bool(row["opener_redacted"])
    now = messages.opener_as_reply(requester, row["opener"], second, f"{ref}.0", redacted=redacted)
    if ref is not None and was == ref:
        meant = messages.create_conversation(requester, row["opener"], seconds(row["created_at"]), ref)
        same = not withdrawn and meant.identity(opening.adapted) == opening.identity
        if same or not (withdrawn or redacted or append):
            return 0, replies
        return int(redacted and not withdrawn), [now, *replies]
    calls = 0
    if was is not None and not withdrawn:
        moved = [reply for reply in replies if comment_of(reply.key) == was]
        calls = int(any(reply.kind == "note" or reply.redacted for reply in moved))
        replies = replies if calls else [reply for reply in replies if reply not in moved]
    if ref is None:
        return calls, replies
    if f"part/{ref}.0" in sent:
        return calls, [reply for reply in replies if comment_of(reply.key) != ref]
    return calls, [now, *replies]


def _people(work: Work, row: Row, contacts: Mapping[str, Known]) -> int:
    """Who takes part by now and did not."""
    sent = filled(work)
    there = {str(sent["create"].adapted["contact"])}
    there |= {
        (operation.identity or "").split("|")[1].removeprefix("contact:")
        for operation in sent.values()
        if operation.kind == "reply" and (operation.identity or "").count("|") > 1
    }
    wanted = {
        contacts[ref].target_id
        for ref in (row["requester_ref"], *(row["participant_refs"] or ()))
        if f"participant/{ref}" not in sent
    }
    return len(wanted - there - {None})


def _tagging(held: Held, work: Work, row: Row, seen: Seen, put_on: Call, take_off: Call) -> Counter[Call]:
    """Tags to put on, and those of ours that are to come off."""
    ids, there = _tags(held), set(seen["tags"])
    wanted = {ids.get(name.casefold(), name) for name in row["tags"] or ()}
    ours = {
        ids.get(slot.removeprefix("tag/").casefold())
        for slot, operation in filled(work).items()
        if slot.startswith("tag/") and operation.kind == "tag_conversation"
    }
    return Counter({put_on: len(wanted - there), take_off: len((ours - wanted) & there)})


def _described(held: Held, row: Row, seen: Seen) -> int:
    """One call where title or attributes are others than when they were left."""
    attributes = {each.name.casefold(): each for each in held.catalogue.conversation_attributes if not each.archived}
    meant = {}
    for name, value in json_of(row["attributes"]).items():
        there = attributes.get(name.casefold())
        options = {option.label: option.id for option in there.options} if there else {}
        meant[there.name if there else name] = [value, *([options[value]] if value in options else [])]
    titled = row["title"] and short_hash(row["title"]) != seen["title"]
    return int(bool(titled) or _attributes_differ(meant, seen[impressions.ATTRIBUTES]))


_COUNTED: Final[Mapping[str, Callable[[Held, Row, tuple[Row, ...]], Foreseen]]] = {
    "agents": _nothing,
    "teams": _nothing,
    "fields": _field,
    "tags": _tag,
    "companies": _company,
    "contacts": _contact,
    "tickets": _ticket,
    "collections": _collection,
    "articles": _article,
}
