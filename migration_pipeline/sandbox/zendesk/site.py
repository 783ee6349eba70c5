"""What all routes share: admission, the view of a request, paging parameters, envelopes, compression.

Here: the ways of the API that do not depend on the endpoint. Not here: endpoints (``routes_*``).
"""

from __future__ import annotations

import inspect
import zlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import numpy as np

from migration_pipeline.sandbox.clock import Clock
from migration_pipeline.sandbox.service import Switches
from migration_pipeline.sandbox.wire import Answer, Call, Handler, Headers, Route, json_answer
from migration_pipeline.sandbox.zendesk import errors, streams
from migration_pipeline.sandbox.zendesk.desk import Desk, Index
from migration_pipeline.sandbox.zendesk.guide import Guide
from migration_pipeline.sandbox.zendesk.limits import GUIDE_PATHS, Limits, Spent
from migration_pipeline.sandbox.zendesk.oauth import Authority, Expired, Identity
from migration_pipeline.sandbox.zendesk.odd_people import odd_user
from migration_pipeline.sandbox.zendesk.odd_values import with_odd_values
from migration_pipeline.sandbox.zendesk.plans import Plan
from migration_pipeline.sandbox.zendesk.private_data import with_private_values
from migration_pipeline.sandbox.zendesk.view import View
from migration_pipeline.sandbox.zendesk.world import seeds
from migration_pipeline.sandbox.zendesk.world.guide import SECOND

MAX_PAGE = 100
DEEPEST_ROW = 10_000
COMPRESS_FROM = 1_024
Made = dict[str, Any] | Answer
Endpoint = Callable[[Call], Made | Awaitable[Made]]


