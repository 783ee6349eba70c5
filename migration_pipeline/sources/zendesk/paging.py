"""Zendesk's ways of paging, as small state objects: what to ask next, and whether there is more.

Belongs here: the rules of the incremental exports and of cursor lists (Zendesk developer docs, "Pagination" and
"Incremental Exports"), and what servers were seen doing against them. Does not belong here: calling, or storing.

Every pager builds its own requests, so that sideloads are in every page, whatever the service's next link says.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

MAX_EXPORT_PAGE: Final = 1000
MIN_EXPORT_PAGE: Final = 25
LIST_PAGE: Final = 100
OVERLAP: Final = 65
"""Seconds that a new pass of a time-based export goes back: start times must be over a minute old, and rows of the
newest second may still have been on their way when the last pass read it."""

_IDLE_PAGES: Final = 3
_FROM_TIME: Final = "start_time:"
_log = logging.getLogger(__name__)


class PagingError(Exception):
    """The service repeats itself or sends a page that cannot be continued; the text says which."""


@dataclass
class CursorExport:
    """`/incremental/<things>/cursor`: a start time first, then the cursor that each page gives.

    A page that ends nothing and moves nothing was seen; after a few of them the pass is over and keeps its cursor.
    """

    cursor: str | None
    per_page: int = MAX_EXPORT_PAGE
    finished: bool = False
    most: int = MAX_EXPORT_PAGE
    _idle: int = field(default=0, repr=False)

    @staticmethod
    def from_time(moment: int) -> str:
        """A cursor that starts at `moment` (unix seconds)."""
        return f"{_FROM_TIME}{max(moment, 0)}"

    def params(self) -> dict[str, Any]:
        """What to ask for next."""
        if self.cursor is None:
            return {"start_time": 0, "per_page": self.per_page}
        if self.cursor.startswith(_FROM_TIME):
            return {"start_time": int(self.cursor.removeprefix(_FROM_TIME)), "per_page": self.per_page}
        return {"cursor": self.cursor, "per_page": self.per_page}

    def advance(self, body: Mapping[str, Any], rows: Sequence[Any]) -> None:
        """Take over a page.

        Raises:
            PagingError: pages with rows come again and again without their cursor moving.
        """
        after = body.get("after_cursor")
        moved = isinstance(after, str) and after not in ("", self.cursor)
        if moved:
            self.cursor = after
        self._idle = 0 if moved and rows else self._idle + 1
        end = body.get("end_of_stream")
        if end is True or (not isinstance(end, bool) and len(rows) < self.per_page):
            self.finished = True
        elif self._idle >= _IDLE_PAGES:
            if rows:
                raise PagingError("the cursor does not move")
            self.finished = True

    def halve(self) -> bool:
        """Ask for half as many rows from now on; False where that is no longer sensible."""
        return _halve(self)


@dataclass
class TimeExport:
    """`/incremental/<things>?start_time=`: pages that overlap in their boundary second.

    `resume_at` is what the next pass may start from (before `OVERLAP`): never later than the newest row that was seen,
    because rows of that very second may still follow.
    """

    start_time: int
    per_page: int = MAX_EXPORT_PAGE
    finished: bool = False
    resume_at: int = 0
    most: int = MAX_EXPORT_PAGE
    _idle: int = field(default=0, repr=False)

    def __post_init__(self) -> None:
        """A pass that sees nothing goes back to where it started."""
        self.resume_at = max(self.resume_at, self.start_time)

    def params(self) -> dict[str, Any]:
        """What to ask for next."""
        return {"start_time": self.start_time, "per_page": self.per_page}

    def advance(self, body: Mapping[str, Any], rows: Sequence[Any], newest: int | None) -> None:
        """Take over a page; `newest` is the time of its newest row (unix seconds), None where no row tells one."""
        end_time = body.get("end_time")
        told = end_time if isinstance(end_time, int) and not isinstance(end_time, bool) else self.start_time
        moved = told > self.start_time
        if newest is not None:
            self.resume_at = max(self.resume_at, min(newest, told) if moved else newest)
        end = body.get("end_of_stream")
        if end is True or (not isinstance(end, bool) and len(rows) < self.per_page):
            self.finished = True
        elif moved:
            self.start_time, self._idle = told, 0
            self.resume_at = max(self.resume_at, self.start_time) if not rows else self.resume_at
        elif rows:
            self._leave_second()
        else:
            self._idle += 1
            self.finished = self._idle >= _IDLE_PAGES

    def halve(self) -> bool:
        """Ask for half as many rows from now on; False where that is no longer sensible."""
        return _halve(self)

    def _leave_second(self) -> None:
        """Get out of a second that fills a page and is answered with itself, for ever."""
        if self.per_page < self.most:
            self.per_page = min(self.per_page * 2, self.most)
            return
        _log.warning(
            "Zendesk keeps answering the second %d with itself; going on with the next one. "
            "Comments that this leaves out are found by their number and read per ticket.",
            self.start_time,
        )
        self.start_time += 1


@dataclass
class CursorList:
    """A list with `page[size]` and `page[after]`; stops on `has_more`, because `links.next` is filled on the last page.

    A service that answers such a request the old way (`next_page`) is followed by page number, and a list that is not
    paged at all ends with its first answer.
    """

    after: str | None = None
    size: int = LIST_PAGE
    finished: bool = False
    _number: int = field(default=0, repr=False)

    def params(self) -> dict[str, Any]:
        """What to ask for next."""
        if self._number:
            return {"page": self._number, "per_page": self.size}
        return {"page[size]": self.size} | ({"page[after]": self.after} if self.after else {})

    def advance(self, body: Mapping[str, Any]) -> None:
        """Take over a page.

        Raises:
            PagingError: there is more, but no way to it.
        """
        meta = body.get("meta")
        if isinstance(meta, dict):
            if meta.get("has_more") is not True:
                self.finished = True
                return
            after = meta.get("after_cursor")
            if not isinstance(after, str) or after in ("", self.after):
                raise PagingError("there is more, but the cursor does not move")
            self.after = after
        elif body.get("next_page"):
            self._number = max(self._number, 1) + 1
        else:
            self.finished = True


def _halve(pager: CursorExport | TimeExport) -> bool:
    if pager.per_page <= MIN_EXPORT_PAGE:
        return False
    pager.per_page = pager.most = max(pager.per_page // 2, MIN_EXPORT_PAGE)
    return True
