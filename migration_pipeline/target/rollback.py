"""Taking back what runs made in the target, and leaving what people touched since or what something else still uses.

Belongs here: what is removed, in which order, and what is spared with which reason. Does not belong here: how one call
is sent exactly once (`writer`), how a lost answer is cleared up (`reconcile`), or the journal's own rows (`journal`).

Order: articles, collections, conversations, contacts, companies, tags; within each the newest first. Conversations are
deleted with `retain_metrics=true`, the form that needs no scope of its own. Contacts are archived: an id outside of
Intercom stays taken for a week after a deletion, while an archived contact can be brought back. Attributes stay: an
archived name cannot be told from a free one, and Intercom does not say what else uses it.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final

import pyarrow as pa

from migration_pipeline.config import Migration
from migration_pipeline.journal import Journal, Operation, Spared, State
from migration_pipeline.model.entities import ENTITY_TYPES
from migration_pipeline.model.errors import SettingsError
from migration_pipeline.model.outcomes import OUTCOMES, VERIFICATION
from migration_pipeline.model.run import Run
from migration_pipeline.staging import Staging
from migration_pipeline.target import reading, steps, ticket_steps
from migration_pipeline.target.article_steps import delete_article, delete_collection, delete_redirect
from migration_pipeline.target.canonical import short_hash
from migration_pipeline.target.client import IntercomClient
from migration_pipeline.target.loading.slots import parsed
from migration_pipeline.target.loading.work import StepRefused, StepUnclear, Work
from migration_pipeline.target.messages import recognize
from migration_pipeline.target.steps import Json, Step
from migration_pipeline.target.workers import in_threads
from migration_pipeline.target.writer import Patience, Writer

_log = logging.getLogger(__name__)

REASONS: Final[Mapping[str, str]] = {
    "touched_since": "People wrote in it or changed it after the migration left it.",
    "in_use": "Something that stays in Intercom still uses it.",
    "there_before": "Intercom had it before the migration did; the migration only adopted it.",
    "definition_kept": "Attributes stay: Intercom can only archive them, and does not say what else uses them.",
    "change_kept": "The run changed what another run had made: it stays as the source has it.",
    "rejected_by_target": "Intercom refused to remove it.",
    "target_unclear": "Intercom gave no usable answer; roll the run back again.",
}
"""Why a record is spared."""

MADE: Final[Mapping[str, tuple[str, ...]]] = {
    "articles": ("create_article", "create_internal_article"),
    "collections": ("create_collection",),
    "tickets": ("create_conversation", "create_ticket"),
    "contacts": ("create_contact",),
    "companies": ("upsert_company",),
    "tags": ("create_tag",),
    "fields": ("create_conversation_attribute", "create_data_attribute", "create_ticket_type"),
}
"""Kinds of calls that make a record, in the order in which records are removed."""

_SPEAKING: Final = ("create_conversation", "create_ticket", "reply", "add_participant")
"""Kinds of calls that bind a conversation to contacts."""

SLACK_SECONDS: Final = 2
"""Clocks show whole seconds, and some answers do not tell the service's time."""


@dataclass(frozen=True)
class RolledBack:
    """What was removed, by entity type, and what was left, with the reason."""

    removed: Mapping[str, int]
    spared: tuple[Spared, ...]


@dataclass(frozen=True)
class _Scene:
    """What all records of a roll-back share."""

    client: IntercomClient
    journal: Journal
    writer: Writer
    source_kind: str
    last_use: Mapping[str, datetime]  # when we last wrote in the name of a contact (target id), or of a company (ref)
    used: dict[str, int] = field(default_factory=dict)  # contacts (target id) by conversations of ours that stay
    tags: dict[str, str] = field(default_factory=dict)  # names by id, as they are now
    redirects: dict[str, dict[str, str]] = field(default_factory=dict)  # by help centre: what each leads to, by id


def require_known(journal: Journal, run_id: str) -> None:
    """Check that the journal knows the run that is to be taken back.

    Raises:
        SettingsError: it does not.
    """
    if run_id not in {run.run_id for run in journal.runs()}:
        raise SettingsError(
            f"No run {run_id} has written to this workspace; the journal's runs: "
            + (", ".join(f"{run.run_id} ({run.mode})" for run in journal.runs()[-5:]) or "none")
            + "."
        )