@dataclass
class Site:
    """The account as its routes see it."""

    desk: Desk
    guide: Guide
    hosts: tuple[str, ...]
    """The URL of each help center that has a port of its own; the first brand's is the account's."""
    clock: Clock
    switches: Switches
    plan: Plan
    authority: Authority
    limits: Limits
    exports_answered: int = 0
    cache: dict[Any, Any] = field(default_factory=dict)

    # -- hosts ------------------------------------------------------------------------------------------------------

    @property
    def base_url(self) -> str:
        """The account's own URL."""
        return self.hosts[0]

    @property
    def other_host(self) -> str:
        """The same server by another name."""
        return self.base_url.replace("127.0.0.1", "localhost")

    def brand_of(self, call: Call) -> int:
        """The place of the brand that a request is for, told by the host it came to."""
        host = f"http://{call.headers.get('host', '')}"
        if host in self.hosts:
            return self.hosts.index(host)
        return int(self.switches[SECOND] and host == self.other_host)

    def brand_url(self, brand: int) -> str:
        """Where a brand's help center is: on a port of its own, or by another name at the account's."""
        if brand < len(self.hosts):
            return self.hosts[brand]
        return self.other_host if brand == 1 and self.switches[SECOND] else self.base_url

    def has_help_center(self, brand: int) -> bool:
        """Whether a brand has one at the moment."""
        there = brand < len(self.hosts) or (brand == 1 and self.switches[SECOND])
        return bool(self.switches["help_center"] and there)

    # -- admission --------------------------------------------------------------------------------------------------

    def admit(self, call: Call) -> Answer | None:
        """Authentication, rate limits, scope: an Answer refuses the call."""
        call.scratch["at"] = now = self.clock.now()
        self.shape()
        identity = self.authority.identify(call, now, basic=self.switches["basic_auth"])
        if isinstance(identity, Expired):
            told = identity.oauth and self.switches["expired_token_body"] == "invalid_token"  # noqa: S105 - a switch
            return errors.invalid_token() if told else errors.unauthenticated()
        if identity is None and call.template not in ANONYMOUS:
            return errors.unauthenticated()
        call.scratch["identity"] = identity
        page = whole(call.query.get("page"), 1)
        spent = self.limits.spend(call, page, sliding=self.switches["rate_window"] == "sliding")
        call.scratch["spent"] = spent
        if spent.refused:
            return errors.too_many(self.limits.wait(spent.refused))
        if identity is not None and not identity.may_read(_family(call.template)):
            return errors.forbidden()
        if call.template in ADMIN_ONLY and self.switches["role"] != "admin":
            return errors.forbidden()
        return None

    def shape(self) -> None:
        """Bring the desk into the shape that the switches ask for."""
        if self.desk.shape(long_threads=self.switches["long_threads"]):
            self.cache.clear()

    def throttled(self, call: Call) -> Answer:
        """The 429 of a fault, as a limit would answer it."""
        return errors.too_many(1 + int(call.scratch.get("at", 0)) % 3)

    def headers(self, call: Call) -> Headers:
        """Headers of every answer that passed through `admit`."""
        spent: Spent | None = call.scratch.get("spent")
        return (
            *_FIXED,
            (b"x-request-id", b"%016x" % seeds.mix(id(call))),
            *(self.limits.headers(spent) if spent else ()),
        )

    def identity(self, call: Call) -> Identity | None:
        """Who calls; None for nobody."""
        found: Identity | None = call.scratch["identity"]
        return found

    # -- answering --------------------------------------------------------------------------------------------------

    def route(self, template: str, endpoint: Endpoint, method: str = "GET") -> Route:
        """A route below /api/v2 whose endpoint answers a payload or an Answer."""

        def finish(call: Call, made: Made) -> Answer:
            return made if isinstance(made, Answer) else self.answer(call, made)

        async def waiting(call: Call, given: Awaitable[Made]) -> Answer:
            return finish(call, await given)

        def handler(call: Call) -> Answer | Awaitable[Answer]:
            given = endpoint(call)
            return waiting(call, given) if inspect.isawaitable(given) else finish(call, given)

        checked: Handler = handler
        return Route(method, f"/api/v2{template}", checked)

    def answer(self, call: Call, payload: dict[str, Any]) -> Answer:
        """A JSON answer with its tag, compressed where that is accepted and worth it."""
        made = json_answer(payload)
        headers: list[tuple[bytes, bytes]] = [(b"etag", b'W/"%08x"' % zlib.crc32(made.body))]
        body = made.body
        if len(body) >= COMPRESS_FROM and self.switches["gzip"] and "gzip" in call.headers.get("accept-encoding", ""):
            packer = zlib.compressobj(1, zlib.DEFLATED, 31)
            body = packer.compress(body) + packer.flush()
            headers += [(b"content-encoding", b"gzip"), (b"vary", b"Accept-Encoding")]
        return Answer(200, body, made.content_type, tuple(headers))

    def view(self, call: Call, *, inline_images: bool = False, original: bool = False) -> View:
        """What this request may see."""
        return View(self.desk, self.base_url, call.scratch["at"], self.switches, self.plan, inline_images, original)

    def url(self, call: Call, **changes: Any) -> str:
        """The request's own address with query parameters changed, or dropped where None."""
        given = [(k, v) for k, v in parse_qsl(call.query_string, keep_blank_values=True) if k not in changes]
        pairs = given + [(k, str(v)) for k, v in changes.items() if v is not None]
        base = self.brand_url(self.brand_of(call))
        return f"{base}{call.path}?{urlencode(pairs, safe='[]', quote_via=quote)}"

    # -- lists ------------------------------------------------------------------------------------------------------

    def page_size(self, call: Call, most: int = MAX_PAGE) -> int:
        """The `page[size]` asked for."""
        text = call.query.get("page[size]", str(min(most, MAX_PAGE)))
        if not text.isdigit() or int(text) < 1:
            raise errors.bad_paging("InvalidPaginationParameter", "page[size] must be a positive integer")
        size = int(text)
        if size > most and self.switches["page_size_over_100"] == "reject":
            raise errors.bad_paging("InvalidPaginationParameter", f"page[size] must be between 1 and {most}")
        return min(size, most)

    def by_cursor(
        self,
        call: Call,
        plural: str,
        index: Index,
        show: Callable[[int], Any],
        order: str,
        *,
        descending: bool = False,
        most: int = MAX_PAGE,
    ) -> dict[str, Any]:
        """A list by cursor. ``show`` makes a row of a place; `links.next` is filled on the last page too."""
        query = call.query
        try:
            page = streams.list_page(
                index,
                order,
                self.page_size(call, most),
                after_cursor=query.get("page[after]"),
                before_cursor=query.get("page[before]"),
                descending=descending,
            )
        except streams.CursorError as error:
            raise errors.bad_paging("InvalidPaginationParameter", "page[after] is not valid") from error
        forward = {"page[before]": None, "page[after]": page.after_cursor}
        backward = {"page[after]": None, "page[before]": page.before_cursor}
        return {
            plural: [show(int(index.places[k])) for k in page.rows],
            "meta": {"has_more": page.has_more, "after_cursor": page.after_cursor, "before_cursor": page.before_cursor},
            "links": {
                "prev": self.url(call, **backward) if page.before_cursor else None,
                "next": self.url(call, **forward) if page.after_cursor else None,
            },
        }

    def by_offset(self, call: Call, plural: str, places: Sequence[int], show: Callable[[int], Any]) -> dict[str, Any]:
        """A list by page number; nothing lies beyond row 10,000."""
        page, size = (
            max(1, whole(call.query.get("page"), 1)),
            min(MAX_PAGE, max(1, whole(call.query.get("per_page"), MAX_PAGE))),
        )
        if page * size > DEEPEST_ROW:
            raise errors.bad_paging(
                "InvalidPaginationDepth",
                "The requested page exceeds the maximum pagination depth; use cursor pagination",
            )
        total = len(places)
        return {
            plural: [show(int(k)) for k in places[(page - 1) * size : page * size]],
            "next_page": self.url(call, page=page + 1) if page * size < total else None,
            "previous_page": self.url(call, page=page - 1) if page > 1 else None,
            "count": total,
        }

    def listed(
        self, call: Call, plural: str, index: Index, show: Callable[[int], Any], order: str = "id"
    ) -> dict[str, Any]:
        """A list by cursor where one was asked for, else by page number."""
        if wants_cursor(call):
            return self.by_cursor(call, plural, index, show, order)
        return self.by_offset(call, plural, index.places.tolist(), show)


