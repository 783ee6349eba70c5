"""Pacing by what the service itself says is left of its rate window.

A token-bucket library paces by a rate that is known beforehand; services raise and lower limits per plan and per
endpoint, and say so in every answer's headers. So the headers drive: a call takes one from what is left of its bucket,
and waits for the window's end when nothing is left. A raised limit is used without a change of settings.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from migration_pipeline.model.errors import RunStopped

LOOK_S: Final = 1.0
"""Seconds after which whoever waits for a window looks at it again."""


@dataclass(frozen=True)
class Window:
    """What an answer says of a bucket: its limit, how many calls are left, and in how many seconds it fills again."""

    limit: int
    remaining: int
    resets_in: float


@dataclass
class _Bucket:
    remaining: int | None = None  # as the newest answer said
    resets_at: float = 0.0
    sent: float = 0.0  # when the call was sent whose answer said so
    under_way: int = 0  # calls that no answer has told of yet


class Pacer:
    """Shared by all threads that call one service."""

    def __init__(self, stop: threading.Event, clock: Callable[[], float] = time.monotonic) -> None:
        """`stop` ends every wait; `clock` gives seconds."""
        self._stop = stop
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}
        self._lock = threading.Lock()

    def take(self, buckets: tuple[str, ...]) -> float:
        """Take one call from each bucket, waiting until all have one left; the seconds waited. `done` ends each call.

        Raises:
            RunStopped: the run was asked to stop while waiting.
        """
        waited = 0.0
        while True:
            with self._lock:
                now = self._clock()
                pause = max((self._pause(name, now) for name in buckets), default=0.0)
                if pause <= 0:
                    for name in buckets:
                        self._buckets.setdefault(name, _Bucket()).under_way += 1
                    return waited
            # Answers that come meanwhile may tell of a window that has begun, or of more that is left.
            pause = min(pause, LOOK_S)
            if self._stop.wait(pause):
                raise RunStopped("The run was stopped.")
            waited += pause

    def done(self, buckets: tuple[str, ...], windows: Mapping[str, Window], sent: float | None = None) -> None:
        """End a call that was taken from `buckets` and `sent` then (now without it), with what its answer said of any.

        An answer that took long, as a large page does, tells of a window from before the calls that others made
        meanwhile: what a later call was told stands. Of calls sent at about the same time answers may still come out of
        order, so that a number is too high by as many calls as are under way; a service that refuses one of them for it
        says so, and `exhausted` ends the window.
        """
        with self._lock:
            for name in buckets:
                self._buckets[name].under_way -= 1
            for name, window in windows.items():
                bucket = self._buckets.setdefault(name, _Bucket())
                moment = self._clock() if sent is None else sent
                if moment < bucket.sent:
                    continue
                bucket.remaining, bucket.sent = window.remaining, moment
                bucket.resets_at = self._clock() + max(window.resets_in, 0.0)

    def now(self) -> float:
        """The moment, as `done` takes it."""
        return self._clock()

    def window(self, name: str, limit: int) -> Window:
        """The present window of a bucket with that limit, less the calls under way; full where no answer told of it."""
        with self._lock:
            now, bucket = self._clock(), self._buckets.get(name)
            pause = self._pause(name, now)
            if bucket is None or bucket.remaining is None:
                return Window(limit, limit - (bucket.under_way if bucket else 0), 0.0)
            left = 0 if pause > 0 else bucket.remaining - bucket.under_way
            return Window(limit, left, bucket.resets_at - now)

    def waiting(self, name: str) -> bool:
        """Whether a call of this bucket would have to wait now."""
        with self._lock:
            return self._pause(name, self._clock()) > 0

    def exhausted(self, name: str, seconds: float) -> None:
        """The service refused a call of this bucket: nothing is left of it for so many seconds.

        A window of which something is left was not what refused it, so that its end is not waited for.
        """
        with self._lock:
            bucket = self._buckets.setdefault(name, _Bucket())
            known = bucket.resets_at if bucket.remaining == 0 else 0.0
            bucket.remaining, bucket.resets_at = 0, max(known, self._clock() + seconds)

    def _pause(self, name: str, now: float) -> float:
        bucket = self._buckets.get(name)
        if bucket is None or bucket.remaining is None:
            return 0.0
        if now >= bucket.resets_at:
            bucket.remaining = None
            return 0.0
        return bucket.resets_at - now if bucket.remaining <= bucket.under_way else 0.0
