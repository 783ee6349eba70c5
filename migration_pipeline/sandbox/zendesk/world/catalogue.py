"""The help desk's settings: ticket, user and organization fields, forms, custom statuses, brands, roles.

Here: the definitions as data, and the JSON of each. Not here: values on tickets, and what a plan hides.
"""

from dataclasses import dataclass, field
from typing import Any

from migration_pipeline.sandbox.zendesk.world import ids

CREATED = "2019-02-11T09:14:05Z"


@dataclass(frozen=True)
class Field:
    """A ticket, user or organization field; `options` are (name, value) pairs, `key` names user/organization fields."""

    type: str
    title: str
    key: str = ""
    raw_title: str = ""
    active: bool = True
    required: bool = False
    portal: bool = True
    description: str = ""
    agent_description: str = ""
    regexp: str | None = None
    tag: str | None = None
    options: tuple[tuple[str, str], ...] = ()
    system: bool = False
    target: str | None = None


TICKET_FIELDS: tuple[Field, ...] = (
    Field("subject", "Subject", system=True, required=True),
    Field("description", "Description", system=True, required=True, description="Please tell us what happened."),
    Field("status", "Status", system=True, portal=False),
    Field("tickettype", "Type", system=True, portal=False),
    Field("priority", "Priority", system=True, portal=False),
    Field("group", "Group", system=True, portal=False),
    Field("assignee", "Assignee", system=True, portal=False, required=True),
    Field("custom_status", "Ticket status", system=True, portal=False),
    Field("text", "Order number", agent_description="As in the shop system, with the letter in front."),
    Field("textarea", "Zusätzliche Angaben", description="Mehrzeilig"),
    Field("checkbox", "Warranty case", tag="warranty_case", portal=False),
    Field("date", "Date of purchase"),
    Field("integer", "Number of units", required=True),
    Field("decimal", "Refund amount", portal=False, agent_description="In EUR; use a point."),
    Field("regexp", "Serial number", regexp=r"^[A-Z]{2}-\d{6}$"),
    Field(
        "tagger",
        "Product",
        raw_title="{{dc.product_field}}",
        required=True,
        options=(
            ("Kitchen::Coffee::Brewmaster 300", "prod_brewmaster"),
            ("Kitchen::Kettle № 5", "prod_kettle"),
            ("Light::Lumo-Lampe", "prod_lumo"),
            ("Air::AirPure™ filter", "prod_airpure"),
            ("Sonstiges", "prod_other"),
        ),
    ),
    Field(
        "multiselect",
        "Topics",
        options=(
            ("Shipping", "topic_shipping"),
            ("Billing::Invoice", "topic_invoice"),
            ("Billing::Refund", "topic_refund"),
            ("Qualité", "topic_quality"),
            ("使い方", "topic_howto"),
        ),
    ),
    Field("partialcreditcard", "Credit card"),
    Field("lookup", "Sales contact", target="zen:user", portal=False),
    Field("text", "Legacy CRM id", active=False, portal=False, agent_description="Filled until 2024."),
    Field(
        "tagger",
        "Old category",
        active=False,
        options=(("A::One", "old_a_one"), ("A::Two", "old_a_two"), ("B", "old_b")),
    ),
    Field("text", "सन्दर्भ / Referenz", description="Free reference of the customer"),
    Field(
        "tagger",
        "Root cause",
        portal=False,
        agent_description="Set before solving.",
        options=(
            ("Carrier", "cause_carrier"),
            ("Our fault::Packing", "cause_packing"),
            ("Our fault::Defect", "cause_defect"),
            ("Customer", "cause_customer"),
        ),
    ),
)
SUBJECT, DESCRIPTION, STATUS, TYPE, PRIORITY, GROUP, ASSIGNEE, CUSTOM_STATUS = range(8)
CUSTOM_FIELDS: tuple[int, ...] = tuple(range(8, len(TICKET_FIELDS)))

