"""Audits as their lists show them, and export events, which tell the same in other words.

Here: both JSON shapes of one step. Not here: comments themselves (``comment_json``).
"""

import dataclasses
from typing import Any

from migration_pipeline.sandbox.zendesk import comment_json, rare_events, ticket_json
from migration_pipeline.sandbox.zendesk.view import View
from migration_pipeline.sandbox.zendesk.world import catalogue, ids, people, seeds, threads
from migration_pipeline.sandbox.zendesk.world.skeleton import Kind
from migration_pipeline.sandbox.zendesk.world.threads import Step, Ticket

# The export names channels in words, and by number in via_reference pairs.
VIA_TEXT = {
    "web": "Web form",
    "email": "Mail",
    "api": "Web service",
    "chat": "Chat",
    "native_messaging": "Messaging",
    "voice": "Phone call (inbound)",
    "mobile_sdk": "Mobile SDK",
    "rule": "Rule",
    "merge": "Merge",
    "linked_problem": "Linked problem",
    "group_deletion": "Group deletion",
    "iphone": "iPhone app",
    "dropbox": "Dropbox",
    "batch": "Batch",
    "recovered_from_suspended_tickets": "Recovered from suspended tickets",
}
VIA_ID = {
    "web": 0,
    "email": 4,
    "api": 5,
    "chat": 29,
    "native_messaging": 75,
    "voice": 45,
    "mobile_sdk": 49,
    "rule": 8,
    "merge": 19,
    "linked_problem": 9,
    "group_deletion": 10,
    "iphone": 15,
    "dropbox": 17,
    "batch": 20,
    "recovered_from_suspended_tickets": 21,
}


TRIGGER: dict[str, Any] = {
    "channel": "rule",
    "source": {
        "from": {"id": ids.ROLE + 77, "title": "Notify requester", "deleted": False},
        "to": {},
        "rel": "trigger",
    },
}


def _shown(name: str, value: Any) -> Any:
    """A changed value as the API writes it."""
    if name == "assignee":
        return ticket_json.maybe_user_id(value)
    if name == "group":
        return ticket_json.group_id(value)
    if name == "custom_status":
        return catalogue.status_id(value)
    return value


_API_NAMES = {"assignee": "assignee_id", "group": "group_id", "custom_status": "custom_status_id"}


def _name(name: str) -> str:
    return str(catalogue.field_id(int(name[6:]))) if name.startswith("field:") else _API_NAMES.get(name, name)


def _at_opening(ticket: Ticket) -> dict[str, Any]:
    """The values a ticket was opened with: its later changes undone, newest first."""
    values: dict[str, Any] = {
        "subject": ticket.subject,
        "status": ticket.status,
        "custom_status": ticket.custom_status,
        "priority": ticket.priority,
        "type": ticket.type,
        "group": ticket.group,
        "assignee": ticket.assignee,
        "tags": ticket.tags,
        "is_public": ticket.is_public,
        "ccs": ticket.ccs,
        **{f"field:{k}": v for k, v in ticket.fields.items()},
    }
    for step in reversed(ticket.steps[1:]):
        for name, _, previous in reversed(step.changes):
            if name in values:
                values[name] = previous
    return values | {name: value for name, value, _ in ticket.steps[0].changes}


def _created(view: View, ticket: Ticket, values: dict[str, Any]) -> list[dict[str, Any]]:
    org = int(view.desk.people.org[ticket.requester])
    nothing = {("group", -1), ("assignee", -1)}
    told = [
        ("requester_id", ids.user(ticket.requester)),
        ("organization_id", ids.organization(org) if org >= 0 else None),
        ("brand_id", catalogue.brand_id(int(view.desk.tickets.brand[ticket.place]))),
        *(
            (_name(n), _shown(n, v))
            for n, v in values.items()
            if n != "ccs" and v is not None and not (isinstance(v, int) and (n, v) in nothing)
        ),
    ]
    return [{"type": "Create", "field_name": name, "value": value} for name, value in told]


def channel_of(view: View, ticket: Ticket, step: Step) -> str:
    """The channel by which an audit came."""
    if step.author == threads.SYSTEM:
        return "rule"
    if step.kind in (Kind.MERGE_IN, Kind.MERGE_OUT):
        return "merge"
    if rare := rare_events.channel_of(view, step):
        return rare
    return str(comment_json.comment_via(view, ticket, step)["channel"])


def _emails(view: View, numbers: list[int]) -> list[str]:
    return [address for address in (people.email_of(view.desk.people, n) for n in numbers) if address]


