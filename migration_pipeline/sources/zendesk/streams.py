"""The lists of a Zendesk account, read into snapshots page by page; a stopped pass goes on from its last page.

Belongs here: which lists there are, how each is read, and what makes a second pass cheap. Does not belong here: single
threads (`threads`), files (`files`), or what a row means (`normalization`).

| way | first pass | later passes |
| --- | --- | --- |
| cursor export | from the beginning, a segment a page | from the kept cursor |
| time export | the same | from a little before the newest row seen; rows that are known are not added again |
| list | the same | read whole and compared: changed rows are added, and marks for those that are gone |
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from migration_pipeline.model.errors import AccessDenied, Rejected, ServiceDown
from migration_pipeline.model.run import Run
from migration_pipeline.sources.zendesk import brands, changes, shapes
from migration_pipeline.sources.zendesk.client import ZendeskClient
from migration_pipeline.sources.zendesk.paging import (
    LIST_PAGE,
    OVERLAP,
    CursorExport,
    CursorList,
    PagingError,
    TimeExport,
)
from migration_pipeline.staging import Staging
from migration_pipeline.staging.snapshots import Row

GONE: Final = "_gone"
"""Key that marks a row whose record a later reading of the list no longer had."""

_RECENT: Final = 180
"""Seconds within which a newest row is so fresh that others of its second may still come before its cursor."""

Meeting = Callable[[int], int | None]
"""Asked with the second that an export has reached (Unix); where the next pass starts, or None to go on."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Listing:
    """A list that is always read whole. `optional`: accounts without the feature answer 403 or 404.

    `of_brands`: each brand's help center has one of its own.
    """

    path: str
    key: str
    paged: bool = True
    optional: bool = False
    fixed: tuple[tuple[str, str], ...] = ()
    of_brands: bool = False
    size: int = LIST_PAGE  # the most rows that a page may have
    row: Callable[[Any], Row] | None = None  # where ids are no numbers


LISTINGS: Final = {
    "groups": Listing("groups", "groups", fixed=(("exclude_deleted", "false"),)),
    "ticket_fields": Listing("ticket_fields", "ticket_fields"),
    "user_fields": Listing("user_fields", "user_fields"),
    "organization_fields": Listing("organization_fields", "organization_fields"),
    "organization_memberships": Listing("organization_memberships", "organization_memberships"),
    "brands": Listing("brands", "brands", optional=True),
    "ticket_forms": Listing("ticket_forms", "ticket_forms", paged=False, optional=True),
    "custom_statuses": Listing("custom_statuses", "custom_statuses", paged=False, optional=True),
    "categories": Listing(
        "help_center/categories", "categories", optional=True, fixed=(("include", "translations"),), of_brands=True
    ),
    "sections": Listing(
        "help_center/sections", "sections", optional=True, fixed=(("include", "translations"),), of_brands=True
    ),
    # Pages of more than 30 are refused, and ids are words (Zendesk developer docs, "Content Tags").
    "content_tags": Listing("guide/content_tags", "records", optional=True, size=30, row=shapes.named_row),
    "user_segments": Listing("help_center/user_segments", "user_segments", optional=True, of_brands=True),
    "suspended_tickets": Listing("suspended_tickets", "suspended_tickets", optional=True),
}


@dataclass(frozen=True)
class Reading:
    """What reading a stream needs: the service, the stores, and the run that may be stopped."""

    client: ZendeskClient
    staging: Staging
    run: Run
    since: int = 0  # tickets that were last changed before it (Unix seconds) are not wanted
    ticket_events: bool = False  # whether changes of tickets' fields are kept too
    help_centers: tuple[str, ...] = ()  # names of brands whose help centers are wanted; none: all


def read_tickets(reading: Reading) -> int:
    """New and changed tickets, deleted and archived ones among them; the rows added."""
    return _read_cursor_export(
        reading,
        "tickets",
        "incremental/tickets/cursor",
        {"include": "comment_count", "support_type_scope": "all"},
        lambda body: reading.client.rows(body, "tickets", "incremental/tickets/cursor"),
        last_minute_hidden=True,
        since=reading.since,
    )


