"""The working rules of the help desk: macros, triggers, automations, views, service levels, hours, dynamic content.

Here: their definitions and JSON; nothing acts on them. Not here: fields, forms, brands, roles (``catalogue``), which
tickets refer to.
"""

from collections.abc import Callable
from typing import Any

from migration_pipeline.sandbox.zendesk.world import catalogue, ids, prose, seeds
from migration_pipeline.sandbox.zendesk.world.catalogue import CREATED
from migration_pipeline.sandbox.zendesk.world.vocabulary import ENGLISH, FRENCH, GERMAN, TAGS

Row = dict[str, Any]
# Each kind has its own thousand of numbers.
_KINDS = (
    "macros",
    "triggers",
    "automations",
    "views",
    "slas/policies",
    "business_hours/schedules",
    "dynamic_content/items",
    "recipient_addresses",
    "sharing_agreements",
    "trigger_categories",
    "holidays",
    "variants",
)


def rule_id(kind: str, place: int) -> int:
    """The id of the thing of a kind at ``place``."""
    return ids.RULE + (_KINDS.index(kind) * 1_000 + place + 1) * ids.STEP


def _head(kind: str, place: int, base_url: str) -> Row:
    number = rule_id(kind, place)
    return {
        "id": number,
        "url": f"{base_url}/api/v2/{kind}/{number}.json",
        "created_at": CREATED,
        "updated_at": CREATED,
    }


def _action(field: str, value: Any) -> Row:
    return {"field": field, "value": value}


def _condition(field: str, operator: str, value: Any) -> Row:
    return {"field": field, "operator": operator, "value": value}


def _restriction(place: int) -> Row | None:
    """Most rules are for everyone, some for one agent, some for groups."""
    if place % 5 == 3:
        return {"type": "User", "id": ids.user(place % 10)}
    if place % 5 == 4:
        return {"type": "Group", "id": ids.group(place % 4), "ids": [ids.group(place % 4), ids.group(0)]}
    return None


