"""Files: which ones of comments are wanted, and bringing any into the blob store once each.

Belongs here: the streams of files (attachment id -> hash, or the reason there is none). Does not belong here: how bytes
travel safely (`http.downloads`).

A file that cannot be had is never the run's failure: its row says why, and the report carries it.
"""

import re
import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from itertools import accumulate
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import duckdb
import orjson
import requests
import tenacity

from migration_pipeline.config import Source
from migration_pipeline.http import (
    CallThreads,
    DownloadRefused,
    NotRecognised,
    backoff,
    download,
    file_session,
    recognised,
    redacted,
)
from migration_pipeline.model.costs import Speed
from migration_pipeline.model.errors import RunStopped
from migration_pipeline.sources.zendesk.brands import HelpCenter
from migration_pipeline.sources.zendesk.streams import Reading, fresh_rows
from migration_pipeline.sources.zendesk.threads import by_chance
from migration_pipeline.staging import Staging
from migration_pipeline.staging.snapshots import Row

BATCH: Final = 200
"""Files whose rows become one segment; what a kill costs at most."""

ATTEMPTS: Final = 5
"""For a file that an earlier pass could not have in as many, one is enough to see whether it is there by now."""
BUCKET: Final = "attachments"
"""The window that files draw on, apart from all others."""
_STOPPED: Final = "The run was stopped; the next one goes on from here."
_LINK_IS_OVER: Final = frozenset({400, 401, 403, 404, 410})
_SQL: Final = resources.files(__package__).joinpath("sql")
_CARRIERS: Final = ("comments", "thread_comments", "side_events", "log_events")
"""Streams whose rows may carry files."""

_KEPT_FILE: Final = re.compile(
    r"/(?:attachments/token/[^/]+/?|hc/(?:[^/]+/)?article_attachments/[^/]+(?:/[^/]*)?"
    r"|api/v2/channels/voice/calls/[^/]+/.*recording)"
)
"""Paths at which the service keeps files (Zendesk developer docs, "Ticket Attachments", "Help Center Article
Attachments", "Voice comments")."""


@dataclass(frozen=True)
class Wanted:
    """A file as the newest reading of its comment tells it."""

    key: str
    url: str | None
    name: str | None
    size: int | None
    picture: bool
    deleted: bool
    malware: bool
    tried: bool  # an earlier pass could not have it


class _OtherSize(requests.ConnectionError):
    """The bytes that came are not as many as the source says."""


def kept_by_the_service(url: str, base: str) -> bool:
    """Whether the address is one of a file that the service at `base` keeps; only such a call gets our credentials.

    Anybody may write an image into a mail: one that leads into the API would bring its answer into the conversation.
    """
    try:
        parts, own = urlsplit(url), urlsplit(base)
    except ValueError:
        return False
    path = unquote(parts.path).removeprefix(own.path.rstrip("/"))
    plain = re.search(r"\.\.|[\\\x00-\x1f]", unquote(path)) is None  # however often it is decoded on its way
    return parts.netloc == own.netloc and plain and _KEPT_FILE.fullmatch(path) is not None


def read_files(reading: Reading, tickets: Sequence[str] | None = None) -> int:
    """Bring in the files of comments that were read since the last time, or of these tickets; the rows added.

    Transient failures of earlier passes are tried again.
    """
    store = reading.staging.snapshots
    reached = {stream: store.state(stream).rows for stream in _CARRIERS}
    since = orjson.loads(store.state("files").cursor or "{}") if tickets is None else {}
    if since and _open_failures(reading.staging, reading.client.settings.max_file_bytes):
        since = {}  # their addresses stand in comments that were read long ago
    wanted = _wanted(reading, since, tickets)
    added = bring_in(reading, "files", "tickets", wanted)
    if tickets is None:
        store.mark("files", cursor=orjson.dumps(reached).decode(), complete=True)
    return added


