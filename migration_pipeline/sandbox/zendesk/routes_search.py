"""Search: pages by number up to a thousand rows, and the export that goes beyond.

Here: these endpoints. Of queries they know `type`, `status` and comparisons of `created`. Not here: JSON of rows.
"""

from typing import Any

import numpy as np

from migration_pipeline.sandbox.wire import Call, Route
from migration_pipeline.sandbox.zendesk import errors, ticket_json
from migration_pipeline.sandbox.zendesk.desk import Index, Mask
from migration_pipeline.sandbox.zendesk.site import MAX_PAGE, Made, Site, spoiled, whole
from migration_pipeline.sandbox.zendesk.world import ids, skeleton
from migration_pipeline.sandbox.zendesk.world.population import GONE

KINDS = ("ticket", "user", "organization")
DEEPEST_RESULT = 1_000
_COMPARED = {">=": np.greater_equal, "<=": np.less_equal, ">": np.greater, "<": np.less}


def routes(site: Site) -> list[Route]:
    """All routes of the search."""
    search = _Search(site)
    return [
        site.route("/search", search.by_number),
        site.route("/search/count", search.count),
        site.route("/search/export", search.export),
    ]


class _Search:
    def __init__(self, site: Site) -> None:
        self._site = site

    def export(self, call: Call) -> Made:
        """Everything of one type in order of creation, by a cursor that is good for the hour."""
        kind = call.query.get("filter[type]")
        if kind not in KINDS:
            raise errors.invalid_value("filter[type]", "filter[type] must be one of ticket, user, organization")
        index = self._found(call, kind)
        hour = int(call.scratch["at"] // 3600)
        page = self._site.by_cursor(
            call, "results", index, lambda k: self._row(call, kind, k), f"created_at,id@{hour}", most=1000
        )
        return {**page, "facets": None}

    def _first(self, call: Call) -> list[tuple[int, str, int]]:
        """(time, kind, place) of the first thousand that a query finds, newest first unless asked otherwise."""
        newest_first = call.query.get("sort_order", "desc") == "desc"
        shown = slice(-DEEPEST_RESULT, None) if newest_first else slice(DEEPEST_RESULT)
        found = []
        for kind in KINDS:
            index = self._found(call, kind)
            found += [(int(t), kind, int(p)) for t, p in zip(index.times[shown], index.places[shown], strict=True)]
        return sorted(found, reverse=newest_first)

    def _count(self, call: Call) -> int:
        return sum(len(self._found(call, kind).times) for kind in KINDS)

    def by_number(self, call: Call) -> Made:
        """The first thousand results."""
        size = min(MAX_PAGE, max(1, whole(call.query.get("per_page"), MAX_PAGE)))
        if max(1, whole(call.query.get("page"), 1)) * size > DEEPEST_RESULT:
            text = "Invalid search: Requested response size was greater than Search Response Limits"
            raise errors.refusal({"error": "invalid", "description": text}, 422)
        found = self._first(call)

        def show(k: int) -> dict[str, Any]:
            return self._row(call, found[k][1], found[k][2])

        return {**self._site.by_offset(call, "results", range(self._count(call)), show), "facets": None}

    def count(self, call: Call) -> Made:
        return {"count": self._count(call)}

    def _row(self, call: Call, kind: str, place: int) -> dict[str, Any]:
        site = self._site
        if kind == "ticket":
            shown = ticket_json.ticket_json(site.view(call), place)
        elif kind == "user":
            shown = site.desk.user(place, site.base_url)
        else:
            shown = site.desk.organization(place, site.base_url)
        return {**spoiled(site, shown), "result_type": kind}

    def _found(self, call: Call, kind: str) -> Index:
        """What a query finds of one kind, in order of creation; looked for once until the next change."""
        query = call.query.get("query", "")
        return self._site.desk.kept(("search", kind, query), lambda: self._search(query, kind))

    def _search(self, query: str, kind: str) -> Index:
        desk = self._site.desk
        users, organizations = np.arange(desk.people.users), np.arange(len(desk.people.org_created))
        created, numbered = {
            "ticket": (desk.tickets.created, desk.tickets.ids),
            "user": (desk.people.created, ids.USER + (users + 1) * ids.STEP),
            "organization": (desk.people.org_created, ids.ORGANIZATION + (organizations + 1) * ids.STEP),
        }[kind]
        keep: Mask = {
            "ticket": desk.status != skeleton.GONE_STATUS,
            "user": (desk.people.flags & GONE) == 0,
            "organization": ~desk.people.org_deleted,
        }[kind]
        for term in query.split():
            keep = keep & self._searched(term, kind, created)
        places = np.flatnonzero(keep)
        order = np.lexsort((numbered[places], created[places]))
        return Index(created[places][order], numbered[places][order], places[order])

    def _searched(self, term: str, kind: str, created: Any) -> Mask:
        desk = self._site.desk
        if term.startswith("type:"):
            return np.full(len(created), term == f"type:{kind}")
        if term.startswith("status:") and term[7:] in skeleton.STATUS_NAMES:
            if kind != "ticket":
                return np.zeros(len(created), bool)
            found: Mask = desk.status == skeleton.STATUS_NAMES.index(term[7:])
            return found
        for sign, compare in _COMPARED.items():
            if term.startswith(f"created{sign}"):
                try:
                    limit = np.datetime64(term.removeprefix(f"created{sign}").rstrip("Z"), "s").astype(np.int64)
                except ValueError:
                    break
                passed: Mask = compare(created, limit)
                return passed
        raise errors.invalid_value("query", f"this stand-in does not know the search term {term}")
