"""Companies and contacts as payloads: the bodies of their create calls, and what of them stays behind.

Belongs here: the people who write to the help desk, and whom they belong to. Does not belong here: the help desk's own
people (`directory`), or creating anything (`loading`).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, Final, Self

from migration_pipeline.target.attributes import TEXT_LIMIT, FieldRule
from migration_pipeline.target.directory import field_rules, fields_of, own_attributes, tag_names, values_of
from migration_pipeline.target.html import plain
from migration_pipeline.target.inputs import UNKNOWN_CONTACT, Inputs, Loss, digest, encoded, loss, masked_fields
from migration_pipeline.target.phones import parse_phone

_NAMED: Final = {
    # Contacts that move: the active ones, and whoever a ticket that moves refers to.
    "moving_contacts": """
        WITH moving AS (SELECT source_id, requester_ref, cc_refs FROM record_tickets WHERE state <> 'deleted'),
        referred AS (
            SELECT requester_ref AS id FROM moving
            UNION SELECT unnest(cc_refs) FROM moving
            UNION SELECT author_ref FROM record_comments WHERE ticket_ref IN (SELECT source_id FROM moving)
        )
        SELECT source_id, company_refs FROM record_contacts
        WHERE (coalesce(active, true) AND kind IS DISTINCT FROM 'placeholder')
            OR source_id IN (SELECT id FROM referred WHERE id IS NOT NULL)
    """,
    "contact_companies": """
        SELECT source_id, list(ref ORDER BY place) AS company_refs
        FROM (
            SELECT source_id, unnest(company_refs) AS ref, generate_subscripts(company_refs, 1) AS place
            FROM moving_contacts
        )
        WHERE ref IN (SELECT source_id FROM record_companies WHERE deleted_at IS NULL)
        GROUP BY source_id
    """,
    "refers_to_nobody": """
        SELECT count(*) AS uses FROM record_tickets
        WHERE state <> 'deleted'
            AND (requester_ref IS NULL OR requester_ref NOT IN (SELECT source_id FROM record_contacts))
        UNION ALL
        SELECT count(*) FROM record_comments
        WHERE author_ref IS NOT NULL
            AND author_ref NOT IN (SELECT source_id FROM record_contacts)
            AND author_ref NOT IN (SELECT source_id FROM record_agents)
    """,
}

_COMPANIES: Final = """
    SELECT *, epoch(created_at)::BIGINT AS created,
        source_id IN (SELECT unnest(company_refs) FROM contact_companies) AS has_contacts
    FROM record_companies
    ORDER BY source_id
"""

_CONTACTS: Final = """
    SELECT
        contact.* EXCLUDE (company_refs),
        epoch(contact.created_at)::BIGINT AS created,
        CASE WHEN NOT list_contains(contact.masked_fields, 'contact.email') THEN agent.email END AS agent_email,
        CASE WHEN NOT list_contains(contact.masked_fields, 'contact.name') THEN agent.name END AS agent_name,
        moving.source_id IS NOT NULL AS moves,
        coalesce(companies.company_refs, []) AS company_refs,
        coalesce(len(contact.company_refs), 0) - coalesce(len(companies.company_refs), 0) AS companies_lost
    FROM record_contacts AS contact
    LEFT JOIN moving_contacts AS moving ON moving.source_id = contact.source_id
    LEFT JOIN contact_companies AS companies ON companies.source_id = contact.source_id
    LEFT JOIN record_agents AS agent ON agent.source_id = contact.source_id
    ORDER BY contact.source_id
"""


def _name_tables(inputs: Inputs) -> None:
    for name, query in _NAMED.items():
        inputs.execute(f"CREATE OR REPLACE TABLE {name} AS {query}")


def company_rows(inputs: Inputs) -> Iterator[dict[str, Any]]:
    """Payload rows of the companies (Intercom OpenAPI 2.16, createOrUpdateCompany)."""
    _name_tables(inputs)
    manner = _Manner.of(inputs, "company")
    for row in inputs.rows(_COMPANIES):
        domains = [domain for domain in row["domains"] or () if domain]
        body = {
            "company_id": inputs.origin(row["source_id"]),
            "name": _line(row["name"]) or (domains[0] if domains else f"Company {row['source_id']}"),
            "remote_created_at": row["created"],
            "website": f"https://{domains[0]}" if domains else None,
        }
        losses: list[Loss] = []
        if values := values_of(inputs, fields_of(row["attributes"]), manner.fields, losses):
            body["custom_attributes"] = values
        body = {key: value for key, value in body.items() if value is not None}
        tags, note = manner.tagged(row["tags"]), manner.note(row["notes"])
        left = [
            (row["external_id"], "external id"),
            (row["notes"] and not note, "notes"),
            (domains[1:], "further domains"),
        ]
        yield {
            "source_id": row["source_id"],
            "source_url": row["source_url"],
            "digest": digest([body, tags, note]),
            "skip": "deleted_in_source" if row["deleted_at"] else None,
            "losses": losses + masked_fields(row) + _left_behind(left),
            "body": encoded(body),
            "has_contacts": bool(row["has_contacts"]),
            "tags": tags,
            "note": note,
        }


def contact_rows(inputs: Inputs) -> Iterator[dict[str, Any]]:
    """Payload rows of the contacts (Intercom OpenAPI 2.16, createContact).

    Contacts that share an e-mail all keep it: users are told apart by their external_id.
    """
    _name_tables(inputs)
    manner = _Manner.of(inputs, "contact")
    if any(row["uses"] for row in inputs.rows("FROM refers_to_nobody")):
        yield _unknown(inputs)
    for row in inputs.rows(_CONTACTS):
        yield _contact_row(inputs, row, manner)


@dataclass(frozen=True)
class _Manner:
    """What is looked up once for all contacts, or for all companies."""

    fields: Mapping[str, FieldRule]
    own: Mapping[str, str]  # names of the pipeline's own attributes, by key
    tags: Mapping[str, str]  # the target's names of tags
    inputs: Inputs

    @classmethod
    def of(cls, inputs: Inputs, scope: str) -> Self:
        own = {own.key: name for own, name in own_attributes(inputs).items() if own.model == scope}
        return cls(field_rules(inputs, scope), own, tag_names(inputs), inputs)

    def tagged(self, tags: list[str] | None) -> list[str]:
        """The target's tags, each once whatever its case, by name."""
        return list(
            {self.tags[tag].casefold(): self.tags[tag] for tag in sorted(tags or ()) if tag in self.tags}.values()
        )

    def note(self, text: str | None) -> str | None:
        """The note that a text becomes; what Intercom notes hold is HTML."""
        said = plain(text or "").strip()
        if not said or self.inputs.options.profile_notes != "note":
            return None
        return "".join(f"<p>{escape(line.strip(), quote=False)}</p>" for line in said.splitlines() if line.strip())


