"""Carrying a ticket's changes into its Intercom ticket: what differs from what it holds, and nothing else.

Belongs here: what a ticket has otherwise than a conversation: description, values, state and assignees are set by
updates of the ticket. Does not belong here: messages and people's own changes (`changed_threads`).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from migration_pipeline.journal import Outcome, Remembered
from migration_pipeline.target import reading, ticket_steps
from migration_pipeline.target.canonical import body_hash, plain_hash, same_value
from migration_pipeline.target.loading import changed_threads, impressions, tickets
from migration_pipeline.target.loading.changed_threads import NOBODY, Changing
from migration_pipeline.target.loading.desk import Desk
from migration_pipeline.target.loading.tickets import Meant
from migration_pipeline.target.loading.work import Work
from migration_pipeline.target.messages import opener_text
from migration_pipeline.target.rows import Row
from migration_pipeline.target.steps import Json
from migration_pipeline.target.ticket_form import source_name
from migration_pipeline.target.ticket_rules import copied_attribute


def change(desk: Desk, work: Work, row: Row, parts: Iterable[Row], known: Remembered) -> Outcome:
    """Bring an Intercom ticket up to date; what became of it.

    Raises:
        ParentMissing, StepUnclear.
    """
    ticket_id = str(known.target_id)
    before = tickets.read(desk, ticket_id)
    if before is None:
        return desk.migrated(work, row, ticket_id, "conflict_deleted")
    rule = desk.migration.options.conflicts
    touched = impressions.touched(known.seen, before, work)
    if touched and rule == "report_only":
        work.notes.append(f"changed in Intercom: {', '.join(sorted(touched))}")
        return desk.migrated(work, row, ticket_id, "conflict_reported")
    meant = tickets.meant(desk, work, row, parts)
    ticket = Changing(
        desk=desk,
        work=work,
        row=row,
        contacts=meant.contacts,
        id=ticket_id,
        before=before,
        present={str(one.target_id) for one in meant.contacts.values()},
        labels={**meant.attributes, reading.DESCRIPTION: meant.row["opener"]},
        reply=lambda said, not_before, undated: tickets.reply_step(desk, ticket_id, said, not_before, undated),
        read=lambda: tickets.read(desk, ticket_id),
    )
    opening = work.operations[work.key("create")]
    if meant.requester != opening.adapted["contact"]:
        ticket.lost("requester_changed", f"now contact {row['requester_ref']}")
    changed_threads.say(ticket, list(meant.replies))
    keep = bool(touched) and rule == "keep_target"
    if not keep:
        changed_threads.tag(ticket, meant.tags, ticket_steps.tag, ticket_steps.untag)
        _describe(ticket, meant, opener_text(meant.row["opener"], opening.adapted), known.seen)
        _assign(ticket, meant, known.seen)
    _leave(ticket, reading.state(before) if keep else meant.state)
    return changed_threads.outcome([ticket], [], touched, known, keep=keep)


def _describe(ticket: Changing, meant: Meant, text: str, seen: Mapping[str, Any] | None) -> None:
    """Title, description, company and attributes that differ, in one call."""
    before = ticket.before
    actual = reading.attributes(before)
    values: Json = {name: value for name, value in meant.attributes.items() if not same_value(value, actual.get(name))}
    ours = (seen or {}).get(impressions.ATTRIBUTES, {})
    # By rules that make a conversation of it, nobody says who is in copy.
    unknown = copied_attribute(source_name(meant.row)) if meant.row["ticket_type"] is None else None
    gone = [name for name in ours if name not in ticket.labels and name != unknown]
    values |= {name: None for name in gone if actual.get(name) not in (None, "")}
    if meant.row["title"] and not same_value(meant.row["title"], before.get("title")):
        values[reading.TITLE] = meant.row["title"]
    if plain_hash(text) != body_hash(reading.opener(before).body):
        values[reading.DESCRIPTION] = text
    changed: Json = {"ticket_attributes": values} if values else {}
    if meant.company is not None and meant.company != reading.company(before):
        changed["company_id"] = meant.company
    if changed:
        ticket.attempt(ticket_steps.update(ticket.id, "attributes", changed))


def _assign(ticket: Changing, meant: Meant, seen: Mapping[str, Any] | None) -> None:
    """Admin and team where they differ; whom the ticket lost, the Intercom ticket loses where it was our doing.

    Taking an assignment away takes both (Intercom OpenAPI 2.16, updateTicket): the one that stays is set again.
    """
    wanted = {kind: meant.row[f"{kind}_id"] for kind in ("admin", "team")}
    actual = {kind: reading.assignee(ticket.before, kind) for kind in wanted}
    if any(
        actual[kind] is not None and wanted[kind] is None and (seen or {}).get(kind) == actual[kind] for kind in wanted
    ):
        ticket.attempt(ticket_steps.update(ticket.id, "assign_nobody", {"assignee_id": NOBODY}))
        actual = dict.fromkeys(wanted)
    for kind, assignee in wanted.items():
        if assignee is not None and assignee != actual[kind]:
            ticket.attempt(ticket_steps.update(ticket.id, f"assign_{kind}", {"assignee_id": assignee}))


def _leave(ticket: Changing, wanted: str) -> None:
    """Put the ticket into its state, last: whatever changes a ticket opens it again."""
    actual = reading.state(ticket.now())
    if actual == wanted:
        return
    (state_id, open_), (was, _) = wanted.split(" "), actual.split(" ")
    payload: Json = {"ticket_state_id": state_id} if state_id != was else {}
    if open_ != actual.split(" ")[1] or payload:
        payload["open"] = open_ == "open"
    ticket.attempt(ticket_steps.update(ticket.id, "state", payload))
