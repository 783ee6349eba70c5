"""Lists of the help desk's working rules: macros, triggers, views and the like.

Here: these endpoints, all of them read-only. Not here: the definitions (``world.inventory``).
"""

from collections.abc import Callable
from typing import Any

from migration_pipeline.sandbox.wire import Call, Route
from migration_pipeline.sandbox.zendesk import errors
from migration_pipeline.sandbox.zendesk.site import Made, Site, index_of, number
from migration_pipeline.sandbox.zendesk.world import inventory

Rows = list[dict[str, Any]]
# Where the active ones have a list of their own.
_WITH_ACTIVE = ("macros", "triggers", "automations", "views")
_SINGULAR = {"sla_policies": "sla_policy", "items": "item", "trigger_categories": "trigger_category"}


def routes(site: Site) -> list[Route]:
    """All routes about working rules."""
    size = site.desk.base_tickets.size
    lists: list[tuple[str, str, Callable[[str], Rows]]] = [
        ("/macros", "macros", lambda base: inventory.macros(size, base)),
        *inventory.LISTS,
    ]
    found: list[Route] = []
    for path, plural, make in lists:
        singular = _SINGULAR.get(plural, plural.removesuffix("es" if plural.endswith("sses") else "s"))
        found += [
            site.route(path, _listed(site, plural, make)),
            site.route(f"{path}/{{id}}", _one(site, singular, make)),
        ]
        if plural in _WITH_ACTIVE:
            found.append(site.route(f"{path}/active", _listed(site, plural, _active(make))))
    return [
        *found,
        site.route("/business_hours/schedules", lambda _: {"schedules": inventory.schedules(site.base_url)}),
        site.route("/business_hours/schedules/{id}/holidays", lambda c: {"holidays": inventory.holidays(number(c))}),
    ]


def _active(make: Callable[[str], Rows]) -> Callable[[str], Rows]:
    return lambda base: [row for row in make(base) if row["active"]]


def _listed(site: Site, plural: str, make: Callable[[str], Rows]) -> Callable[[Call], Made]:
    def listed(call: Call) -> Made:
        rows = make(site.base_url)
        return site.listed(call, plural, index_of(int(row["id"]) for row in rows), lambda k: rows[k])

    return listed


def _one(site: Site, singular: str, make: Callable[[str], Rows]) -> Callable[[Call], Made]:
    def one(call: Call) -> Made:
        for row in make(site.base_url):
            if int(row["id"]) == number(call):
                return {singular: row}
        raise errors.not_found()

    return one
