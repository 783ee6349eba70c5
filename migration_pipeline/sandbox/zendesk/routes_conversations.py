"""Conversation logs of messaging tickets, and side conversations where the add-on is there.

Here: these endpoints and their JSON; both are told from the ticket's own seed. Not here: comments.
"""

from typing import Any

from migration_pipeline.sandbox.wire import Call, RefusalError, Route
from migration_pipeline.sandbox.zendesk import comment_json, errors, side_conversations, streams
from migration_pipeline.sandbox.zendesk.routes_exports import HIDDEN_S
from migration_pipeline.sandbox.zendesk.site import Made, Site, included, index_of, number, whole
from migration_pipeline.sandbox.zendesk.view import View
from migration_pipeline.sandbox.zendesk.world import files, ids, people, seeds, skeleton, threads

SIDE_PAGE = 100
FILE_SHARE = 0.2
TALKED = 32


def routes(site: Site) -> list[Route]:
    """All routes about conversations beside the comments."""
    talks = _Conversations(site)
    return [
        site.route("/tickets/{id}/conversation_log", talks.log),
        site.route("/tickets/{id}/side_conversations", talks.of_ticket),
        site.route("/tickets/{id}/side_conversations/{side}", talks.side),
        site.route("/tickets/{id}/side_conversations/{side}/events", talks.events_of_side),
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
        flags = int(desk.tickets.flags[ticket.place])
        if flags & (skeleton.CHAT | skeleton.AI):
            lines = threads.chat_lines(desk.world, ticket)
            if flags & skeleton.AI:
                # No person answered: what an agent would have said was said by the AI agent.
                lines = [(t, "bot", -1, text) if who == "agent" else (t, who, n, text) for t, who, n, text in lines]
            said += [_message(view, ticket, k, line) for k, line in enumerate(lines)]
        said.sort(key=lambda row: (row[0], row[1]["id"]))
        index = index_of(range(len(said)))
        return site.by_cursor(call, "events", index, lambda k: said[k][1], "created_at,id")

    def _told(self, call: Call) -> list[tuple[int, dict[str, Any]]]:
        """The events of the side conversations of the ticket in the path. Raises the 403 of a missing add-on."""
        if not self._site.switches["side_conversations"]:
            raise RefusalError(errors.empty_html(403))
        told = side_conversations.events_of(self._site.view(call), self._place(call))
        return [
            e for e in told if call.params.get("side", e[1]["side_conversation_id"]) == e[1]["side_conversation_id"]
        ]

    def of_ticket(self, call: Call) -> Made:
        told = self._told(call)
        rows = side_conversations.summaries(told, f"{self._site.base_url}{call.path}")
        page = self._site.by_offset(call, "side_conversations", range(len(rows)), lambda k: rows[k])
        if "side_conversation_events" in included(call):
            page["side_conversation_events"] = [event for _, event in told]
        return page

    def side(self, call: Call) -> Made:
        told = self._told(call)
        if not told:
            raise errors.not_found()
        url = f"{self._site.base_url}{call.path.rsplit('/', 1)[0]}"
        page: dict[str, Any] = {"side_conversation": side_conversations.summaries(told, url)[0]}
        if "events" in included(call):
            page["events"] = [event for _, event in told]
        return page

    def events_of_side(self, call: Call) -> Made:
        told = self._told(call)
        return self._site.by_offset(call, "events", range(len(told)), lambda k: told[k][1])

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
            told = (e for k in alive for e in side_conversations.events_of(site.view(call), k))
            site.cache[key] = sorted(told, key=lambda e: (e[0], e[1]["id"]))
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
    sent = []
    if _sends_file(view, ticket, k, speaker):
        sent = [comment_json.attachment(view, files.of_talk(view.desk.seed, ticket.place, k))]
        content = {"type": "image" if k % 2 == 0 else "file", "text": "" if k % 2 else text}
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
        "attachments": sent,
        "metadata": {"public": True},
        "reference": None,
    }


def _sends_file(view: View, ticket: threads.Ticket, k: int, speaker: str) -> bool:
    """Whether a message of a person is a picture (of even number) or another file."""
    return 0 < k < TALKED and speaker != "bot" and seeds.share(view.desk.seed, ticket.place, 36, k) < FILE_SHARE
