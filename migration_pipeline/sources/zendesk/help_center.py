"""The help centers of a Zendesk account: articles with their translations, what they are filed under, their files.

Belongs here: reading Guide into snapshots. Does not belong here: what a row means (`normalization`), or how bytes
travel (`files`).

Articles are read whole on every pass, a hundred a call with all translations inside: the incremental list follows an
article's own row only, and an edited text leaves that row as it was (Zendesk developer docs, "Articles": `edited_at`).
An article that the list no longer has was archived; nothing else tells. Accounts without Guide answer 403 or 404, which
counts as a help center without articles. Each help center of a brand is read at its own address (`brands`).
"""

import hashlib
import heapq
import logging
import mimetypes
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from html import unescape
from importlib import resources
from itertools import islice
from typing import Any, Final
from urllib.parse import unquote, urljoin, urlsplit

import duckdb
import orjson

from migration_pipeline.http import CallThreads
from migration_pipeline.model.errors import AccessDenied, Rejected
from migration_pipeline.sources.zendesk import files, shapes, streams
from migration_pipeline.sources.zendesk.brands import HelpCenter
from migration_pipeline.sources.zendesk.paging import CursorList
from migration_pipeline.sources.zendesk.streams import GONE, Reading, fresh_rows
from migration_pipeline.staging import Staging
from migration_pipeline.staging.snapshots import Row

BATCH: Final = 32
"""Articles whose lists of files become one segment; what a kill costs at most."""

_ARTICLES: Final = "help_center/articles"
_IMAGE: Final = re.compile(r"""<img\b[^>]*?\bsrc\s*=\s*(?:"([^"]*)"|'([^']*)'|([^"'>\s]+))""", re.IGNORECASE)
_ATTACHMENT: Final = re.compile(r"/article_attachments/(?:token/)?([1-9][0-9]{0,18})(?![0-9])")
_STALE: Final = resources.files(__package__).joinpath("sql/articles_to_look_at.sql").read_text(encoding="utf-8")
_FILES: Final = resources.files(__package__).joinpath("sql/article_file_rows.sql").read_text(encoding="utf-8")
_WANTED: Final = resources.files(__package__).joinpath("sql/article_files_wanted.sql").read_text(encoding="utf-8")
_MACROS: Final = resources.files(__package__).joinpath("sql/macros.sql").read_text(encoding="utf-8")

_log = logging.getLogger(__name__)

_Stale = tuple[HelpCenter, str, str]
"""An article whose files are to be asked for, and what tells that it changed."""


def read_collections(reading: Reading) -> int:
    """Categories and sections with their names in every language; the rows added."""
    added = sum(streams.read_listing(reading, stream) for stream in ("categories", "sections"))
    return added + sum(_read_names(reading, center) for center in streams.help_centers(reading))


def read_articles(reading: Reading) -> int:
    """New and changed articles, marks for archived ones, and their files; the rows added."""
    listed = sum(_read_list(reading, center) for center in streams.help_centers(reading))
    return listed + _read_beside(reading) + _read_files(reading)


def read_sample(reading: Reading, size: int, seed: int) -> int:
    """The articles of a demo with their files, drawn by chance from all; the rows added."""
    chosen = heapq.nsmallest(size, _all_rows(reading), key=lambda row: (rank(seed, row.id), row.id))
    added = reading.staging.snapshots.append(
        "articles", fresh_rows(reading.staging, "articles", chosen), **_state(reading)
    )
    return added + _read_beside(reading, [row.id for row in chosen]) + _read_files(reading)


def rank(seed: int, article: str) -> str:
    """Where an article stands in the draw of a seed; the same as SQL's `md5(seed || ':' || id)`."""
    return hashlib.md5(f"{seed}:{article}".encode(), usedforsecurity=False).hexdigest()


def _state(reading: Reading) -> dict[str, Any]:
    state = reading.staging.snapshots.state("articles")
    return {"cursor": state.cursor, "complete": state.complete}


def _all_rows(reading: Reading) -> Iterator[Row]:
    for center in streams.help_centers(reading):
        for rows, _ in _pages(reading, center, CursorList()):
            yield from (row for row in rows if not row.id.startswith(shapes.NO_ID))


def _pages(reading: Reading, center: HelpCenter, pager: CursorList) -> Iterator[tuple[list[Row], CursorList]]:
    """The pages of the list of articles; none where the account has no help center."""
    first = True
    while not pager.finished:
        reading.run.check()
        try:
            body = reading.client.get(_ARTICLES, {"include": "translations"} | pager.params(), host=center.url)
        except (AccessDenied, Rejected) as refusal:
            if first and refusal.status in (403, 404):
                _log.info("%s has no help center for these credentials (%s)", center.url, refusal.status)
                return
            raise
        first = False
        rows = [center.row(record) for record in reading.client.rows(body, "articles", _ARTICLES)]
        streams.advance(pager.advance, body, path=_ARTICLES)
        yield rows, pager


