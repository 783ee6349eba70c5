"""Fixed time windows for rate limits, driven by the service's clock."""

from __future__ import annotations

from dataclasses import dataclass

from migration_pipeline.sandbox.clock import Clock


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a window has left after a request: `remaining` >= 0, `reset_at` in unix seconds, `granted` or not."""

    limit: int
    remaining: int
    reset_at: int
    granted: bool


class FixedWindow:
    """Counts per key in windows of `seconds` that start at multiples of `seconds` since the epoch."""

    def __init__(self, seconds: int, clock: Clock) -> None:
        """Keep one counter per key, forgotten when its window ends."""
        self._seconds = seconds
        self._clock = clock
        self._counts: dict[str, int] = {}
        self._window = -1

    def take(self, key: str, limit: int, cost: int = 1) -> Allowance:
        """Spend `cost` of `limit`. A refused request spends nothing."""
        window = int(self._clock.now() // self._seconds)
        if window != self._window:
            self._counts.clear()
            self._window = window
        used = self._counts.get(key, 0)
        granted = used + cost <= limit
        if granted:
            used += cost
            self._counts[key] = used
        return Allowance(limit, max(0, limit - used), (window + 1) * self._seconds, granted)