def read_users(reading: Reading) -> int:
    """New and changed users with their identities; the rows added."""
    return _read_cursor_export(
        reading,
        "users",
        "incremental/users/cursor",
        {"include": "identities"},
        lambda body: shapes.with_identities(
            reading.client.rows(body, "users", "incremental/users/cursor"), body.get("identities")
        ),
        last_minute_hidden=False,
    )


def read_organizations(reading: Reading) -> int:
    """New, changed and deleted organizations; the rows added."""

    def keep(rows: list[Any], fresh: Callable[[str, list[Row]], list[Row]], cursor: str, complete: bool) -> int:
        organizations = fresh("organizations", [shapes.row(record) for record in rows])
        return reading.staging.snapshots.append("organizations", organizations, cursor=cursor, complete=complete)

    return _read_time_export(
        reading, "organizations", "incremental/organizations", {}, "organizations", "updated_at", keep
    )


def read_events(reading: Reading, meeting: Meeting | None = None) -> int:
    """Comments, what calls for another look at a thread, and chats, from the tickets' update events; the rows added.

    Changes of fields are kept where `reading` asks for them; the export is read anew where earlier passes did not.
    `meeting` is asked after each page, with the second that was reached, whether what is left was read by another way:
    then the pass ends, and the next one starts at the second that it tells.
    """

    def keep(rows: list[Any], fresh: Callable[[str, list[Row]], list[Row]], cursor: str, complete: bool) -> int:
        comments, flags = shapes.comments_of(rows)
        beside = {"comment_flags": flags, "chats": changes.chats_of(rows)}
        if reading.ticket_events:
            beside["ticket_events"] = changes.changes_of(rows)
        # The cursor moves with the comments, which come last: a kill in between reads the page again.
        added = sum(
            store.append(stream, fresh(stream, told), cursor=None, complete=complete) for stream, told in beside.items()
        )
        return added + store.append("comments", fresh("comments", comments), cursor=cursor, complete=complete)

    store = reading.staging.snapshots
    if reading.ticket_events and store.state("comments").complete and not store.state("ticket_events").complete:
        store.mark("comments", cursor=None, complete=False)
    return _read_time_export(
        reading,
        "comments",
        "incremental/ticket_events",
        {"include": "comment_events", "support_type_scope": "all"},
        "ticket_events",
        "timestamp",
        keep,
        reading.since,
        meeting,
    )


def read_listing(reading: Reading, stream: str) -> int:
    """A list as a whole; the rows added. What an optional list of a missing feature answers counts as empty."""
    account = brands.HelpCenter(reading.client.settings.url)
    centers = help_centers(reading) if LISTINGS[stream].of_brands else (account,)
    with reading.staging.snapshots.writing(stream):  # readers of tickets and of articles both need the brands
        return sum(_read_list_of(reading, stream, center) for center in centers)


def help_centers(reading: Reading) -> tuple[brands.HelpCenter, ...]:
    """The help centers that are read, by the brands that were read last; without any, the account's own."""
    return brands_of(reading).read


def brands_of(reading: Reading) -> brands.Brands:
    """All help centers, by the brands that were read last."""
    if not reading.staging.snapshots.state("brands").complete:
        read_listing(reading, "brands")
    return brands.staged(reading.staging, reading.client.settings, reading.help_centers)