ANONYMOUS = frozenset(
    (
        "/api/v2/users/me",
        "/attachments/token/{token}",
        "/hc/article_attachments/{id}",
        "/hc/article_attachments/{id}/{name}",
        "/hc/{locale}/article_attachments/{id}",
        "/hc/{locale}/article_attachments/{id}/{name}",
        "/hc/articles/{id}",
        "/hc/{locale}/articles/{id}",
    )
)
ADMIN_ONLY = frozenset(
    (
        "/api/v2/incremental/tickets",
        "/api/v2/incremental/tickets/cursor",
        "/api/v2/incremental/ticket_events",
        "/api/v2/incremental/users",
        "/api/v2/incremental/users/cursor",
        "/api/v2/incremental/organizations",
        "/api/v2/incremental/{resource}/sample",
        "/api/v2/satisfaction_ratings",
        "/api/v2/tickets/side_conversations/events",
    )
)
_FIXED: Headers = (
    (b"x-zendesk-api-version", b"v2"),
    (b"x-zendesk-api-gateway", b"yes"),
    (b"x-zendesk-zorg", b"yes"),
    (b"cache-control", b"max-age=0, private, must-revalidate"),
    (b"x-runtime", b"0.042"),
)


def _family(template: str) -> str:
    """The scope that reads an endpoint, by the resource in its path."""
    if template.startswith("/api/v2/oauth"):
        return "oauth"
    if template.startswith(GUIDE_PATHS):
        return "hc"
    if "audits" in template:
        return "audits"
    for resource in ("users", "organizations"):
        if f"/{resource}" in template:
            return resource
    return "tickets"


def whole(text: str | None, default: int) -> int:
    """An integer as Ruby's to_i reads it: the leading digits, 0 without any; ``default`` where nothing was given."""
    if text is None:
        return default
    digits = ""
    for letter in text.strip():
        if not letter.isdigit() and not (letter in "+-" and not digits):
            break
        digits += letter
    try:
        return int(digits)
    except ValueError:
        return 0


def wants_cursor(call: Call) -> bool:
    """Whether a list was asked for by cursor."""
    return any(key in call.query for key in ("page[size]", "page[after]", "page[before]"))


def included(call: Call) -> frozenset[str]:
    """The names in `include`."""
    return frozenset(part.strip() for part in call.query.get("include", "").split(",") if part.strip())


def number(call: Call, name: str = "id") -> int:
    """The id in the path. Raises the 404 of a record."""
    text = call.params[name]
    if not text.isdigit() or len(text) > 18:
        raise errors.not_found()
    return int(text)


def numbers(call: Call, name: str = "ids") -> list[int]:
    """The ids of a show_many, at most 100."""
    found = [int(part) for part in call.query.get(name, "").split(",") if part.strip().isdigit()]
    if len(found) > MAX_PAGE:
        raise errors.invalid_value("ids", f"at most {MAX_PAGE} ids are allowed", 400)
    return list(dict.fromkeys(found))


def index_of(keys: Iterable[int], times: Iterable[int] | None = None) -> Index:
    """An index over a short list, by time and id; places are positions in the list."""
    ids = np.fromiter(keys, np.int64)
    moments = ids if times is None else np.fromiter(times, np.int64)
    order = np.lexsort((ids, moments))
    return Index(moments[order], ids[order], order)


def spoiled(site: Site, record: dict[str, Any]) -> dict[str, Any]:
    """The record as it is, or as switches ask for it: private, odd, missing and mistyped values, odd people."""
    if site.switches["private_data"]:
        record = with_private_values(record)
    if site.switches["odd_people"] and "user_fields" in record:
        record = odd_user(site.desk, record)
    if site.switches["odd_values"]:
        record = with_odd_values(record)
    share = float(site.switches["malformed_records"])
    if not share or seeds.share(int(record["id"]), 51) >= share:
        return record
    damaged = dict(record)
    for k, name in enumerate(sorted(set(damaged) - {"id", "generated_timestamp"})):
        way = seeds.mix(int(record["id"]), 52, k) % 12
        if way == 0:
            del damaged[name]
        elif way == 1:
            damaged[name] = {"unexpected": damaged[name]}
        elif way == 2:
            damaged[name] = None if isinstance(damaged[name], (list, dict)) else [damaged[name]]
    return damaged
