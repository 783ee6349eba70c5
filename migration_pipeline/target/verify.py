"""Reading the target back and comparing it with what was meant, record by record.

Belongs here: which records are read, and the table of findings. Does not belong here: what equals what (`comparing`).
"""

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import pyarrow as pa
import requests
import tenacity

from migration_pipeline.http import DownloadRefused
from migration_pipeline.journal import Journal, Known, Operation
from migration_pipeline.model.entities import ENTITY_TYPES
from migration_pipeline.model.outcomes import OUTCOMES, VERIFICATION
from migration_pipeline.model.payloads import PAYLOADS
from migration_pipeline.model.run import Run
from migration_pipeline.staging import Staging
from migration_pipeline.staging.duck import beside
from migration_pipeline.target import comparing, reading
from migration_pipeline.target.addresses import NewAddresses, new_addresses
from migration_pipeline.target.canonical import plain_hash
from migration_pipeline.target.catalogue import ConversationAttribute
from migration_pipeline.target.client import IntercomClient
from migration_pipeline.target.comparing import Finding, Thread, compare_fields, compare_thread
from migration_pipeline.target.comparing_articles import Article, compare_article, compare_collection
from migration_pipeline.target.loading import impressions, tickets
from migration_pipeline.target.loading.article_texts import meant
from migration_pipeline.target.loading.articles import without
from migration_pipeline.target.loading.cuts import as_begun
from migration_pipeline.target.loading.desk import by_name, json_of
from migration_pipeline.target.loading.slots import filled, parsed, volumes
from migration_pipeline.target.loading.threads import replies_of, seconds
from migration_pipeline.target.loading.work import Work
from migration_pipeline.target.messages import Reply, as_dated, naming_date, opener_as_reply, opener_text
from migration_pipeline.target.reading import File, Json
from migration_pipeline.target.rows import Row, count, rows
from migration_pipeline.target.rows import tickets as ticket_rows
from migration_pipeline.target.ticket_form import ticket_row
from migration_pipeline.target.ticket_rules import MODEL
from migration_pipeline.target.ticket_types import NO_TYPES, TicketTypes, read_ticket_types
from migration_pipeline.target.volumes import row_of
from migration_pipeline.target.workers import in_threads

MAX_FILE_BYTES: Final = 1_000_000_000
_WITH_TYPES: Final[Mapping[str, str]] = {
    "fields": f"SELECT count(*) FROM chosen WHERE model = '{MODEL}'",
    "tickets": "SELECT count(*) FROM chosen WHERE ticket_type IS NOT NULL",
}
"""Counts the records that ticket types have to be known for."""
_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "companies": ("company_id", "name", "remote_created_at", "website"),
    "contacts": ("external_id", "name", "email", "phone", "signed_up_at"),
}


@dataclass(frozen=True)
class Verified:
    """Fields that were compared, now or by an earlier verification of the same payload, and those that matched."""

    compared: int
    matched: int


@dataclass(frozen=True)
class _Reader:
    """What the comparisons of one entity type share."""

    entity_type: str
    staging: Staging
    journal: Journal
    client: IntercomClient
    listed: Mapping[str, Json]  # what the target lists, by id: for those that have no page of their own
    attributes: Mapping[str, ConversationAttribute]
    types: TicketTypes
    admin_id: str  # in whose name the files of contacts stand in tickets; '' where there are none
    addresses: NewAddresses | None = None  # of the help centre, where the entity type has to do with it


