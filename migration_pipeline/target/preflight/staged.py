"""Checks of what is staged against the workspace: people, fields, phones, addresses, companies, languages, disk.

Belongs here: a table of checks, each a sentence with its count and its first examples. Does not belong here: losses
record by record (payloads and the report tell those), or contradictions of mapping.yaml (`conflicts`).
"""

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from migration_pipeline.config import Migration
from migration_pipeline.config.mapping import Mapping
from migration_pipeline.model.run import Check
from migration_pipeline.staging import Staging
from migration_pipeline.target.catalogue import Catalogue
from migration_pipeline.target.inputs import Inputs
from migration_pipeline.target.phones import parse_phone
from migration_pipeline.target.preparation import prepare
from migration_pipeline.target.ticket_rules import MODEL
from migration_pipeline.target.ticket_types import NO_TYPES, TicketTypes

SHOWN: Final = 20
"""Examples that a sentence names; the rest is counted."""

SPARE: Final = 1.2
"""How much more room than the files need: journal, payloads, reports and DuckDB's own spilling."""


@dataclass(frozen=True)
class Staged:
    """What the checks look at. `to_come` are the bytes of files that the next run fetches; `types` may be unread."""

    staging: Staging
    migration: Migration
    mapping: Mapping
    catalogue: Catalogue
    to_come: int = 0
    types: TicketTypes | None = None

    @cached_property
    def inputs(self) -> Inputs:
        """The records, as mapping sees them."""
        return Inputs(self.staging, self.mapping, self.migration)

    def rows(self, query: str) -> list[dict[str, Any]]:
        """The rows of a query on the records."""
        return list(self.inputs.rows(query))


Finding = Callable[[Staged], Check]


def staged(state: Staged | None) -> list[Check]:
    """All findings; without anything staged yet, the names of what is looked at once it is."""
    if state is None:
        return [
            Check(name, "manual", f"{title}: not looked at yet.", "", "Run `migrate map` first, then this again.")
            for name, (title, _) in STAGED.items()
        ]
    return [find(state) for _, find in STAGED.values()]


def _teammates(state: Staged) -> Check:
    """Agents by e-mail; who has no teammate needs a mapping, or the fallback stands in."""
    rows = state.rows("SELECT source_id, name, email FROM record_agents WHERE active ORDER BY name")
    lacking = [
        f"{row['name']} <{row['email']}>"
        for row in rows
        if (entry := state.mapping.agents.get(row["source_id"])) is None or entry.target is None
    ]
    if not lacking:
        return Check("teammates", "pass", f"All {len(rows)} agents have a teammate.")
    return Check(
        "teammates",
        "warn",
        f"{len(lacking)} agents have no teammate: {_some(lacking)}.",
        "The fallback admin stands in for them: comments name them in the text, their tickets arrive unassigned.",
        "Invite them (Intercom: Settings > Workspace > Teammates), or give them a target in mapping.yaml, agents.",
        counted=f"{len(lacking)} agents have no teammate.",
    )


def _seats(state: Staged) -> Check:
    """Teammates without an inbox seat cannot be assigned anything."""
    used = {entry.target for entry in state.mapping.agents.values() if entry.target}
    lacking = [admin.name for admin in state.catalogue.admins if admin.id in used and not admin.has_seat]
    if not lacking:
        return Check("seats", "pass", "Every teammate who stands for an agent has an inbox seat.")
    return Check(
        "seats",
        "warn",
        f"{len(lacking)} teammates who stand for agents have no inbox seat: {_some(lacking)}.",
        "Intercom may refuse to assign them conversations.",
        "Give them a seat (Intercom: Settings > Workspace > Seats), or another target in mapping.yaml.",
        counted=f"{len(lacking)} teammates who stand for agents have no inbox seat.",
    )


def _fields(state: Staged) -> Check:
    """Types, options and limits: what mapping.yaml asks for and the workspace cannot follow."""
    found = prepare(state.staging, state.catalogue, state.mapping, state.types or NO_TYPES)
    if found.conflicts:
        told = [f"{one.key}: {one.sentence}" for one in found.conflicts]
        risk = "The run refuses to start."
        return Check(
            "fields", "block", f"{len(told)} contradictions: {_some(told)}.", risk, "Change mapping.yaml there."
        )
    types = sum(1 for one in found.attributes if one.model == MODEL)
    attributes = len(found.attributes) - types
    made = f"{attributes} attributes, {len(found.options)} options, {types} ticket types and {len(found.tags)} tags"
    return Check("fields", "pass", f"mapping.yaml and the workspace agree; the run makes {made}.")


def _required(state: Staged) -> Check:
    """Attributes that the workspace requires and nothing fills."""
    filled = {entry.target.casefold() for entry in state.mapping.fields.values() if entry.target}
    filled |= {name.casefold() for name, value in state.mapping.defaults.items() if value is not None}
    filled |= {name.casefold() for name in state.mapping.attributes.values() if name}
    lacking = [
        one.name
        for one in state.catalogue.conversation_attributes
        if one.required and not one.archived and one.name.casefold() not in filled
    ]
    if not lacking:
        return Check("required_attributes", "pass", "Every required attribute has a source or a default.")
    return Check(
        "required_attributes",
        "block",
        f"{len(lacking)} required attributes have neither a source field nor a default: {_some(lacking)}.",
        "Teammates could not close conversations that lack them.",
        "Map a field to each in mapping.yaml, or give it a value in `defaults`, or make it optional in Intercom.",
    )