USER_FIELDS: tuple[Field, ...] = (
    Field("text", "Customer number", "customer_number"),
    Field("dropdown", "Tier", "tier", options=(("Gold", "gold"), ("Silber", "silver"), ("Basic", "basic"))),
    Field("date", "Member since", "member_since"),
    Field("checkbox", "Newsletter", "newsletter"),
    Field("integer", "Orders", "orders"),
    Field("decimal", "Lifetime value", "lifetime_value"),
    Field("regexp", "VAT id", "vat_id", regexp="^[A-Z]{2}[0-9]+$"),
    Field("textarea", "Anmerkungen", "remarks"),
    Field("lookup", "Account manager", "account_manager", target="zen:user"),
    Field("text", "Fax", "fax", active=False),
)
ORGANIZATION_FIELDS: tuple[Field, ...] = (
    Field("text", "Contract", "contract"),
    Field("dropdown", "Segment", "segment", options=(("SMB", "smb"), ("Mid market", "mid"), ("Großkunde", "large"))),
    Field("integer", "Seats", "seats"),
    Field("date", "Renewal", "renewal"),
    Field("checkbox", "Partner", "partner"),
    Field("decimal", "Annual revenue", "arr"),
    Field("textarea", "Notes on billing", "billing_notes"),
)

# (category, agent label, end-user label, active, default)
CUSTOM_STATUSES: tuple[tuple[str, str, str, bool, bool], ...] = (
    ("new", "New", "Open", True, True),
    ("open", "Open", "Open", True, True),
    ("open", "Escalated", "Being looked into", True, False),
    ("pending", "Pending", "Awaiting your reply", True, True),
    ("pending", "Wartet auf Teile", "Wir warten auf Teile", True, False),
    ("hold", "On-hold", "Open", True, True),
    ("solved", "Solved", "Solved", True, True),
    ("solved", "Refunded", "Refunded", True, False),
    ("solved", "Duplicate (old)", "Solved", False, False),
)
BRANDS: tuple[tuple[str, str], ...] = (
    ("Acme", "acme"),
    ("Acme Café & Öfen", "acme-cafe"),
    ("Acme Pro", "acme-pro"),
    ("Werkstatt", "acme-werkstatt"),
    ("Acme Outlet", "acme-outlet"),
)
TICKET_BRANDS = 2
"""So many of them every help desk has, and its tickets are of these."""
# (name, type, configuration role)
ROLES: tuple[tuple[str, int, str], ...] = (
    ("Administrator", 4, "admin"),
    ("Staff", 0, "agent"),
    ("Team lead", 2, "agent"),
    ("Light agent", 1, "agent"),
    ("Contributor", 3, "agent"),
)


@dataclass(frozen=True)
class Form:
    """A ticket form: places of its fields in TICKET_FIELDS."""

    name: str
    fields: tuple[int, ...]
    active: bool = True
    brands: tuple[int, ...] = field(default=())
    conditions: tuple[tuple[int, str, tuple[int, ...]], ...] = ()
    """(parent field, its value, fields shown then), fields by their places."""


FORMS: tuple[Form, ...] = (
    Form("Default form", tuple(range(len(TICKET_FIELDS)))),
    Form(
        "Returns & refunds", (0, 1, 2, 3, 4, 5, 6, 8, 11, 12, 13, 15, 17), conditions=((15, "prod_kettle", (11, 12)),)
    ),
    Form(
        "技術サポート", (0, 1, 2, 3, 4, 5, 6, 9, 10, 14, 15, 16), brands=(1,), conditions=((16, "topic_howto", (14,)),)
    ),
    Form("Old contact form", (0, 1, 2, 3, 4, 5, 6, 19, 20), active=False),
)


def field_id(place: int) -> int:
    """The id of the ticket field at ``place``."""
    return ids.FIELD + (place + 1) * 1021


def status_id(place: int) -> int:
    """The id of the custom status at ``place``."""
    return ids.STATUS + (place + 1) * 1021


def brand_id(place: int) -> int:
    """The id of the brand at ``place``."""
    return ids.BRAND + (place + 1) * 1021