def _read_list(reading: Reading, center: HelpCenter) -> int:
    """The list of articles page by page; the first pass over the own host's goes on where it was cut.

    That over a further brand's begins anew: what it read already is no news.
    """
    store = reading.staging.snapshots
    state = store.state("articles")
    whole = state.complete or center.brand is not None
    added, seen = 0, set[str]()
    for rows, pager in _pages(reading, center, CursorList(after=None if whole else state.cursor)):
        seen.update(row.id for row in rows)
        cursor = None if whole or pager.finished else pager.after
        fresh = fresh_rows(reading.staging, "articles", rows)
        added += store.append("articles", fresh, cursor=cursor, complete=whole or pager.finished)
        reading.run.progress("extract", "articles", store.state("articles").rows, None)
    if not seen:
        # An empty answer is never taken for a help center whose articles were all archived.
        store.mark("articles", complete=True)
        return added
    gone = _gone(reading.staging, center, seen) if whole else ()
    return added + store.append("articles", gone, cursor=None, complete=True)


def _gone(staging: Staging, center: HelpCenter, seen: set[str]) -> Iterator[Row]:
    """Marks for articles that the list no longer has."""
    with staging.connect() as connection:
        cursor = connection.execute(
            f"SELECT id, payload FROM {staging.snapshots.newest('articles')} "
            f"WHERE {center.rows} AND (payload ->> '$.{GONE}') IS NULL AND id NOT IN (SELECT unnest(?::VARCHAR[]))",
            [sorted(seen)],
        )
        while rows := cursor.fetchmany(100):
            for article, payload in rows:
                told = orjson.loads(payload)
                if isinstance(told, dict):
                    yield Row(article, None, {**told, GONE: True})


# Names of categories and sections


def _read_names(reading: Reading, center: HelpCenter) -> int:
    """Names by language, where the lists came without their translations: each list once for each language."""
    store = reading.staging.snapshots
    with reading.staging.connect() as connection:
        union = " UNION ALL ".join(f"FROM {store.newest(stream)}" for stream in ("categories", "sections"))
        rows = connection.execute(
            f"SELECT count(*), count(*) FILTER (json_type(payload::JSON, '$.translations') = 'ARRAY') FROM ({union}) "
            f"WHERE {center.rows}"
        ).fetchall()
    total, translated = rows[0]
    if total == translated:
        return 0
    added = 0
    for locale in _locales(reading, center):
        for stream in ("categories", "sections"):
            found = list(_names(reading, center, stream, locale))
            added += store.append(
                "collection_names", fresh_rows(reading.staging, "collection_names", found), cursor=None, complete=True
            )
    return added


def _locales(reading: Reading, center: HelpCenter) -> list[str]:
    try:
        told = reading.client.get("help_center/locales", host=center.url).get("locales")
    except (AccessDenied, Rejected) as refusal:
        if refusal.status in (403, 404):
            return []
        raise
    return [locale for locale in told if isinstance(locale, str)] if isinstance(told, list) else []


def _names(reading: Reading, center: HelpCenter, stream: str, locale: str) -> Iterator[Row]:
    path = f"help_center/{locale.lower()}/{stream}"
    pager = CursorList()
    while not pager.finished:
        reading.run.check()
        body = reading.client.get(path, pager.params(), host=center.url)
        for record in reading.client.rows(body, stream, path):
            row = center.row(record)
            # A list for one language falls back to another one's name where it has none.
            if str(shapes.field(record, "locale") or "").lower() == locale.lower():
                yield Row(f"{stream}/{row.id}/{locale.lower()}", row.updated_at, row.payload)
        streams.advance(pager.advance, body, path=path)


# What stands beside an article: files, and comments of readers


def _read_beside(reading: Reading, articles: Sequence[str] | None = None) -> int:
    """What is attached to articles that are new or changed since it was asked last, and what readers said of them."""
    added = _read_of_each(reading, "article_attachments", _attachments, articles)
    if reading.client.settings.article_comments == "leave":
        return added
    return added + _read_of_each(reading, "article_comments", _comments, articles)


def _read_of_each(
    reading: Reading,
    stream: str,
    read: Callable[[Reading, HelpCenter, str, str], Row],
    articles: Sequence[str] | None,
) -> int:
    """A row of the stream for each article that is new or changed since it was read last; the rows added."""
    store = reading.staging.snapshots
    with reading.staging.connect() as connection:
        connection.execute(f"CREATE VIEW raw_articles AS FROM {store.newest('articles')}")
        connection.execute(f"CREATE VIEW looked_at AS FROM {store.newest(stream)}")
        stale = connection.execute(_STALE).fetchall()
    centers = {center.brand: center for center in streams.help_centers(reading)}
    wanted = [
        (centers[brand], str(article), str(stamp))
        for article, stamp, brand in stale
        if brand in centers and (articles is None or article in set(articles))
    ]
    added = 0
    with CallThreads(reading.client.settings.workers, "zendesk-articles") as pool:
        for number, batch in enumerate(_batches(wanted, BATCH)):
            reading.run.check()
            rows = pool.map(lambda one: read(reading, *one), batch)
            added += store.append(stream, rows, cursor=None, complete=True)
            reading.run.progress(stream.removeprefix("article_"), "articles", number * BATCH + len(batch), len(wanted))
    return added