def verify(
    entity_type: str,
    staging: Staging,
    journal: Journal,
    client: IntercomClient,
    run: Run,
    help_center_id: str | None = None,
) -> Verified:
    """Compare every record that was migrated; the findings replace the stage `verification` of the entity type.

    A record whose fields all matched under the same payload is not read again. `help_center_id` is the help centre that
    the settings name, if any.

    Raises:
        AccessDenied, ServiceDown, RunStopped: the earlier findings stay as they were.
    """
    connection = staging.connect()
    _views(connection, entity_type, staging, journal)
    _, attributes, _ = by_name(client, "tickets") if entity_type == "tickets" else ({}, {}, {})
    (total,) = count(connection, "SELECT count(*) FROM chosen")
    addresses = new_addresses(client, journal, help_center_id) if total and entity_type == "articles" else None
    with_tickets = entity_type in _WITH_TYPES and count(connection, _WITH_TYPES[entity_type]) != (0,)
    with_tickets |= entity_type == "tickets" and any(True for _ in journal.undoing.live(("create_ticket",)))
    types = read_ticket_types(client) if with_tickets else NO_TYPES
    admin_id = str(client.me().get("id")) if with_tickets else ""
    listed = _listed(client, entity_type) | {f"{MODEL}:{one.id}": {"name": one.name} for one in types.by_name.values()}
    reader = _Reader(entity_type, staging, journal, client, listed, attributes, types, admin_id, addresses)
    done = 0

    def batches() -> Iterator[pa.RecordBatch]:
        nonlocal done
        kept: pa.RecordBatchReader = beside(connection).sql("FROM settled").to_arrow_reader(2048)
        yield from (batch.cast(VERIFICATION) for batch in kept)
        units = (
            ticket_rows(connection)
            if entity_type == "tickets"
            else ((row, ()) for row in rows(connection.sql("FROM chosen")))
        )
        for found in in_threads(units, lambda unit: _findings(reader, *unit), workers=client.settings.workers, run=run):
            done += 1
            run.progress("verify", entity_type, done, total)
            yield pa.RecordBatch.from_pylist(found, VERIFICATION)

    staging.tables.write("verification", entity_type, VERIFICATION, batches(), {"run_id": run.run_id})
    written = staging.tables.scan("verification", entity_type, VERIFICATION)
    compared, matched = count(connection, f"SELECT count(*), count(*) FILTER (matched) FROM {written}")
    return Verified(compared, matched)


def summary(staging: Staging, run_id: str | None = None) -> dict[str, list[dict[str, Any]]]:
    """Findings by entity type and field, and each mismatch; `run_id` narrows both to what that run wrote."""
    connection = staging.connect()
    tables = [staging.tables.scan("verification", name, VERIFICATION) for name in ENTITY_TYPES]
    columns = ", ".join(field.name for field in VERIFICATION)
    union = " UNION ALL ".join(f"SELECT {columns} FROM {table}" for table in tables)
    connection.execute(f"CREATE VIEW outcomes AS FROM {staging.tables.scan('outcomes', 'outcomes', OUTCOMES)}")
    scope = "" if run_id is None else "SEMI JOIN (FROM outcomes WHERE run_id = ?) USING (entity_type, source_id)"
    given = [] if run_id is None else [run_id]
    connection.execute(f"CREATE TABLE findings AS SELECT {columns} FROM ({union}) {scope}", given)
    fields = connection.sql(
        "SELECT entity_type, field, count(*) AS compared, count(*) FILTER (matched) AS matched "
        "FROM findings GROUP BY ALL ORDER BY ALL"
    )
    mismatches = connection.sql(
        "SELECT entity_type, source_id, target_id, field, expected, actual, reason "
        "FROM findings WHERE NOT matched ORDER BY ALL"
    )
    return {"fields": list(rows(fields)), "mismatches": list(rows(mismatches))}