def form_id(place: int) -> int:
    """The id of the form at ``place``."""
    return ids.FORM + (place + 1) * 1021


def role_id(place: int) -> int:
    """The id of the custom role at ``place``."""
    return ids.ROLE + (place + 1) * 1021


# The custom statuses that a category may have, default first.
STATUSES_OF: dict[str, tuple[int, ...]] = {
    category: tuple(i for i, row in enumerate(CUSTOM_STATUSES) if row[0] == category and row[3])
    for category in ("new", "open", "pending", "hold", "solved")
}
_SYSTEM_OPTIONS: dict[str, list[tuple[str, str]]] = {
    "status": [
        ("New", "new"),
        ("Open", "open"),
        ("Pending", "pending"),
        ("On-hold", "hold"),
        ("Solved", "solved"),
        ("Closed", "closed"),
    ],
    "tickettype": [("Question", "question"), ("Incident", "incident"), ("Problem", "problem"), ("Task", "task")],
    "priority": [("Low", "low"), ("Normal", "normal"), ("High", "high"), ("Urgent", "urgent")],
}


def _options(definition: Field, place: int) -> list[dict[str, Any]]:
    return [
        {
            "id": ids.OPTION + place * 100_000 + k * 1021,
            "name": name,
            "raw_name": name,
            "value": value,
            "default": False,
        }
        for k, (name, value) in enumerate(definition.options)
    ]


def ticket_field(place: int, base_url: str) -> dict[str, Any]:
    """The ticket field at ``place`` as the API shows it."""
    f = TICKET_FIELDS[place]
    shown: dict[str, Any] = {
        "url": f"{base_url}/api/v2/ticket_fields/{field_id(place)}.json",
        "id": field_id(place),
        "type": f.type,
        "title": f.title,
        "raw_title": f.raw_title or f.title,
        "description": f.description,
        "raw_description": f.description,
        "position": place,
        "active": f.active,
        "required": f.required,
        "collapsed_for_agents": False,
        "regexp_for_validation": f.regexp,
        "title_in_portal": f.title,
        "raw_title_in_portal": f.raw_title or f.title,
        "visible_in_portal": f.portal,
        "editable_in_portal": f.portal,
        "required_in_portal": f.required and f.portal,
        "agent_can_edit": True,
        "tag": f.tag,
        "created_at": CREATED,
        "updated_at": CREATED,
        "removable": not f.system,
        "key": None,
        "agent_description": f.agent_description or None,
        "sub_type_id": 0 if f.type == "priority" else None,
    }
    if f.options:
        shown["custom_field_options"] = _options(f, place)
    if f.type in _SYSTEM_OPTIONS:
        shown["system_field_options"] = [{"name": n, "value": v} for n, v in _SYSTEM_OPTIONS[f.type]]
    if f.type == "custom_status":
        shown["custom_statuses"] = [custom_status(k, base_url) for k in range(len(CUSTOM_STATUSES))]
    if f.target:
        shown["relationship_target_type"] = f.target
        shown["relationship_filter"] = {"all": [], "any": []}
    return shown


def person_field(fields: tuple[Field, ...], place: int, kind: str, base_url: str) -> dict[str, Any]:
    """A user or organization field (``kind`` is `user_fields` or `organization_fields`) as the API shows it."""
    f = fields[place]
    number = ids.FIELD + (200 if kind == "user_fields" else 300) * 1021 + place * 1021
    shown: dict[str, Any] = {
        "url": f"{base_url}/api/v2/{kind}/{number}.json",
        "id": number,
        "type": f.type,
        "key": f.key,
        "title": f.title,
        "raw_title": f.title,
        "description": f.description,
        "raw_description": f.description,
        "position": place,
        "active": f.active,
        "system": f.system,
        "regexp_for_validation": f.regexp,
        "created_at": CREATED,
        "updated_at": CREATED,
        "tag": f.tag,
    }
    if f.options:
        shown["custom_field_options"] = _options(f, 300 + place)
    if f.target:
        shown["relationship_target_type"] = f.target
    return shown


