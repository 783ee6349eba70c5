"""Writing calls that the updates of a delta will take, by what the journal knows of the target.

The journal holds what was sent of a record and how the record's object looked when it was left; what people did since
only Intercom tells, and nobody asks it here.

Belongs here: counting. Does not belong here: the calls themselves (`loading`), or which records are updated (`plan`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from migration_pipeline.config.migration import Options
from migration_pipeline.journal import Journal, Known
from migration_pipeline.model.payloads import PAYLOADS, PLAN
from migration_pipeline.staging import Staging
from migration_pipeline.target import messages, reading, steps, volumes
from migration_pipeline.target.canonical import short_hash
from migration_pipeline.target.catalogue import Catalogue
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

FORESEEN: Final = pa.schema([("source_id", pa.string()), ("calls", pa.int64())])

_BATCH: Final = 1000
_IDENTITY: Final = ("role", "external_id", "company_id")
"""Fields that no update sends."""


@dataclass(frozen=True)
class Held:
    """What is known of the target before a delta, and the rules that it follows."""

    journal: Journal
    catalogue: Catalogue
    options: Options
    types: TicketTypes = NO_TYPES


def foresee(entity_type: str, staging: Staging, held: Held) -> Iterator[pa.RecordBatch]:
    """The calls of each record that the plan of an entity type updates (schema FORESEEN)."""
    counted = _COUNTED.get(entity_type)
    if counted is None:
        return
    tables, connection = staging.tables, staging.connect()
    plan = tables.scan("plan", entity_type, PLAN)
    payload = tables.scan("payloads", entity_type, PAYLOADS[entity_type])
    connection.execute(
        f"CREATE VIEW chosen AS FROM {payload} AS payload SEMI JOIN (FROM {plan} WHERE action = 'update') AS plan "
        "ON plan.source_id = payload.source_id"
    )
    connection.execute(f"CREATE VIEW parts AS FROM {tables.scan('payloads', 'parts', PAYLOADS['parts'])}")
    chosen: Iterable[tuple[Row, tuple[Row, ...]]] = (
        tickets(connection) if entity_type == "tickets" else ((row, ()) for row in rows(connection.sql("FROM chosen")))
    )
    found: list[dict[str, Any]] = []
    for row, parts in chosen:
        found.append({"source_id": row["source_id"], "calls": counted(held, row, parts)})
        if len(found) == _BATCH:
            yield pa.RecordBatch.from_pylist(found, FORESEEN)
            found = []
    yield pa.RecordBatch.from_pylist(found, FORESEEN)


# Definitions


def _field(held: Held, row: Row, parts: tuple[Row, ...]) -> int:
    """Values that the workspace's list lacks, or attributes that a ticket type lacks; nothing else changes."""
    del parts
    if row["model"] == MODEL:
        known = held.types.by_name.get(row["name"].casefold())
        wanted = json_of(row["body"])["attributes"]
        return sum(1 for one in wanted if known is None or one["name"].casefold() not in known.attributes)
    attributes = {each.name.casefold(): each for each in held.catalogue.conversation_attributes if not each.archived}
    there = attributes.get(row["name"].casefold()) if row["model"] == "conversation" else None
    if there is None or there.data_type != "list":
        return 0
    return len(set(row["options"] or ()) - {option.label for option in there.options})


def _tag(held: Held, row: Row, parts: tuple[Row, ...]) -> int:
    """A tag that has another name now is another one."""
    del parts
    return int(row["name"].casefold() not in _tags(held))


def _tags(held: Held) -> dict[str, str]:
    return {tag.name.casefold(): tag.id for tag in held.catalogue.tags}


# People


def _person(kind: str, entity_type: str) -> Callable[[Held, Row, tuple[Row, ...]], int]:
    def counted(held: Held, row: Row, parts: tuple[Row, ...]) -> int:
        del parts
        work = Work(entity_type, row["source_id"], held.journal.operations(entity_type, row["source_id"]))
        known = held.journal.remembered(entity_type, row["source_id"])
        if known is None:
            return 1
        sent = filled(work)
        calls = int(_differs(held, work, kind, json_of(row["body"]), known.seen or {}))
        calls += _links(work, "company/", "attach_company", row.get("company_refs") or ())
        calls += _links(work, "tag/", f"tag_{kind}", row["tags"] or ())
        if row["note"]:
            note = steps.add_note(kind, str(known.target_id), row["note"], held.catalogue.me.id)
            calls += "note" not in sent or sent["note"].payload_hash != note.payload_hash
        return calls

    return counted


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


def _links(work: Work, prefix: str, kind: str, wanted: Iterable[str]) -> int:
    """Companies or tags to put on, and those that were put on and are to come off."""
    there = {slot for slot, op in filled(work).items() if slot.startswith(prefix) and op.kind == kind}
    return len(there ^ {f"{prefix}{name}" for name in wanted})


# Threads


def _ticket(held: Held, row: Row, parts: tuple[Row, ...]) -> int:
    work = Work("tickets", row["source_id"], held.journal.operations("tickets", row["source_id"]))
    known = held.journal.remembered("tickets", row["source_id"])
    if known is not None and loading_tickets.is_ticket(work, row):
        return _intercom_ticket(held, work, row, parts, known.seen)
    made = volumes_made(work)
    if known is None or not made:
        return 1
    refs = {row["requester_ref"], *(row["participant_refs"] or ()), *(part["contact_ref"] for part in parts)} - {None}
    new = {ref: Known("migrated", f"new:{ref}", None) for ref in refs}
    contacts = new | held.journal.known("contacts", refs)
    replies = replies_of(row, as_begun(work, row["opener_comment_ref"], parts), contacts)
    where = {slot: number for number in made for slot in filled(work.of_volume(number))}
    calls = 0
    for number in made:
        mine = [reply for reply in replies if where.get(f"part/{reply.key}", max(made)) == number]
        seen = impressions.of_volume(known.seen, number)
        calls += _conversation(held, work.of_volume(number), volumes.row_of(row, number, None), mine, contacts, seen)
    return calls + max((row["volumes"] or 1) - len(made), 0) * _around(row)