def _changed(view: View, name: str, value: Any, previous: Any) -> dict[str, Any]:
    if name == "ccs":
        before, now = _emails(view, previous), _emails(view, value)
        return {"type": "EmailCcChange", "previous_email_ccs": before, "current_email_ccs": now}
    if name == "followers":
        before, now = _emails(view, previous), _emails(view, value)
        return {"type": "FollowerChange", "previous_followers": before, "current_followers": now}
    shown = _shown(name, value), _shown(name, previous)
    return {"type": "Change", "field_name": _name(name), "value": shown[0], "previous_value": shown[1]}


def _about_comment(ticket: Ticket, step: Step, target: int) -> dict[str, Any]:
    """A redaction or a privacy change of an earlier comment."""
    comment = {"comment_id": ids.child(ticket.place, target, 0)}
    if step.kind == Kind.REDACT:
        return {"type": "CommentRedactionEvent", **comment}
    if step.kind == Kind.REDACT_FILE:
        first = ids.FilePlace(ticket.place, target, 0).id
        return {"type": "AttachmentRedactionEvent", **comment, "attachment_id": first}
    return {"type": "CommentPrivacyChange", **comment, "public": False}


def _by_rules(ticket: Ticket, step: Step) -> list[dict[str, Any]]:
    """What triggers, macros and targets leave in an audit."""
    chance = seeds.share(step.seed, 12)
    parts: list[dict[str, Any]] = []
    if step.kind == Kind.RULE or (step.kind in (Kind.REPLY_AGENT, Kind.CREATE) and step.public):
        parts.append(
            {
                "type": "Notification",
                "via": TRIGGER,
                "subject": "[{{ticket.account}}] Re: {{ticket.title}}",
                "body": "{{ticket.comments_formatted}}",
                "recipients": [ids.user(ticket.requester)],
            }
        )
    if step.kind == Kind.REPLY_AGENT and chance < 0.15:
        parts.append({"type": "MacroReference", "macro_id": str(ids.ROLE + 79), "macro_title": "Close & redirect"})
    if step.kind == Kind.RULE and chance < 0.2:
        parts.append({"type": "External", "resource": str(ids.ROLE + 80), "body": "{{ticket.id}}", "success": True})
    if step.kind == Kind.RULE and chance > 0.9:
        parts.append({"type": "Error", "message": "A delivery to the requester failed."})
    return parts


def _parts(view: View, ticket: Ticket, step: Step) -> list[dict[str, Any]]:
    """The child events of a step but its comment, in the words of audits."""
    parts: list[dict[str, Any]] = []
    if step.kind == Kind.CREATE:
        values = _at_opening(ticket)
        parts += _created(view, ticket, values)
        if values["ccs"]:
            parts.append({"type": "Cc", "recipients": [ids.user(n) for n in values["ccs"]], "via": TRIGGER})
    else:
        parts += [_changed(view, *change) for change in step.changes]
    if step.target is not None:
        parts.append(_about_comment(ticket, step, step.target))
    if step.kind == Kind.RATING and ticket.rating:
        assignee = ticket_json.maybe_user_id(step.assignee)
        score, said = ticket.rating["score"], ticket.rating["comment"]
        parts.append({"type": "SatisfactionRating", "score": score, "assignee_id": assignee, "body": said})
    parts += _by_rules(ticket, step)
    parts += rare_events.parts_of(view, ticket, step)
    if step.kind == Kind.CHAT_END:
        parts += _chat(view, ticket)
    return parts


def _chat(view: View, ticket: Ticket) -> list[dict[str, Any]]:
    lines = threads.chat_lines(view.desk.world, ticket)
    chat_id = f"{seeds.mix(ticket.place, 3):x}"
    history: list[dict[str, Any]] = []

    def add(kind: str, time: int, speaker: str, number: int, **more: Any) -> None:
        history.append(
            {
                "chat_index": len(history),
                "type": kind,
                "timestamp": time * 1000,
                "actor_type": {"agent": "agent", "user": "end-user"}.get(speaker, "trigger"),
                "actor_id": comment_json.user_id(number),
                "actor_name": people.name_of(view.desk.seed, view.desk.people, number) if number >= 0 else "Acme bot",
                **more,
            }
        )

    if view.switches["rare_events"]:
        add("ChatJoin", lines[0][0], "user", ticket.requester)
    for k, (time, speaker, number, text) in enumerate(lines):
        add("ChatMessage", time, speaker, number, message_id=str(k), message=text)
    if view.switches["rare_events"]:
        add("ChatLeave", lines[-1][0] + 5, "user", ticket.requester, reason="user_leave")
    shared = {"visitor_id": f"v-{ticket.place}", "chat_id": chat_id, "channel": "messaging"}
    return [
        {"type": "ChatStartedEvent", "value": {**shared, "chat_started_event_id": None, "history": history}},
        {"type": "ChatEndedEvent", "value": {**shared, "is_served": True, "history": history, "tags": []}},
    ]


