"""The two ways lists are cut into pages: opaque cursors and page numbers. What is listed stands with its subject."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import orjson

from migration_pipeline.sandbox.intercom.errors import fail, invalid
from migration_pipeline.sandbox.intercom.payload import id_number
from migration_pipeline.sandbox.intercom.workspace import Row, Workspace
from migration_pipeline.sandbox.wire import Call

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Listing:
    """What a cursor walks over: a table with its alias `t`, the integer key that breaks ties, a sort expression."""

    table: str
    key: str
    sort: str
    descending: bool = True


@dataclass(frozen=True, slots=True)
class CursorRequest:
    """Page size and where to go on from, as the client asked. A cursor carries its first page's total."""

    per_page: int
    page: int = 1
    after: tuple[Any, int] | None = None
    total: int | None = None


def cursor_request(ws: Workspace, asked: Mapping[str, Any], default: int, maximum: int = 150) -> CursorRequest:
    """Read `per_page` and `starting_after`. 400 client_error for a cursor that was not given out."""
    per_page = _per_page(ws, asked, default, maximum)
    cursor = asked.get("starting_after")
    if cursor in (None, ""):
        return CursorRequest(per_page)
    try:
        page, sort, key, total = orjson.loads(base64.urlsafe_b64decode(str(cursor).encode()))
        return CursorRequest(per_page, int(page), (sort, int(key)), int(total))
    except (binascii.Error, ValueError, TypeError):
        raise fail(400, "client_error", "Invalid starting_after param. Please provide a valid cursor.") from None


def cursor_page(
    ws: Workspace, listing: Listing, where: str, values: Sequence[Any], asked: CursorRequest
) -> tuple[list[Row], int, Json]:
    """The rows of a page, the total count, and the `pages` object; the last page has no `next`."""
    # Counted once a walk: it looks at every match, where a page looks at its own rows.
    total = asked.total
    if total is None:
        total = int(ws.scalar(f"SELECT count(*) FROM {listing.table} t WHERE {where}", *values))
    step, order = ("<", "DESC") if listing.descending else (">", "ASC")
    after = f"AND ({listing.sort}, t.{listing.key}) {step} (?, ?)" if asked.after else ""
    rows = ws.rows(
        f"SELECT t.*, {listing.sort} AS sort_value FROM {listing.table} t WHERE {where} {after} "
        f"ORDER BY {listing.sort} {order}, t.{listing.key} {order} LIMIT ?",
        *values,
        *(asked.after or ()),
        asked.per_page + 1,
    )
    pages: Json = {
        "type": "pages",
        "page": asked.page,
        "per_page": asked.per_page,
        "total_pages": -(-total // asked.per_page),
    }
    if len(rows) > asked.per_page:
        rows = rows[: asked.per_page]
        last = rows[-1]
        cursor = orjson.dumps([asked.page + 1, last["sort_value"], last[listing.key], total])
        pages["next"] = {
            "page": asked.page + 1,
            "per_page": asked.per_page,
            "starting_after": base64.urlsafe_b64encode(cursor).decode(),
        }
    return rows, total, pages


@dataclass(frozen=True, slots=True)
class NumberRequest:
    """A page by its number, from 1."""

    page: int
    per_page: int

    @property
    def offset(self) -> int:
        """Rows before the page."""
        return (self.page - 1) * self.per_page


def number_request(ws: Workspace, asked: Mapping[str, Any], default: int, maximum: int) -> NumberRequest:
    """Read `page` and `per_page`. 400 parameter_invalid for a page below 1."""
    page = id_number(asked.get("page", 1))
    if not page:
        raise invalid("page must be a number from 1", "page")
    return NumberRequest(page, _per_page(ws, asked, default, maximum))


def number_pages(ws: Workspace, call: Call, asked: NumberRequest, total: int) -> Json:
    """The `pages` object of a page-number list."""
    last = -(-total // asked.per_page)
    following: Any = None
    if asked.page < last:
        # Intercom's description has an object here, its service a URL: a switch.
        query = {**call.query, "page": asked.page + 1, "per_page": asked.per_page}
        following = (
            f"{ws.base_url}{call.path}?{urlencode(query)}"
            if ws.switches["pages_next"] == "url"
            else {"page": asked.page + 1, "per_page": asked.per_page, "starting_after": None}
        )
    return {"type": "pages", "next": following, "page": asked.page, "per_page": asked.per_page, "total_pages": last}


def _per_page(ws: Workspace, asked: Mapping[str, Any], default: int, maximum: int) -> int:
    value = asked.get("per_page")
    if value in (None, ""):
        return default
    number = id_number(value)
    if not number:
        raise invalid("per_page must be a number from 1", "per_page")
    if number > maximum:
        if ws.switches["per_page_over_max"] == "reject":
            raise invalid(f"per_page must not exceed {maximum}", "per_page")
        return maximum
    return number
