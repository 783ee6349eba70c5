"""Carrying changes of companies and contacts: one call for what they are, one for each company that came or went.

Belongs here: which fields are sent, and what people's own changes mean for them. Does not belong here: the first load
(`people`), or request bodies (`steps`).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from migration_pipeline.journal import Outcome, Remembered
from migration_pipeline.target import steps
from migration_pipeline.target.canonical import same_value
from migration_pipeline.target.loading import impressions, people
from migration_pipeline.target.loading.desk import CONFLICTS, Desk, json_of
from migration_pipeline.target.loading.slots import filled, revised
from migration_pipeline.target.loading.work import StepRefused, Work
from migration_pipeline.target.rows import Row
from migration_pipeline.target.steps import Json, Step

CLEARED: Final = ("email", "phone", "name")
"""Fields of a contact that are emptied where the source no longer has them."""


def company(desk: Desk, work: Work, row: Row, known: Remembered) -> Outcome:
    """Bring a company up to date."""
    body = json_of(row["body"])
    people.known_attributes(desk, work, "company", body)
    actual = desk.client.company(str(known.target_id))
    reason = None if row["has_contacts"] else "company_without_contacts"
    if actual is None:
        return desk.migrated(work, row, known.target_id, "conflict_deleted")
    changed, conflict = _changes(desk, work, body, actual, known)
    seen = known.seen
    if changed:
        step = steps.upsert_company({"company_id": body["company_id"], **changed})
        seen = _performed(desk, work, step, "profile", known) or seen
    if conflict != "conflict_reported":
        _describe(desk, work, "company", str(known.target_id), row)
    return _told(desk, work, row, known, conflict or reason, seen)


def contact(desk: Desk, work: Work, row: Row, known: Remembered) -> Outcome:
    """Bring a contact and its companies up to date."""
    contact_id = str(known.target_id)
    companies = desk.parents("companies", row["company_refs"] or (), "company")
    body = json_of(row["body"])
    people.known_attributes(desk, work, "contact", body)
    actual = desk.client.contact(contact_id)
    if actual is None:
        return desk.migrated(work, row, contact_id, "conflict_deleted")
    adopted = any(o.code == "adopted" or o.kind == "claim_contact" for o in work.operations.values())
    if not adopted:
        body = {name: None for name in CLEARED if name in (known.seen or {})} | body
    changed, conflict = _changes(desk, work, body, actual, known)
    seen = known.seen
    if changed:
        seen = _performed(desk, work, steps.update_contact(contact_id, changed), "profile", known) or seen
    if conflict != "conflict_reported":
        _belong(desk, work, contact_id, {ref: parent.target_id for ref, parent in companies.items()})
        _describe(desk, work, "contact", contact_id, row)
    return _told(desk, work, row, known, conflict, seen)


def _belong(desk: Desk, work: Work, contact_id: str, wanted: Mapping[str, str | None]) -> None:
    """Attach companies that are new, and detach those that we attached and the source no longer names."""
    sent = filled(work)
    for ref, company_id in wanted.items():
        slot = f"company/{ref}"
        if company_id is None:
            work.losses.append(("reference_skipped", f"company {ref}"))
        elif slot not in sent or sent[slot].kind != "attach_company":
            _attempt(desk, work, steps.attach_company(contact_id, ref, company_id), slot)
    for slot, operation in sent.items():
        ref = slot.removeprefix("company/")
        if slot.startswith("company/") and operation.kind == "attach_company" and ref not in wanted:
            parent = desk.journal.known("companies", [ref]).get(ref)
            if parent is not None and parent.target_id is not None:
                _attempt(desk, work, steps.detach_company(contact_id, parent.target_id), slot)


def _describe(desk: Desk, work: Work, kind: str, object_id: str, row: Row) -> None:
    """Put on new tags, take off those that we put on and the source no longer has, and add a note of another text.

    A note stays where the source lost it or changed it: Intercom's API changes and deletes none.
    """
    sent = filled(work)
    wanted = {f"tag/{name}": name for name in row["tags"] or ()}
    for slot, name in wanted.items():
        if slot not in sent or sent[slot].kind.startswith("untag_"):
            _attempt(desk, work, people.tag_step(desk, kind, object_id, name), slot)
    for slot, operation in sent.items():
        name = slot.removeprefix("tag/")
        tag_id = desk.tags.get(name.casefold())
        if operation.kind == f"tag_{kind}" and slot not in wanted and tag_id is not None:
            off = steps.untag_contact(object_id, tag_id)
            _attempt(desk, work, off if kind == "contact" else steps.untag_company(object_id, name, tag_id), slot)
    if row["note"]:
        note = steps.add_note(kind, object_id, row["note"], desk.admin_id)
        same = "note" in sent and sent["note"].payload_hash == note.payload_hash
        if not same and not people.kept_note(desk, work, kind, object_id, row["note"]):
            _attempt(desk, work, note, "note")


def _attempt(desk: Desk, work: Work, step: Step, slot: str) -> None:
    try:
        desk.writer.perform(work, revised(work, step, slot))
    except StepRefused as refusal:
        work.refusals.append(str(refusal))


def _changes(
    desk: Desk, work: Work, body: Json, actual: Mapping[str, Any], known: Remembered
) -> tuple[Json, str | None]:
    """The fields to send, and the reason where people changed something too."""
    held = actual.get("custom_attributes") or {}
    differing = {
        name: value
        for name, value in body.items()
        if name not in ("custom_attributes", "role", "external_id", "company_id")
        and not same_value(value, actual.get(name))
    }
    ours = dict.fromkeys((known.seen or {}).get(impressions.ATTRIBUTES, {})) | (body.get("custom_attributes") or {})
    attributes = {name: value for name, value in ours.items() if not same_value(value, held.get(name))}
    touched = impressions.touched_fields(known.seen, actual)
    filled_in = impressions.touched_attributes(known.seen, actual) & attributes.keys()
    if desk.migration.options.conflicts == "keep_target":
        attributes = {name: value for name, value in attributes.items() if name not in filled_in}
    touched |= filled_in
    if attributes:
        differing["custom_attributes"] = attributes
    if not touched:
        return differing, None
    rule = desk.migration.options.conflicts
    work.notes.append(f"changed in Intercom: {', '.join(sorted(touched))}")
    if rule == "report_only":
        return {}, CONFLICTS[rule]
    if rule == "keep_target":
        differing = {name: value for name, value in differing.items() if name not in touched}
        work.losses.append((CONFLICTS[rule], ", ".join(sorted(touched))))
    return differing, CONFLICTS[rule]


def _performed(desk: Desk, work: Work, step: Step, slot: str, known: Remembered) -> Json | None:
    """Perform an update; the new impression, which keeps what people changed as it was."""
    try:
        desk.writer.perform(work, revised(work, step, slot))
    except StepRefused as refusal:
        work.refusals.append(str(refusal))
        return None
    answer = work.answers.get(step.kind)
    if known.seen is None or not answer:
        return None
    sent = step.payload.get("custom_attributes") or {}
    now = impressions.of_fields(answer, known.seen, sent) or {}
    kept = {n: v for n, v in known.seen.get(impressions.ATTRIBUTES, {}).items() if n not in sent}
    fields = {name: now[name] if name in step.payload else value for name, value in known.seen.items()}
    return fields | {impressions.ATTRIBUTES: kept | now[impressions.ATTRIBUTES]}


def _told(
    desk: Desk, work: Work, row: Row, known: Remembered, reason: str | None, seen: Mapping[str, Any] | None
) -> Outcome:
    if work.refusals:
        work.notes.extend(work.refusals)
        work.refusals.clear()
        told = desk.migrated(work, row, known.target_id, "update_failed", seen=known.seen)
        return replace(told, digest=known.digest)
    return desk.migrated(work, row, known.target_id, reason, seen=seen)