def _read_list_of(reading: Reading, stream: str, center: brands.HelpCenter) -> int:
    """The list at one host. That of a further brand is short and compared as a whole, on its first pass too."""
    listing = LISTINGS[stream]
    store = reading.staging.snapshots
    state = store.state(stream)
    compared = state.complete or center.brand is not None
    pager = CursorList(after=None if compared else state.cursor, size=listing.size)
    collected: list[Row] = []
    added = 0
    while not pager.finished:
        reading.run.check()
        params = dict(listing.fixed) | (pager.params() if listing.paged else {})
        try:
            body = reading.client.get(listing.path, params, host=center.url)
        except (AccessDenied, Rejected) as refusal:
            if listing.optional and getattr(refusal, "status", None) in (403, 404):
                if center.brand is None:
                    store.mark(stream, complete=True)
                return added
            if pager.after is not None and not collected and isinstance(refusal, Rejected):
                pager = CursorList(size=listing.size)  # the kept cursor is no longer valid
                continue
            raise
        rows = [(listing.row or center.row)(record) for record in reading.client.rows(body, listing.key, listing.path)]
        advance(pager.advance, body, path=listing.path)
        if compared:
            collected += rows
        else:
            added += store.append(stream, rows, cursor=None if pager.finished else pager.after, complete=pager.finished)
    if compared:
        news = _difference(reading.staging, stream, collected, center)
        added += store.append(stream, news, cursor=None, complete=True)
    return added


def read_suspended(reading: Reading) -> int:
    """Messages held back as suspected spam, where the settings ask for them; the rows added."""
    wanted = reading.client.settings.suspended_tickets == "list"
    return read_listing(reading, "suspended_tickets") if wanted else 0


def fresh_rows(staging: Staging, stream: str, rows: list[Row]) -> list[Row]:
    """Those of the rows that the stream does not hold in just this form."""
    known = _newest_payloads(staging, stream, [row.id for row in rows])
    return [row for row in rows if known.get(row.id) != orjson.dumps(row.payload).decode()]


def _read_cursor_export(
    reading: Reading,
    stream: str,
    path: str,
    fixed: dict[str, str],
    rows_of: Callable[[dict[str, Any]], list[Any]],
    *,
    last_minute_hidden: bool,
    since: int = 0,
) -> int:
    store = reading.staging.snapshots
    state = store.begin(stream, since)
    pager = CursorExport(state.cursor or CursorExport.from_time(since))
    compare = state.complete or state.again
    added = 0
    while not pager.finished:
        reading.run.check()
        body = _page(reading, path, fixed, pager)
        records = rows_of(body)
        advance(pager.advance, body, records, path=path)
        rows = [shapes.row(record) for record in records]
        if compare:
            fresh = fresh_rows(reading.staging, stream, rows)
            # Until a page brings nothing but news, the pass is still where the last one was.
            # Read again from an earlier start, the news come first and what is known after them.
            rows, compare = fresh, state.again or len(fresh) < len(rows) or not rows
        cursor = pager.cursor
        if pager.finished and not last_minute_hidden:
            cursor = _lossless(cursor, shapes.newest(records, "updated_at"))
            # Rows of the last seconds are read again then, by this time, and are compared first.
        added += store.append(stream, rows, cursor=cursor, complete=state.complete or pager.finished)
        reading.run.progress("extract", stream, store.state(stream).rows, None)
    return added


def _lossless(cursor: str | None, newest: int | None) -> str | None:
    """Where the next pass may start: before the newest row, if that is so new that its second may not be over."""
    if newest is None or newest < time.time() - _RECENT:
        return cursor
    return CursorExport.from_time(newest - OVERLAP)


def _read_time_export(
    reading: Reading,
    stream: str,
    path: str,
    fixed: dict[str, str],
    key: str,
    time_field: str,
    keep: Callable[[list[Any], Callable[[str, list[Row]], list[Row]], str, bool], int],
    since: int = 0,
    meeting: Meeting | None = None,
) -> int:
    state = reading.staging.snapshots.begin(stream, since)
    stored = int(state.cursor or since)
    pager = TimeExport(max(stored - OVERLAP, 0) if state.complete else stored)
    seen = _Seen(reading.staging, compare=state.rows > 0, always=state.again)
    added = 0
    while not pager.finished:
        reading.run.check()
        body = _page(reading, path, fixed, pager)
        records = reading.client.rows(body, key, path)
        pager.advance(body, records, shapes.newest(records, time_field))
        # Without a newer row the kept start stays: going back by the overlap again and again would drift.
        cursor = max(stored, pager.resume_at) if pager.finished else pager.start_time
        added += keep(records, seen.fresh, str(cursor), state.complete or pager.finished)
        seen.next_page()
        reading.run.progress("extract", stream, reading.staging.snapshots.state(stream).rows, None)
        if not pager.finished and meeting is not None and (end := meeting(pager.start_time)) is not None:
            keep([], seen.fresh, str(end), True)
            break
    return added