def roll_back(
    run_ids: Sequence[str],
    staging: Staging,
    journal: Journal,
    client: IntercomClient,
    migration: Migration,
    run: Run,
    *,
    patience: Patience | None = None,
) -> RolledBack:
    """Remove what `run_ids` made in the target. Calling it again goes on where the last call was cut.

    The journal has begun `run`, in whose name the removals stand. Afterwards the journal lets a later run make the
    records again; outcomes and findings of what is gone are dropped.

    Raises:
        RefusedByGate: the target is another workspace than the settings name; nothing was removed.
        AccessDenied, ServiceDown, RunStopped: the roll-back ends; the next one goes on.
    """
    client.require_workspace()
    for entity_type in MADE:
        journal.restart(entity_type)
    patience = patience or Patience(
        search=migration.target.search_wait_s, direct=min(3.0, migration.target.search_wait_s)
    )
    scene = _Scene(
        client=client,
        journal=journal,
        writer=Writer(client, journal, run, patience),
        source_kind=migration.source.kind,
        last_use=_last_use(journal),
    )
    removed: Counter[str] = Counter()
    spared: list[Spared] = []
    for entity_type, remove in _REMOVERS.items():
        if entity_type == "contacts":
            scene.used.update(_used(journal))
        if entity_type == "tags":
            scene.tags.update({str(row.get("id")): str(row.get("name")) for row in client.tags()})
        made = list(filter(_first_made, journal.undoing.live(MADE[entity_type], run_ids)))
        # Collections stand in each other: the newest go first, one after the other.
        workers = 1 if entity_type == "collections" else migration.target.workers
        results = in_threads(made, partial(_one, scene, remove), workers=workers, run=run)
        for done, left in enumerate(results, 1):
            run.progress("rollback", entity_type, done, len(made))
            if isinstance(left, Spared):
                spared.append(left)
            elif left:
                removed[entity_type] += 1
    spared += _changes_kept(journal, run_ids, {(left.entity_type, left.source_id) for left in spared})
    _drop_outcomes(journal, run_ids)
    _drop_findings(staging, journal)
    return RolledBack(
        {name: removed[name] for name in MADE if removed[name]},
        tuple(sorted(spared, key=lambda left: (ENTITY_TYPES.index(left.entity_type), left.source_id))),
    )


def _first_made(operation: Operation) -> bool:
    """Whether an operation made the record itself, and neither a further conversation nor a later form of a company."""
    name = operation.op_key.removeprefix(f"{operation.entity_type}/{operation.source_id}/")
    if operation.entity_type == "companies":
        return parsed(name)[1] == 0
    return operation.entity_type != "tickets" or name == "create"


def _all_made(first: Operation, work: Work) -> list[Operation]:
    """All that was made of a record, the newest first: a long ticket is several conversations."""
    further = [
        op
        for op in work.operations.values()
        if first.entity_type == "tickets"
        and op.kind == first.kind
        and op.op_key != first.op_key
        and op.state in (State.INTENT, State.IN_DOUBT, State.DONE)
    ]
    return [*sorted(further, key=lambda op: op.op_key, reverse=True), first]


def _one(
    scene: _Scene, remove: Callable[[_Scene, Work, Operation], Step | str | None], first: Operation
) -> Spared | bool:
    """Remove what was made of one record, all or nothing.

    True where it is gone, False where there was nothing, or why it was spared.
    """
    work = Work(first.entity_type, first.source_id, scene.journal.operations(first.entity_type, first.source_id))
    undoing = scene.journal.undoing
    target_id = first.target_id
    try:
        known = [scene.writer.look_up(work, _as_sent(scene, one)) for one in _all_made(first, work)]
        settled = [one for one in known if one is not None and one.state is State.DONE]
        if not settled:
            undoing.gone(first.entity_type, first.source_id)  # it was never made
            return False
        target_id = settled[-1].target_id
        begun = any(_is_removal(op, one) for op in work.operations.values() for one in settled)
        removal = _REMOVALS.get(first.entity_type)
        removals: list[Step] = []
        for one in settled:
            decided = removal(one) if begun and removal else remove(scene, work, one)
            if isinstance(decided, str):
                return _spare(scene, first, target_id, decided)
            if decided is not None:
                removals.append(decided)
        for step in removals:
            scene.writer.perform(work, step)
        removals += _led_nowhere(scene, work, str(target_id))
        undoing.gone(first.entity_type, first.source_id, [work.key(step.name) for step in removals])
    except StepRefused as refusal:
        in_use = first.entity_type == "tags" and refusal.status == 400
        return _spare(scene, first, target_id, "in_use" if in_use else "rejected_by_target", str(refusal))
    except StepUnclear as unclear:
        return _spare(scene, first, target_id, "target_unclear", str(unclear))
    return True