def audit(view: View, place: int, step: Step) -> dict[str, Any]:
    """An audit of a ticket."""
    ticket = view.desk.ticket(place)
    events: list[dict[str, Any]] = []
    if step.has_comment:
        events.append(comment_json.comment(dataclasses.replace(view, inline_images=True), ticket, step))
    for part in _parts(view, ticket, step):
        events.append({"id": ids.child(place, step.seq, len(events) + (0 if step.has_comment else 1)), **part})
    via = comment_json.comment_via(view, ticket, step)
    if rare := rare_events.channel_of(view, step):
        via = {"channel": rare, "source": {"from": {}, "to": {}, "rel": None}}
    if step.author == threads.SYSTEM:
        via = {
            "channel": "rule",
            "source": {"from": {"id": ids.ROLE + 78, "title": "Automation"}, "to": {}, "rel": "automation"},
        }
    return {
        "id": ids.audit(place, step.seq),
        "ticket_id": ticket.id,
        "created_at": people.iso(step.time),
        "author_id": comment_json.user_id(step.author),
        "metadata": comment_json.metadata(view, ticket, step),
        "events": events,
        "via": via,
    }


def export_event(view: View, place: int, step: Step, *, comments: bool) -> dict[str, Any]:
    """An audit as the export of ticket events tells it. ``comments``: with whole comments among the children."""
    ticket = view.desk.ticket(place)
    channel = channel_of(view, ticket, step)
    children: list[dict[str, Any]] = []
    via_id = VIA_ID.get(channel, 0)
    if step.has_comment:
        children.append(_export_comment(view, ticket, step, channel, comments=comments))
    for part in _parts(view, ticket, step):
        number = ids.child(place, step.seq, len(children) + (0 if step.has_comment else 1))
        children.append(
            {"id": number, "via": VIA_TEXT.get(channel, "Web form"), "via_reference_id": None, **_in_export_words(part)}
        )
    system = comment_json.metadata(view, ticket, step)["system"]
    return {
        "id": ids.audit(place, step.seq),
        "ticket_id": ticket.id,
        "timestamp": step.time,
        "created_at": people.iso(step.time),
        "updater_id": comment_json.user_id(step.author),
        "via": VIA_TEXT.get(channel, "Web form"),
        "system": {
            k: system[k]
            for k in ("client", "location", "latitude", "longitude", "ip_address", "message_id")
            if k in system
        },
        "metadata": {},
        "merged_ticket_ids": list(step.others) if step.kind == Kind.MERGE_IN else [],
        "via_reference_id": via_id if step.author == threads.SYSTEM else None,
        "event_type": "Audit",
        "child_events": children,
    }


def _export_comment(view: View, ticket: Ticket, step: Step, channel: str, *, comments: bool) -> dict[str, Any]:
    number = ids.child(ticket.place, step.seq, 0)
    if not comments:
        return {
            "id": number,
            "via": VIA_TEXT.get(channel, "Web form"),
            "via_reference_id": None,
            "comment_present": True,
            "comment_public": threads.is_public(ticket, step, current=not view.original),
            "event_type": "Comment",
        }
    shown = comment_json.comment(view, ticket, step)
    # Seen in recorded exports: mostly an object, sometimes the channel in words or as a number.
    chance = seeds.share(step.seed, 9)
    via: Any = comment_json.comment_via(view, ticket, step)
    if chance < 0.06:
        via = VIA_TEXT.get(channel, "Web form")
    elif chance < 0.10:
        via = VIA_ID.get(channel, 0)
    return {**shown, "via": via, "via_reference_id": None, "created_at": people.iso(step.time), "event_type": "Comment"}


def _in_export_words(part: dict[str, Any]) -> dict[str, Any]:
    kind = part["type"]
    if kind not in ("Change", "Create"):
        return {"event_type": kind, **{k: v for k, v in part.items() if k not in ("type", "via")}}
    name, value = part["field_name"], part["value"]
    said: dict[str, Any] = {"event_type": kind}
    if name.isdigit():
        said["custom_ticket_fields"] = {name: value}
    else:
        said[name] = value
    if kind == "Change":
        said["previous_value"] = part["previous_value"]
    if name == "tags":
        before = set(part.get("previous_value") or ())
        said |= {"added_tags": sorted(set(value) - before), "removed_tags": sorted(before - set(value))}
    return said
