"""Counts of what a stand-in answered, for the control route `stats`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any


class Stats:
    """Requests per route and per host, writes, throttled answers, and credits for services that bill by them."""

    def __init__(self, stored: Mapping[str, Any] | None = None) -> None:
        """Go on from `stored` counts of an earlier run, if any."""
        self.reset()
        if stored:
            self.requests.update(stored["requests"])
            self.hosts.update(stored.get("hosts", {}))
            self.writes, self.throttled, self.credits = stored["writes"], stored["throttled"], stored["credits"]

    def reset(self) -> None:
        """Back to zero."""
        self.requests: Counter[str] = Counter()
        self.hosts: Counter[str] = Counter()
        self.writes = self.throttled = self.credits = 0

    def as_json(self) -> dict[str, Any]:
        """As the control route answers it."""
        return {
            "requests": dict(self.requests),
            "hosts": dict(self.hosts),
            "total": self.requests.total(),
            "writes": self.writes,
            "throttled": self.throttled,
            "credits": self.credits,
        }