def _led_nowhere(scene: _Scene, work: Work, target_id: str) -> list[Step]:
    """Delete the redirects that the migration made to an article that is gone; the steps that did."""
    done = []
    for op in [op for op in work.operations.values() if op.kind == "create_redirect" and op.state is State.DONE]:
        center, redirect = str(op.target_object), str(op.target_id)
        if center not in scene.redirects:
            told = scene.client.redirects(center)
            scene.redirects[center] = {str(row["id"]): str(row.get("target_id")) for row in told}
        step = delete_redirect(center, redirect, f"redirect-{mark(op)}")
        earlier = work.operations.get(work.key(step.name))  # of a roll-back that was cut
        begun = earlier is not None and earlier.state in (State.IN_DOUBT, State.DONE)
        if not begun and (op.code or scene.redirects[center].get(redirect) != target_id):
            continue  # it was there before the migration, or leads elsewhere by now
        try:
            scene.writer.perform(work, step)
            done.append(step)
        except StepRefused as refusal:
            _log.info("a redirect to article %s stays: %s", work.source_id, refusal)
    return done


def _changes_kept(journal: Journal, run_ids: Sequence[str], told: set[tuple[str, str]]) -> list[Spared]:
    """Records that other runs made and these changed, but for those that were `told` of already.

    Nothing of it is undone: messages could only be made unreadable, participants could not be removed at all, and a
    record that is half as before is as nobody ever had it.
    """
    changed: dict[tuple[str, str], list[str]] = {}
    for entity_type, source_id, kind, calls in journal.undoing.changes(run_ids):
        changed.setdefault((entity_type, source_id), []).append(f"{calls} {kind}")
    kept = [
        Spared(
            entity_type,
            source_id,
            journal.target_id(entity_type, source_id),
            "definition_kept" if entity_type == "fields" else "change_kept",
            ", ".join(kinds),
        )
        for (entity_type, source_id), kinds in changed.items()
        if (entity_type, source_id) not in told
    ]
    for left in kept:
        journal.undoing.spare(left)
    return kept


def _spare(scene: _Scene, made: Operation, target_id: str | None, reason: str, detail: str = "") -> Spared:
    left = Spared(made.entity_type, made.source_id, target_id, reason, detail)
    scene.journal.undoing.spare(left)
    return left


def _is_removal(operation: Operation, made: Operation) -> bool:
    """Whether an earlier, cut roll-back has already decided to remove what was made."""
    sent = operation.state in (State.IN_DOUBT, State.DONE)
    return sent and operation.op_key == f"{made.entity_type}/{made.source_id}/undo/{mark(made)}"


def _as_sent(scene: _Scene, made: Operation) -> Step:
    """The call that made a record, with as much as it takes to recognize what it made."""
    name = made.op_key.removeprefix(f"{made.entity_type}/{made.source_id}/")
    origin = f"{scene.source_kind}:{made.source_id}"
    payload: Mapping[str, Json] = {
        "contacts": {"external_id": origin},
        "companies": {"company_id": origin},
        "tags": {"name": made.source_id},
        "fields": {"name": "", "model": "contact"},  # attributes are not removed, so they need not be found
    }
    method, _, route = made.route.partition(" ")
    return Step(name, made.kind, method, route, payload.get(made.entity_type, {}))


# What is removed, and what is not: a step that removes it, the reason to spare it, or None where it is gone already


def _ticket(scene: _Scene, work: Work, made: Operation) -> Step | str | None:
    if made.kind == "create_ticket":
        return _intercom_ticket(scene, work, made)
    conversation = scene.client.conversation(str(made.target_id))
    if conversation is None:
        return None
    return "touched_since" if _touched(conversation, work) else _REMOVALS["tickets"](made)


def _intercom_ticket(scene: _Scene, work: Work, made: Operation) -> Step | str | None:
    """A ticket is touched where it holds somebody's message, or changed after our last call to it.

    Its silent parts do not tell: whoever sets a state by the API leaves parts of the bot.
    """
    ticket = scene.client.ticket(str(made.target_id))
    if ticket is None:
        return None
    touched = _foreign(reading.of_ticket(ticket, None), work) or _changed(ticket, work.operations.values(), None)
    return "touched_since" if touched else _REMOVALS["tickets"](made)