def _views(connection: duckdb.DuckDBPyConnection, entity_type: str, staging: Staging, journal: Journal) -> None:
    """`settled`: findings that stand. `chosen`: the migrated records to read, with their payloads. `parts`."""
    tables = staging.tables
    arrived = pa.RecordBatchReader.from_batches(OUTCOMES, journal.records(entity_type, "migrated"))
    connection.register("arriving", arrived)
    connection.execute(
        "CREATE TABLE arrived AS SELECT source_id, target_id AS arrived_as, digest AS arrived_digest, "
        '"at" AS arrived_at, [loss.reason FOR loss IN losses] AS arrived_losses '
        "FROM arriving WHERE target_id IS NOT NULL"
    )
    connection.unregister("arriving")
    connection.execute(f"CREATE VIEW findings AS FROM {tables.scan('verification', entity_type, VERIFICATION)}")
    columns = ", ".join(f"findings.{field.name}" for field in VERIFICATION)
    connection.execute(
        "CREATE TABLE good AS SELECT source_id, target_id, digest FROM findings GROUP BY ALL HAVING bool_and(matched)"
    )
    connection.execute(
        f"CREATE VIEW settled AS SELECT {columns} FROM findings SEMI JOIN good USING (source_id, target_id, digest) "
        "SEMI JOIN arrived ON arrived.source_id = findings.source_id AND arrived_as = findings.target_id "
        "AND arrived_digest = findings.digest"
    )
    payload = tables.scan("payloads", entity_type, PAYLOADS[entity_type])
    connection.execute(
        f"CREATE VIEW chosen AS SELECT payload.*, arrived.* EXCLUDE source_id FROM {payload} AS payload "
        "JOIN arrived USING (source_id) ANTI JOIN good "
        "ON good.source_id = payload.source_id AND good.target_id = arrived_as AND good.digest = arrived_digest "
        "WHERE payload.skip IS NULL"
    )
    connection.execute(f"CREATE VIEW parts AS FROM {tables.scan('payloads', 'parts', PAYLOADS['parts'])}")


def _listed(client: IntercomClient, entity_type: str) -> dict[str, Json]:
    """What the target lists whole, by id."""
    lists: Mapping[str, Callable[[], Iterable[Json]]] = {
        "agents": client.admins,
        "teams": client.teams,
        "tags": client.tags,
        "fields": lambda: [
            *client.conversation_attributes(),
            *client.data_attributes("contact"),
            *client.data_attributes("company"),
        ],
    }
    return {str(row.get("id") or row.get("name")): row for row in lists.get(entity_type, list)()}


def _findings(reader: _Reader, row: Row, parts: tuple[Row, ...]) -> list[Row]:
    """The findings of one record, as rows of the table."""
    if row["digest"] != row["arrived_digest"]:
        found = [Finding("payload", False, row["arrived_digest"], row["digest"], "changed_since")]
    else:
        found = _COMPARE[reader.entity_type](reader, row, parts)
    return [
        {
            "entity_type": reader.entity_type,
            "source_id": row["source_id"],
            "target_id": row["arrived_as"],
            "digest": row["arrived_digest"],
            "field": each.field,
            "matched": each.matched,
            "expected": each.expected,
            "actual": each.actual,
            "reason": each.reason,
        }
        for each in found
    ]


def _listed_one(reader: _Reader, row: Row, parts: tuple[Row, ...]) -> list[Finding]:
    """Agents, teams, tags and fields: there, and, where we made them, under their name."""
    del parts
    # Ids of ticket types are numbers of their own.
    kind = f"{MODEL}:" if row.get("model") == MODEL else ""
    actual = reader.listed.get(f"{kind}{row['arrived_as']}")
    if actual is None:
        return comparing.missing()
    found = [Finding("exists", True)]
    if reader.entity_type in ("tags", "fields"):
        name, read = row["name"].casefold(), str(actual.get("name") or "").casefold()
        found.append(comparing.finding("name", name, read, row["arrived_losses"]))
    return found


def _company(reader: _Reader, row: Row, parts: tuple[Row, ...]) -> list[Finding]:
    del parts
    actual = reader.client.company(row["arrived_as"])
    if actual is None:
        return comparing.missing()
    body, losses = json_of(row["body"]), row["arrived_losses"]
    found = compare_fields(body, actual, _FIELDS["companies"], losses, body.get("custom_attributes"))
    return found + _described(reader, "company", row, lambda: reading.tags(actual))