def macros(tickets: int, base_url: str) -> list[Row]:
    """Macros, more of them in a larger help desk; `::` in a title is a folder."""
    rows = []
    for place in range(min(150, 12 + tickets // 50)):
        draw = seeds.rng(seeds.AGENT, 1, place)
        language = (ENGLISH, GERMAN, FRENCH)[place % 3]
        said = prose.fill(seeds.pick(draw, language.agent), draw)
        folder = ("Returns::", "Zahlung::Mahnung::", "")[place % 3]
        actions = [
            _action(
                "comment_value_html", f"<p>{{{{ticket.requester.first_name}}}},</p><p>{said}</p>{{{{dc.closing}}}}"
            ),
            _action("status", seeds.pick(draw, ("pending", "solved", "open"))),
            _action("current_tags", seeds.pick(draw, TAGS)),
        ]
        if place % 4 == 1:
            actions.append(_action("comment_mode_is_public", "false"))
        if place % 4 == 2:
            actions += [
                _action(f"custom_fields_{catalogue.field_id(15)}", "prod_lumo"),
                _action("group_id", str(ids.group(1))),
            ]
        if place % 6 == 5:
            actions.append(_action("comment_value", ["channel:all", said]))
        title = f"{folder}{said[:40]}"
        rows.append(
            {
                **_head("macros", place, base_url),
                "title": title,
                "raw_title": title,
                "description": None if place % 2 else "Used in the first answer",
                "active": place % 7 != 6,
                "position": place,
                "default": False,
                "actions": actions,
                "restriction": _restriction(place),
            }
        )
    return rows


# (title, active, conditions of which all hold, of which any, actions)
_TRIGGERS: tuple[tuple[str, bool, tuple[Row, ...], tuple[Row, ...], tuple[Row, ...]], ...] = (
    (
        "Notify requester of a comment",
        True,
        (_condition("update_type", "is", "Change"), _condition("comment_is_public", "is", "requester_can_see_comment")),
        (),
        (_action("notification_user", ["requester_id", "Re: {{ticket.title}}", "{{ticket.comments_formatted}}"]),),
    ),
    (
        "Refunds to billing",
        True,
        (_condition("update_type", "is", "Create"),),
        (
            _condition("current_tags", "includes", "refund"),
            _condition("comment_includes_word", "includes", "Erstattung"),
        ),
        (_action("group_id", str(ids.group(1))), _action("priority", "high")),
    ),
    (
        "Tell the shop",
        True,
        (_condition("status", "value", "solved"),),
        (),
        (_action("notification_webhook", ["01HWEBHOOK", '{"id": "{{ticket.id}}"}']),),
    ),
    ("Old routing", False, (_condition("via_id", "is", "4"),), (), (_action("set_tags", "legacy routed"),)),
    (
        "VIP first",
        True,
        (_condition(f"custom_fields_{catalogue.field_id(15)}", "is", "prod_brewmaster"),),
        (_condition("organization_id", "is", str(ids.organization(0))),),
        (_action("priority", "urgent"), _action("cc", str(ids.user(0)))),
    ),
)
_AUTOMATIONS: tuple[tuple[str, bool, tuple[Row, ...], tuple[Row, ...]], ...] = (
    (
        "Close four days after solved",
        True,
        (_condition("SOLVED", "greater_than", "96"),),
        (_action("status", "closed"),),
    ),
    (
        "Remind after two days",
        True,
        (_condition("PENDING", "is", "48"), _condition("status", "is", "pending")),
        (_action("notification_user", ["requester_id", "Still there?", "{{dc.reminder}}"]),),
    ),
    ("Alt: Eskalation", False, (_condition("OPEN", "greater_than", "72"),), (_action("priority", "urgent"),)),
)
_VIEWS: tuple[tuple[str, bool, tuple[Row, ...]], ...] = (
    (
        "Your unsolved tickets",
        True,
        (_condition("assignee_id", "is", "current_user"), _condition("status", "less_than", "solved")),
    ),
    ("Unassigned tickets", True, (_condition("assignee_id", "is", ""), _condition("status", "less_than", "solved"))),
    ("Recently updated", True, (_condition("UPDATED", "less_than", "24"),)),
    ("Rückgaben", True, (_condition("group_id", "is", str(ids.group(4))),)),
    (
        "Billing, urgent",
        True,
        (_condition("priority", "is", "urgent"), _condition("current_tags", "includes", "refund")),
    ),
    ("Old backlog", False, (_condition("NEW", "greater_than", "720"),)),
)


def triggers(base_url: str) -> list[Row]:
    """Triggers in the order in which they fire."""
    return [
        {
            **_head("triggers", place, base_url),
            "title": title,
            "raw_title": title,
            "description": None,
            "active": active,
            "position": place + 1,
            "default": place == 0,
            "category_id": str(rule_id("trigger_categories", place % 2)),
            "conditions": {"all": list(every), "any": list(some)},
            "actions": list(actions),
        }
        for place, (title, active, every, some, actions) in enumerate(_TRIGGERS)
    ]


def trigger_categories(_: str) -> list[Row]:
    """The folders of triggers; their ids are texts."""
    return [
        {
            "id": str(rule_id("trigger_categories", place)),
            "name": name,
            "position": place,
            "created_at": CREATED,
            "updated_at": CREATED,
        }
        for place, name in enumerate(("Notifications", "Routing"))
    ]


def automations(base_url: str) -> list[Row]:
    """Automations, which run once an hour."""
    return [
        {
            **_head("automations", place, base_url),
            "title": title,
            "raw_title": title,
            "active": active,
            "position": place,
            "default": place == 0,
            "conditions": {"all": list(every), "any": []},
            "actions": list(actions),
        }
        for place, (title, active, every, actions) in enumerate(_AUTOMATIONS)
    ]


def views(base_url: str) -> list[Row]:
    """Views, shared and personal ones."""
    columns = [
        {"id": "subject", "title": "Subject"},
        {"id": catalogue.field_id(8), "title": "Order number", "type": "text"},
    ]
    return [
        {
            **_head("views", place, base_url),
            "title": title,
            "raw_title": title,
            "description": "" if place % 2 else None,
            "active": active,
            "position": place,
            "default": False,
            "conditions": {"all": list(every), "any": []},
            "execution": {
                "group_by": "status",
                "group_order": "asc",
                "sort_by": "created",
                "sort_order": "desc",
                "group": {"id": "status", "title": "Status", "order": "asc"},
                "sort": {"id": "created", "title": "Created", "order": "desc"},
                "columns": columns,
                "fields": columns[:1],
                "custom_fields": columns[1:],
            },
            "restriction": _restriction(place),
        }
        for place, (title, active, every) in enumerate(_VIEWS)
    ]


def sla_policies(base_url: str) -> list[Row]:
    """Service level policies with their targets in minutes."""
    metrics = ("first_reply_time", "next_reply_time", "requester_wait_time", "agent_work_time")
    return [
        {
            **_head("slas/policies", place, base_url),
            "title": title,
            "description": "",
            "position": place + 1,
            "filter": {"all": [_condition("type", "is", "incident")] if place else [], "any": []},
            "policy_metrics": [
                {
                    "priority": priority,
                    "metric": metric,
                    "target": (k + 1) * 30 * (place + 1),
                    "target_in_seconds": (k + 1) * 1_800 * (place + 1),
                    "business_hours": bool(place),
                }
                for k, priority in enumerate(("urgent", "high", "normal", "low"))
                for metric in metrics[: 2 + place]
            ],
        }
        for place, title in enumerate(("Standard", "Großkunden"))
    ]


def schedules(base_url: str) -> list[Row]:
    """Business hours: minutes since the beginning of Sunday in the schedule's own time zone."""
    weekdays = [{"start_time": day * 1440 + 540, "end_time": day * 1440 + 1080} for day in range(1, 6)]
    around = [{"start_time": 0, "end_time": 10_080}]
    return [
        {**_head("business_hours/schedules", place, base_url), "name": name, "time_zone": zone, "intervals": hours}
        for place, (name, zone, hours) in enumerate((("Office", "Berlin", weekdays), ("24/7", "UTC", around)))
    ]


def holidays(schedule: int) -> list[Row]:
    """The holidays of the schedule with this id."""
    if schedule != rule_id("business_hours/schedules", 0):
        return []
    dates = (("Neujahr", "2026-01-01", "2026-01-01"), ("Betriebsruhe", "2026-12-24", "2026-12-31"))
    return [
        {"id": rule_id("holidays", k), "name": name, "start_date": start, "end_date": end}
        for k, (name, start, end) in enumerate(dates)
    ]


# (name, variants by locale id)
_CONTENT: tuple[tuple[str, dict[int, str]], ...] = (
    ("product_field", {1: "Product", 8: "Produkt", 16: "Produit"}),
    ("closing", {1: "Kind regards,\nAcme", 8: "Viele Grüße\nAcme"}),
    ("reminder", {1: "Are you <still> there?", 8: "Sind Sie noch da?", 16: "Êtes-vous toujours là ?"}),
    ("greeting", {1: "Hello"}),
)


def dynamic_content(base_url: str) -> list[Row]:
    """Texts by language, which placeholders `{{dc.name}}` stand for."""
    rows = []
    for place, (name, variants) in enumerate(_CONTENT):
        head = _head("dynamic_content/items", place, base_url)
        shown = [
            {
                "id": rule_id("variants", place * 10 + k),
                "url": f"{head['url'].removesuffix('.json')}/variants/{rule_id('variants', place * 10 + k)}.json",
                "content": content,
                "locale_id": locale,
                "outdated": k == 2,
                "active": True,
                "default": k == 0,
                "created_at": CREATED,
                "updated_at": CREATED,
            }
            for k, (locale, content) in enumerate(variants.items())
        ]
        rows.append(
            {
                **head,
                "name": name,
                "placeholder": f"{{{{dc.{name}}}}}",
                "default_locale_id": 1,
                "outdated": len(shown) > 2,
                "variants": shown,
            }
        )
    return rows


def recipient_addresses(base_url: str) -> list[Row]:
    """The addresses at which the help desk gets mail."""
    return [
        {
            **_head("recipient_addresses", place, base_url),
            "name": name,
            "email": address,
            "brand_id": catalogue.brand_id(brand),
            "default": place == 0,
            "forwarding_status": "verified" if place else "unknown",
            "spf_status": "verified",
            "cname_status": "unknown",
            "domain_verification_status": "verified",
        }
        for place, (name, address, brand) in enumerate(
            (
                ("Acme", "support@acme.example", 0),
                ("Acme Café", "hallo@acme-cafe.example", 1),
                ("Returns", "returns@acme.example", 0),
            )
        )
    ]


def sharing_agreements(base_url: str) -> list[Row]:
    """Agreements by which another account sees tickets."""
    return [
        {
            **_head("sharing_agreements", 0, base_url),
            "name": "Partner repairs",
            "type": "outbound",
            "status": "accepted",
            "partner_name": None,
            "remote_subdomain": "repairs",
        }
    ]


# The path below /api/v2, the key of its list, and what makes the rows.
LISTS: tuple[tuple[str, str, Callable[[str], list[Row]]], ...] = (
    ("/triggers", "triggers", triggers),
    ("/trigger_categories", "trigger_categories", trigger_categories),
    ("/automations", "automations", automations),
    ("/views", "views", views),
    ("/slas/policies", "sla_policies", sla_policies),
    ("/dynamic_content/items", "items", dynamic_content),
    ("/recipient_addresses", "recipient_addresses", recipient_addresses),
    ("/sharing_agreements", "sharing_agreements", sharing_agreements),
)
