"""Tickets as the API shows them, and what can be sideloaded into them.

Here: JSON of the ticket itself, its metric set and rating. Not here: comments, audits, envelopes.
"""

from typing import Any

from migration_pipeline.sandbox.zendesk import comment_json, rare_events
from migration_pipeline.sandbox.zendesk.desk import SCRUB_AFTER
from migration_pipeline.sandbox.zendesk.view import View
from migration_pipeline.sandbox.zendesk.world import catalogue, ids, people, seeds, skeleton, threads
from migration_pipeline.sandbox.zendesk.world.skeleton import CHANNELS, Kind
from migration_pipeline.sandbox.zendesk.world.threads import Ticket

MORE_SHARE = 0.5
# (channel, relation) of tickets that would else have come by the channel of the key.
MORE_CHANNELS: dict[int, tuple[tuple[str, str | None], ...]] = {
    skeleton.MESSAGING: (
        ("whatsapp", None),
        ("instagram_dm", None),
        ("facebook_messenger", None),
        ("line", None),
        ("apple_business_chat", None),
    ),
    skeleton.WEB: (
        ("help_center", None),
        ("facebook", "post"),
        ("twitter", "mention"),
        ("sms", None),
        ("web_widget", None),
        ("any_channel", None),
        ("sample_ticket", None),
        ("something_new", "unheard_of"),
    ),
    skeleton.API: (("side_conversation", None), ("sharing_agreement", None)),
    skeleton.PHONE_CHANNEL: (("voicemail", "voicemail"),),
}


def custom_value(place: int, value: Any) -> Any:
    """A custom field's value; a checkbox is never null."""
    return False if value is None and catalogue.TICKET_FIELDS[place].type == "checkbox" else value


def _custom_fields(ticket: Ticket) -> list[dict[str, Any]]:
    return [
        {"id": catalogue.field_id(k), "value": custom_value(k, ticket.fields.get(k))}
        for k in catalogue.CUSTOM_FIELDS
        if k in ticket.fields or catalogue.TICKET_FIELDS[k].active
    ]


def group_id(number: int) -> int | None:
    """The id of a group by number, None for none."""
    return ids.group(number) if number >= 0 else None


def maybe_user_id(number: int) -> int | None:
    """The id of a user by number, None for none."""
    return ids.user(number) if number >= 0 else None


def _via(view: View, ticket: Ticket) -> dict[str, Any]:
    rows = view.desk.tickets
    parent = rows.follows.get(ticket.place)
    if parent is not None:
        earlier = view.desk.ticket(parent)
        source = {"ticket_id": earlier.id, "subject": earlier.subject, "channel": CHANNELS[int(rows.channel[parent])]}
        return {"channel": "web", "source": {"from": source, "to": {}, "rel": "follow_up"}}
    via = comment_json.comment_via(view, ticket, ticket.steps[0])
    channel = int(rows.channel[ticket.place])
    if view.switches["many_channels"] and seeds.share(view.desk.seed, ticket.place, 19) < MORE_SHARE:
        more = MORE_CHANNELS.get(channel, ())
        if more:
            name, rel = more[seeds.mix(view.desk.seed, ticket.place, 20) % len(more)]
            return {"channel": name, "source": {"from": {"name": "Visitor"}, "to": {"name": "Acme"}, "rel": rel}}
    return {**via, "channel": CHANNELS[channel]}


def rating(ticket: Ticket) -> dict[str, Any] | None:
    """The newest satisfaction rating inside a ticket; `unoffered` and `offered` are states as well."""
    if ticket.rating:
        shown = {"score": ticket.rating["score"], "id": ids.RATING + ticket.place, "comment": ticket.rating["comment"]}
        if ticket.rating["reason"]:
            shown |= {"reason": ticket.rating["reason"], "reason_id": 1001}
        return shown
    if ticket.status in ("solved", "closed"):
        return {"score": "offered" if ticket.id % 3 else "unoffered"}
    return None


