"""Tickets one by one and in lists: show, comments, audits, counts, deleted tickets, ratings.

Here: these endpoints. Not here: incremental exports, and JSON of rows.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np

from migration_pipeline.sandbox.wire import Call, Route
from migration_pipeline.sandbox.zendesk import comment_json, errors, event_json, streams, ticket_json
from migration_pipeline.sandbox.zendesk.desk import DAY, Index
from migration_pipeline.sandbox.zendesk.sideloads import shown_users, with_tickets
from migration_pipeline.sandbox.zendesk.site import (
    Made,
    Site,
    included,
    index_of,
    number,
    numbers,
    spoiled,
    wants_cursor,
    whole,
)
from migration_pipeline.sandbox.zendesk.world import ids, people, skeleton
from migration_pipeline.sandbox.zendesk.world.skeleton import Kind

DELETED_DAYS = 30
AUDITS_AT_MOST = 200
RECENT_S = 60
SORTS = ("id", "updated_at", "status")


def routes(site: Site) -> list[Route]:
    """All routes about tickets but the exports."""
    tickets = _Tickets(site)
    return [
        site.route("/tickets", tickets.listed),
        site.route("/tickets/count", tickets.count),
        site.route("/tickets/show_many", tickets.show_many),
        site.route("/tickets/{id}", tickets.show),
        site.route("/tickets/{id}/comments", tickets.comments),
        site.route("/tickets/{id}/audits", tickets.audits),
        site.route("/tickets/{id}/related", tickets.related),
        site.route("/ticket_audits", tickets.all_audits),
        site.route("/deleted_tickets", tickets.deleted),
        site.route("/satisfaction_ratings", tickets.ratings),
    ]


class _Tickets:
    def __init__(self, site: Site) -> None:
        self._site = site

    def _place(self, call: Call) -> int:
        """Where the ticket in the path is; a deleted one is not found any more."""
        place = self._site.desk.place_of(number(call))
        if place is None or self._site.desk.status[place] == skeleton.GONE_STATUS:
            raise errors.not_found()
        return place

    def _rows(
        self, call: Call, places: Sequence[int], *, fields: bool = True
    ) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        view = self._site.view(call)
        made = [ticket_json.ticket_json(view, k, fields=fields) for k in places]
        beside = with_tickets(self._site, view, places, made, included(call))
        return [spoiled(self._site, row) for row in made], beside

    def show(self, call: Call) -> Made:
        made, beside = self._rows(call, [self._place(call)])
        return {"ticket": made[0], **beside}

    def show_many(self, call: Call) -> Made:
        desk = self._site.desk
        found = (desk.place_of(i) for i in numbers(call))
        places = [k for k in found if k is not None and desk.status[k] != skeleton.GONE_STATUS]
        made, beside = self._rows(call, places)
        return {"tickets": made, **beside, "next_page": None, "previous_page": None, "count": len(made)}

    def count(self, call: Call) -> Made:
        now = call.scratch["at"]
        live = self._site.desk.live_list("id", now)
        return {"count": {"value": len(live.times), "refreshed_at": people.iso(int(now) // 3600 * 3600)}}

    def listed(self, call: Call) -> Made:
        """By cursor without ``fields`` (so recorded), by page number with them."""
        site, now = self._site, call.scratch["at"]
        sort = call.query.get("sort", "id")
        by = sort.removeprefix("-")
        cursor = wants_cursor(call)
        if by not in SORTS:
            raise errors.bad_paging("InvalidPaginationParameter", f"sort is not valid: {sort}")
        index = site.desk.live_list(by, now)
        order = {"id": "nice_id", "updated_at": "updated_at,nice_id", "status": "status,nice_id"}[by]
        plain = (
            site.by_cursor(call, "tickets", index, int, order, descending=sort.startswith("-"))
            if cursor
            else site.by_offset(call, "tickets", self._offset_order(call, index), int)
        )
        made, beside = self._rows(call, plain["tickets"], fields=not cursor)
        return {**plain, "tickets": made, **beside}

    def _offset_order(self, call: Call, index: Index) -> Sequence[int]:
        by = call.query.get("sort_by")
        if by in ("updated_at", "status"):
            index = self._site.desk.live_list(by, call.scratch["at"])
        places: list[int] = index.places.tolist()
        return places[::-1] if call.query.get("sort_order") == "desc" else places

    def comments(self, call: Call) -> Made:
        site = self._site
        place = self._place(call)
        ticket = site.desk.ticket(place)
        said = [s for s in ticket.steps if s.has_comment]
        view = site.view(call, inline_images=call.query.get("include_inline_images") == "true")
        index = index_of((ids.child(place, s.seq, 0) for s in said), (s.time for s in said))

        def show(k: int) -> dict[str, Any]:
            return comment_json.full_comment(view, ticket, said[k])

        if wants_cursor(call):
            descending = call.query.get("sort", "").startswith("-")
            page = site.by_cursor(call, "comments", index, show, "created_at,id", descending=descending)
        else:
            places: list[int] = index.places.tolist()
            descending = call.query.get("sort_order") == "desc"
            page = site.by_offset(call, "comments", places[::-1] if descending else places, show)
        if "users" in included(call):
            page["users"] = shown_users(site, (c["author_id"] for c in page["comments"]))
        return page

    def audits(self, call: Call) -> Made:
        """An archived ticket's audits come all at once, without pages."""
        site = self._site
        place = self._place(call)
        view = site.view(call)
        steps = site.desk.ticket(place).steps
        if site.desk.is_archived(place, call.scratch["at"]):
            everything: dict[str, Any] = {"audits": [event_json.audit(view, place, s) for s in steps]}
            if wants_cursor(call):
                everything["meta"] = {"has_more": False}
            return everything
        index = index_of((ids.audit(place, s.seq) for s in steps), (s.time for s in steps))
        return site.listed(call, "audits", index, lambda k: event_json.audit(view, place, steps[k]), "created_at,id")

    def all_audits(self, call: Call) -> Made:
        """Of live tickets only; by `page[size]`, or by the older `limit` and `cursor`, newest first."""
        site = self._site
        desk, view = site.desk, site.view(call)
        live = desk.live_audits(call.scratch["at"])

        def show(k: int) -> dict[str, Any]:
            place = int(desk.event_ticket[k])
            return event_json.audit(view, place, desk.ticket(place).steps[int(desk.event_seq[k])])

        if wants_cursor(call):
            newest_first = site.switches["ticket_audits_order"] == "newest"
            return site.by_cursor(call, "audits", live, show, "created_at,id", descending=newest_first)
        size = min(AUDITS_AT_MOST, max(1, whole(call.query.get("limit"), 100)))
        cursor = call.query.get("cursor", "")
        older, newer = cursor.removeprefix("b.") or None, None
        if cursor.startswith("a."):
            older, newer = None, cursor.removeprefix("a.")
        try:
            page = streams.list_page(
                live, "created_at,id", size, after_cursor=older, before_cursor=newer, descending=True
            )
        except streams.CursorError as error:
            raise errors.invalid_value("cursor", "The cursor is not valid", 400) from error
        before = f"b.{page.after_cursor}" if page.after_cursor else None
        after = f"a.{page.before_cursor}" if page.before_cursor else None
        return {
            "audits": [show(int(live.places[k])) for k in page.rows],
            "before_url": site.url(call, cursor=before) if before else None,
            "after_url": site.url(call, cursor=after) if after else None,
            "before_cursor": before,
            "after_cursor": after,
        }

    def related(self, call: Call) -> Made:
        place = self._place(call)
        desk = self._site.desk
        parent = desk.tickets.follows.get(place)
        return {
            "ticket_related": {
                "url": f"{self._site.base_url}{call.path}",
                "topic_id": None,
                "jira_issue_ids": [],
                "followup_source_ids": [str(int(desk.tickets.ids[parent]))] if parent is not None else [],
                "from_archive": desk.is_archived(place, call.scratch["at"]),
                "incidents": sum(1 for p in desk.tickets.problem_of.values() if p == place),
                "twitter": {},
            }
        }

    def deleted(self, call: Call) -> Made:
        """Those of the last thirty days."""
        desk = self._site.desk
        recent = np.flatnonzero(desk.deleted > call.scratch["at"] - DELETED_DAYS * DAY)
        index = index_of(desk.tickets.ids[recent].tolist(), desk.deleted[recent].tolist())
        view = self._site.view(call)

        def show(k: int) -> dict[str, Any]:
            ticket = desk.ticket(int(recent[k]))
            step = next(s for s in reversed(ticket.steps) if s.kind == Kind.DELETE)
            before = next((previous for name, _, previous in step.changes if name == "status"), "open")
            name = people.name_of(desk.seed, desk.people, step.author)
            return {
                "id": ticket.id,
                "subject": ticket.subject,
                "description": comment_json.description(view, ticket),
                "actor": {"id": comment_json.user_id(step.author), "name": name},
                "deleted_at": people.iso(step.time),
                "previous_state": before,
            }

        return self._site.listed(call, "deleted_tickets", index, show, "deleted_at,id")

    async def ratings(self, call: Call) -> Made:
        site, query = self._site, call.query
        if not site.plan.satisfaction:
            return errors.forbidden()
        start, end = self._window(call)
        view = site.view(call)
        places, times = site.desk.rated()
        if site.switches["offered_ratings"]:
            places, times = (np.concatenate(pair) for pair in zip((places, times), site.desk.offered(), strict=True))
        inside = (times >= start) & (times <= end)
        places, times = places[inside], times[inside]
        wanted = query.get("score")
        if wanted:
            scores = {"received": ("good", "bad")}.get(wanted, (wanted,))
            given = await self._scores()
            fitting = np.array([given.get(k, "offered") in scores for k in places.tolist()], bool)
            places, times = places[fitting], times[fitting]
        index = index_of((places + ids.RATING).tolist(), times.tolist())
        return site.listed(
            call,
            "satisfaction_ratings",
            index,
            lambda k: ticket_json.satisfaction_rating(view, int(places[k])),
            "created_at,id",
        )

    def _window(self, call: Call) -> tuple[int, int]:
        """The window asked for; an end or a start of the last minute is refused where the switch says so."""
        now = int(call.scratch["at"])
        times = [whole(call.query[name], 0) for name in ("start_time", "end_time") if name in call.query]
        if self._site.switches["recent_rating_window"] == "reject" and any(t > now - RECENT_S for t in times):
            status = self._site.switches["recent_start_time"]
            raise errors.invalid_value("end_time", "The window must end at least 60 seconds ago", status)
        return whole(call.query.get("start_time"), 0), whole(call.query.get("end_time"), now)

    async def _scores(self) -> dict[int, str]:
        """The score of each rated ticket, told once until the next change."""
        site = self._site
        desk, key = site.desk, ("scores", site.desk.revision)
        kept = site.cache.get(key)
        if kept is None:
            kept = {}
            for k in desk.rated()[0].tolist():
                kept[k] = (desk.ticket(k).rating or {}).get("score", "")
                if len(kept) % 50 == 0:
                    await asyncio.sleep(0)
            site.cache[key] = kept
        scores: dict[int, str] = kept
        return scores
