"""What users, organizations, groups and memberships look like: their JSON, made on demand.

Here: names, addresses, phones, fields of one person or company. Not here: who exists (``population``) and later
changes (``desk``).
"""

import random
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from migration_pipeline.sandbox.zendesk.world import catalogue, ids, population, seeds
from migration_pipeline.sandbox.zendesk.world.population import Population
from migration_pipeline.sandbox.zendesk.world.seeds import pick
from migration_pipeline.sandbox.zendesk.world.vocabulary import (
    COMPANY_FORMS,
    COMPANY_HEADS,
    COMPANY_KINDS,
    GROUPS,
    LANGUAGES,
    ODD_PHONES,
    TAGS,
)

DOMAINS = ("example.com", "example.org", "mail.example.net", "firma.example", "corp.example")


@lru_cache(maxsize=65_536)
def iso(moment: int) -> str:
    """Unix seconds as the service writes times."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def organization_name(number: int) -> str:
    """A name that no other organization has."""
    heads, kinds = len(COMPANY_HEADS), len(COMPANY_KINDS)
    head, rest = COMPANY_HEADS[number % heads], number // heads
    kind, rest = COMPANY_KINDS[(rest + number) % kinds], rest // kinds
    form = COMPANY_FORMS[rest % len(COMPANY_FORMS)]
    more = rest // len(COMPANY_FORMS)
    return f"{head} {kind} {form}" + (f" {more + 1}" if more else "")


def organization(seed: int, people: Population, number: int, base_url: str) -> dict[str, Any]:
    """The organization at ``number``."""
    draw = seeds.rng(seed, seeds.ORGANIZATION, number)
    domains = [f"org{number}.{pick(draw, DOMAINS)}"] if draw.random() < 0.7 else []
    if draw.random() < 0.1:
        domains.append(f"alt-{number}.example.com")
    deleted = bool(people.org_deleted[number])
    updated = int(people.org_updated[number])
    return {
        "url": f"{base_url}/api/v2/organizations/{ids.organization(number)}.json",
        "id": ids.organization(number),
        "name": organization_name(number),
        "shared_tickets": draw.random() < 0.1,
        "shared_comments": False,
        "external_id": f"ERP-{number:05d}" if draw.random() < 0.3 else None,
        "created_at": iso(int(people.org_created[number])),
        "updated_at": iso(updated),
        "domain_names": domains,
        "details": "Hauptstraße 5\n10115 Berlin" if draw.random() < 0.1 else "",
        "notes": "Pays late." if draw.random() < 0.1 else "",
        "group_id": ids.group(0) if draw.random() < 0.05 else None,
        "tags": [pick(draw, TAGS)] if draw.random() < 0.3 else [],
        "organization_fields": _organization_fields(draw),
        "deleted_at": iso(updated) if deleted else None,
    }


def _organization_fields(draw: random.Random) -> dict[str, Any]:
    given = draw.random() < 0.6
    return {
        "contract": f"C-{draw.randrange(9999)}" if given else None,
        "segment": pick(draw, ("smb", "mid", "large", None)),
        "seats": draw.randrange(500) if given else None,
        "renewal": f"202{draw.randrange(5, 9)}-0{draw.randrange(1, 10)}-15" if given else None,
        "partner": draw.random() < 0.1,
        "arr": f"{draw.random() * 1e5:.2f}" if given else None,
        "billing_notes": "Rechnung an\nBuchhaltung & Einkauf" if draw.random() < 0.1 else None,
    }


def name_of(seed: int, people: Population, number: int) -> str:
    """The name of a user."""
    if people.flags[number] & population.GONE:
        return "Permanently Deleted User"
    draw = seeds.rng(seed, seeds.USER, number)
    language = LANGUAGES[int(people.language[number])]
    given, family = pick(draw, language.given), pick(draw, language.family)
    return f"{family} {given}" if language.locale == "ja" else f"{given} {family}"


def email_of(people: Population, number: int) -> str | None:
    """The primary address of a user, None without one."""
    flags = int(people.flags[number])
    if number < people.agents:
        return f"agent{number + 1}@acme.example"
    if flags & (population.NO_EMAIL | population.GONE):
        return None
    return _address(number)


def _address(number: int) -> str:
    domain = DOMAINS[seeds.mix(number, 3) % len(DOMAINS)]
    return f"Customer.{number}+shop@{domain}" if seeds.share(number, 4) < 0.05 else f"customer{number}@{domain}"


def phone_of(people: Population, number: int) -> str | None:
    """A phone number, often valid, sometimes odd, None without one."""
    flags = int(people.flags[number])
    if flags & population.GONE:
        return None
    if flags & population.ODD_PHONE:
        return ODD_PHONES[number % len(ODD_PHONES)]
    if not flags & population.PHONE:
        return None
    last = seeds.mix(number, 9) % 900_000 + 100_000
    return (f"+4930{last}0", f"+1415555{last % 10_000:04d}", f"+44 20 7946 {last % 10_000:04d}", f"+3316{last}0"[:12])[
        number % 4
    ]


def role_of(people: Population, number: int) -> tuple[str, int | None, int | None]:
    """(role, role_type, place of the custom role) of a user."""
    if number >= people.agents:
        return "end-user", None, None
    return {
        population.ADMIN: ("admin", 4, 0),
        population.AGENT: ("agent", 0, 1),
        population.TEAM_LEAD: ("agent", 2, 2),
        population.LIGHT: ("agent", 1, 3),
        population.DOWNGRADED: ("end-user", None, None),
        population.SUSPENDED_AGENT: ("agent", 0, 1),
    }[int(people.agent_kind[number])]


def user(seed: int, people: Population, number: int, base_url: str) -> dict[str, Any]:
    """The user at ``number``."""
    flags = int(people.flags[number])
    draw = seeds.rng(seed, seeds.USER, number, 2)
    language = LANGUAGES[int(people.language[number])]
    role, role_type, custom_role = role_of(people, number)
    gone = bool(flags & population.GONE)
    agent = number < people.agents
    email, phone = email_of(people, number), phone_of(people, number)
    kind = int(people.agent_kind[number]) if agent else None
    suspended = bool(flags & population.SUSPENDED) or kind == population.SUSPENDED_AGENT
    org = int(people.org[number])
    user_id = ids.user(number)
    updated = int(people.updated[number])
    return {
        "id": user_id,
        "url": f"{base_url}/api/v2/users/{user_id}.json",
        "name": name_of(seed, people, number),
        "email": email,
        "created_at": iso(int(people.created[number])),
        "updated_at": iso(updated),
        "time_zone": language.time_zone,
        "iana_time_zone": language.iana,
        "phone": phone,
        "shared_phone_number": False if phone else None,
        "photo": _photo(seed, number, base_url) if flags & population.PHOTO and not gone else None,
        "locale_id": language.locale_id,
        "locale": language.locale,
        "organization_id": ids.organization(org) if org >= 0 and not gone else None,
        "role": role,
        "verified": bool(email) and draw.random() < 0.8,
        "external_id": f"shop-{number}" if not agent and draw.random() < 0.25 else None,
        "tags": [pick(draw, TAGS)] if draw.random() < 0.1 else [],
        "alias": f"Agent {number + 1}" if agent and draw.random() < 0.3 else None,
        "active": not flags & (population.DELETED | population.GONE),
        "shared": False,
        "shared_agent": False,
        "last_login_at": iso(max(updated - 900, int(people.created[number]))) if draw.random() < 0.5 else None,
        "two_factor_auth_enabled": False if agent else None,
        "signature": f"{{{{agent.name}}}}\nAcme — {language.places[0]}" if agent else None,
        "details": "Prefers phone calls" if draw.random() < 0.05 else "",
        "notes": "VIP, seit 2019 & länger" if draw.random() < 0.05 else "",
        "role_type": role_type,
        "custom_role_id": catalogue.role_id(custom_role) if custom_role is not None else None,
        "moderator": role != "end-user",
        "ticket_restriction": "requested" if role == "end-user" else None,
        "only_private_comments": role_type == 1,
        "restricted_agent": role != "admin",
        "suspended": suspended,
        "chat_only": False,
        "default_group_id": ids.group(people.agent_groups[number][0]) if agent and role != "end-user" else None,
        "report_csv": role == "admin",
        "user_fields": _user_fields(draw, people),
        "permanently_deleted": gone,
    }


def _user_fields(draw: random.Random, people: Population) -> dict[str, Any]:
    given = draw.random() < 0.5
    return {
        "customer_number": f"{draw.randrange(10**6):06d}" if given else None,
        "tier": pick(draw, ("gold", "silver", "basic", None, None)),
        "member_since": _midnight(draw) if given else None,
        "newsletter": draw.random() < 0.4,
        "orders": draw.randrange(40) if given else None,
        "lifetime_value": round(draw.random() * 4000, 2) if given else None,
        "vat_id": f"DE{draw.randrange(10**9):09d}" if draw.random() < 0.1 else None,
        "remarks": "erste Zeile\nzweite Zeile" if draw.random() < 0.05 else None,
        "account_manager": ids.user(pick(draw, people.writers)) if draw.random() < 0.05 else None,
        "fax": "+49 30 99" if draw.random() < 0.02 else None,
    }


def _midnight(draw: random.Random) -> str:
    return f"20{draw.randrange(15, 25)}-{draw.randrange(1, 13):02d}-{draw.randrange(1, 28):02d}T00:00:00+00:00"


def photo_number(number: int) -> int:
    """The number in the token of a user's photo; below every file's id."""
    return ids.USER + number


def _photo(seed: int, number: int, base_url: str) -> dict[str, Any]:
    file_id = photo_number(number)
    content_url = f"{base_url}/attachments/token/{ids.token(file_id, seed)}/?name=photo.png"
    return {
        "url": f"{base_url}/api/v2/attachments/{file_id}.json",
        "id": file_id,
        "file_name": "photo.png",
        "content_url": content_url,
        "mapped_content_url": content_url,
        "content_type": "image/png",
        "size": 1_200,
        "width": 80,
        "height": 80,
        "inline": False,
        "deleted": False,
        "thumbnails": [],
    }


def identities(people: Population, number: int, base_url: str) -> list[dict[str, Any]]:
    """All addresses and phones of a user, the primary ones first."""
    flags = int(people.flags[number])
    found: list[tuple[str, str, bool]] = []
    email, phone = email_of(people, number), phone_of(people, number)
    if email:
        found.append(("email", email, True))
    if flags & population.SECOND_EMAIL and email:
        found.append(("email", f"second.{number}@example.org", False))
    if flags & population.SHARED_EMAIL and email:
        found.append(("email", f"office{people.sharing_office(number)}@shared.example", False))
    if phone and phone.startswith("+") and not flags & population.ODD_PHONE:
        found.append(("phone_number", phone.replace(" ", ""), not email))
    if flags & population.SECOND_PHONE and number >= people.agents and not flags & population.GONE:
        found.append(("phone_number", f"+49171{seeds.mix(number, 8) % 9_000_000 + 1_000_000}", False))
    created, updated = iso(int(people.created[number])), iso(int(people.updated[number]))
    user_id = ids.user(number)
    return [
        {
            "url": f"{base_url}/api/v2/users/{user_id}/identities/{ids.IDENTITY + number * 8 + k}.json",
            "id": ids.IDENTITY + number * 8 + k,
            "user_id": user_id,
            "type": kind,
            "value": value,
            "verified": primary,
            "primary": primary,
            "created_at": created,
            "updated_at": updated,
            "undeliverable_count": 0,
            "deliverable_state": "deliverable",
        }
        for k, (kind, value, primary) in enumerate(found)
    ]


def group(people: Population, number: int, base_url: str) -> dict[str, Any]:
    """The group at ``number``; one past the last is a deleted group."""
    deleted = number >= people.groups
    return {
        "url": f"{base_url}/api/v2/groups/{ids.group(number)}.json",
        "id": ids.group(number),
        "is_public": number != 5,
        "name": "Old team" if deleted else GROUPS[number],
        "description": "",
        "default": number == 0,
        "deleted": deleted,
        "created_at": catalogue.CREATED,
        "updated_at": catalogue.CREATED,
    }


def group_memberships(people: Population, base_url: str) -> list[dict[str, Any]]:
    """Which agents of today are in which groups; of some, the time of change is not known."""
    rows = []
    for number in range(people.agents):
        if role_of(people, number)[0] == "end-user":
            continue
        for k, place in enumerate(people.agent_groups[number]):
            member_id = ids.MEMBERSHIP + number * 16 + place
            rows.append(
                {
                    "url": f"{base_url}/api/v2/group_memberships/{member_id}.json",
                    "id": member_id,
                    "user_id": ids.user(number),
                    "group_id": ids.group(place),
                    "default": k == 0,
                    "created_at": catalogue.CREATED,
                    "updated_at": catalogue.CREATED if number % 4 else None,
                }
            )
    return rows


def organization_memberships(people: Population, number: int, base_url: str) -> list[dict[str, Any]]:
    """The organizations of a user, the default one first; none for persons who are gone."""
    if people.flags[number] & population.GONE:
        return []
    rows = []
    for k, org in enumerate((int(people.org[number]), int(people.second_org[number]), int(people.third_org[number]))):
        if org < 0:
            continue
        member_id = ids.MEMBERSHIP + 1_000_000 + number * 4 + k
        rows.append(
            {
                "url": f"{base_url}/api/v2/organization_memberships/{member_id}.json",
                "id": member_id,
                "user_id": ids.user(number),
                "organization_id": ids.organization(org),
                "default": k == 0,
                "organization_name": organization_name(org),
                "view_tickets": k == 0,
                "created_at": iso(int(people.created[number])),
                "updated_at": iso(int(people.created[number])),
            }
        )
    return rows