def _intercom_ticket(held: Held, work: Work, row: Row, parts: tuple[Row, ...], seen: Seen | None) -> int:
    """An Intercom ticket is described, assigned and put into its state by updates."""
    row = ticket_row(row)
    said = loading_tickets.parts_of(work, row, parts, held.catalogue.me.id)
    refs = {part["contact_ref"] for part in said if part["contact_ref"]}
    contacts = {ref: Known("migrated", f"new:{ref}", None) for ref in refs} | held.journal.known("contacts", refs)
    calls, new = _said(held, work, replies_of(row, said, contacts))
    type_ = held.types.of_id(str(work.operations[work.key("create")].adapted.get("type")))
    if seen is None or type_ is None:
        return calls + 1
    meant = {name: [value] for name, value in loading_tickets.attributes_of(type_, row).items()}
    described = {**meant, reading.DESCRIPTION: [row["opener"]]}
    titled = row["title"] and short_hash(row["title"]) != seen["title"]
    changes = [
        bool(titled) or _attributes_differ(described, seen[impressions.ATTRIBUTES]),
        *(row[f"{kind}_id"] not in (None, seen[kind]) for kind in ("admin", "team")),
    ]
    state = held.types.state(type_.id, row["ticket_state"])
    wanted = reading.ticket_state(state.id if state else None, open_=row["state"] != "closed")
    # Whatever changes a ticket opens it again.
    reopened = any(changes) or any(reply.author_kind == "contact" for reply in new)
    left = seen["state"].replace("closed", "open") if reopened else seen["state"]
    return calls + _tagging(held, work, row, seen) + sum(changes) + int(wanted != left)


def _around(row: Row) -> int:
    """What a further conversation takes besides its messages: it is opened, described and linked with the last one."""
    listed = len(row["participant_refs"] or ()) + len(row["tags"] or ())
    assigned = sum(row[f"{kind}_id"] is not None for kind in ("admin", "team"))
    return 4 + listed + assigned + int(row["state"] != "open")


def _conversation(
    held: Held, work: Work, row: Row, replies: list[Reply], contacts: Mapping[str, Known], seen: Seen | None
) -> int:
    calls, reopened = _messages(held, work, row, replies, contacts)
    calls += _people(work, row, contacts)
    if seen is None:
        return calls
    calls += _tagging(held, work, row, seen)
    calls += _described(held, row, seen)
    sent = filled(work)
    meant = {kind: row[f"{kind}_id"] for kind in ("admin", "team")}
    assigned = len([k for k, v in meant.items() if v != seen[k] and (v is not None or f"assign_{k}" in sent)])
    state = "open" if assigned or reopened(seen["state"]) else seen["state"]
    return calls + assigned + int(state != row["state"])


def _messages(
    held: Held, work: Work, row: Row, replies: list[Reply], contacts: Mapping[str, Known]
) -> tuple[int, Callable[[str], bool]]:
    """The calls for what is new, taken back or edited, and whether they reopen a conversation that was in a state."""
    append = held.options.edited_comments == "append"
    opening, replies = _opening(work, row, replies, contacts, append=append)
    calls, said = _said(held, work, replies)
    by_contact = any(reply.author_kind == "contact" for reply in said)
    answered = any(reply.kind == "comment" for reply in said)
    return opening + calls, lambda state: by_contact or (answered and state == "snoozed")


def _said(held: Held, work: Work, replies: list[Reply]) -> tuple[int, list[Reply]]:
    """The calls for what is new, taken back or edited, and what is said."""
    sent, append = filled(work), held.options.edited_comments == "append"
    calls = 0
    said: list[Reply] = []
    withdrawn: set[str] = set()
    for reply in replies:
        known = sent.get(f"part/{reply.key}")
        change = "new" if known is None else difference(reply, known)
        if change == "withdraw":
            withdrawn.add(comment_of(reply.key))
            calls += 1
        if change in ("new", "withdraw") or (change == "edited" and append):
            said.append(reply)
    kept = {f"part/{reply.key}" for reply in replies}
    rest = [slot for slot in sent if slot.startswith("part/") and slot not in kept]
    calls += sum(comment_of(slot.removeprefix("part/")) in withdrawn for slot in rest)
    return calls + len(said), said


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


def _tagging(held: Held, work: Work, row: Row, seen: Seen) -> int:
    """Tags to put on, and those of ours that are to come off."""
    ids, there = _tags(held), set(seen["tags"])
    wanted = {ids.get(name.casefold(), name) for name in row["tags"] or ()}
    ours = {
        ids.get(slot.removeprefix("tag/").casefold())
        for slot, operation in filled(work).items()
        if slot.startswith("tag/") and operation.kind == "tag_conversation"
    }
    return len(wanted - there) + len((ours - wanted) & there)


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


_COUNTED: Final[Mapping[str, Callable[[Held, Row, tuple[Row, ...]], int]]] = {
    "fields": _field,
    "tags": _tag,
    "companies": _person("company", "companies"),
    "contacts": _person("contact", "contacts"),
    "tickets": _ticket,
}
"""A changed article or collection is sent whole, in one call; agents and teams take none."""
