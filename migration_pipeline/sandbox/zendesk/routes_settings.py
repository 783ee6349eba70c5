"""Settings of the account: fields, forms, statuses, brands, roles, tags.

Here: these endpoints. Not here: definitions (``world.catalogue``).
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from migration_pipeline.sandbox.wire import Call, Route
from migration_pipeline.sandbox.zendesk import errors
from migration_pipeline.sandbox.zendesk.desk import DAY
from migration_pipeline.sandbox.zendesk.site import Made, Site, index_of, number, wants_cursor
from migration_pipeline.sandbox.zendesk.world import catalogue, skeleton

TAG_DAYS = 60
# Counting tags tells the story of every ticket; the newest of them give the same picture.
TAGGED_AT_MOST = 3_000


def routes(site: Site) -> list[Route]:
    """All routes about settings."""
    settings = _Settings(site)
    base = site.base_url
    fields, statuses = range(len(catalogue.TICKET_FIELDS)), range(len(catalogue.CUSTOM_STATUSES))

    def person(kind: str, among: tuple[catalogue.Field, ...]) -> Callable[[Call], Made]:
        rows = [catalogue.person_field(among, k, kind, base) for k in range(len(among))]
        return lambda call: settings.small(call, kind, rows)

    return [
        site.route(
            "/ticket_fields",
            lambda c: settings.small(c, "ticket_fields", [catalogue.ticket_field(k, base) for k in fields]),
        ),
        site.route("/ticket_fields/{id}", settings.ticket_field),
        site.route("/ticket_forms", settings.forms),
        site.route(
            "/custom_statuses", lambda _: {"custom_statuses": [catalogue.custom_status(k, base) for k in statuses]}
        ),
        site.route("/user_fields", person("user_fields", catalogue.USER_FIELDS)),
        site.route("/organization_fields", person("organization_fields", catalogue.ORGANIZATION_FIELDS)),
        site.route("/brands", settings.brands),
        site.route("/custom_roles", settings.roles),
        site.route("/account/settings", settings.account),
        site.route("/tags", settings.tags),
    ]


class _Settings:
    def __init__(self, site: Site) -> None:
        self._site = site

    def small(self, call: Call, plural: str, rows: Sequence[dict[str, Any]]) -> Made:
        """A short list: whole where no page is asked for."""
        if wants_cursor(call):
            return self._site.by_cursor(call, plural, index_of(r["id"] for r in rows), lambda k: rows[k], "id")
        return {plural: list(rows), "next_page": None, "previous_page": None, "count": len(rows)}

    def ticket_field(self, call: Call) -> Made:
        for k in range(len(catalogue.TICKET_FIELDS)):
            if catalogue.field_id(k) == number(call):
                return {"ticket_field": catalogue.ticket_field(k, self._site.base_url)}
        raise errors.not_found()

    def brands(self, call: Call) -> Made:
        """Each brand with the help center it has at the moment."""
        site = self._site
        mapped = site.other_host.partition("//")[2]
        rows = [
            catalogue.brand(k, site.base_url)
            | {
                "brand_url": site.brand_url(k),
                "host_mapping": mapped if k == 0 and site.switches["article_file_host"] == "mapped" else None,
                "has_help_center": site.has_help_center(k),
                "help_center_state": "enabled" if site.has_help_center(k) else "disabled",
            }
            for k in range(max(catalogue.TICKET_BRANDS, len(site.hosts)))
        ]
        return self.small(call, "brands", rows)

    def forms(self, _: Call) -> Made:
        if not self._site.plan.forms or self._site.switches["forms"] == "off":
            return errors.no_endpoint()
        rows = [catalogue.form(k, self._site.base_url) for k in range(len(catalogue.FORMS))]
        return {"ticket_forms": rows, "next_page": None, "previous_page": None, "count": len(rows)}

    def roles(self, _: Call) -> Made:
        if not self._site.plan.custom_roles:
            return errors.forbidden()
        rows = [catalogue.role(k, self._site.base_url) for k in range(len(catalogue.ROLES))]
        return {"custom_roles": rows, "next_page": None, "previous_page": None, "count": len(rows)}

    def account(self, _: Call) -> Made:
        plan, switches = self._site.plan, self._site.switches
        return {
            "settings": {
                "branding": {"header_color": "17494D", "page_background_color": "FFFFFF"},
                "tickets": {
                    "comments_public_by_default": True,
                    "tagging": True,
                    "emoji_autocompletion": True,
                    "collaboration": True,
                    "private_attachments": switches["private_attachments"] != "none",
                    "custom_statuses_enabled": True,
                    "markdown_ticket_comments": False,
                    "rich_text_comments": True,
                    "email_attachments": True,
                    "using_skill_based_routing": False,
                    "follower_and_email_cc_collaborations": True,
                },
                "active_features": {
                    "customer_satisfaction": plan.satisfaction,
                    "ticket_forms": plan.forms,
                    "user_org_fields": True,
                    "custom_statuses": True,
                    "voice": True,
                    "chat": True,
                    "business_hours": False,
                    "sandbox": False,
                    "side_conversations": switches["side_conversations"],
                    "allow_ccs": True,
                },
                "api": {
                    "accepted_api_agreement": True,
                    "api_password_access": False,
                    "api_token_access": switches["basic_auth"],
                },
                "limits": {"attachment_size": 52_428_800},
                "localization": {"locale_ids": [1, 8, 16, 2, 67, 66]},
                "brands": {"default_brand_id": catalogue.brand_id(0), "require_brand_on_new_tickets": False},
                "statistics": {"forum": False},
            }
        }

    async def tags(self, call: Call) -> Made:
        """The most used tags of tickets changed in the last sixty days, most used first."""
        desk, now = self._site.desk, call.scratch["at"]
        key = ("tags", desk.revision, int(now // 3600))
        counts: Counter[str] | None = self._site.cache.get(key)
        if counts is None:
            counts = Counter()
            recent = np.flatnonzero((desk.updated > now - TAG_DAYS * DAY) & (desk.status != skeleton.GONE_STATUS))
            for k, place in enumerate(recent[::-1][:TAGGED_AT_MOST].tolist()):
                counts.update(desk.ticket(place).tags)
                if k % 50 == 0:
                    await asyncio.sleep(0)
            self._site.cache[key] = counts
        rows = [{"name": name, "count": count} for name, count in counts.most_common(20_000)]
        index = index_of(range(len(rows)))
        if wants_cursor(call):
            return self._site.by_cursor(call, "tags", index, lambda k: rows[k], "-score,id")
        return self._site.by_offset(call, "tags", range(len(rows)), lambda k: rows[k])
