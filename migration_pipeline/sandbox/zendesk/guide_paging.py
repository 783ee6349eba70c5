"""Paging of the help center, which differs from that of tickets: links first and last, next only where there is more.

Here: envelopes of its lists. Not here: their rows.
"""

import base64
import binascii
import struct
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import Any

from migration_pipeline.sandbox.wire import Call
from migration_pipeline.sandbox.zendesk import errors
from migration_pipeline.sandbox.zendesk.site import DEEPEST_ROW, MAX_PAGE, Site, wants_cursor, whole

PER_PAGE = 30
_CURSOR = struct.Struct(">cq")

Show = Callable[[int], dict[str, Any]]


def _cursor(key: int) -> str:
    """The text of a place in a list; it begins with `aQAAAA` as recorded ones do."""
    return base64.urlsafe_b64encode(_CURSOR.pack(b"i", key)).decode()


def _read(text: str) -> int:
    try:
        mark, key = _CURSOR.unpack(base64.urlsafe_b64decode(text))
    except (ValueError, binascii.Error, struct.error) as error:
        raise errors.bad_paging("InvalidPaginationParameter", "page[after] is not valid") from error
    if mark != b"i":
        raise errors.bad_paging("InvalidPaginationParameter", "page[after] is not valid")
    return int(key)


def paged(
    site: Site, call: Call, plural: str, keys: Sequence[int], show: Show, *, size: int = MAX_PAGE
) -> dict[str, Any]:
    """A list by cursor where one was asked for, else by page number. ``keys`` ascend; ``show`` takes a position.

    ``size`` is the most rows that the list gives by cursor.
    """
    return (
        _by_cursor(site, call, plural, keys, show, size)
        if wants_cursor(call)
        else by_number(site, call, plural, range(len(keys)), show)
    )


def _by_cursor(site: Site, call: Call, plural: str, keys: Sequence[int], show: Show, most: int) -> dict[str, Any]:
    size, query = site.page_size(call, most), call.query
    if "page[before]" in query:
        hi = bisect_left(keys, _read(query["page[before]"]))
        lo = max(0, hi - size)
        more = lo > 0
    else:
        lo = bisect_right(keys, _read(query["page[after]"])) if "page[after]" in query else 0
        hi = min(lo + size, len(keys))
        more = hi < len(keys)
    links = {
        "first": site.url(call, **{"page[after]": None, "page[before]": None}),
        "last": site.url(call, **{"page[after]": None, "page[before]": _cursor(keys[-1] + 1 if keys else 1)}),
    }
    after, before = (_cursor(keys[hi - 1]), _cursor(keys[lo])) if hi > lo else (None, None)
    if lo > 0:
        links["prev"] = site.url(call, **{"page[after]": None, "page[before]": before or _cursor(keys[-1] + 1)})
    if hi < len(keys):
        links["next"] = site.url(call, **{"page[before]": None, "page[after]": after or _cursor(0)})
    return {
        plural: [show(k) for k in range(lo, hi)],
        "meta": {"has_more": more, "after_cursor": after, "before_cursor": before},
        "links": links,
    }


def by_number(site: Site, call: Call, plural: str, order: Sequence[int], show: Show) -> dict[str, Any]:
    """A list by page number, in the given order of positions."""
    page = max(1, whole(call.query.get("page"), 1))
    size = min(MAX_PAGE, max(1, whole(call.query.get("per_page"), PER_PAGE)))
    if page * size > DEEPEST_ROW:
        raise errors.bad_paging(
            "InvalidPaginationDepth", "The requested page exceeds the maximum pagination depth; use cursor pagination"
        )
    total = len(order)
    return {
        plural: [show(k) for k in order[(page - 1) * size : page * size]],
        "page": page,
        "per_page": size,
        "page_count": -(-total // size),
        "count": total,
        "next_page": site.url(call, page=page + 1) if page * size < total else None,
        "previous_page": site.url(call, page=page - 1) if page > 1 else None,
        "sort_by": call.query.get("sort_by", "position"),
        "sort_order": call.query.get("sort_order", "asc"),
    }
