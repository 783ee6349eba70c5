"""The working rules of a Zendesk account, listed for people: macros, triggers, views and the like do not move.

Belongs here: which lists there are, and what of an item is told. Does not belong here: what Intercom has instead
(`model.inventory`).
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from migration_pipeline.model.costs import Work
from migration_pipeline.model.errors import AccessDenied, Rejected
from migration_pipeline.model.run import Run
from migration_pipeline.sources.zendesk.client import ZendeskClient, buckets
from migration_pipeline.sources.zendesk.paging import LIST_PAGE, CursorList
from migration_pipeline.sources.zendesk.streams import advance


@dataclass(frozen=True, slots=True)
class _List:
    """A list of one kind; `page` is where the Admin Center shows it, `{id}` the item."""

    path: str
    key: str
    page: str
    name: str = "title"
    conditions: tuple[str, ...] = ()


LISTS: Final[Mapping[str, _List]] = {
    "macro": _List("macros", "macros", "workspaces/agent-workspace/macros/{id}"),
    "trigger": _List("triggers", "triggers", "objects-rules/rules/triggers/{id}", conditions=("conditions",)),
    "automation": _List(
        "automations", "automations", "objects-rules/rules/automations/{id}", conditions=("conditions",)
    ),
    "view": _List("views", "views", "workspaces/agent-workspace/views/{id}", conditions=("conditions",)),
    "sla_policy": _List("slas/policies", "sla_policies", "objects-rules/rules/slas/{id}", conditions=("filter",)),
    "schedule": _List("business_hours/schedules", "schedules", "objects-rules/rules/schedules", name="name"),
    "ticket_form": _List(
        "ticket_forms", "ticket_forms", "objects-rules/tickets/ticket-forms/edit/{id}", name="name",
        conditions=("agent_conditions", "end_user_conditions"),
    ),
    "dynamic_content": _List(
        "dynamic_content/items", "items", "workspaces/agent-workspace/dynamic_content", name="name"
    ),
    "support_address": _List("recipient_addresses", "recipient_addresses", "channels/talk_and_email/email"),
    "sharing_agreement": _List("sharing_agreements", "sharing_agreements", "people/team/sharing", name="name"),
}  # fmt: skip
"""Zendesk developer docs, "Business rules", "Ticketing"; the pages are those of the Admin Center."""


def read(client: ZendeskClient, run: Run) -> Iterator[dict[str, Any]]:
    """Every item of every list as a row of `model.inventory.INVENTORY`. A list that the plan lacks counts as empty.

    Raises:
        ServiceDown, RunStopped, Rejected.
    """
    for kind, listed in LISTS.items():
        pager = CursorList()
        while not pager.finished:
            run.check()
            try:
                body = client.get(listed.path, pager.params())
            except (AccessDenied, Rejected) as refusal:
                if getattr(refusal, "status", None) in (403, 404):
                    break
                raise
            for item in client.rows(body, listed.key, listed.path):
                if isinstance(item, dict):
                    yield _row(client.settings.url, kind, listed, item)
            advance(pager.advance, body, path=listed.path)


def works(found: Mapping[str, int]) -> Iterator[Work]:
    """Calls that reading the lists takes, told with those of fields; `found` is how many items each kind had."""
    for kind, listed in LISTS.items():
        calls = max(1, math.ceil(found.get(kind, 0) / LIST_PAGE))
        path = f"/api/v2/{listed.path}"
        yield Work("source", "fields", kind, calls, buckets("GET", path), endpoints={f"GET {path}": calls})


def _row(base: str, kind: str, listed: _List, item: Mapping[str, Any]) -> dict[str, Any]:
    found = item.get("id")
    source_id = str(found) if isinstance(found, int | str) else ""
    named = item.get(listed.name) or item.get("title") or item.get("name") or item.get("email")
    return {
        "kind": kind,
        "source_id": source_id,
        "name": " ".join(str(named or f"{kind} {source_id}").split()),
        "active": item.get("active") is not False,
        "conditions": sum(_count(item.get(key)) for key in listed.conditions) if listed.conditions else None,
        "source_url": f"{base}/admin/{listed.page.replace('{id}', source_id)}",
    }


def _count(conditions: object) -> int:
    """How many conditions a rule has: a list of them, or lists under `all` and `any`."""
    if isinstance(conditions, dict):
        return sum(_count(value) for value in conditions.values())
    return len(conditions) if isinstance(conditions, list) else 0