class _Seen:
    """Drops what a page repeats: of the page before it, and of what is stored, until a page brings nothing but news."""

    def __init__(self, staging: Staging, *, compare: bool, always: bool) -> None:
        self._staging = staging
        self._compare = compare
        self._always = always
        self._last: dict[tuple[str, str], str] = {}
        self._this: dict[tuple[str, str], str] = {}
        self._news = False
        self._repeated = False

    def fresh(self, stream: str, rows: list[Row]) -> list[Row]:
        kept = []
        for row in rows:
            key, content = (stream, row.id), shapes.digest(row.payload)
            if self._last.get(key) != content and self._this.get(key) != content:
                kept.append(row)
            self._this[key] = content
        if self._compare and kept:
            fresh = fresh_rows(self._staging, stream, kept)
            self._repeated = self._repeated or len(fresh) < len(kept)
            kept = fresh
        self._news = self._news or bool(kept)
        return kept

    def next_page(self) -> None:
        self._compare = self._compare and (self._always or self._repeated or not self._news)
        self._last, self._this, self._news, self._repeated = self._this, {}, False, False


def _page(reading: Reading, path: str, fixed: dict[str, str], pager: CursorExport | TimeExport) -> dict[str, Any]:
    """A page of an export. A page that is too large for the service to make in time (504) is asked for in halves."""
    while True:
        try:
            smaller = pager.per_page > 25
            return reading.client.get(path, fixed | pager.params(), surface=(504,) if smaller else ())
        except Rejected as refusal:
            if refusal.status != 504 or not pager.halve():
                raise
            _log.info("Zendesk took too long for %s; going on with %d rows a page.", path, pager.per_page)


def advance(step: Callable[..., None], *page: Any, path: str) -> None:
    """Have a pager take over a page.

    Raises:
        ServiceDown: the service sends pages that lead nowhere.
    """
    try:
        step(*page)
    except PagingError as error:
        raise ServiceDown(f"Zendesk's list {path} cannot be read to its end ({error}); start again later.") from error


def _difference(staging: Staging, stream: str, rows: list[Row], center: brands.HelpCenter) -> list[Row]:
    """What changed against the stored rows: other contents, and marks for rows that the list no longer has."""
    known = _newest_payloads(staging, stream, None, center.rows)
    changed = [row for row in rows if known.get(row.id) != orjson.dumps(row.payload).decode()]
    for gone in known.keys() - {row.id for row in rows}:
        payload = orjson.loads(known[gone])
        if isinstance(payload, dict) and not payload.get(GONE):
            changed.append(Row(gone, None, {**payload, GONE: True}))
    return changed


def _newest_payloads(
    staging: Staging, stream: str, ids: Sequence[str] | None, condition: str = "true"
) -> dict[str, str]:
    """The stored JSON of the rows with these ids, or of all that meet a condition in SQL."""
    if not staging.snapshots.state(stream).segments or (ids is not None and not ids):
        return {}
    relation = staging.snapshots.newest(stream)
    with staging.connect() as connection:
        if ids is None:
            found = connection.execute(f"SELECT id, payload FROM {relation} WHERE {condition}").fetchall()
        else:
            found = connection.execute(
                f"SELECT id, payload FROM {relation} WHERE id IN (SELECT unnest(?::VARCHAR[]))", [ids]
            ).fetchall()
    return dict(found)