def _contact(scene: _Scene, work: Work, made: Operation) -> Step | str | None:
    contact_id = str(made.target_id)
    brought_back = any(op.kind == "unarchive_contact" and op.state is State.DONE for op in work.operations.values())
    if made.code == "adopted" and made.attempts == 1 and not brought_back:
        return "there_before"
    if any(op.kind == "claim_contact" and op.state is State.DONE for op in work.operations.values()):
        return "there_before"
    found = scene.client.contact(contact_id)
    if found is None:
        return None
    if scene.used.get(contact_id) or scene.client.has_conversations(contact_id):
        return "in_use"
    if _changed(found, work.operations.values(), scene.last_use.get(contact_id)):
        return "touched_since"
    return _REMOVALS["contacts"](made)


def _company(scene: _Scene, work: Work, made: Operation) -> Step | str | None:
    found = scene.client.company(str(made.target_id))
    if found is None:
        return None
    if scene.client.has_contacts(str(made.target_id)):
        return "in_use"
    if _changed(found, work.operations.values(), scene.last_use.get(f"company/{made.source_id}")):
        return "touched_since"
    return _REMOVALS["companies"](made)


def _tag(scene: _Scene, work: Work, made: Operation) -> Step | str | None:
    del work
    name = scene.tags.get(str(made.target_id))
    if name is None:
        return None
    return _REMOVALS["tags"](made) if short_hash({"name": name}) == made.payload_hash else "touched_since"


def _field(scene: _Scene, work: Work, made: Operation) -> Step | str | None:
    del scene, work, made
    return "definition_kept"


def mark(made: Operation) -> str:
    """What tells one removal from another one of the same record, made and removed again."""
    return short_hash([made.run_id, made.target_id, made.attempts])


def _article(scene: _Scene, work: Work, made: Operation) -> Step | str | None:
    found = scene.client.article(made.kind.removeprefix("create_"), str(made.target_id))
    if found is None:
        return None
    return "touched_since" if _changed(found, work.operations.values(), None) else _REMOVALS["articles"](made)


def _collection(scene: _Scene, work: Work, made: Operation) -> Step | str | None:
    collection_id = str(made.target_id)
    found = scene.client.collection(collection_id)
    if found is None:
        return None
    inside = (*scene.client.articles("article"), *scene.client.collections())
    if any(str(row.get("parent_id") or "") == collection_id for row in inside):
        return "in_use"
    return "touched_since" if _changed(found, work.operations.values(), None) else _REMOVALS["collections"](made)


_REMOVERS: Final[Mapping[str, Callable[[_Scene, Work, Operation], Step | str | None]]] = {
    "articles": _article,
    "collections": _collection,
    "tickets": _ticket,
    "contacts": _contact,
    "companies": _company,
    "tags": _tag,
    "fields": _field,
}
_DELETIONS: Final[Mapping[str, Callable[[str, str], Step]]] = {
    "create_conversation": steps.delete_conversation,
    "create_ticket": ticket_steps.delete,
}
_REMOVALS: Final[Mapping[str, Callable[[Operation], Step]]] = {
    "articles": lambda made: delete_article(made.kind.removeprefix("create_"), str(made.target_id), mark(made)),
    "collections": lambda made: delete_collection(str(made.target_id), mark(made)),
    "tickets": lambda made: _DELETIONS[made.kind](str(made.target_id), mark(made)),
    "contacts": lambda made: steps.archive_contact(str(made.target_id), mark(made)),
    "companies": lambda made: steps.delete_company(str(made.target_id), mark(made)),
    "tags": lambda made: steps.delete_tag(str(made.target_id), mark(made)),
}


# What people did since


def _touched(conversation: Json, work: Work) -> bool:
    """Whether a conversation holds, or may hold, something that is not ours.

    Three signs: a message that no call of ours made; a silent part (an assignment, a change of state) by a person
    beyond those that our calls made; a time of change after our last call. What Intercom does by itself, as waking a
    snoozed conversation, is none of them.
    """
    if _foreign(conversation, work):
        return True
    silent = [part for part in _parts(conversation) if not part.get("body") and not part.get("attachments")]
    by_people = [part for part in silent if _author(part) != "bot"]
    managing = ("POST /conversations/{id}/parts", "POST /conversations/{id}/customers")
    if len(by_people) > sum(op.attempts for op in work.operations.values() if op.route in managing):
        return True
    by_itself = [
        int(part.get("created_at") or 0)
        for part in silent
        if _author(part) == "bot" and "attribute" not in str(part.get("part_type"))
    ]
    return _changed(conversation, work.operations.values(), None, by_itself)


