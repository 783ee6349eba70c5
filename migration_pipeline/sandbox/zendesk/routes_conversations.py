"""Conversation logs of messaging tickets, and side conversations where the add-on is there.

Here: these endpoints and their JSON; both are told from the ticket's own seed. Not here: comments.
"""

from typing import Any

from migration_pipeline.sandbox.wire import Call, Route
from migration_pipeline.sandbox.zendesk import comment_json, errors, streams
from migration_pipeline.sandbox.zendesk.routes_exports import HIDDEN_S
from migration_pipeline.sandbox.zendesk.site import Made, Site, index_of, number, whole
from migration_pipeline.sandbox.zendesk.view import View
from migration_pipeline.sandbox.zendesk.world import ids, people, prose, seeds, skeleton, threads

SIDE_SHARE = 0.03
SIDE_PAGE = 100


def routes(site: Site) -> list[Route]:
    """All routes about conversations beside the comments."""
    talks = _Conversations(site)
    return [
        site.route("/tickets/{id}/conversation_log", talks.log),
        site.route("/tickets/{id}/side_conversations", talks.of_ticket),
        site.route("/tickets/side_conversations/events", talks.events),
    ]


class _Conversations:
    def __init__(self, site: Site) -> None:
        self._site = site

    def _place(self, call: Call) -> int:
        desk = self._site.desk
        place = desk.place_of(number(call))
        if place is None or desk.status[place] == skeleton.GONE_STATUS:
            raise errors.not_found()
        return place

    def log(self, call: Call) -> Made:
        """Comments and, for messaging tickets, each message of the transcript."""
        site = self._site
        desk, view = site.desk, site.view(call, inline_images=True)
        ticket = desk.ticket(self._place(call))
        said = [_logged_comment(view, ticket, s) for s in ticket.steps if s.has_comment]
        if int(desk.tickets.flags[ticket.place]) & skeleton.CHAT:
            said += [_message(view, ticket, k, line) for k, line in enumerate(threads.chat_lines(desk.world, ticket))]
        said.sort(key=lambda row: (row[0], row[1]["id"]))
        index = index_of(range(len(said)))
        return site.by_cursor(call, "events", index, lambda k: said[k][1], "created_at,id")

    def of_ticket(self, call: Call) -> Made:
        if not self._site.switches["side_conversations"]:
            return errors.empty_html(403)
        place = self._place(call)
        told = side_events(self._site, place)
        if not told:
            return {"side_conversations": [], "next_page": None, "previous_page": None, "count": 0}
        first, last = told[0][1], told[-1][1]
        side = {
            "url": f"{self._site.base_url}{call.path}/{first['side_conversation_id']}.json",
            "id": first["side_conversation_id"],
            "ticket_id": first["ticket_id"],
            "subject": first["message"]["subject"],
            "preview_text": first["message"]["preview_text"],
            "state": "open",
            "participants": [first["actor"], *first["message"]["to"]],
            "created_at": first["created_at"],
            "updated_at": last["created_at"],
            "message_added_at": last["created_at"],
            "state_updated_at": first["created_at"],
            "external_ids": {},
        }
        page: dict[str, Any] = {"side_conversations": [side], "next_page": None, "previous_page": None, "count": 1}
        if "side_conversation_events" in call.query.get("include", ""):
            page["side_conversation_events"] = [event for _, event in told]
        return page

    def events(self, call: Call) -> Made:
        """All side conversations by time."""
        site = self._site
        if not site.switches["side_conversations"]:
            return errors.empty_html(403)
        start = whole(call.query.get("start_time"), 0)
        if start > call.scratch["at"] - HIDDEN_S:
            raise errors.invalid_value("start_time", "Too recent start_time", site.switches["recent_start_time"])
        key = ("side", site.desk.revision)
        if key not in site.cache:
            alive = (k for k in range(site.desk.tickets.size) if site.desk.status[k] != skeleton.GONE_STATUS)
            site.cache[key] = sorted((e for k in alive for e in side_events(site, k)), key=lambda e: (e[0], e[1]["id"]))
        told = site.cache[key]
        index = index_of(range(len(told)), (time for time, _ in told))
        page = streams.time_page(index.times, start, SIDE_PAGE, int(call.scratch["at"]) - HIDDEN_S)
        end = page.end_time
        return {
            "events": [told[int(k)][1] for k in index.places[page.lo : page.hi]],
            "count": page.hi - page.lo,
            "end_time": end,
            "next_page": site.url(call, start_time=end) if end and not page.end_of_stream else None,
        }