def _phones(state: Staged) -> Check:
    """Numbers that Intercom cannot use: each is listed, and none loses its contact."""
    rows = state.inputs.rows("SELECT source_id, phones[1] AS phone FROM record_contacts WHERE len(phones) > 0")
    invalid, many = [], 0
    for row in rows:
        if row["phone"] and row["phone"].strip() and parse_phone(row["phone"]) is None:
            many += 1
            if many <= SHOWN:
                invalid.append(f"{row['phone'].strip()[:40]} (contact {row['source_id']})")
    if not many:
        return Check("phones", "pass", "Every phone number is one that Intercom can use.")
    policy = state.migration.options.invalid_phone
    becomes = {
        "attribute": "The contact moves, the number is kept as text in an attribute.",
        "drop": "The contact moves without the number.",
        "fail": "The contact fails, and the tickets it asked for with it.",
    }
    return Check(
        "phones",
        "warn",
        f"{many} phone numbers are not international ones: {_some(invalid, many)}.",
        becomes[policy],
        "Correct them in the source (+, country, number), or choose another options.invalid_phone.",
        counted=f"{many} phone numbers are not international ones.",
    )


def _addresses(state: Staged) -> Check:
    """Several contacts with one address: Intercom would refuse the second user."""
    rows = state.rows(
        "SELECT lower(trim(email)) AS email, count(DISTINCT source_id) AS people "
        "FROM (SELECT source_id, emails[1] AS email FROM record_contacts WHERE len(emails) > 0) "
        "GROUP BY ALL HAVING people > 1 ORDER BY email"
    )
    if not rows:
        return Check("email_duplicates", "pass", "No two contacts share an e-mail address.")
    return Check(
        "email_duplicates",
        "warn",
        f"{len(rows)} e-mail addresses belong to several contacts: {_some(row['email'] for row in rows)}.",
        "Intercom keeps one user for an address: they share one contact, and the report says so.",
        "Merge them in the source, or leave it.",
        counted=f"{len(rows)} e-mail addresses belong to several contacts.",
    )


def _companies(state: Staged) -> Check:
    """Intercom shows a company only once a contact belongs to it."""
    rows = state.rows(
        "SELECT name FROM record_companies AS company WHERE deleted_at IS NULL AND NOT EXISTS ("
        "SELECT 1 FROM record_contacts WHERE list_contains(company_refs, company.source_id)) ORDER BY name"
    )
    if not rows:
        return Check("companies_without_contacts", "pass", "Every company has a contact.")
    return Check(
        "companies_without_contacts",
        "warn",
        f"{len(rows)} companies have no contact: {_some(row['name'] for row in rows)}.",
        "They are created, and stay invisible until a contact belongs to them.",
        "Nothing is to be done, or give them a contact in the source.",
        counted=f"{len(rows)} companies have no contact.",
    )


def _locales(state: Staged) -> Check:
    """Languages of customers, which a person adds to the Messenger and the Help Center."""
    rows = state.rows(
        "SELECT locale, count(*) AS people FROM record_contacts WHERE locale IS NOT NULL "
        "GROUP BY ALL ORDER BY people DESC, locale"
    )
    if len(rows) < 2:
        return Check("locales", "pass", "All customers speak one language.")
    return Check(
        "locales",
        "manual",
        f"Customers speak {_some(f'''{row['locale']} ({row['people']})''' for row in rows)}.",
        "Those of a language that the workspace lacks see its default language.",
        "Intercom: Settings > Messenger > General > Languages; Help Center > Settings > Languages.",
    )


def _disk(state: Staged) -> Check:
    """Room for the files that are still to come."""
    free = shutil.disk_usage(state.staging.root).free
    needed = round(state.to_come * SPARE)
    told = f"{needed / 1e9:.2f} GB are needed, {free / 1e9:.2f} GB are free."
    if needed <= free:
        return Check("disk_space", "pass", told)
    remedy = "Free some space, or let data_dir in migration.yaml name another disk."
    return Check("disk_space", "block", told, "The run would stop midway.", remedy)


def _some(names: Iterable[Any], many: int | None = None) -> str:
    """The first names, and how many more there are."""
    listed = [str(name) for name in names]
    more = (many or len(listed)) - len(listed[:SHOWN])
    return ", ".join(listed[:SHOWN]) + (f" and {more} more" if more > 0 else "")


STAGED: Final[dict[str, tuple[str, Finding]]] = {
    "teammates": ("Agents without a teammate", _teammates),
    "seats": ("Inbox seats", _seats),
    "fields": ("Fields, types, options and limits", _fields),
    "required_attributes": ("Required attributes", _required),
    "phones": ("Phone numbers", _phones),
    "email_duplicates": ("E-mail addresses that several people share", _addresses),
    "companies_without_contacts": ("Companies without contacts", _companies),
    "locales": ("Languages of customers", _locales),
    "disk_space": ("Disk space", _disk),
}
"""By id: what is looked at, and how."""
