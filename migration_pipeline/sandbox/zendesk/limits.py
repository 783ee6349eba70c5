"""Rate limits: the account's bucket, the families' own ones, and the headers that tell of them.

Numbers: the service's public pages on rate limits; header names: recorded answers. Not here: the plan table.
"""

import math
from collections import deque
from dataclasses import dataclass

from migration_pipeline.sandbox.clock import Clock
from migration_pipeline.sandbox.windows import Allowance, FixedWindow
from migration_pipeline.sandbox.wire import Call, Headers
from migration_pipeline.sandbox.zendesk.plans import Plan


@dataclass(frozen=True, slots=True)
class Family:
    """Endpoints with a limit of their own, besides the account's. ``header`` is how it is told, if it is."""

    name: str
    limit: int
    high_volume: int
    seconds: int = 60
    header: bytes | None = None


EXPORTS = Family("exports", 10, 30, header=b"zendesk-ratelimit-incremental-exports")
CURSOR_EXPORTS = Family("exports-cursor", 20, 60, header=b"zendesk-ratelimit-incremental-exports-cursor")
SAMPLE = Family("sample", 10, 10, 1200)
INDEX = Family("tickets-index", 100, 300, header=b"zendesk-ratelimit-tickets-index")
DEEP_INDEX = Family("tickets-index-deep", 50, 50)
FIELDS = Family("ticket-fields", 300, 450, header=b"zendesk-ratelimit-ticket-fields")
DELETED = Family("deleted-tickets", 10, 10, header=b"zendesk-ratelimit-deleted-tickets")
DEEP_DELETED = Family("deleted-tickets-deep", 5, 5)
SEARCH_EXPORT = Family("search-export", 100, 100, header=b"zendesk-ratelimit-search-export")
CONVERSATION_LOG = Family("conversation-log", 100, 300, header=b"zendesk-ratelimit-omnilog-index")
SIDE_EVENTS = Family("side-conversations", 600, 600, 600)
AUDITS = Family("ticket-audits", 500, 500)
CONTENT = Family("attachment-content", 2500, 2500)
SPIKE = Family("spike", 100_000, 100_000)

FAMILIES: dict[str, Family] = {
    "/api/v2/incremental/tickets": EXPORTS,
    "/api/v2/incremental/tickets/cursor": EXPORTS,
    "/api/v2/incremental/ticket_events": EXPORTS,
    "/api/v2/incremental/users": EXPORTS,
    "/api/v2/incremental/organizations": EXPORTS,
    "/api/v2/incremental/users/cursor": CURSOR_EXPORTS,
    "/api/v2/incremental/{resource}/sample": SAMPLE,
    "/api/v2/tickets": INDEX,
    "/api/v2/ticket_fields": FIELDS,
    "/api/v2/deleted_tickets": DELETED,
    "/api/v2/search/export": SEARCH_EXPORT,
    "/api/v2/tickets/{id}/conversation_log": CONVERSATION_LOG,
    "/api/v2/tickets/side_conversations/events": SIDE_EVENTS,
    "/api/v2/tickets/{id}/audits": AUDITS,
    "/attachments/token/{token}": CONTENT,
}
# The knowledge base counts in a bucket of its own, which has the account's size.
GUIDE_PATHS = ("/api/v2/help_center", "/api/v2/guide")
_DEEP = {INDEX: (500, DEEP_INDEX), DELETED: (100, DEEP_DELETED)}


class SlidingWindow:
    """Counts per key over the last ``seconds``."""

    def __init__(self, seconds: int, clock: Clock) -> None:
        """Keep the times of granted requests."""
        self._seconds = seconds
        self._clock = clock
        self._granted: dict[str, deque[float]] = {}

    def take(self, key: str, limit: int, cost: int = 1) -> Allowance:
        """Spend one of ``limit``, or with ``cost`` 0 only look. A refused request spends nothing."""
        now = self._clock.now()
        times = self._granted.setdefault(key, deque())
        while times and times[0] <= now - self._seconds:
            times.popleft()
        granted = len(times) + cost <= limit
        if granted and cost:
            times.append(now)
        reset = math.ceil((times[0] if times else now) + self._seconds)
        return Allowance(limit, limit - len(times), reset, granted)


@dataclass(frozen=True, slots=True)
class Spent:
    """What a request took: the first refused allowance, if any, and all to be told in headers."""

    refused: Allowance | None
    account: Allowance | None
    families: tuple[tuple[Family, Allowance], ...]


class Limits:
    """All buckets of an account. ``enforced`` False: no call counts, and headers tell of buckets that stay full."""

    def __init__(self, plan: Plan, clock: Clock, *, enforced: bool) -> None:
        """Start with full buckets."""
        self.plan = plan
        self.enforced = enforced
        self._clock = clock
        spans = {60, 600, 1200}
        self._fixed = {s: FixedWindow(s, clock) for s in spans}
        self._sliding = {s: SlidingWindow(s, clock) for s in spans}

    def spend(self, call: Call, page: int, *, sliding: bool) -> Spent:
        """Count a request; ``page`` is the offset page asked for."""
        windows = self._sliding if sliding else self._fixed
        families: list[Family] = []
        family = FAMILIES.get(call.template)
        if family:
            families.append(family)
            deep = _DEEP.get(family)
            if deep and page > deep[0]:
                families.append(deep[1])
        taken = []
        cost = int(self.enforced)
        for f in families:
            allowance = windows[f.seconds].take(f.name, f.high_volume if self.plan.high_volume else f.limit, cost)
            taken.append((f, allowance))
            if self.enforced and not allowance.granted:
                return Spent(allowance, None, tuple(taken))
        if not call.template.startswith("/api/"):
            # Files are served outside the API: only their own limit counts.
            return Spent(None, None, tuple(taken))
        bucket = "guide" if call.template.startswith(GUIDE_PATHS) else "account"
        account = windows[60].take(bucket, self.plan.per_minute, cost)
        spike = windows[60].take(SPIKE.name, SPIKE.limit, cost)
        refused = next((a for a in (account, spike) if not a.granted), None) if self.enforced else None
        return Spent(refused, account, tuple(taken))

    def wait(self, allowance: Allowance) -> int:
        """Whole seconds until a refused request may come again."""
        return max(1, math.ceil(allowance.reset_at - self._clock.now()))

    def headers(self, spent: Spent) -> Headers:
        """The rate headers of an answer."""
        told: list[tuple[bytes, bytes]] = []
        if spent.account:
            limit, left = b"%d" % spent.account.limit, b"%d" % spent.account.remaining
            told += [
                (b"x-rate-limit", limit),
                (b"x-rate-limit-remaining", left),
                (b"ratelimit-limit", limit),
                (b"ratelimit-remaining", left),
                (b"ratelimit-reset", b"%d" % self.wait(spent.account)),
            ]
        for family, allowance in spent.families:
            if family.header:
                text = b"total=%d; remaining=%d; resets=%d" % (
                    allowance.limit,
                    allowance.remaining,
                    self.wait(allowance),
                )
                told.append((family.header, text))
        return tuple(told)
