"""The list of suspended tickets.

Here: its endpoints. Not here: the mail itself (``world.suspended``).
"""

from typing import Any

from migration_pipeline.sandbox.wire import Call, Route
from migration_pipeline.sandbox.zendesk import errors
from migration_pipeline.sandbox.zendesk.site import Made, Site, index_of, number
from migration_pipeline.sandbox.zendesk.world import ids, suspended
from migration_pipeline.sandbox.zendesk.world.population import DAY


def routes(site: Site) -> list[Route]:
    """All routes about suspended tickets."""
    held = _Suspended(site)
    return [site.route("/suspended_tickets", held.listed), site.route("/suspended_tickets/{id}", held.show)]


class _Suspended:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._size = site.desk.base_tickets.size

    def _kept(self, now: float) -> list[int]:
        """The numbers of those that are not too old yet."""
        desk = self._site.desk
        limit = now - suspended.KEPT_DAYS * DAY
        everyone = range(suspended.count_of(self._size))
        return [k for k in everyone if suspended.created(desk.seed, desk.epoch, k) > limit]

    def _row(self, k: int) -> dict[str, Any]:
        desk = self._site.desk
        return suspended.suspended_ticket(desk.seed, desk.epoch, k, self._size, self._site.base_url)

    def listed(self, call: Call) -> Made:
        kept = self._kept(call.scratch["at"])
        index = index_of(kept)
        return self._site.listed(call, "suspended_tickets", index, lambda place: self._row(kept[place]))

    def show(self, call: Call) -> Made:
        for k in self._kept(call.scratch["at"]):
            if ids.SUSPENDED + (k + 1) * ids.STEP == number(call):
                return {"suspended_ticket": self._row(k)}
        raise errors.not_found()