def _contact(reader: _Reader, row: Row, parts: tuple[Row, ...]) -> list[Finding]:
    del parts
    actual = reader.client.contact(row["arrived_as"])
    if actual is None:
        return comparing.missing()
    body, losses = json_of(row["body"]), row["arrived_losses"]
    found = compare_fields(body, actual, _FIELDS["contacts"], losses, body.get("custom_attributes"))
    refs = row["company_refs"] or ()
    if refs:
        known = reader.journal.known("companies", refs)
        meant = {parent.target_id for parent in known.values() if parent.target_id}
        found.append(comparing.compare_companies(meant, reader.client.companies_of(row["arrived_as"]), losses))
    return found + _described(reader, "contact", row, lambda: reader.client.tags_of(row["arrived_as"]))


def _described(reader: _Reader, kind: str, row: Row, tags: Callable[[], Mapping[str, str]]) -> list[Finding]:
    """Tags and note of a contact or company, where it was meant to have any."""
    losses, found = row["arrived_losses"], []
    if row["tags"]:
        found.append(comparing.compare_tags(row["tags"], tags().values(), losses))
    if row["note"]:
        notes = [str(note.get("body") or "") for note in reader.client.notes_of(kind, row["arrived_as"])]
        found.append(comparing.compare_note(row["note"], notes, losses))
    return found


def _ticket(reader: _Reader, row: Row, parts: tuple[Row, ...]) -> list[Finding]:
    """The findings of a ticket, one for each field, over all the conversations that its thread takes."""
    work = Work("tickets", row["source_id"], reader.journal.operations("tickets", row["source_id"]))
    if tickets.is_ticket(work, row):
        return _intercom_ticket(reader, work, row, parts)
    made = volumes(work) or {1: row["arrived_as"]}
    refs = {row["requester_ref"], *(row["participant_refs"] or ()), *(p["contact_ref"] for p in parts)} - {None}
    contacts = reader.journal.known("contacts", refs)
    said = as_begun(work, row["opener_comment_ref"], parts)
    replies = _by_volume(work, made, replies_of(row, said, contacts))
    found = [
        _conversation(reader, work.of_volume(number), row, conversation, replies[number], contacts)
        for number, conversation in made.items()
    ]
    return comparing.together(found)


def _intercom_ticket(reader: _Reader, work: Work, row: Row, parts: tuple[Row, ...]) -> list[Finding]:
    """The findings of an Intercom ticket; what only the conversation of its id tells is read where it was meant."""
    ticket = reader.client.ticket(row["arrived_as"])
    opening = work.operations.get(work.key("create"))
    type_ = reader.types.of_id(str(opening.adapted.get("type"))) if opening else None
    if ticket is None or type_ is None or opening is None:
        return comparing.missing()
    row = ticket_row(row)
    said = tickets.parts_of(work, row, parts, reader.admin_id)
    refs = {row["requester_ref"], *(part["contact_ref"] for part in said)} - {None}
    contacts = reader.journal.known("contacts", refs)
    company = reader.journal.target_id("companies", row["company_ref"]) if row["company_ref"] else None
    told = reader.client.conversation(row["arrived_as"]) if row["tags"] or company else None
    state = reader.types.state(type_.id, row["ticket_state"])
    sent = filled(work)
    slots = {slot.removeprefix("part/"): one for slot, one in sent.items() if slot.startswith("part/")}
    requester = contacts.get(row["requester_ref"])
    values = tickets.attributes_of(type_, row)
    thread = Thread(
        requester=str(opening.adapted.get("contact") or (requester.target_id if requester else None)),
        opener=opener_text(row["opener"], opening.adapted),
        created_at=int(opening.adapted["created_at"]),
        replies=_as_dated(replies_of(row, said, contacts), slots),
        made={key: one.target_id for key, one in slots.items() if one.target_id},
        ours=frozenset(impressions.sent(work)),
        resent=frozenset(
            one.target_id
            for one in slots.values()
            if one.target_id and parsed(one.op_key.removeprefix(work.key("")))[1]
        ),
        title=row["title"],
        attributes=(values, values),
        tags=tuple(row["tags"] or ()),
        admin=row["admin_id"],
        team=row["team_id"],
        state=reading.ticket_state(state.id if state else None, open_=row["state"] != "closed"),
        participants=frozenset(),
        company=company,
        loaded_at=seconds(opening.finished_at or row["arrived_at"]),
    )
    losses = row["arrived_losses"]
    try:
        return compare_thread(thread, reading.of_ticket(ticket, told), losses, lambda file: _fetched(reader, file))
    except DownloadRefused:
        fresh = reading.of_ticket(reader.client.ticket(row["arrived_as"]) or {}, told)
        return compare_thread(thread, fresh, losses, lambda file: _fetched_or_not(reader, file))