def read_some(reading: Reading, most: int) -> Speed | None:
    """Bring in about so many files, those of tickets drawn by chance, and tell how fast they came.

    None where too few are wanted to tell.
    """
    told = outstanding(reading.staging, reading.client.settings)
    tickets = by_chance(told)
    enough = bisect_left(list(accumulate(told[ticket][0] for ticket in tickets)), most) + 1
    if enough > len(tickets):
        return None
    wanted = list(_wanted(reading, {}, tickets[:enough]))
    started = time.perf_counter()
    bring_in(reading, "files", "tickets", wanted)
    per_second = sum(told[ticket][0] for ticket in tickets[:enough]) / (time.perf_counter() - started)
    return Speed(reading.client.settings.workers / per_second, per_second)


def bring_in(
    reading: Reading,
    stream: str,
    entity_type: str,
    wanted: Iterable[tuple[list[Wanted], int, int]],
    centers: Iterable[HelpCenter] = (),
) -> int:
    """Fetch files, a batch of rows into the stream at a time; the rows added.

    `wanted` gives batches, each with the number of files up to its end and in all. `centers` keep files that need our
    credentials, besides the account's own host.

    Raises:
        RunStopped: what was fetched so far is kept.
    """
    store = reading.staging.snapshots
    added = 0
    workers = reading.client.settings.workers
    keepers = tuple(dict.fromkeys((reading.client.settings.url, *(center.url for center in centers))))
    with CallThreads(workers, "zendesk-files") as pool, _session(reading, keepers) as session:
        for batch, done, total in wanted:
            reading.run.check()
            fetched = pool.map(lambda one: _row_unless_stopped(reading, session, keepers, one), batch)
            rows = [row for row in fetched if row is not None]
            state = store.state(stream)
            news = fresh_rows(reading.staging, stream, rows)  # a file that still cannot be had is no news
            added += store.append(stream, news, cursor=state.cursor, complete=state.complete)
            if len(rows) < len(batch):
                raise RunStopped(_STOPPED)
            reading.run.progress("files", entity_type, done, total)
    return added


def _open_failures(staging: Staging, max_bytes: int) -> bool:
    """Whether a file that an earlier pass left out may be had now."""
    with staging.connect() as connection:
        row = connection.execute(
            f"SELECT count(*) FROM {staging.snapshots.newest('files')} WHERE (payload ->> '$.again') = 'true' "
            "OR ((payload ->> '$.reason') = 'file_too_large' AND TRY_CAST(payload ->> '$.limit' AS BIGINT) < ?)",
            [max_bytes],
        ).fetchone()
    return bool(row and row[0])


def _wanted(
    reading: Reading, since: dict[str, int], tickets: Sequence[str] | None
) -> Iterator[tuple[list[Wanted], int, int]]:
    """Batches of files to fetch, with the number of files up to each batch's end and in all."""
    with _wanted_table(reading.staging, reading.client.settings, since, tickets) as connection:
        counted = connection.execute("SELECT count(*) FROM wanted").fetchone()
        total = int(counted[0]) if counted else 0
        cursor = connection.execute("SELECT key, url, name, size, picture, deleted, malware, tried FROM wanted")
        done = 0
        while rows := cursor.fetchmany(BATCH):
            done += len(rows)
            yield [Wanted(*row) for row in rows], done, total


def outstanding(staging: Staging, settings: Source, unseen: Sequence[str] = ()) -> dict[str, tuple[int, int]]:
    """Files that the next pass is to fetch, as far as their comments were read: (files, bytes) by ticket.

    As if the streams `unseen` had not been read: without `files` those count, too, that were fetched already.
    """
    since = orjson.loads(staging.snapshots.state("files").cursor or "{}")
    with _wanted_table(staging, settings, since, None, unseen) as connection:
        rows = connection.execute(
            "SELECT ticket, count(*), coalesce(sum(size), 0) FROM wanted "
            "WHERE NOT deleted AND NOT malware AND url IS NOT NULL AND size IS DISTINCT FROM 0 "
            "AND coalesce(size, 0) <= ? GROUP BY ticket",
            [settings.max_file_bytes],
        ).fetchall()
    return {str(ticket): (int(files), int(size)) for ticket, files, size in rows}