def _contact_row(inputs: Inputs, row: dict[str, Any], manner: _Manner) -> dict[str, Any]:
    losses: list[Loss] = []
    emails = [email.strip() for email in row["emails"] or () if email and email.strip()]
    if row["kind"] == "agent" and row["agent_email"]:
        emails = [row["agent_email"], *(email for email in emails if email != row["agent_email"])]
    phones = [
        phone if len(phone) <= TEXT_LIMIT else inputs.masked_before_cut(phone, losses)
        for phone in row["phones"] or ()
        if phone and phone.strip()
    ]
    body: dict[str, Any] = {
        "role": "user",
        "external_id": inputs.origin(row["source_id"]),
        "email": emails[0] if emails else None,
        "name": _line(row["name"] or row["agent_name"]) or None,
        "signed_up_at": row["created"],
    }
    if emails and not _usable_email(emails[0]):
        body["email"] = None
        losses.append(loss("email_dropped"))
    kept, unusable = _phone(phones[:1], inputs.options.invalid_phone, manner.own.get("phone"))
    body.update(kept)
    given = {"locale": inputs.mapping.text_of("locales", row["locale"]), "time_zone": row["time_zone"]}
    values = {
        **body.get("custom_attributes", {}),
        **{
            manner.own[key]: inputs.masked_before_cut(_line(text), losses)[:TEXT_LIMIT]
            for key, text in given.items()
            if text and key in manner.own
        },
        **values_of(inputs, fields_of(row["attributes"]), manner.fields, losses),
    }
    if values:
        body["custom_attributes"] = values
    tags, note = manner.tagged(row["tags"]), manner.note(row["notes"])
    if unusable:
        losses.append(loss(unusable))
    left = [
        (row["external_id"], "external id"),
        (emails[1:], f"{len(emails) - 1} further e-mail addresses"),
        (phones[1:], f"{len(phones) - 1} further phone numbers"),
        (row["notes"] and not note, "notes"),
        (row["companies_lost"] > 0, f"{row['companies_lost']} companies that are deleted or unknown"),
        (row["suspended"], "suspension"),
    ]
    body = {key: value for key, value in body.items() if value is not None}
    reason = None if row["moves"] else "inactive_in_source"
    if reason is None and unusable and inputs.options.invalid_phone == "fail":
        reason = unusable
    return {
        "source_id": row["source_id"],
        "source_url": row["source_url"],
        "digest": digest([body, row["company_refs"], tags, note]),
        "skip": reason,
        "losses": losses + masked_fields(row) + _left_behind(left),
        "body": encoded(body),
        "company_refs": row["company_refs"],
        "tags": tags,
        "note": note,
    }


def _phone(phones: list[str], policy: str, attribute: str | None) -> tuple[dict[str, Any], str | None]:
    """What of the body a phone number becomes, and the reason where it is no number."""
    if not phones:
        return {}, None
    original = {"custom_attributes": {attribute: _line(phones[0])[:TEXT_LIMIT]}} if attribute else {}
    if number := parse_phone(phones[0]):
        return {"phone": number.e164} | ({} if number.exact or policy != "attribute" else original), None
    if policy == "fail":
        return {}, "invalid_phone"
    return (original, "invalid_phone") if policy == "attribute" and original else ({}, "phone_dropped")


def _unknown(inputs: Inputs) -> dict[str, Any]:
    """The contact that stands in where a ticket names nobody."""
    body = {
        "role": "user",
        "external_id": inputs.origin(UNKNOWN_CONTACT),
        "name": f"Unknown ({inputs.source_name})",
    }
    return {
        "source_id": UNKNOWN_CONTACT,
        "digest": digest([body, []]),
        "losses": [],
        "body": encoded(body),
        "company_refs": [],
        "tags": [],
    }


def _left_behind(details: list[tuple[object, str]]) -> list[Loss]:
    """One loss that names every detail which is there and stays behind."""
    named = [name for present, name in details if present]
    return [loss("details_left", ", ".join(named))] if named else []


def _usable_email(email: str) -> bool:
    """Whether it is an address at all; the target decides on finer points."""
    return re.fullmatch(r"[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+", email) is not None


def _line(text: str | None) -> str:
    """The text on one line, without control characters."""
    return " ".join(plain(text or "").split())
