"""Seldom seen events of audits: sharing, social channels, surveys, notices with copies, side threads.

Here: which steps have them, and their JSON in the words of audits. Not here: the common events (``event_json``).
"""

from collections.abc import Callable
from typing import Any

from migration_pipeline.sandbox.zendesk import side_conversations
from migration_pipeline.sandbox.zendesk.view import View
from migration_pipeline.sandbox.zendesk.world import ids, inventory, seeds
from migration_pipeline.sandbox.zendesk.world.skeleton import Kind
from migration_pipeline.sandbox.zendesk.world.threads import Step, Ticket

Part = dict[str, Any]
SHARE = 0.03
SHARING = 1
"""Which of the makers below tells that a ticket was shared."""
SHARING_AGREEMENT = inventory.rule_id("sharing_agreements", 0)

_MAKERS: tuple[Callable[[Ticket, Step], Part], ...] = (
    lambda ticket, _: {
        "type": "NotificationWithCcs",
        "subject": "[{{ticket.account}}] Re: {{ticket.title}}",
        "body": "{{ticket.comments_formatted}}",
        "recipients": [ids.user(ticket.requester), *(ids.user(n) for n in ticket.ccs)],
    },
    lambda _, __: {"type": "TicketSharingEvent", "action": "shared", "agreement_id": SHARING_AGREEMENT},
    lambda ticket, _: {
        "type": "Tweet",
        "direct_message": False,
        "body": "@acme any news?",
        "recipients": [ids.user(ticket.requester)],
    },
    lambda _, step: {
        "type": "FacebookEvent",
        "page": {"name": "Acme", "graph_id": "1234567890"},
        "communication": step.seq,
        "ticket_via": "post",
        "body": "Wall post of Acme",
    },
    lambda _, step: {
        "type": "SurveyOffered",
        "survey_id": f"{step.seed:016x}",
        "survey_type": "customer_satisfaction",
    },
    lambda _, step: {
        "type": "SurveyResponseSubmitted",
        "survey_response_id": f"{step.seed:016x}",
        "rating": 4,
        "comment": "Fast & friendly",
    },
    lambda _, __: {"type": "Push", "value": "screencast", "value_reference": "https://cast.example.net/1"},
    lambda _, __: {"type": "LogMeInTranscript", "body": "14:02 Agent joined.\n14:20 Session ended."},
    lambda _, __: {"type": "SomethingNewEvent", "value": {"nested": [1, None, "x"]}},
)


def _seldom(view: View, step: Step) -> int | None:
    """Which of the makers a step calls for; the first step is full already."""
    if step.seq == 0 or step.kind == Kind.DELETE or not view.switches["rare_events"]:
        return None
    return seeds.mix(step.seed, 16) % len(_MAKERS) if seeds.share(step.seed, 15) < SHARE else None


def agreements_of(view: View, ticket: Ticket) -> list[int]:
    """The agreements by which a ticket is shared."""
    return [SHARING_AGREEMENT] if any(_seldom(view, s) == SHARING for s in ticket.steps) else []


def parts_of(view: View, ticket: Ticket, step: Step) -> list[Part]:
    """The seldom events of a step."""
    maker = _seldom(view, step)
    parts = [] if maker is None else [_MAKERS[maker](ticket, step)]
    if step.seq == 1 and view.switches["side_conversations"]:
        parts += [_thread_event(event) for _, event in side_conversations.events_of(view, ticket.place)[:8]]
    return parts


# How seldom seen channels are told: (channel, share) by what a step does.
_CHANNELS: dict[Kind, tuple[str, float]] = {
    Kind.BATCH: ("batch", 0.8),
    Kind.GROUP: ("group_deletion", 0.3),
    Kind.SOLVE: ("linked_problem", 0.1),
    Kind.TAGS: ("iphone", 0.1),
    Kind.STATUS: ("dropbox", 0.1),
    Kind.FIELDS: ("recovered_from_suspended_tickets", 0.1),
}


def channel_of(view: View, step: Step) -> str | None:
    """The seldom seen channel by which a step came; None for one of the usual."""
    channel, share = _CHANNELS.get(step.kind, ("", 0.0))
    return channel if view.switches["rare_events"] and seeds.share(step.seed, 18) < share else None


def _thread_event(event: dict[str, Any]) -> Part:
    kind = {"create": "CollabThreadCreated", "reply": "CollabThreadReply"}.get(event["type"], "CollabThreadClosed")
    message = event["message"] or {}
    return {
        "type": kind,
        "thread_id": event["side_conversation_id"],
        "thread_event_id": event["id"],
        "data": {"subject": message.get("subject"), "from": event["actor"], "to": message.get("to", [])},
    }
