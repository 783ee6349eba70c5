"""The help center: categories, sections, articles, translations, their settings, and the incremental export.

Here: these endpoints, plain and below a locale. Not here: files (``routes_guide_files``), paging, JSON.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from migration_pipeline.sandbox.wire import Call, Route
from migration_pipeline.sandbox.zendesk import errors, guide_json, streams
from migration_pipeline.sandbox.zendesk.guide_center import Center
from migration_pipeline.sandbox.zendesk.guide_paging import by_number, paged
from migration_pipeline.sandbox.zendesk.sideloads import shown_users
from migration_pipeline.sandbox.zendesk.site import Made, Site, included, number, wants_cursor, whole
from migration_pipeline.sandbox.zendesk.world import ids
from migration_pipeline.sandbox.zendesk.world.guide import Article, Category, Section
from migration_pipeline.sandbox.zendesk.world.guide_words import DEFAULT_LOCALE, LOCALES

EXPORTED = 1_000
# Recorded by clients of this list alone: more than thirty are refused.
CONTENT_TAGS_AT_MOST = 30
_ORDERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "position": lambda row: (row.get("position", 0), row["id"]),
    "title": lambda row: (str(row.get("title") or row.get("name")), row["id"]),
    "created_at": lambda row: (row["created_at"], row["id"]),
    "updated_at": lambda row: (row["updated_at"], row["id"]),
    "edited_at": lambda row: (row.get("edited_at", ""), row["id"]),
}


def routes(site: Site) -> list[Route]:
    """All routes of the knowledge base but its files."""
    found: list[Route] = []
    guide = _Guide(site)
    both: dict[str, Callable[[Call], Made]] = {
        "categories": guide.categories,
        "categories/{id}": guide.category,
        "categories/{id}/sections": guide.sections,
        "categories/{id}/articles": guide.articles,
        "sections": guide.sections,
        "sections/{id}": guide.section,
        "sections/{id}/articles": guide.articles,
        "articles": guide.articles,
        "articles/{id}": guide.article,
        "incremental/articles": guide.changed,
    }
    for path, endpoint in both.items():
        found += [
            site.route(f"/help_center/{path}", endpoint),
            site.route(f"/help_center/{{locale}}/{path}", endpoint),
        ]
    for plural in ("categories", "sections", "articles"):
        found += [
            site.route(f"/help_center/{plural}/{{id}}/translations", guide.translations(plural)),
            site.route(f"/help_center/{plural}/{{id}}/translations/missing", guide.missing(plural)),
            site.route(f"/help_center/{plural}/{{id}}/translations/{{locale}}", guide.translation(plural)),
        ]
    return [
        *found,
        site.route("/help_center/locales", guide.locales),
        site.route("/help_center/articles/labels", guide.labels),
        site.route("/help_center/articles/{id}/labels", guide.labels_of),
        site.route("/help_center/user_segments", guide.small("user_segments", guide_json.segments)),
        site.route("/guide/permission_groups", guide.small("permission_groups", guide_json.permission_groups)),
        site.route("/guide/content_tags", guide.content_tags),
    ]


class _Guide:
    def __init__(self, site: Site) -> None:
        self._site = site

    # -- lists ----------------------------------------------------------------------------------------------------

    def categories(self, call: Call) -> Made:
        return self._listed(call, "categories", Center.of(self._site, call).categories)

    def sections(self, call: Call) -> Made:
        center = Center.of(self._site, call)
        return self._listed(call, "sections", self._within(call, center, center.sections))

    def articles(self, call: Call) -> Made:
        center = Center.of(self._site, call)
        return self._listed(call, "articles", self._within(call, center, center.articles))

    def _within(self, call: Call, center: Center, things: Sequence[Any]) -> list[Any]:
        """The things below the category or section that the path names, if it names one."""
        if "id" not in call.params:
            return list(things)
        parent = number(call)
        if "/categories/{id}" in call.template:
            place = center.find(center.categories, ids.category_number(parent)).place
            homes = {s.place for s in center.sections if s.category == place}
            return [t for t in things if (t.category == place if isinstance(t, Section) else t.section in homes)]
        place = center.find(center.sections, ids.section_number(parent)).place
        return [t for t in things if t.section == place]

    def _listed(self, call: Call, plural: str, things: Sequence[Category | Section | Article]) -> Made:
        center = Center.of(self._site, call)
        locale = center.locale(call)
        shown = [t for t in things if guide_json.shown_in(t.translations, t.source_locale, locale)]
        names = included(call)

        def show(k: int) -> dict[str, Any]:
            return center.show(shown[k], locale, names)

        if wants_cursor(call):
            page = paged(self._site, call, plural, [t.place for t in shown], show)
            return {**page, **self._beside(center, page[plural], names, locale)}
        sort = _ORDERS.get(call.query.get("sort_by", "position"))
        if sort is None:
            raise errors.bad_paging("InvalidPaginationParameter", "sort_by is not valid")
        rows = [show(k) for k in range(len(shown))]
        order = sorted(range(len(rows)), key=lambda k: sort(rows[k]))
        if call.query.get("sort_order") == "desc":
            order.reverse()
        page = by_number(self._site, call, plural, order, lambda k: rows[k])
        return {**page, **self._beside(center, page[plural], names, locale)}

    def _beside(
        self, center: Center, rows: list[dict[str, Any]], names: frozenset[str], locale: str | None
    ) -> dict[str, Any]:
        """The sibling arrays of a page."""
        beside: dict[str, Any] = {}
        sections = [s for s in center.sections if any(ids.section(s.place) == row.get("section_id") for row in rows)]
        if "users" in names:
            beside["users"] = shown_users(self._site, (row.get("author_id") for row in rows))
        if "sections" in names:
            beside["sections"] = [
                center.show(s, locale if s in center.sections else None, frozenset()) for s in sections
            ]
        if "categories" in names:
            homes = {s.category for s in sections} | {
                ids.category_number(row["category_id"]) for row in rows if row.get("category_id")
            }
            beside["categories"] = [center.show(c, locale, frozenset()) for c in center.categories if c.place in homes]
        return beside

    # -- one thing ------------------------------------------------------------------------------------------------

    def category(self, call: Call) -> Made:
        return self._one(call, "category", lambda c: c.find(c.categories, ids.category_number(number(call))))

    def section(self, call: Call) -> Made:
        return self._one(call, "section", lambda c: c.find(c.sections, ids.section_number(number(call))))

    def article(self, call: Call) -> Made:
        return self._one(call, "article", lambda c: c.find(c.articles, ids.article_number(number(call))))

    def _one(self, call: Call, singular: str, find: Callable[[Center], Any]) -> Made:
        center = Center.of(self._site, call)
        locale, one = center.locale(call), find(center)
        if guide_json.shown_in(one.translations, one.source_locale, locale) is None:
            raise errors.not_found()
        row = center.show(one, locale, included(call))
        return {singular: row, **self._beside(center, [row], included(call), locale)}

    def _thing(self, call: Call, center: Center, plural: str) -> Category | Section | Article:
        wanted = number(call)
        if plural == "categories":
            return center.find(center.categories, ids.category_number(wanted))
        if plural == "sections":
            return center.find(center.sections, ids.section_number(wanted))
        return center.find(center.articles, ids.article_number(wanted))

    def translations(self, plural: str) -> Callable[[Call], Made]:
        def listed(call: Call) -> Made:
            center = Center.of(self._site, call)
            rows = center.translations(self._thing(call, center, plural))
            return paged(self._site, call, "translations", _keys(rows), lambda k: rows[k])

        return listed

    def translation(self, plural: str) -> Callable[[Call], Made]:
        def one(call: Call) -> Made:
            center = Center.of(self._site, call)
            for row in center.translations(self._thing(call, center, plural)):
                if row["locale"] == call.params["locale"].lower():
                    return {"translation": row}
            raise errors.not_found()

        return one

    def missing(self, plural: str) -> Callable[[Call], Made]:
        def named(call: Call) -> Made:
            center = Center.of(self._site, call)
            there = {t.locale for t in self._thing(call, center, plural).translations}
            return {"locales": [name for name in LOCALES if name not in there]}

        return named

    # -- export and settings ----------------------------------------------------------------------------------------

    def changed(self, call: Call) -> Made:
        """Articles by the time of their properties; a new text alone does not bring an article here again."""
        site, center = self._site, Center.of(self._site, call)
        if not call.query.get("start_time", "").strip():
            raise errors.invalid_value("start_time", "Missing required parameter start_time", 400)
        start, size = whole(call.query["start_time"], 0), whole(call.query.get("per_page"), EXPORTED)
        locale = center.locale(call)
        found = sorted(center.articles, key=lambda a: (a.updated, a.place))
        found = [a for a in found if guide_json.shown_in(a.translations, a.source_locale, locale)]
        times = np.array([a.updated for a in found], np.int64)
        page = streams.time_page(times, start, max(1, min(EXPORTED, size)), int(call.scratch["at"]))
        end = page.end_time
        if end is not None and page.end_of_stream and site.switches["article_export_end"] == "after":
            end = int(times[page.hi - 1]) + 1
        rows = [center.show(a, locale, included(call)) for a in found[page.lo : page.hi]]
        return {
            "articles": rows,
            "count": len(rows),
            "next_page": None if end is None else site.url(call, start_time=end),
            "end_time": start if end is None else end,
            **self._beside(center, rows, included(call), locale),
        }

    def locales(self, call: Call) -> Made:
        Center.of(self._site, call)
        return {"locales": list(LOCALES), "default_locale": DEFAULT_LOCALE}

    def labels(self, call: Call) -> Made:
        center = Center.of(self._site, call)
        rows = guide_json.labels(self._site.base_url, [name for a in center.articles for name in a.labels])
        return paged(self._site, call, "labels", _keys(rows), lambda k: rows[k])

    def labels_of(self, call: Call) -> Made:
        center = Center.of(self._site, call)
        article = center.find(center.articles, ids.article_number(number(call)))
        every = guide_json.labels(self._site.base_url, [name for a in center.articles for name in a.labels])
        rows = [row for row in every if row["name"] in article.labels]
        return paged(self._site, call, "labels", _keys(rows), lambda k: rows[k])

    def small(self, plural: str, make: Callable[[], list[dict[str, Any]]]) -> Callable[[Call], Made]:
        def listed(call: Call) -> Made:
            Center.of(self._site, call)
            rows = make()
            return paged(self._site, call, plural, _keys(rows), lambda k: rows[k])

        return listed

    def content_tags(self, call: Call) -> Made:
        """Always by cursor, under the name `records`, and in smaller pages than other lists."""
        Center.of(self._site, call)
        rows = guide_json.content_tags()
        call.query.setdefault("page[size]", str(CONTENT_TAGS_AT_MOST))
        keys = range(1, len(rows) + 1)
        return paged(self._site, call, "records", keys, lambda k: rows[k], size=CONTENT_TAGS_AT_MOST)


def _keys(rows: Sequence[dict[str, Any]]) -> list[int]:
    """What the cursors of a list of numbered rows count by: their ids less the range they lie in."""
    return [row["id"] % 10_000_000_000 for row in rows]
