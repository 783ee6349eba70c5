"""What people do in both services before and after a migration, because no API does it or shows whether it was done.

Belongs here: the items as data, and the page that shows them. Does not belong here: what an API can check (the
preflight). Places are those of Intercom's settings and Zendesk's Admin Center as their help centres name them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from migration_pipeline.config import Migration


@dataclass(frozen=True)
class Item:
    """One thing to do: what, where exactly, and what happens where it is left out."""

    id: str
    what: str
    where: str
    risk: str


BEFORE: Final = (
    Item(
        "workflows_off",
        "Switch off all Workflows, and Fin's automations.",
        "Intercom: Automation > Workflows (and Fin AI Agent > Deploy) > each live one > Pause",
        "They would act on conversations of the past: answers, assignments, messages to customers.",
    ),
    Item(
        "assignment_off",
        "Switch off automatic assignment.",
        "Intercom: Settings > Inbox > Assignments (and each team's own method) > Manual",
        "Conversations of the past would be given out to teammates, and unassigned ones would not stay so.",
    ),
    Item(
        "csat_off",
        "Switch off satisfaction surveys and automatic closing messages.",
        "Intercom: Settings > Inbox > Macros and automations; Automation > Simple automations > Ratings",
        "Customers would be asked to rate conversations of the past.",
    ),
    Item(
        "teammate_notifications_off",
        "Have teammates switch off their notifications.",
        "Intercom: Settings > Personal > Notifications, each teammate",
        "Every assignment and note of the past would send a mail or a push message.",
    ),
    Item(
        "channels_off",
        "Disconnect channels that the migration is not about, or take note that they go on.",
        "Intercom: Settings > Channels > Email, Messenger, WhatsApp, …",
        "New messages would mix with those of the past, and two systems would answer the same customer.",
    ),
    Item(
        "webhooks_off",
        "Switch off webhooks and apps that listen to new conversations.",
        "Intercom: Settings > Integrations > Developer Hub > your app > Webhooks; App store > installed apps",
        "Other systems would take conversations of the past for new ones.",
    ),
    Item(
        "seats",
        "Invite every teammate who is to keep their comments, with an inbox seat.",
        "Intercom: Settings > Workspace > Teammates > Invite teammates; Seats",
        "Their comments would appear under the fallback teammate, and their tickets unassigned.",
    ),
    Item(
        "teams",
        "Make the teams that tickets are to be assigned to.",
        "Intercom: Settings > Workspace > Teammates > Teams > New team",
        "Tickets of missing teams would arrive without a team.",
    ),
    Item(
        "attributes_required",
        "Look at required conversation attributes: optional until the migration has ended.",
        "Intercom: Settings > Inbox > Conversation data > each attribute > Required to close",
        "Teammates could not close conversations of the past that lack them.",
    ),
    Item(
        "locales",
        "Add the languages of customers, and of articles.",
        "Intercom: Settings > Messenger > General > Languages; Help Center > Settings > Languages",
        "Customers would see the default language.",
    ),
    Item(
        "default_inbox",
        "Choose where conversations without a team appear.",
        "Intercom: Settings > Inbox > Assignments > Default",
        "Unassigned conversations of the past would fill somebody's inbox.",
    ),
    Item(
        "date",
        "Agree on the date of the full run, and who answers customers meanwhile.",
        "with the support team; the plan names the time it takes and the open tickets",
        "Tickets that change during the run reach Intercom only with the next delta.",
    ),
)
"""Signed before a full run may start."""

AFTER: Final = (
    Item(
        "last_delta",
        "Run a last delta after the source was closed.",
        "`migrate delta`; Zendesk: Admin Center > Channels, all switched off",
        "What customers wrote last would be missing.",
    ),
    Item(
        "report_read",
        "Go through failed and skipped records, and compare a handful of tickets by hand.",
        "the report's page",
        "Gaps would be found by customers.",
    ),
    Item(
        "channels_on",
        "Connect the channels: forward support addresses, place the Messenger.",
        "Intercom: Settings > Channels > Email, Messenger, …",
        "Customers would not reach anybody.",
    ),
    Item(
        "notifications_on",
        "Switch notifications on again.",
        "Intercom: Settings > Personal > Notifications, each teammate",
        "Teammates would miss what customers write.",
    ),
    Item(
        "automations_on",
        "Switch Workflows, assignment, surveys, webhooks and apps on again.",
        "Intercom: Automation > Workflows; Settings > Inbox > Assignments; Developer Hub > Webhooks",
        "New conversations would stay unassigned and unanswered.",
    ),
    Item(
        "required_again",
        "Make required attributes required again.",
        "Intercom: Settings > Inbox > Conversation data",
        "New conversations would lack what reports need.",
    ),
    Item(
        "links",
        "Lead old addresses to the new ones: help-centre links, contact forms, signatures, saved replies.",
        "the map of links in the report; Intercom: Help Center > Settings > Redirects; your own web site",
        "Old links would lead nowhere.",
    ),
    Item(
        "source_kept",
        "Keep the source read-only until the report is signed off, then end its plan and revoke the token.",
        "Zendesk: Admin Center > Account > Billing; Apps and integrations > OAuth clients",
        "What was forgotten could not be fetched any more.",
    ),
    Item(
        "archive",
        "Archive and purge the staged data.",
        "`migrate archive` packs it, `migrate purge` removes it",
        "Personal data of customers would lie about on this machine.",
    ),
)
"""Shown after a full run."""


def checklist(migration: Migration, signed: Mapping[str, Mapping[str, str]]) -> list[dict[str, Any]]:
    """All items with their owner and signature, in order. `signed` is what `approval.json` says."""
    return [
        {
            "id": item.id,
            "when": when,
            "what": item.what,
            "where": item.where,
            "risk": item.risk,
            "owner": migration.checklist.owners.get(item.id, migration.checklist.owner),
            "signed": dict(signed[item.id]) if item.id in signed else None,
        }
        for when, items in (("before", BEFORE), ("after", AFTER))
        for item in items
    ]


def as_markdown(items: Sequence[Mapping[str, Any]]) -> str:
    """The checklist as a page of text that can be ticked off by hand too."""
    lines = ["# Checklist", "", "Sign with `migrate approve --name NAME --sign ITEM` (or `--sign all`)."]
    for when, title in (("before", "Before the full run"), ("after", "After it")):
        lines += ["", f"## {title}", ""]
        for item in (item for item in items if item["when"] == when):
            signed = item["signed"]
            lines.append(f"- [{'x' if signed else ' '}] **{item['id']}**: {item['what']}")
            lines.append(f"  - where: {item['where']}")
            lines.append(f"  - if it is left out: {item['risk']}")
            by = f"signed by {signed['by']} at {signed['at']}" if signed else "not signed"
            lines.append(f"  - owner: {item['owner']}; {by}")
    return "\n".join(lines) + "\n"
