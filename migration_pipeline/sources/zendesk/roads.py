"""Which way comments are read: by the export, thread by thread, or both from either end until they meet.

Exports have a narrow window of their own (10 or 30 calls a minute) and carry a thousand events a call, those of rules
among them; a thread takes a call of the account's wide window (10 to 2,500 a minute, Zendesk developer docs, "Rate
limits"). Which is faster, and where the two meet, follows from both windows and from what a page of events brings.

Belongs here: arithmetic, for any plan. Does not belong here: calling, or what was read so far (`meeting`).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from migration_pipeline.http import Window

WINDOW_S: Final = 60.0
"""Zendesk's limits are per minute (Zendesk developer docs, "Rate limits")."""

WORTH_S: Final = 60.0
"""Seconds that a second way has to save more than: it costs hundreds of calls where the export takes a few."""

USUAL: Final = 600.0
"""Comments in a page of a thousand events, until the first page tells: five of eight updates write one."""


@dataclass(frozen=True)
class Point:
    """A moment at which both ways may meet, and what is left to each of them until then."""

    moment: int  # Unix seconds
    exported: float  # comments from before it, that the export has yet to bring
    threads: int  # calls for the threads of tickets that changed at it or later
    covered: int  # tickets that changed before it, and are left to the export


@dataclass(frozen=True)
class Road:
    """A way to read all comments: so many calls of each kind."""

    moment: int  # the export goes on until here, Unix seconds
    exports: int
    threads: int
    repairs: int  # threads of exported tickets that have to be read nevertheless

    @property
    def calls(self) -> int:
        """All of them."""
        return self.exports + self.threads + self.repairs

    def seconds(self, exports: Window, account: Window) -> float:
        """How long windows make it wait, in which calls go as soon as they may.

        While both ways are under way, threads leave the export as many calls of the account's window as its own has.
        """
        kept = exports.limit if self.exports else 0
        export = Window(min(exports.limit, account.limit), min(exports.remaining, account.remaining), exports.resets_in)
        besides = Window(account.limit - kept, account.remaining - kept, account.resets_in)
        waits = ((self.exports, export), (self.threads, besides))
        met = max(_wait(calls, window) for calls, window in waits)
        if math.isinf(met):
            return met
        spent = sum(_last(calls, window) for calls, window in waits if _wait(calls, window) == met)
        left = (account.limit if met else account.remaining) - spent
        begun = Window(account.limit, left, WINDOW_S if met else account.resets_in)
        return met + _wait(self.repairs, begun)


def roads(points: Sequence[Point], per_call: float, repaired: float) -> Iterator[Road]:
    """The road of each point: threads alone first, the export alone last, if the points are the first and the last.

    `per_call` are comments that an export's call brings; `repaired` is the share of exported tickets whose threads have
    to be read nevertheless.
    """
    for point in points:
        exports = math.ceil(point.exported / per_call)
        yield Road(point.moment, exports, point.threads, round(repaired * point.covered))


def choose(found: Sequence[Road], exports: Window, account: Window, worth_s: float = WORTH_S) -> Road:
    """The fastest road, and of equally fast ones the one of fewest calls.

    The export alone, which is the last of them, where no other saves more than `worth_s` seconds; unless nothing is
    left to read.
    """
    best = min(found, key=lambda road: (road.seconds(exports, account), road.calls))
    plain = found[-1]
    saved = plain.seconds(exports, account) - best.seconds(exports, account)
    return best if not (best.exports or best.threads) or saved > worth_s else plain


def _wait(calls: int, window: Window) -> float:
    """Seconds until the last of so many calls may go."""
    later = calls - max(window.remaining, 0)
    if later <= 0 or calls == 0:
        return 0.0
    if window.limit <= 0:
        return math.inf
    return window.resets_in + WINDOW_S * (math.ceil(later / window.limit) - 1)


def _last(calls: int, window: Window) -> int:
    """How many of so many calls go in the window of the last of them."""
    later = calls - max(window.remaining, 0)
    return calls if later <= 0 else later - window.limit * (math.ceil(later / window.limit) - 1)
