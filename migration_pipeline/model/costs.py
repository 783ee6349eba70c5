"""What a run costs: calls, the rate limits they draw on, and the seconds that follow from both.

Belongs here: the arithmetic of windows, latency and workers, for any service. Does not belong here: how many calls a
record takes (`sources`, `target`), or measuring a service (`http.speed`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

Side = Literal["source", "target"]

CAUTION: Final = 0.02
"""Share of a window that is lost because calls under way count as spent until their answers say otherwise."""


@dataclass(frozen=True)
class Work:
    """Calls of one kind that a run makes at the same time, for one entity type."""

    side: Side
    entity_type: str
    what: str  # load, verify, threads, files, or a stream's name
    calls: int
    buckets: tuple[str, ...] = ()  # the rate limits that each call draws on
    parallel: bool = False  # many at a time, as far as the side's workers go; else one after the other
    longest: int = 0  # calls that have to follow each other, whatever the workers
    error: int = 0  # plus or minus so many calls, where they were sampled; 0 where they were counted
    bytes: int = 0  # that are fetched and stored
    beside: bool = False  # begins with the work before it, on windows of its own
    apart: bool = False  # done by a second reader, which began with the first work
    free: bool = False  # not a call that the service's usage counts (bytes of files)
    endpoints: Mapping[str, int] = field(default_factory=dict)  # the calls, by endpoint


@dataclass(frozen=True)
class Limit:
    """A rate limit: so many calls in each window."""

    calls: int
    window_s: float


@dataclass(frozen=True)
class Speed:
    """How fast a service answers: one call alone, and calls per second with all workers at once."""

    latency_s: float
    per_second: float


@dataclass
class _Window:
    ends: float = 0.0
    left: float = 0.0


@dataclass
class Clock:
    """Runs works one after the other against windows, and adds up the seconds.

    When a service's windows begin nobody knows beforehand: at the first call, half of one is left, as on average.

    A work `beside` another begins with it, and finds the windows as that did; what follows begins once both are over.
    Works `apart` follow each other from the beginning on, on windows of their own; what follows them in the list begins
    once they are over.
    """

    limits: Mapping[str, Limit]
    speeds: Mapping[tuple[str, str], Speed]  # by side and `what`; `what` "" stands for all others of the side
    now: float = 0.0
    _windows: dict[str, _Window] = field(default_factory=dict)
    _apart: tuple[float, dict[str, _Window]] = field(default_factory=lambda: (0.0, {}))
    _began: tuple[float, dict[str, _Window]] = (0.0, {})

    def seconds(self, work: Work) -> float:
        """By how much the work makes the whole longer; the clock is moved on by it."""
        if work.beside:
            (ended, spent), (self.now, self._windows) = (self.now, self._windows), self._began
            self._run(work)
            if self.now < ended:
                self.now, self._windows = ended, spent
            return self.now - ended
        if work.apart:
            (ended, windows), (self.now, self._windows) = (self.now, self._windows), self._apart
            self._run(work)
            self._apart, self._windows = (self.now, self._windows), windows
            self.now = max(self.now, ended)
            return self.now - ended
        self._began = self.now, {name: replace(window) for name, window in self._windows.items()}
        self._run(work)
        return self.now - self._began[0]

    def _run(self, work: Work) -> None:
        if work.calls <= 0:
            return
        speed = self.speeds.get((work.side, work.what)) or self.speeds[(work.side, "")]
        rate = speed.per_second if work.parallel else 1 / speed.latency_s
        started, left = self.now, float(work.calls)
        buckets = [name for name in work.buckets if name in self.limits]
        while left > 1e-9:
            allowed = min((self._left(name) for name in buckets), default=left)
            sent = min(left, allowed)
            until = min((self._windows[name].ends for name in buckets), default=float("inf"))
            if sent > 0:
                sent = min(sent, max((until - self.now) * rate, 1e-6))
                self.now += sent / rate
                for name in buckets:
                    self._windows[name].left -= sent
                left -= sent
            if left > 1e-9 and buckets and (allowed - sent <= 1e-9 or self.now >= until):
                spent = [self._windows[name].ends for name in buckets if self._windows[name].left <= 1e-9]
                self.now = max(self.now, max(spent, default=until))
        self.now = max(self.now, started + work.longest * speed.latency_s)

    def _left(self, name: str) -> float:
        window, limit = self._windows.setdefault(name, _Window()), self.limits[name]
        if self.now >= window.ends:
            first = not window.ends
            window.ends = self.now + limit.window_s / 2 if first else _next_end(window.ends, self.now, limit)
            window.left = limit.calls * (1 - CAUTION)
        return window.left


def _next_end(ended: float, now: float, limit: Limit) -> float:
    """Windows follow each other without gaps."""
    return ended + (int((now - ended) // limit.window_s) + 1) * limit.window_s


def total(works: Iterable[Work], side: Side, entity_type: str | None = None) -> int:
    """Counted calls of a side."""
    return sum(
        work.calls for work in works if work.side == side and not work.free and entity_type in (None, work.entity_type)
    )