def _attachments(reading: Reading, center: HelpCenter, article: str, stamp: str) -> Row:
    """What is attached to an article, and the pictures in its texts that are something else."""
    attached = _list_of(reading, center, article, "attachments", "article_attachments")
    known = {shapes.usable_id(shapes.field(one, "id")) for one in attached}
    pictures = {url: picture for url in _pictures(reading, center, article) if (picture := _picture(url, known))}
    return Row(article, None, {"stamp": stamp, "attachments": attached, "pictures": list(pictures.values())})


def _comments(reading: Reading, center: HelpCenter, article: str, stamp: str) -> Row:
    """What readers said of an article (Zendesk developer docs, "Article Comments")."""
    said = _list_of(reading, center, article, "comments", "comments")
    return Row(article, None, {"stamp": stamp, "comments": said})


def _list_of(reading: Reading, center: HelpCenter, article: str, name: str, key: str) -> list[Any]:
    """A list that belongs to an article."""
    path = f"{_ARTICLES}/{center.own_id(article)}/{name}"
    pager = CursorList()
    found: list[Any] = []
    while not pager.finished:
        try:
            body = reading.client.get(path, pager.params(), host=center.url)
        except (AccessDenied, Rejected) as refusal:
            if refusal.status in (403, 404, 410):  # it was archived since
                break
            raise
        found += reading.client.rows(body, key, path)
        streams.advance(pager.advance, body, path=path)
    return found


def _pictures(reading: Reading, center: HelpCenter, article: str) -> Iterator[str]:
    """Absolute addresses of the pictures in an article's texts."""
    with reading.staging.connect() as connection:
        found = connection.execute(
            f"SELECT payload FROM {reading.staging.snapshots.newest('articles')} WHERE id = ?", [article]
        ).fetchone()
    told = orjson.loads(found[0]) if found else {}
    translations = shapes.field(told, "translations")
    base = f"{center.url}/hc/"
    for text in [told, *(translations if isinstance(translations, list) else [])]:
        body = shapes.field(text, "body")
        for match in _IMAGE.finditer(body if isinstance(body, str) else ""):
            source = unescape(next(group for group in match.groups() if group is not None)).strip()
            try:
                url = urljoin(base, source)
            except ValueError:
                continue
            if url.lower().startswith(("http://", "https://")):
                yield url


def _picture(url: str, known: set[str | None]) -> dict[str, Any] | None:
    """A picture as a row of files; None for what is attached to the article anyway."""
    attached = _ATTACHMENT.search(url)
    if attached and attached[1] in known:
        return None
    try:
        name = unquote(urlsplit(url).path.rpartition("/")[2]) or "image"
    except ValueError:
        return None
    return {"url": url, "name": name, "content_type": mimetypes.guess_type(name)[0]}


def _read_files(reading: Reading) -> int:
    """Bring the files of articles into the blob store; the rows added."""
    centers = streams.help_centers(reading)
    return files.bring_in(reading, "article_files", "articles", _wanted(reading, centers), centers)


def _wanted(reading: Reading, centers: Sequence[HelpCenter]) -> Iterator[tuple[list[files.Wanted], int, int]]:
    store = reading.staging.snapshots
    with reading.staging.connect() as connection:
        connection.execute(_MACROS)
        name_centers(connection, centers)
        for stream in ("articles", "article_attachments", "article_files"):
            connection.execute(f"CREATE VIEW raw_{stream} AS FROM {store.newest(stream)}")
        connection.execute("SET VARIABLE base = ?", [reading.client.settings.url])
        connection.execute("SET VARIABLE max_bytes = ?", [reading.client.settings.max_file_bytes])
        connection.execute(_FILES)
        rows = connection.execute(_WANTED).fetchall()
    for start in range(0, len(rows), files.BATCH):
        batch = [
            files.Wanted(key, url, name, size, picture, deleted=False, malware=False, tried=tried)
            for key, url, name, size, picture, tried in rows[start : start + files.BATCH]
        ]
        yield batch, start + len(batch), len(rows)


def name_centers(connection: duckdb.DuckDBPyConnection, centers: Iterable[HelpCenter]) -> None:
    """Make the table `help_centers (brand, url, name)`."""
    connection.execute("CREATE TEMP TABLE help_centers (brand VARCHAR, url VARCHAR, name VARCHAR)")
    for center in centers:
        connection.execute("INSERT INTO help_centers VALUES (?, ?, ?)", [center.brand, center.url, center.name])


def _batches(items: Iterable[_Stale], size: int) -> Iterator[list[_Stale]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