def _by_volume(work: Work, made: Mapping[int, str], replies: Sequence[Reply]) -> dict[int, list[Reply]]:
    """Each message in the conversation that it was sent to; one that never was, in the last."""
    where = {slot: number for number in made for slot in filled(work.of_volume(number))}
    found: dict[int, list[Reply]] = {number: [] for number in made}
    for reply in replies:
        found[where.get(f"part/{reply.key}", max(made))].append(reply)
    return found


def _conversation(
    reader: _Reader, work: Work, row: Row, target_id: str, replies: list[Reply], contacts: dict[str, Known]
) -> list[Finding]:
    conversation = reader.client.conversation(target_id)
    if conversation is None:
        return comparing.missing()
    opening = work.operations.get(work.key("create"))
    at = opening.adapted.get("created_at") if opening else None
    first_at = dt.datetime.fromtimestamp(int(at) + 1, dt.UTC) if at is not None else None
    thread = _thread(reader, work, row_of(row, work.volume, first_at), replies, contacts)
    losses = row["arrived_losses"]
    try:
        return compare_thread(thread, conversation, losses, lambda file: _fetched(reader, file))
    except DownloadRefused:
        # Signed URLs expire; a long queue of files may outlive them. A fresh answer carries fresh ones.
        conversation = reader.client.conversation(target_id) or {}
        return compare_thread(thread, conversation, losses, lambda file: _fetched_or_not(reader, file))


def _thread(reader: _Reader, work: Work, row: Row, replies: list[Reply], contacts: dict[str, Known]) -> Thread:
    """What the conversation was meant to be, in the target's ids."""
    company = reader.journal.target_id("companies", row["company_ref"]) if row["company_ref"] else None
    sent = filled(work)
    made = {
        slot.removeprefix("part/"): operation.target_id
        for slot, operation in sent.items()
        if slot.startswith("part/") and operation.target_id
    }
    opening = sent.get("create")
    withdrawn = "redact/source" in sent
    labels: Json = {}
    ids: Json = {}
    for name_, value in json_of(row["attributes"]).items():
        attribute = reader.attributes.get(name_.casefold())
        options = {option.label: option.id for option in attribute.options} if attribute else {}
        spelled = attribute.name if attribute else name_
        labels[spelled], ids[spelled] = value, options.get(value, value) if isinstance(value, str) else value
    targets = {ref: known.target_id for ref, known in contacts.items()}
    requester, ref = str(targets.get(row["requester_ref"])), row["opener_comment_ref"]
    said_first = opening.adapted.get("comment") if opening else ref
    if ref is not None and (withdrawn or said_first != ref):
        here = opener_as_reply(requester, row["opener"], seconds(row["created_at"]), f"{ref}.0")
        replies.insert(0, here)
    stands = not withdrawn and ref is not None and said_first == ref
    kept_stub = ref is None and (withdrawn or said_first is not None or _other_stub(opening, row))
    opener = naming_date(row["opener"], opening.adapted) if opening else row["opener"]
    return Thread(
        requester=requester,
        opener=opener if stands or (not kept_stub and ref is None) else None,
        created_at=seconds(row["created_at"]),
        replies=_as_dated(replies, {slot.removeprefix("part/"): operation for slot, operation in sent.items()}),
        made=made,
        ours=frozenset(impressions.sent(work)),
        resent=frozenset(
            operation.target_id
            for operation in sent.values()
            if operation.target_id and parsed(operation.op_key.removeprefix(work.key("")))[1]
        ),
        title=row["title"],
        attributes=(labels, ids),
        tags=tuple(row["tags"] or ()),
        admin=row["admin_id"],
        team=row["team_id"],
        state=row["state"],
        participants=frozenset(t for ref in row["participant_refs"] or () if (t := targets.get(ref))),
        company=company,
        loaded_at=seconds(opening.finished_at if opening and opening.finished_at else row["arrived_at"]),
    )