@contextmanager
def _wanted_table(
    staging: Staging, settings: Source, since: dict[str, int], tickets: Sequence[str] | None, unseen: Sequence[str] = ()
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the table `wanted`: the files to fetch, as all streams but the `unseen` tell."""
    with staging.connect() as connection:
        connection.execute("SET VARIABLE every_ticket = ?", [tickets is None])
        connection.execute("SET VARIABLE max_bytes = ?", [settings.max_file_bytes])
        connection.execute("SET VARIABLE foreign_images = ?", [settings.foreign_images == "fetch"])
        connection.execute("CREATE TABLE only_tickets AS SELECT unnest(?::VARCHAR[]) AS id", [list(tickets or ())])
        for stream in _CARRIERS:
            history = staging.snapshots.history(stream)
            connection.execute(
                f"CREATE VIEW new_{stream} AS SELECT id, payload, sequence FROM {history} "
                f"WHERE sequence >= {int(since.get(stream, 0))} AND {stream not in unseen}"
            )
        for stream in ("threads", "files", "tickets", "comment_flags"):
            newest = staging.snapshots.newest(stream)
            connection.execute(f"CREATE VIEW raw_{stream} AS FROM {newest} WHERE {stream not in unseen}")
        for script in ("macros", "new_carriers", "carried"):
            connection.execute(_SQL.joinpath(f"{script}.sql").read_text(encoding="utf-8"))
        wanted = _SQL.joinpath("files_wanted.sql").read_text(encoding="utf-8")
        connection.execute(f"CREATE TEMP TABLE wanted AS {wanted}")
        yield connection


def _row_unless_stopped(
    reading: Reading, session: requests.Session, keepers: Sequence[str], wanted: Wanted
) -> Row | None:
    """The file's row; None when the run was asked to stop, so that the rows of its neighbours are kept."""
    try:
        return _row(reading, session, keepers, wanted)
    except RunStopped:
        return None


def _row(reading: Reading, session: requests.Session, keepers: Sequence[str], wanted: Wanted) -> Row:
    """The file's row: `sha256` and `bytes`, or `reason` and `detail`, and whether the next pass may try again."""
    limit = reading.client.settings.max_file_bytes
    about: dict[str, Any] = {"name": wanted.name, "size": wanted.size, "limit": limit, "again": False}
    if wanted.deleted:
        return Row(wanted.key, None, about | {"reason": "file_missing", "detail": "deleted in the source"})
    if wanted.malware:
        return Row(wanted.key, None, about | {"reason": "file_malware", "detail": "malware found by the source"})
    if wanted.size is not None and wanted.size > limit:
        return Row(wanted.key, None, about | {"reason": "file_too_large", "detail": f"{wanted.size} bytes"})
    if wanted.size == 0:  # what is left of a redacted file, and files that were empty from the start
        sha256, size = reading.staging.blobs.add(())
        return Row(wanted.key, None, about | {"sha256": sha256, "bytes": size})
    if wanted.url is None:
        return Row(wanted.key, None, about | {"reason": "file_missing", "detail": "the source gives no address"})
    try:
        sha256, size = _fetched(reading, session, keepers, wanted.url, wanted)
    except DownloadRefused as refused:
        # A host that the settings do not allow costs no call to try again, and the settings may change.
        again = refused.status is None and refused.reason == "file_missing"
        return Row(
            wanted.key, None, about | {"reason": refused.reason, "detail": redacted(str(refused)), "again": again}
        )
    except _OtherSize as error:
        told = {"reason": "file_size_differs", "detail": str(error), "again": True}
        return Row(wanted.key, None, about | told)
    except NotRecognised as error:
        told = {"reason": "file_not_recognised", "detail": str(error), "again": True}
        return Row(wanted.key, None, about | told)
    except requests.RequestException as error:
        detail = redacted(f"{type(error).__name__}: {error}")[:200]
        return Row(wanted.key, None, about | {"reason": "file_missing", "detail": detail, "again": True})
    return Row(wanted.key, None, about | {"sha256": sha256, "bytes": size})


def _fetched(
    reading: Reading, session: requests.Session, keepers: Sequence[str], url: str, wanted: Wanted
) -> tuple[str, int]:
    """Hash and number of bytes of a file that is now in the blob store.

    An answer of another size than the source says may be an error page sent as a success, however often it comes the
    same: it is never taken for the file. Where no size is told, its first bytes have to look like the file's.

    Raises:
        DownloadRefused, requests.RequestException: after every attempt.
    """
    own_hosts = {urlsplit(keeper).netloc for keeper in keepers}
    keeper = next((keeper for keeper in keepers if kept_by_the_service(url, keeper)), None)

    def attempt() -> tuple[str, int]:
        _check(reading)
        pacer = reading.client.session.pacer
        waited = pacer.take((BUCKET,))
        if (
            urlsplit(url).netloc in own_hosts
        ):  # calls are what the service is asked; other hosts have pictures of theirs
            reading.client.session.usage.count(write=False, waited=waited)
        try:
            with download(
                session,
                url,
                own_host=urlsplit(keeper or keepers[0]).netloc,
                auth=reading.client.auth if keeper else None,
                max_bytes=reading.client.settings.max_file_bytes,
            ) as chunks:
                content = _until_stopped(reading, chunks)
                if wanted.size is None:
                    content = recognised(content, name=wanted.name, picture=wanted.picture)
                sha256, size = reading.staging.blobs.add(content)
        finally:
            pacer.done((BUCKET,), {})
        if wanted.size is not None and size != wanted.size:
            raise _OtherSize(f"{size} bytes came, the source says {wanted.size}")
        return sha256, size

    def pause(seconds: float) -> None:
        reading.client.session.stop.wait(seconds)
        _check(reading)

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception(_is_transient),
        stop=tenacity.stop_after_attempt(1 if wanted.tried else ATTEMPTS),
        wait=lambda state: _wait(reading, state),
        sleep=pause,
        reraise=True,
    )
    while True:
        try:
            return retrying(attempt)
        except requests.RequestException:
            # A file that is missing while the whole help desk is down must not be taken for a missing file.
            if urlsplit(url).netloc not in own_hosts or not _was_down(reading):
                raise