def _logged_comment(view: View, ticket: threads.Ticket, step: threads.Step) -> tuple[int, dict[str, Any]]:
    shown = comment_json.comment(view, ticket, step)
    kind = "agent" if step.author < view.desk.people.agents else "user"
    return step.time * 1000, {
        "id": str(shown["id"]),
        "type": "Comment",
        "created_at": people.iso(step.time),
        "author": {"type": kind, "zen:support:user_id": str(shown["author_id"])},
        "content": {"type": "html", "body": shown["html_body"]},
        "attachments": shown["attachments"],
        "metadata": {"public": shown["public"]},
        "reference": {"type": "Comment", "id": str(shown["id"])},
    }


def _message(view: View, ticket: threads.Ticket, k: int, line: tuple[int, str, int, str]) -> tuple[int, dict[str, Any]]:
    time, speaker, who, text = line
    author: dict[str, Any] = {"type": speaker}
    if who >= 0:
        author["zen:support:user_id"] = str(ids.user(who))
    content: dict[str, Any] = {"type": "text", "text": text}
    if k == 0:
        content["actions"] = [
            {"type": "reply", "text": "Track my order"},
            {"type": "reply", "text": "Talk to a person"},
        ]
    return time * 1000, {
        "id": f"{seeds.mix(view.desk.seed, ticket.place, k):024x}",
        "type": "Messaging::ConversationMessage",
        "created_at": people.iso(time),
        "author": author,
        "content": content,
        "attachments": [],
        "metadata": {"public": True},
        "reference": None,
    }


def side_events(site: Site, place: int) -> list[tuple[int, dict[str, Any]]]:
    """(time, event) of a ticket's side conversation; most tickets have none."""
    desk = site.desk
    if seeds.share(desk.seed, place, 31) >= SIDE_SHARE:
        return []
    draw = seeds.rng(desk.seed, place, 32)
    ticket = desk.ticket(place)
    home = int(desk.tickets.assignee[place])
    agent = home if home >= 0 else desk.people.writers[0]
    partner = {"user_id": None, "name": "Carrier & Co", "email": "desk@carrier.example"}
    mine = {
        "user_id": ids.user(agent),
        "name": people.name_of(desk.seed, desk.people, agent),
        "email": people.email_of(desk.people, agent),
    }
    number_of_side = f"{seeds.mix(desk.seed, place, 33):08x}-0000-11ee-8000-{place:012x}"
    told = []
    for k in range(2 + int(draw.random() * 2)):
        body = prose.fill("Where is parcel {o}?" if k % 2 == 0 else "{o} is at our depot. Grüße", draw)
        time = ticket.steps[0].time + 20 + k * 35
        speaker, hearer = (mine, partner) if k % 2 == 0 else (partner, mine)
        told.append(
            (
                time,
                {
                    "id": f"{seeds.mix(desk.seed, place, 34, k):016x}",
                    "side_conversation_id": number_of_side,
                    "ticket_id": ticket.id,
                    "type": "create" if k == 0 else "reply",
                    "via": "support" if k % 2 == 0 else "email",
                    "created_at": people.iso(time).replace("Z", ".123Z"),
                    "actor": speaker,
                    "message": {
                        "subject": f"Parcel of #{ticket.id}",
                        "preview_text": body[:40],
                        "from": speaker,
                        "to": [hearer],
                        "body": body,
                        "html_body": f"<p>{body}</p>",
                        "external_ids": {},
                        "attachments": [],
                    },
                    "updates": {},
                },
            )
        )
    return told