def _as_dated(replies: Iterable[Reply], sent: Mapping[str, Operation]) -> tuple[Reply, ...]:
    """Messages with the date in their text where the target did not take it; `sent` are operations by key."""
    return tuple(as_dated(reply, sent[reply.key].adapted) if reply.key in sent else reply for reply in replies)


def _other_stub(opening: Operation | None, row: Row) -> bool:
    """Whether the line that opened the conversation was made of an earlier subject."""
    return opening is not None and opening.identity != plain_hash(opener_text(row["opener"], opening.adapted))


def _collection(reader: _Reader, row: Row, parts: tuple[Row, ...]) -> list[Finding]:
    del parts
    actual = reader.client.collection(row["arrived_as"])
    if actual is None:
        return comparing.missing()
    parent = reader.journal.target_id("collections", row["parent_ref"]) if row["parent_ref"] else None
    return compare_collection(json_of(row["body"]), parent, actual, row["arrived_losses"])


def _article(reader: _Reader, row: Row, parts: tuple[Row, ...]) -> list[Finding]:
    del parts
    actual = reader.client.article(row["kind"], row["arrived_as"])
    if actual is None or reader.addresses is None:
        return comparing.missing()
    parent = reader.journal.target_id("collections", row["collection_ref"]) if row["collection_ref"] else None
    made, _ = meant(row, reader.addresses, parent, public=True)
    work = Work("articles", row["source_id"], reader.journal.operations("articles", row["source_id"]))
    files = {file["url"]: file for file in row["files"] or ()}
    expected = Article(made, row["tags"] or (), files, frozenset(without(work)))
    return compare_article(expected, actual, row["arrived_losses"], lambda url: _picture(reader, url))


def _picture(reader: _Reader, url: str) -> str:
    """SHA-256 of a picture that the target shows, or why it cannot be had."""
    try:
        return _fetched(reader, File("", 0, url))[1]
    except (DownloadRefused, requests.RequestException) as error:
        return f"not fetched: {error}"


@tenacity.retry(
    retry=tenacity.retry_if_exception_type((requests.RequestException, ConnectionError)),
    stop=tenacity.stop_after_attempt(4),
    wait=tenacity.wait_exponential(0.2, max=5),
    reraise=True,
)
def _fetched(reader: _Reader, file: File) -> tuple[int, str]:
    """Size and SHA-256 of a file's bytes."""
    digest, size = hashlib.sha256(), 0
    for chunk in reader.client.file(file.url, MAX_FILE_BYTES):
        digest.update(chunk)
        size += len(chunk)
    return size, digest.hexdigest()


def _fetched_or_not(reader: _Reader, file: File) -> tuple[int, str]:
    """Size and SHA-256 of a file's bytes; what cannot be fetched matches nothing."""
    try:
        return _fetched(reader, file)
    except DownloadRefused as error:
        return 0, f"not fetched: {error}"


_COMPARE: Final[Mapping[str, Callable[[_Reader, Row, tuple[Row, ...]], list[Finding]]]] = {
    "agents": _listed_one,
    "teams": _listed_one,
    "fields": _listed_one,
    "tags": _listed_one,
    "companies": _company,
    "contacts": _contact,
    "collections": _collection,
    "articles": _article,
    "tickets": _ticket,
}
