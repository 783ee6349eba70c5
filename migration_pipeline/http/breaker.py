"""Waiting for a service that is down, in place of failing record after record.

Belongs here: since when a service has not answered, and who may ask it again. Does not belong here: which answers
mean that it is down (`session`).
"""

import datetime as dt
import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from migration_pipeline.model.errors import RunStopped

Tell = Callable[[str, dt.datetime | None], None]
"""Takes the service's name, and since when (UTC) the run has been waiting for it; None once it answers again."""

SHORTEST: Final = 0.5
LONGEST: Final = 30.0
"""Seconds between two calls that ask whether a service is back; they grow from the first to the second."""

_log = logging.getLogger(__name__)


def tell_nobody(service: str, since: dt.datetime | None) -> None:
    """For callers whose users read the log only."""


class Breaker:
    """Whether a service answers; threads that call it share one.

    While it does not, one call at a time goes through to ask, and all others wait, so that an outage neither floods the
    service nor leaves a doubt about every write.
    """

    def __init__(
        self,
        service: str,
        patience_s: float,
        stop: threading.Event,
        *,
        tell: Tell = tell_nobody,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`patience_s` is how long an outage is waited out; `stop` ends every wait; `clock` gives seconds."""
        self._service = service
        self._patience = patience_s
        self._stop = stop
        self._tell = tell
        self._clock = clock
        self._lock = threading.Lock()
        self._known = False  # it has answered once: what never did is a wrong setting, and no outage
        self._silent_since: float | None = None
        self._open = False
        self.outages = 0  # how many were waited for
        self.answers = 0  # tells two moments apart between which calls were answered; threads may lose some
        self._pause = SHORTEST
        self._next = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the run is waiting for the service."""
        return self._open

    def answered(self) -> None:
        """The service answered a call, be it by a refusal."""
        self.answers += 1
        if self._known and self._silent_since is None:
            return
        with self._lock:
            seconds = self._clock() - self._silent_since if self._silent_since is not None else 0.0
            was_open, self._open = self._open, False
            self._known, self._silent_since, self._pause = True, None, SHORTEST
        if was_open:
            _log.info("%s answers again after %.0f s; the run goes on", self._service, seconds)
            self._tell(self._service, None)

    def failed(self) -> None:
        """A call got no answer."""
        with self._lock:
            if self._silent_since is None:
                self._silent_since = self._clock()

    def waits(self, why: str) -> bool:
        """Whether a call that used up its attempts may go on trying, because the run waits for the service."""
        with self._lock:
            now = self._clock()
            if not self._known or self._silent_since is None or now - self._silent_since >= self._patience:
                return False
            was_open, self._open = self._open, True
            silent = now - self._silent_since
            if not was_open:
                self.outages += 1
                self._next = now + self._pause
        if not was_open:
            since = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=silent)
            _log.warning(
                "%s has not answered since %s (%s); the run waits for it, %.0f s at most",
                self._service, f"{since:%Y-%m-%d %H:%M:%S} UTC", why, self._patience,
            )  # fmt: skip
            self._tell(self._service, since)
        return True

    def hold(self) -> None:
        """Come back when a call may be sent: at once, unless the run waits for the service.

        Raises:
            RunStopped: the run was asked to stop while waiting.
        """
        while self._open:
            with self._lock:
                now = self._clock()
                if now >= self._next:
                    left = (self._silent_since or now) + self._patience - now
                    self._next = now + min(self._pause, max(left, SHORTEST))  # the last call comes when patience ends
                    self._pause = min(2 * self._pause, LONGEST)
                    return
                left = self._next - now
            if self._stop.wait(min(left, SHORTEST)):
                raise RunStopped("The run was stopped; the next one goes on from here.")
