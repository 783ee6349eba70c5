"""Paging rules as pure functions over sorted arrays: time-based, export cursor, list cursor, offset.

Here: which rows a page holds and what it says about the next. Not here: what the rows are, and URLs.
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import orjson

from migration_pipeline.sandbox.zendesk.desk import Index, Ints


class CursorError(ValueError):
    """A cursor that this service never gave out."""


@dataclass(frozen=True, slots=True)
class TimePage:
    """Rows ``lo`` to ``hi``; ``end_time`` None on an empty page."""

    lo: int
    hi: int
    end_time: int | None
    end_of_stream: bool


def time_page(times: Ints, start: int, per_page: int, newest: int) -> TimePage:
    """A page of a time-based export over ascending ``times``; rows after ``newest`` are not shown yet.

    If rows remain and the page spans one second only, every row of that second comes, and the next page starts a
    second later. Else the next page starts at the second of the last row, whose rows it repeats (shown by recorded
    pages of 1 and of 1,000 rows).
    """
    upper = int(np.searchsorted(times, newest, side="right"))
    lo = int(np.searchsorted(times, start, side="left"))
    if lo >= upper:
        return TimePage(lo, lo, None, True)
    hi = min(lo + per_page, upper)
    if hi < upper and times[lo] == times[hi - 1]:
        hi = min(int(np.searchsorted(times, times[lo], side="right")), upper)
        return TimePage(lo, hi, int(times[lo]) + 1, hi >= upper)
    return TimePage(lo, hi, int(times[hi - 1]), hi >= upper)


def export_cursor(watermark: int, key: int) -> str:
    """The cursor after a row: base64 of ``watermark.0||id|``."""
    return base64.b64encode(f"{watermark}.0||{key}|".encode()).decode()


def read_export_cursor(text: str) -> tuple[int, int]:
    """(watermark, id) of an export cursor. Raises CursorError."""
    try:
        found = re.fullmatch(r"(\d+)(?:\.\d+)?\|\|(\d*)\|", base64.b64decode(text, validate=True).decode())
    except ValueError as error:
        raise CursorError(text) from error
    if not found:
        raise CursorError(text)
    return int(found[1]), int(found[2] or 0)


def after(index: Index, time: int, key: int) -> int:
    """The first row behind (time, key)."""
    lo, hi = np.searchsorted(index.times, time, side="left"), np.searchsorted(index.times, time, side="right")
    return int(lo + np.searchsorted(index.keys[lo:hi], key, side="right"))


def before(index: Index, time: int, key: int) -> int:
    """The row at (time, key), or the first behind it where there is none."""
    lo, hi = np.searchsorted(index.times, time, side="left"), np.searchsorted(index.times, time, side="right")
    return int(lo + np.searchsorted(index.keys[lo:hi], key, side="left"))


@dataclass(frozen=True, slots=True)
class ListPage:
    """A page of a list by cursor: ``rows`` in the order shown, cursors None when it is empty."""

    rows: Sequence[int]
    has_more: bool
    after_cursor: str | None
    before_cursor: str | None


def list_cursor(order: str, time: int, key: int) -> str:
    """A cursor of a list: base64 JSON with the order's name and the row's place in it."""
    value = base64.b64encode(f"{time}|{key}".encode()).decode()
    return base64.b64encode(orjson.dumps({"o": order, "v": value})).decode()


def read_list_cursor(text: str, order: str) -> tuple[int, int]:
    """The row's place that a list's cursor names. Raises CursorError, also for a cursor of another order."""
    try:
        content = orjson.loads(base64.b64decode(text, validate=True))
        time, key = base64.b64decode(content["v"]).decode().split("|")
        if content["o"] != order:
            raise CursorError(text)
        return int(time), int(key)
    except CursorError:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise CursorError(text) from error


def list_page(
    index: Index,
    order: str,
    size: int,
    *,
    after_cursor: str | None,
    before_cursor: str | None,
    descending: bool = False,
) -> ListPage:
    """A page of ``size`` rows; ``rows`` are positions in ``index``. Raises CursorError."""
    total = len(index.times)
    if before_cursor is not None:
        time, key = read_list_cursor(before_cursor, order)
        if descending:
            lo = after(index, time, key)
            hi = min(lo + size, total)
            more = hi < total
        else:
            hi = before(index, time, key)
            lo = max(0, hi - size)
            more = lo > 0
    elif descending:
        hi = total if after_cursor is None else before(index, *read_list_cursor(after_cursor, order))
        lo = max(0, hi - size)
        more = lo > 0
    else:
        lo = 0 if after_cursor is None else after(index, *read_list_cursor(after_cursor, order))
        hi = min(lo + size, total)
        more = hi < total
    rows = range(hi - 1, lo - 1, -1) if descending else range(lo, hi)
    if not rows:
        return ListPage(rows, False, None, None)
    ends = [list_cursor(order, int(index.times[k]), int(index.keys[k])) for k in (rows[0], rows[-1])]
    return ListPage(rows, more, ends[1], ends[0])