def custom_status(place: int, base_url: str) -> dict[str, Any]:
    """The custom status at ``place`` as the API shows it."""
    category, agent, end_user, active, default = CUSTOM_STATUSES[place]
    return {
        "url": f"{base_url}/api/v2/custom_statuses/{status_id(place)}.json",
        "id": status_id(place),
        "status_category": category,
        "agent_label": agent,
        "raw_agent_label": agent,
        "end_user_label": end_user,
        "raw_end_user_label": end_user,
        "description": "",
        "raw_description": "",
        "end_user_description": "",
        "raw_end_user_description": "",
        "active": active,
        "default": default,
        "created_at": CREATED,
        "updated_at": CREATED,
    }


def form(place: int, base_url: str) -> dict[str, Any]:
    """The ticket form at ``place`` as the API shows it."""
    f = FORMS[place]
    return {
        "url": f"{base_url}/api/v2/ticket_forms/{form_id(place)}.json",
        "id": form_id(place),
        "name": f.name,
        "raw_name": f.name,
        "display_name": f.name,
        "raw_display_name": f.name,
        "end_user_visible": f.active,
        "position": place,
        "ticket_field_ids": [field_id(k) for k in f.fields],
        "active": f.active,
        "default": place == 0,
        "in_all_brands": not f.brands,
        "restricted_brand_ids": [brand_id(k) for k in f.brands],
        "agent_conditions": [_shown_if(*condition, agent=True) for condition in f.conditions],
        "end_user_conditions": [_shown_if(*condition, agent=False) for condition in f.conditions],
        "created_at": CREATED,
        "updated_at": CREATED,
    }


def _shown_if(parent: int, value: str, fields: tuple[int, ...], *, agent: bool) -> dict[str, Any]:
    """A condition of a form; only agents' conditions tell at which statuses a field is required."""
    children: list[dict[str, Any]] = []
    for k, place in enumerate(fields):
        child: dict[str, Any] = {"id": field_id(place), "is_required": k == 0}
        if agent:
            statuses = {"type": "SOME_STATUSES", "statuses": ["solved"]} if k == 0 else {"type": "NO_STATUSES"}
            child["required_on_statuses"] = statuses
        children.append(child)
    return {
        "parent_field_id": field_id(parent),
        "parent_field_type": "tagger",
        "value": value,
        "child_fields": children,
    }


def brand(place: int, base_url: str) -> dict[str, Any]:
    """The brand at ``place`` as the API shows it."""
    name, subdomain = BRANDS[place]
    return {
        "url": f"{base_url}/api/v2/brands/{brand_id(place)}.json",
        "id": brand_id(place),
        "name": name,
        "brand_url": base_url,
        "subdomain": subdomain,
        "host_mapping": None,
        "has_help_center": place == 0,
        "help_center_state": "enabled" if place == 0 else "disabled",
        "active": True,
        "default": place == 0,
        "is_deleted": False,
        "logo": None,
        "ticket_form_ids": [form_id(k) for k in range(len(FORMS))],
        "signature_template": "{{agent.signature}}",
        "created_at": CREATED,
        "updated_at": CREATED,
    }


def role(place: int, base_url: str) -> dict[str, Any]:
    """The custom role at ``place`` as the API shows it."""
    name, kind, configured = ROLES[place]
    return {
        "url": f"{base_url}/api/v2/custom_roles/{role_id(place)}.json",
        "id": role_id(place),
        "name": name,
        "description": f"{name} of Acme",
        "role_type": kind,
        "team_member_count": 0,
        "configuration": {
            "ticket_access": "all",
            "ticket_comment_access": "none" if kind == 1 else "public",
            "end_user_profile_access": "edit",
            "report_access": "full" if configured == "admin" else "readonly",
            "manage_business_rules": configured == "admin",
        },
        "created_at": CREATED,
        "updated_at": CREATED,
    }
