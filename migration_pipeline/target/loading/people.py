"""Loading companies and contacts, and the rules for contacts that the workspace already has.

Belongs here: one function per record type. Does not belong here: request bodies (`steps`).
"""

import re
from typing import Final

from migration_pipeline.journal import Outcome
from migration_pipeline.target import steps
from migration_pipeline.target.canonical import body_hash
from migration_pipeline.target.loading import impressions
from migration_pipeline.target.loading.desk import Desk, json_of
from migration_pipeline.target.loading.work import ParentMissing, StepRefused, Work
from migration_pipeline.target.rows import Row
from migration_pipeline.target.steps import Json

COMPANY_FIELDS: Final = ("name", "website")
CONTACT_FIELDS: Final = ("name", "email", "phone")
"""What people may change in the target, and a later change of the source meets."""

_CONFLICTING: Final = re.compile(r"id=(\w+)")
"""A conflict names the contact that is in the way: "… already exists with id=5ba682d23d7cf92bef87bfd4"."""


def company(desk: Desk, work: Work, row: Row) -> Outcome:
    """A company, which Intercom hides until a contact belongs to it."""
    body = json_of(row["body"])
    known_attributes(desk, work, "company", body)
    try:
        company_id = desk.writer.perform(work, steps.upsert_company(body))
    except StepRefused as refusal:
        return desk.failed(work, row, "rejected_by_target", str(refusal))
    described(desk, work, "company", str(company_id), row)
    reason = None if row["has_contacts"] else "company_without_contacts"
    sent = body.get("custom_attributes") or {}
    seen = impressions.of_fields(work.answers.get("upsert_company"), COMPANY_FIELDS, sent)
    return desk.migrated(work, row, company_id, reason, seen=seen)


def contact(desk: Desk, work: Work, row: Row) -> Outcome:
    """A contact with its companies."""
    companies = desk.parents("companies", row["company_refs"] or (), "company")
    body = json_of(row["body"])
    known_attributes(desk, work, "contact", body)
    create = steps.create_contact(body)
    try:
        contact_id = desk.writer.perform(work, create)
    except StepRefused as refusal:
        try:
            contact_id = _existing(desk, work, create, refusal) if refusal.status == 409 else None
        except StepRefused as another:
            refusal = another
            contact_id = None
        if contact_id is None:
            return desk.failed(work, row, "rejected_by_target", str(refusal))
    for ref, parent in companies.items():
        if parent.target_id is None:
            work.losses.append(("reference_skipped", f"company {ref} ({parent.reason})"))
            continue
        try:
            desk.writer.perform(work, steps.attach_company(str(contact_id), ref, parent.target_id))
        except StepRefused as refusal:
            work.refusals.append(str(refusal))
    described(desk, work, "contact", str(contact_id), row)
    sent = body.get("custom_attributes") or {}
    seen = impressions.of_fields(work.answers.get("create_contact"), CONTACT_FIELDS, sent)
    return desk.migrated(work, row, contact_id, seen=seen)


def _existing(desk: Desk, work: Work, create: steps.Step, refusal: StepRefused) -> str | None:
    """The contact that is in the way, once it is ours; None where it belongs to somebody else.

    Raises:
        StepRefused: it cannot be brought back, or not be given our external id.
    """
    named = _CONFLICTING.search(refusal.message)
    if named is None:
        return None
    contact_id = named[1]
    if "archived" in refusal.message.lower():
        desk.writer.perform(work, steps.unarchive_contact(contact_id))
    found = desk.client.contact(contact_id)
    archived = "archived" in refusal.message.lower()
    if found is None:
        return None
    ours = str(create.payload["external_id"])
    claim = steps.claim_contact(contact_id, ours)
    # The external id of a lead is Intercom's own invention.
    free = not found.get("external_id") or found.get("role") == "lead"
    if free or work.key(claim.name) in work.operations:
        desk.writer.perform(work, claim)
    elif found.get("external_id") != ours:
        return None
    if archived:
        # It looks as an earlier run left it, which may have had other settings.
        sent = create.request(work.operations[work.key(create.name)].adapted)
        desk.writer.perform(work, steps.refresh_contact(contact_id, sent, found))
    desk.writer.adopt(work, create, contact_id)
    return contact_id


def described(desk: Desk, work: Work, kind: str, object_id: str, row: Row) -> None:
    """Put its tags and its note on a contact or company that is there."""
    wanted = [tag_step(desk, kind, object_id, name) for name in row["tags"] or ()]
    if row["note"] and not kept_note(desk, work, kind, object_id, row["note"]):
        wanted.append(steps.add_note(kind, object_id, row["note"], desk.admin_id))
    for step in wanted:
        try:
            desk.writer.perform(work, step)
        except StepRefused as refusal:
            work.refusals.append(str(refusal))


def kept_note(desk: Desk, work: Work, kind: str, object_id: str, html: str) -> bool:
    """Whether a contact that was brought back still has the note: archiving takes none away."""
    if not any(operation.kind == "unarchive_contact" for operation in work.operations.values()):
        return False
    return body_hash(html) in {body_hash(note.get("body")) for note in desk.client.notes_of(kind, object_id)}


def tag_step(desk: Desk, kind: str, object_id: str, name: str) -> steps.Step:
    """The call that puts a tag on a contact or company.

    Raises:
        ParentMissing: the tag did not arrive.
    """
    tag_id = desk.tags.get(name.casefold())
    if tag_id is None:
        raise ParentMissing(f"tag {name} was not loaded yet")
    step = steps.tag_contact if kind == "contact" else steps.tag_company
    return step(object_id, name, tag_id)


def known_attributes(desk: Desk, work: Work, model: str, body: Json) -> None:
    """Leave out values that the workspace's attributes do not take: they would cost the whole record."""
    attributes = body.get("custom_attributes") or {}
    for name, value in list(attributes.items()):
        there = desk.data_attributes.get((model, name.casefold()))
        if there is None:
            del attributes[name]
            work.losses.append(("value_dropped", f"{name} is no attribute of the workspace"))
        elif there.data_type == "list" and value not in there.options:
            del attributes[name]
            work.losses.append(("value_dropped", f"{value} is no option of the workspace's attribute {there.name}"))
        elif there.name != name:
            attributes[there.name] = attributes.pop(name)
