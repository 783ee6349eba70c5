"""Rate windows of a second instead of a minute: what takes an hour at a service's limits takes a minute here.

They stand between a session and a service that has no limits, count its calls, and tell what is left as answers do;
nothing refuses a call that comes too many.
"""

import threading
import time
from collections.abc import Mapping

from migration_pipeline.http import Window
from migration_pipeline.http.session import Manners
from migration_pipeline.sources.zendesk import ZendeskSource, client


class SmallWindows:
    """Windows of `seconds`; `limits` are calls a window, by bucket.

    `late` are calls by bucket that answers do not tell of yet, as those of concurrent calls that come out of order.
    """

    def __init__(self, seconds: float, limits: Mapping[str, int], late: Mapping[str, int]) -> None:
        self._seconds = seconds
        self._limits = limits
        self._late = late
        self._started = time.monotonic()
        self._spent: dict[tuple[str, int], int] = {}
        self._lock = threading.Lock()
        self._call = threading.local()

    def stand_before(self, source: ZendeskSource) -> None:
        session = source._client.session
        session._manners = Manners(self._buckets, self._windows, client.error)
        session.limits.update(self._limits)

    def _buckets(self, method: str, path: str) -> tuple[str, ...]:
        self._call.buckets = tuple(name for name in client.buckets(method, path) if name in self._limits)
        return client.buckets(method, path)

    def _windows(self, headers: Mapping[str, str]) -> dict[str, Window]:  # noqa: ARG002 - the service has no limits
        told = {}
        with self._lock:
            passed = time.monotonic() - self._started
            number = int(passed // self._seconds)
            for name in self._call.buckets:
                spent = self._spent[name, number] = self._spent.get((name, number), 0) + 1
                left = min(max(self._limits[name] - spent, 0) + self._late.get(name, 0), self._limits[name])
                told[name] = Window(self._limits[name], left, (number + 1) * self._seconds - passed)
        return told