def _was_down(reading: Reading) -> bool:
    """Ask whether the help desk answers, waiting for it while it does not; whether that was so.

    Raises:
        ServiceDown: it stayed away; RunStopped.
    """
    breaker = reading.client.session.breaker
    before = breaker.outages
    reading.client.session.read("GET", "api/v2/users/me")
    return breaker.outages > before


def _check(reading: Reading) -> None:
    if reading.client.session.stop.is_set() or reading.run.stop.is_set():
        raise RunStopped(_STOPPED)


def _until_stopped(reading: Reading, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The bytes, as long as the run goes on: a large file must not hold up a stop."""
    for chunk in chunks:
        _check(reading)
        yield chunk


def _is_transient(error: BaseException) -> bool:
    """Broken answers, and storage links that ran out between the redirect and the fetch."""
    if isinstance(error, DownloadRefused):
        return error.hop > 0 and error.status in _LINK_IS_OVER
    return isinstance(error, requests.RequestException)


def _wait(reading: Reading, state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    response = getattr(error, "response", None)
    after = response.headers.get("Retry-After", "") if response is not None else ""
    if after.isdigit():
        if response is not None and response.status_code == 429:
            reading.client.session.pacer.exhausted(BUCKET, float(after))
        return float(after)
    return backoff(state)


def _session(reading: Reading, keepers: Sequence[str]) -> requests.Session:
    settings = reading.client.settings
    own, *others = (urlsplit(keeper).netloc for keeper in keepers)
    return file_session(settings.workers, own, (*others, *settings.file_hosts))
