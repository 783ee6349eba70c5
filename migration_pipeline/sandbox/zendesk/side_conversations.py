"""Side conversations: threads with outsiders beside a ticket, told from the ticket's own seed.

Here: which events they have, and their JSON. Not here: endpoints (``routes_conversations``).
"""

from typing import Any

from migration_pipeline.sandbox.zendesk import comment_json
from migration_pipeline.sandbox.zendesk.view import View
from migration_pipeline.sandbox.zendesk.world import files, ids, people, prose, seeds

SHARE = 0.03
TWICE = 0.25

Event = dict[str, Any]
# How the thread is led: who takes part on the other side.
_CHANNELS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("email", {"user_id": None, "name": "Carrier & Co", "email": "desk@carrier.example"}),
    ("email", {"user_id": None, "name": "Ünal Lojistik", "email": "ünal@lojistik.example"}),
    ("slack", {"user_id": None, "name": "#returns", "email": None, "slack_channel_id": "C0123"}),
    ("child_ticket", {"user_id": None, "name": "Technical", "email": None, "support_group_id": ids.group(3)}),
)


def events_of(view: View, place: int) -> list[tuple[int, Event]]:
    """(time, event) of a ticket's side conversations in order of time; most tickets have none."""
    seed = view.desk.seed
    if seeds.share(seed, place, 31) >= SHARE:
        return []
    threads = 1 + (seeds.share(seed, place, 35) < TWICE)
    told = [event for k in range(threads) for event in _thread(view, place, k)]
    return sorted(told, key=lambda e: (e[0], e[1]["id"]))


def _thread(view: View, place: int, nth: int) -> list[tuple[int, Event]]:
    desk = view.desk
    draw = seeds.rng(desk.seed, place, 32, nth)
    ticket = desk.ticket(place)
    home = int(desk.tickets.assignee[place])
    agent = home if home >= 0 else desk.people.writers[0]
    mine = {
        "user_id": ids.user(agent),
        "name": people.name_of(desk.seed, desk.people, agent),
        "email": people.email_of(desk.people, agent),
    }
    channel, partner = seeds.pick(draw, _CHANNELS)
    thread = f"{seeds.mix(desk.seed, place, 33, nth):08x}-0000-11ee-8000-{place:012x}"
    start = ticket.steps[0].time + 20 + nth * 11
    told: list[tuple[int, Event]] = []

    def add(kind: str, speaker: dict[str, Any], via: str, message: dict[str, Any] | None, updates: Event) -> None:
        time = start + len(told) * 35
        event = {
            "id": f"{seeds.mix(desk.seed, place, 34, nth * 32 + len(told)):016x}",
            "side_conversation_id": thread,
            "ticket_id": ticket.id,
            "type": kind,
            "via": via,
            "created_at": people.iso(time).replace("Z", ".123Z"),
            "actor": speaker,
            "message": message,
            "updates": updates,
        }
        told.append((time, event))

    for k in range(2 + int(draw.random() * 2)):
        body = prose.fill("Where is parcel {o}?" if k % 2 == 0 else "{o} is at our depot. Grüße", draw)
        speaker, hearer = (mine, partner) if k % 2 == 0 else (partner, mine)
        attached = [files.of_talk(desk.seed, place, 32 + nth * 8 + k)] if k == 1 and place % 2 else []
        message = {
            "subject": f"Parcel of #{ticket.id}",
            "preview_text": body[:40],
            "from": speaker,
            "to": [hearer],
            "body": body,
            "html_body": f"<p>{body}</p>",
            "external_ids": {"targetTicketId": str(ticket.id)} if channel == "child_ticket" else {},
            "attachments": [comment_json.attachment(view, f) for f in attached],
        }
        add("create" if k == 0 else "reply", speaker, "support" if k % 2 == 0 else channel, message, {})
    if draw.random() < 0.6:
        add("update", mine, "support", None, {"state": "closed"})
    return told


def summaries(told: list[tuple[int, Event]], url: str) -> list[dict[str, Any]]:
    """The side conversations of one ticket; ``url`` is the address of their list."""
    threads: dict[str, list[Event]] = {}
    for _, event in told:
        threads.setdefault(event["side_conversation_id"], []).append(event)
    return [_summary(thread, events, url) for thread, events in threads.items()]


def _summary(thread: str, events: list[Event], url: str) -> dict[str, Any]:
    first, said = events[0], [e for e in events if e["message"]]
    closed = [e for e in events if e["updates"].get("state") == "closed"]
    return {
        "url": f"{url}/{thread}.json",
        "id": thread,
        "ticket_id": first["ticket_id"],
        "subject": first["message"]["subject"],
        "preview_text": said[-1]["message"]["preview_text"],
        "state": "closed" if closed else "open",
        "participants": [first["actor"], *first["message"]["to"]],
        "created_at": first["created_at"],
        "updated_at": events[-1]["created_at"],
        "message_added_at": said[-1]["created_at"],
        "state_updated_at": (closed or events)[0]["created_at"],
        "external_ids": {},
    }