def _foreign(conversation: Json, work: Work) -> bool:
    """Whether a thread holds a message that no call of ours made."""
    ours = {op.target_id or "" for op in work.operations.values() if op.kind == "reply"} - {""}
    messages = list(reading.messages(conversation))
    for op in work.operations.values():
        if op.kind == "reply" and op.identity and op.target_id is None and op.state in (State.DONE, State.IN_DOUBT):
            found = recognize(messages, op.identity, frozenset(ours), others_known=True)
            ours |= {found.id} if found else set()
    return any(message.id not in ours and not message.author.startswith("bot:") for message in messages)


def _changed(
    found: Json, operations: Iterable[Operation], last_use: datetime | None, by_itself: Sequence[int] = ()
) -> bool:
    """Whether an object changed after our last call to it, by the service's own clock.

    The last call whose answer told that clock's time is the anchor; later calls are as much later as our clock says.
    """
    updated = found.get("updated_at")
    sent = [op for op in operations if op.finished_at is not None and not op.kind.startswith("undo_")]
    if not isinstance(updated, int) or not sent:
        return False
    told = [op for op in sent if op.answered_at is not None]
    anchor = max(told, key=lambda op: (op.answered_at or 0, op.finished_at), default=None)
    last = max(filter(None, [*(op.finished_at for op in sent), last_use]))
    if anchor is None or anchor.finished_at is None or anchor.answered_at is None:
        known = last.timestamp()
    else:
        known = anchor.answered_at + max((last - anchor.finished_at).total_seconds(), 0.0)
    return updated > max([known + SLACK_SECONDS, *by_itself])


def _parts(conversation: Json) -> list[Json]:
    rows = (conversation.get("conversation_parts") or {}).get("conversation_parts") or []
    return [row for row in rows if isinstance(row, dict)]


def _author(part: Json) -> str:
    return str((part.get("author") or {}).get("type") or "")


# Who uses what


def _speakers(journal: Journal) -> Iterator[tuple[str, Operation]]:
    """Contacts (target ids) that conversations of ours are bound to, and by which operation."""
    for op in journal.undoing.live(_SPEAKING):
        if op.kind in MADE["tickets"]:
            yield str(op.adapted.get("contact")), op
        elif op.kind == "reply" and op.identity:
            author = op.identity.split("|")[1]
            if author.startswith("contact:"):
                yield author.removeprefix("contact:"), op
        elif op.kind == "add_participant":
            ref = op.op_key.partition("/participant/")[2]
            known = journal.target_id("contacts", ref)
            yield known or ref.removeprefix("contact:"), op


def _used(journal: Journal) -> Counter[str]:
    return Counter(contact for contact, _ in _speakers(journal))


def _last_use(journal: Journal) -> dict[str, datetime]:
    """When we last wrote in the name of each contact, or let a contact belong to each company."""
    last: dict[str, datetime] = {}
    attached = ((f"company/{op.op_key.rsplit('/', 1)[1]}", op) for op in journal.undoing.live(("attach_company",)))
    for name, op in (*_speakers(journal), *attached):
        at = op.finished_at or op.started_at
        last[name] = max(last.get(name, at), at)
    return last


# What follows in the tables


def _drop_outcomes(journal: Journal, run_ids: Sequence[str]) -> None:
    """Let go of outcomes that the runs told.

    What was only matched (agents, teams, attributes and tags that were there) stays known while anything that was
    migrated is left, because that may rest on it.
    """
    written: tuple[str, ...] = ("articles", "collections", "tickets", "contacts", "companies")
    for entity_type in written:
        journal.undoing.drop_outcomes(entity_type, run_ids)
    if not any(batch.num_rows for name in written for batch in journal.records(name, "migrated")):
        for entity_type in ("agents", "teams", "fields", "tags"):
            journal.undoing.drop_outcomes(entity_type, run_ids)


def _drop_findings(staging: Staging, journal: Journal) -> None:
    """Take the findings of the verification away that speak of what is gone."""
    for entity_type in ENTITY_TYPES:
        built_from = staging.tables.built_from("verification", entity_type)
        if built_from is None:
            continue
        with staging.connect() as connection:
            arrived = pa.RecordBatchReader.from_batches(OUTCOMES, journal.records(entity_type, "migrated"))
            connection.register("arriving", arrived)
            connection.execute("CREATE TABLE arrived AS SELECT source_id, target_id FROM arriving")
            findings = staging.tables.scan("verification", entity_type, VERIFICATION)
            query = f"SELECT findings.* FROM {findings} AS findings SEMI JOIN arrived USING (source_id, target_id)"
            staging.tables.write_query("verification", entity_type, VERIFICATION, connection, query, built_from)