def ticket_json(view: View, place: int, *, generated: bool = False, fields: bool = True) -> dict[str, Any]:
    """A ticket. ``generated`` adds the export's watermark; lists by cursor come without ``fields``."""
    desk = view.desk
    rows = desk.tickets
    ticket = desk.ticket(place)
    flags = int(rows.flags[place])
    scrubbed = ticket.deleted_at is not None and ticket.deleted_at + SCRUB_AFTER < view.now
    subject = "SCRUBBED" if scrubbed else ticket.subject
    custom = [] if scrubbed else _custom_fields(ticket)
    org = int(desk.people.org[ticket.requester])
    problem = rows.problem_of.get(place)
    ccs = [ids.user(n) for n in ticket.ccs]
    followers = [ids.user(n) for n in ticket.followers]
    channel = int(rows.channel[place])
    shown: dict[str, Any] = {
        "url": f"{view.base_url}/api/v2/tickets/{ticket.id}.json",
        "id": ticket.id,
        "external_id": ticket.external_id,
        "via": _via(view, ticket),
        "created_at": people.iso(int(rows.created[place])),
        "updated_at": people.iso(int(desk.updated[place])),
        "type": ticket.type,
        "subject": subject,
        "raw_subject": subject,
        "description": "SCRUBBED" if scrubbed else comment_json.description(view, ticket),
        "priority": ticket.priority,
        "status": ticket.status,
        "recipient": comment_json.SUPPORT_ADDRESS if channel == skeleton.MAIL else None,
        "requester_id": ids.user(ticket.requester),
        "submitter_id": ids.user(ticket.submitter),
        "assignee_id": maybe_user_id(ticket.assignee),
        "organization_id": ids.organization(org) if org >= 0 else None,
        "group_id": group_id(ticket.group),
        "collaborator_ids": list(dict.fromkeys(ccs + followers)),
        "follower_ids": followers,
        "email_cc_ids": ccs,
        "forum_topic_id": None,
        "problem_id": int(rows.ids[problem]) if problem is not None else None,
        "has_incidents": bool(flags & skeleton.PROBLEM) and place in rows.problem_of.values(),
        "is_public": ticket.is_public,
        "due_at": people.iso(ticket.due_at) if ticket.due_at else None,
        "tags": [] if scrubbed else ticket.tags,
        "custom_fields": custom,
        "satisfaction_rating": rating(ticket) if view.plan.satisfaction else None,
        "sharing_agreement_ids": rare_events.agreements_of(view, ticket),
        "custom_status_id": catalogue.status_id(ticket.custom_status),
        "fields": custom,
        "followup_ids": [int(rows.ids[k]) for k in rows.followed_by.get(place, ())],
        "ticket_form_id": catalogue.form_id(int(rows.form[place])) if view.plan.forms else None,
        "brand_id": catalogue.brand_id(int(rows.brand[place])),
        "allow_channelback": False,
        "allow_attachments": True,
        "from_messaging_channel": channel == skeleton.MESSAGING,
    }
    if not fields:
        del shown["fields"]
    if generated:
        shown["generated_timestamp"] = int(desk.generated[place])
    return shown


def metric_set(view: View, place: int) -> dict[str, Any] | None:
    """The counts and durations of a ticket; None for a deleted one, nulls for what has not happened."""
    desk = view.desk
    ticket = desk.ticket(place)
    if ticket.status == "deleted":
        return None
    opened = ticket.steps[0].time
    replies = [s for s in ticket.steps[1:] if s.kind in (Kind.REPLY_AGENT, Kind.SOLVE_REPLY) and s.public]
    statuses = [(s.time, value) for s in ticket.steps for name, value, _ in s.changes if name == "status"]
    assigned = [s.time for s in ticket.steps if any(name == "assignee" for name, _, _ in s.changes)]
    solved = [time for time, value in statuses if value in ("solved", "closed")]

    def minutes(until: int | None) -> dict[str, int | None]:
        whole = None if until is None else (until - opened) // 60
        return {"calendar": whole, "business": None if whole is None else whole // 3}

    def at(times: list[int], which: int) -> str | None:
        return people.iso(times[which]) if times else None

    return {
        "url": f"{view.base_url}/api/v2/ticket_metrics/{ids.RATING + 500_000_000 + place}.json",
        "id": ids.RATING + 500_000_000 + place,
        "ticket_id": ticket.id,
        "created_at": people.iso(opened),
        "updated_at": people.iso(int(desk.updated[place])),
        "group_stations": 1 + sum(name == "group" for s in ticket.steps for name, _, _ in s.changes)
        if ticket.group >= 0
        else 0,
        "assignee_stations": len(assigned),
        "reopens": sum(
            value == "open" and previous == "solved"
            for s in ticket.steps
            for name, value, previous in s.changes
            if name == "status"
        ),
        "replies": len(replies),
        "assignee_updated_at": at([s.time for s in replies], -1),
        "requester_updated_at": at([s.time for s in ticket.steps if s.author == ticket.requester], -1),
        "status_updated_at": at([time for time, _ in statuses], -1) or people.iso(opened),
        "initially_assigned_at": at(assigned, 0),
        "assigned_at": at(assigned, -1),
        "solved_at": at(solved, 0),
        "latest_comment_added_at": at([s.time for s in ticket.steps if s.has_comment], -1),
        "reply_time_in_minutes": minutes(replies[0].time if replies else None),
        "first_resolution_time_in_minutes": minutes(solved[0] if solved else None),
        "full_resolution_time_in_minutes": minutes(solved[-1] if solved else None),
        "agent_wait_time_in_minutes": minutes(None),
        "requester_wait_time_in_minutes": minutes(solved[0] if solved else None),
        "on_hold_time_in_minutes": {"calendar": 0, "business": 0},
        "custom_status_updated_at": people.iso(int(desk.updated[place])),
    }


def satisfaction_rating(view: View, place: int) -> dict[str, Any]:
    """A rating as the list of ratings shows it."""
    ticket = view.desk.ticket(place)
    given = ticket.rating or {
        "score": "offered",
        "comment": None,
        "reason": None,
        "time": int(view.desk.updated[place]),
    }
    return {
        "url": f"{view.base_url}/api/v2/satisfaction_ratings/{ids.RATING + place}.json",
        "id": ids.RATING + place,
        "assignee_id": maybe_user_id(ticket.assignee),
        "group_id": group_id(ticket.group),
        "requester_id": ids.user(ticket.requester),
        "ticket_id": ticket.id,
        "score": given["score"],
        "created_at": people.iso(given["time"]),
        "updated_at": people.iso(given["time"]),
        "comment": given["comment"],
        "reason": given["reason"],
        "reason_id": 1001 if given["reason"] else None,
        "reason_code": 1001 if given["reason"] else None,
    }


def comment_count(view: View, place: int) -> int:
    """How many comments a ticket has, private ones among them."""
    return threads.comment_count(view.desk.world, place)
