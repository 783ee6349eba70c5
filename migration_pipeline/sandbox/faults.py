"""Seeded faults: which request suffers which failure. How a failure looks on the wire is the service's business."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

KINDS = (
    "refuse",
    "error_before",
    "error_after_commit",
    "drop_after_commit",
    "throttle",
    "slow",
    "garbage",
    "unavailable",
    "duplicate",
    "timeout_after_commit",
)


class FaultError(ValueError):
    """A fault order that cannot be followed; the text names the key."""


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """`rate` 0..1 of the requests whose `METHOD template` matches `match` (`*` is a wildcard), at most `limit`."""

    seed: int = 0
    rate: float = 0.0
    kinds: tuple[str, ...] = ()
    match: str = "*"
    limit: int | None = None

    @staticmethod
    def parse(order: Any) -> FaultPlan:
        """A plan from a control request; an empty list or no kinds ends all faults. Raises FaultError."""
        if order in ([], None) or (isinstance(order, Mapping) and not order.get("kinds")):
            return FaultPlan()
        if not isinstance(order, Mapping):
            raise FaultError("faults must be an object or []")
        kinds = tuple(order["kinds"]) if isinstance(order["kinds"], list) else (str(order["kinds"]),)
        if wrong := [kind for kind in kinds if kind not in KINDS]:
            raise FaultError(f"kinds: {wrong} not among {list(KINDS)}")
        rate, limit, seed = order.get("rate", 1.0), order.get("limit"), order.get("seed", 0)
        if not isinstance(rate, (int, float)) or not 0 <= rate <= 1:
            raise FaultError("rate must lie between 0 and 1")
        if not isinstance(seed, int) or not (limit is None or isinstance(limit, int)):
            raise FaultError("seed and limit must be integers")
        return FaultPlan(seed, float(rate), kinds, str(order.get("match") or "*"), limit)

    def as_json(self) -> dict[str, Any]:
        """As the control route answers it."""
        return {
            "seed": self.seed,
            "rate": self.rate,
            "kinds": list(self.kinds),
            "match": self.match,
            "limit": self.limit,
        }


class Faults:
    """Draws faults. The same plan and the same sequence of requests give the same faults."""

    def __init__(self) -> None:
        """Start without faults; they are not kept over a restart."""
        self.start(FaultPlan())

    def start(self, plan: FaultPlan) -> None:
        """Follow `plan` from its beginning."""
        self.plan = plan
        self.drawn = 0
        self._random = random.Random(plan.seed)
        self._matches: dict[str, bool] = {}

    def draw(self, route: str) -> str | None:
        """The fault for the next request of `route` ("POST /conversations"), or None."""
        plan = self.plan
        if not plan.kinds or (plan.limit is not None and self.drawn >= plan.limit):
            return None
        if route not in self._matches:
            # Path parameters stand in braces and `?`/`[` never occur, so shell patterns mean only `*` here.
            self._matches[route] = plan.match == "*" or fnmatchcase(route, plan.match)
        if not self._matches[route] or self._random.random() >= plan.rate:
            return None
        self.drawn += 1
        return self._random.choice(plan.kinds)

    def delay_s(self) -> float:
        """How long a `slow` request waits, in seconds."""
        return self._random.uniform(0.2, 0.6)
