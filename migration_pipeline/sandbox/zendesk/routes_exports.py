"""The incremental exports: tickets by cursor and by time, ticket events, users, organizations, and their samples.

Here: these endpoints. Not here: paging rules (``streams``) and JSON of rows.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np

from migration_pipeline.sandbox.wire import Answer, Call, Route
from migration_pipeline.sandbox.zendesk import errors, event_json, streams, ticket_json
from migration_pipeline.sandbox.zendesk.desk import Index
from migration_pipeline.sandbox.zendesk.sideloads import abilities, shown_identities, shown_organizations, with_tickets
from migration_pipeline.sandbox.zendesk.site import Made, Site, included, spoiled, whole
from migration_pipeline.sandbox.zendesk.world import catalogue, people, seeds

MOST = 1_000
SAMPLED = 50
HIDDEN_S = 60
# Rows made before other requests get their turn: some milliseconds.
AT_ONCE = 40

Show = Callable[[int], dict[str, Any]]


def routes(site: Site) -> list[Route]:
    """All routes below /incremental."""
    exports = _Exports(site)
    return [
        site.route("/incremental/tickets/cursor", exports.tickets_by_cursor),
        site.route("/incremental/tickets", exports.tickets_by_time),
        site.route("/incremental/ticket_events", exports.events),
        site.route("/incremental/users/cursor", exports.users_by_cursor),
        site.route("/incremental/users", exports.users_by_time),
        site.route("/incremental/organizations", exports.organizations),
        site.route("/incremental/{resource}/sample", exports.sample),
    ]


class _Exports:
    def __init__(self, site: Site) -> None:
        self._site = site

    # -- endpoints --------------------------------------------------------------------------------------------------

    async def tickets_by_cursor(self, call: Call) -> Made:
        index = self._tickets(call, by_id=True)
        return await self._by_cursor(call, "tickets", index, self._newest(call), self._ticket_rows(call))

    async def tickets_by_time(self, call: Call) -> Made:
        index = self._tickets(call, by_id=False)
        return await self._by_time(call, "tickets", index, self._newest(call), self._ticket_rows(call))

    async def events(self, call: Call) -> Made:
        site, desk = self._site, self._site.desk
        index = desk.event_export(
            call.query.get("support_type_scope", "agent"),
            call.scratch["at"],
            exclude_deleted=call.query.get("exclude_deleted") == "true" or not site.switches["events_of_deleted"],
            archived=site.switches["events_of_archived"],
        )
        comments = "comment_events" in included(call)
        view = site.view(
            call,
            inline_images=site.switches["inline_images_in_events"],
            original=site.switches["events_redacted_text"] == "original",
        )
        tickets, seqs = desk.event_ticket, desk.event_seq

        async def rows(places: list[int]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
            def show(k: int) -> dict[str, Any]:
                place = int(tickets[k])
                return event_json.export_event(view, place, desk.ticket(place).steps[int(seqs[k])], comments=comments)

            return await _made(_repeated(places, float(site.switches["duplicate_events"])), show), {}

        return await self._by_time(call, "ticket_events", index, self._newest(call), rows)

    async def users_by_cursor(self, call: Call) -> Made:
        return await self._by_cursor(
            call, "users", self._site.desk.user_export(), self._now(call), self._user_rows(call)
        )

    async def users_by_time(self, call: Call) -> Made:
        return await self._by_time(call, "users", self._site.desk.user_export(), self._now(call), self._user_rows(call))

    async def organizations(self, call: Call) -> Made:
        site = self._site

        async def rows(places: list[int]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
            return await _made(places, lambda k: spoiled(site, site.desk.organization(k, site.base_url))), {}

        return await self._by_time(call, "organizations", site.desk.organization_export(), self._now(call), rows)

    async def sample(self, call: Call) -> Made:
        """The first rows after start_time, under a limit of its own."""
        resource = call.params["resource"]
        site = self._site
        if resource == "tickets":
            index, rows = self._tickets(call, by_id=True), self._ticket_rows(call)
        elif resource == "users":
            index, rows = site.desk.user_export(), self._user_rows(call)
        else:
            raise errors.refusal({"error": {"title": "InvalidEndpoint", "message": "Not found"}}, 404)
        start = self._start(call)
        lo = int(np.searchsorted(index.times, start))
        made, beside = await rows(index.places[lo : lo + SAMPLED].tolist())
        return {resource: made, **beside, "count": len(made)}

    # -- shared -----------------------------------------------------------------------------------------------------

    def _tickets(self, call: Call, *, by_id: bool) -> Index:
        if "last_audits" in included(call):
            raise errors.invalid_value("include", "last_audits cannot be included here", 400)
        return self._site.desk.ticket_export(
            call.query.get("support_type_scope", "agent"),
            exclude_deleted=call.query.get("exclude_deleted") == "true",
            by_id=by_id,
        )

    def _ticket_rows(self, call: Call) -> Any:
        site = self._site
        view, names = site.view(call), included(call)

        async def rows(places: list[int]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
            made = await _made(places, lambda k: ticket_json.ticket_json(view, k, generated=True))
            beside = with_tickets(site, view, places, made, names)
            return [spoiled(site, row) for row in made], beside

        return rows

    def _user_rows(self, call: Call) -> Any:
        site = self._site
        names = included(call)

        async def rows(places: list[int]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
            made = await _made(places, lambda k: spoiled(site, site.desk.user(k, site.base_url)))
            beside: dict[str, Any] = {}
            if "identities" in names:
                beside["identities"] = [i for k in places for i in shown_identities(site, k)]
            if "roles" in names:
                beside["roles"] = [catalogue.role(k, site.base_url) for k in range(len(catalogue.ROLES))]
            if "abilities" in names:
                beside["abilities"] = [abilities(site, row) for row in made]
            if "organizations" in names:
                beside["organizations"] = shown_organizations(site, (row.get("organization_id") for row in made))
            if "groups" in names:
                beside["groups"] = [
                    people.group(site.desk.people, k, site.base_url) for k in range(site.desk.people.groups)
                ]
            return made, beside

        return rows

    def _now(self, call: Call) -> int:
        return int(call.scratch["at"])

    def _newest(self, call: Call) -> int:
        """Exports of tickets never show the last minute."""
        return int(call.scratch["at"]) - HIDDEN_S

    def _start(self, call: Call) -> int:
        text = call.query.get("start_time")
        status = self._site.switches["recent_start_time"]
        if text is None or not text.strip():
            raise errors.invalid_value("start_time", "Missing required parameter start_time", status)
        start = whole(text, 0)
        if start > call.scratch["at"] - HIDDEN_S:
            raise errors.invalid_value(
                "start_time", "Too recent start_time. Use a start_time older than 60 seconds", status
            )
        return start

    def _per_page(self, call: Call) -> int:
        size = whole(call.query.get("per_page"), MOST)
        if not 1 <= size <= MOST:
            raise errors.bad_paging("InvalidPaginationParameter", f"per_page must be between 1 and {MOST}")
        return size

    def _timed_out(self, size: int) -> Answer | None:
        most = self._site.switches["gateway_timeout_over"]
        return errors.gateway_timeout() if most and size > most else None

    def _empty_turn(self) -> bool:
        """Whether this answer is to be the odd empty one."""
        every = self._site.switches["empty_page_every"]
        self._site.exports_answered += 1
        return bool(every) and self._site.exports_answered % every == 0

    async def _by_cursor(self, call: Call, plural: str, index: Index, newest: int, rows: Any) -> Made:
        site, query = self._site, call.query
        size = self._per_page(call)
        if timed_out := self._timed_out(size):
            return timed_out
        given = query.get("cursor")
        if given:
            try:
                time, key = streams.read_export_cursor(given)
            except streams.CursorError as error:
                raise errors.invalid_value("cursor", "The cursor is not valid", 400) from error
        else:
            time, key = self._start(call), 0
        upper = int(np.searchsorted(index.times, newest, side="right"))
        lo = min(streams.after(index, time, key) if given else streams.before(index, time, key), upper)
        odd = self._empty_turn()
        hi = lo if odd else min(lo + size, upper)
        made, beside = await rows(index.places[lo:hi].tolist())
        if hi > lo:
            cursor: str | None = streams.export_cursor(int(index.times[hi - 1]), int(index.keys[hi - 1]))
        elif odd or site.switches["empty_cursor_page"] == "echo":
            cursor = given or streams.export_cursor(time, key)
        else:
            cursor = None
        return {
            plural: made,
            **beside,
            "after_url": site.url(call, start_time=None, cursor=cursor) if cursor else None,
            "before_url": None,
            "after_cursor": cursor,
            "before_cursor": None,
            "end_of_stream": hi >= upper and not odd,
        }

    async def _by_time(self, call: Call, plural: str, index: Index, newest: int, rows: Any) -> Made:
        site = self._site
        size, start = self._per_page(call), self._start(call)
        if timed_out := self._timed_out(size):
            return timed_out
        if self._empty_turn():
            page = streams.TimePage(0, 0, start, False)
        else:
            page = streams.time_page(index.times, start, size, newest)
        end_time = page.end_time
        if end_time is None and site.switches["empty_time_page"] == "echo":
            end_time = start
        made, beside = await rows(index.places[page.lo : page.hi].tolist())
        return {
            plural: made,
            **beside,
            "count": len(made),
            "end_time": end_time,
            "next_page": None if end_time is None else site.url(call, start_time=end_time),
            "end_of_stream": page.end_of_stream,
        }


async def _made(places: list[int], show: Show) -> list[dict[str, Any]]:
    """The rows of a page, made in pieces so that other requests are answered meanwhile."""
    made: list[dict[str, Any]] = []
    for k in range(0, len(places), AT_ONCE):
        made += [show(place) for place in places[k : k + AT_ONCE]]
        await asyncio.sleep(0)
    return made


def _repeated(places: list[int], share: float) -> list[int]:
    return [k for place in places for k in ([place, place] if share and seeds.share(place, 61) < share else [place])]
