"""Sideloads: the records that tickets, comments and users bring along on request.

Here: which ids a page refers to, and the sibling arrays made of them. Not here: the page itself.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from migration_pipeline.sandbox.zendesk import ticket_json
from migration_pipeline.sandbox.zendesk.odd_people import odd_identities
from migration_pipeline.sandbox.zendesk.site import Site, spoiled
from migration_pipeline.sandbox.zendesk.view import View
from migration_pipeline.sandbox.zendesk.world import catalogue, ids, inventory, people

_PEOPLE = ("requester_id", "submitter_id", "assignee_id")


def shown_users(site: Site, user_ids: Iterable[Any]) -> list[dict[str, Any]]:
    """The users of these ids that still can be shown, each once."""
    desk, found = site.desk, []
    for user_id in dict.fromkeys(user_ids):
        number = desk.user_exists(user_id) if isinstance(user_id, int) else None
        if number is not None:
            found.append(spoiled(site, desk.user(number, site.base_url)))
    return found


def shown_organizations(site: Site, org_ids: Iterable[Any]) -> list[dict[str, Any]]:
    """The organizations of these ids, each once."""
    found = []
    for org_id in dict.fromkeys(org_ids):
        number = ids.organization_number(org_id) if isinstance(org_id, int) else None
        if number is not None and number < len(site.desk.people.org_created):
            found.append(spoiled(site, site.desk.organization(number, site.base_url)))
    return found


def shown_identities(site: Site, number: int) -> list[dict[str, Any]]:
    """All addresses and phones of a user."""
    rows = people.identities(site.desk.people, number, site.base_url)
    return odd_identities(site.desk, number, rows) if site.switches["odd_people"] else rows


def abilities(site: Site, row: dict[str, Any]) -> dict[str, Any]:
    """What the caller may do with a user."""
    return {
        "url": f"{site.base_url}/api/v2/users/{row['id']}.json",
        "user_id": row["id"],
        "can_edit": True,
        "can_edit_password": False,
        "can_manage_identities_of": True,
        "can_verify_now": not row.get("verified"),
        "can_view_reports": False,
        "can_create": True,
    }


def with_tickets(
    site: Site, view: View, places: Sequence[int], rows: list[dict[str, Any]], names: frozenset[str]
) -> dict[str, Any]:
    """The sideloads of a page of tickets; counts and metric sets are put into its ``rows``."""
    beside: dict[str, Any] = {}
    if "users" in names:
        beside["users"] = shown_users(
            site, (i for row in rows for i in [*(row.get(k) for k in _PEOPLE), *(row.get("collaborator_ids") or ())])
        )
    if "groups" in names:
        wanted = {row.get("group_id") for row in rows if isinstance(row.get("group_id"), int)}
        everyone = (people.group(site.desk.people, k, site.base_url) for k in range(site.desk.people.groups))
        beside["groups"] = [g for g in everyone if g["id"] in wanted]
    if "organizations" in names:
        beside["organizations"] = shown_organizations(site, (row.get("organization_id") for row in rows))
    if "ticket_forms" in names and site.plan.forms:
        wanted = {row.get("ticket_form_id") for row in rows if isinstance(row.get("ticket_form_id"), int)}
        forms = (catalogue.form(k, site.base_url) for k in range(len(catalogue.FORMS)))
        beside["ticket_forms"] = [f for f in forms if f["id"] in wanted]
    if "sharing_agreements" in names:
        shared = {agreement for row in rows for agreement in row.get("sharing_agreement_ids") or ()}
        every = inventory.sharing_agreements(site.base_url)
        beside["sharing_agreements"] = [agreement for agreement in every if agreement["id"] in shared]
    for place, row in zip(places, rows, strict=True):
        if "comment_count" in names:
            row["comment_count"] = ticket_json.comment_count(view, place)
        if "metric_sets" in names:
            row["metric_set"] = ticket_json.metric_set(view, place)
        if "incident_counts" in names:
            row["incident_count"] = sum(1 for p in site.desk.tickets.problem_of.values() if p == place)
        if "dates" in names:
            metrics = ticket_json.metric_set(view, place) or {}
            row["dates"] = {
                k: metrics.get(k)
                for k in (
                    "assignee_updated_at",
                    "requester_updated_at",
                    "status_updated_at",
                    "initially_assigned_at",
                    "assigned_at",
                    "solved_at",
                    "latest_comment_added_at",
                )
            }
    return beside
