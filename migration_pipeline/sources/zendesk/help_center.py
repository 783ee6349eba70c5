"""The help center of a Zendesk account: articles with their translations, what they are filed under, their files.

Belongs here: reading Guide into snapshots. Does not belong here: what a row means (`normalization`), or how bytes
travel (`files`).

Articles are read whole on every pass, a hundred a call with all translations inside: the incremental list follows an
article's own row only, and an edited text leaves that row as it was (Zendesk developer docs, "Articles": `edited_at`).
An article that the list no longer has was archived; nothing else tells. Accounts without Guide answer 403 or 404, which
counts as a help center without articles.
"""

import hashlib
import heapq
import logging
import mimetypes
import re
from collections.abc import Iterable, Iterator, Sequence
from html import unescape
from importlib import resources
from itertools import islice
from typing import Any, Final
from urllib.parse import unquote, urljoin, urlsplit

import orjson

from migration_pipeline.http import CallThreads
from migration_pipeline.model.errors import AccessDenied, Rejected
from migration_pipeline.sources.zendesk import files, shapes, streams
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


def read_collections(reading: Reading) -> int:
    """Categories and sections with their names in every language; the rows added."""
    added = sum(streams.read_listing(reading, stream) for stream in ("categories", "sections"))
    return added + _read_names(reading)


def read_articles(reading: Reading) -> int:
    """New and changed articles, marks for archived ones, and their files; the rows added."""
    return _read_list(reading) + _read_attachments(reading) + _read_files(reading)


def read_sample(reading: Reading, size: int, seed: int) -> int:
    """The articles of a demo with their files, drawn by chance from all; the rows added."""
    chosen = heapq.nsmallest(size, _all_rows(reading), key=lambda row: (rank(seed, row.id), row.id))
    added = reading.staging.snapshots.append(
        "articles", fresh_rows(reading.staging, "articles", chosen), **_state(reading)
    )
    return added + _read_attachments(reading, [row.id for row in chosen]) + _read_files(reading)


def rank(seed: int, article: str) -> str:
    """Where an article stands in the draw of a seed; the same as SQL's `md5(seed || ':' || id)`."""
    return hashlib.md5(f"{seed}:{article}".encode(), usedforsecurity=False).hexdigest()


def _state(reading: Reading) -> dict[str, Any]:
    state = reading.staging.snapshots.state("articles")
    return {"cursor": state.cursor, "complete": state.complete}


def _all_rows(reading: Reading) -> Iterator[Row]:
    for rows, _ in _pages(reading, CursorList()):
        yield from (row for row in rows if not row.id.startswith(shapes.NO_ID))


def _pages(reading: Reading, pager: CursorList) -> Iterator[tuple[list[Row], CursorList]]:
    """The pages of the list of articles; none where the account has no help center."""
    first = True
    while not pager.finished:
        reading.run.check()
        try:
            body = reading.client.get(_ARTICLES, {"include": "translations"} | pager.params())
        except (AccessDenied, Rejected) as refusal:
            if first and refusal.status in (403, 404):
                _log.info("Zendesk has no help center for these credentials (%s)", refusal.status)
                return
            raise
        first = False
        rows = [shapes.row(record) for record in reading.client.rows(body, "articles", _ARTICLES)]
        streams.advance(pager.advance, body, path=_ARTICLES)
        yield rows, pager


def _read_list(reading: Reading) -> int:
    """The list of articles page by page; the first pass goes on where it was cut."""
    store = reading.staging.snapshots
    state = store.state("articles")
    added, seen = 0, set[str]()
    for rows, pager in _pages(reading, CursorList(after=None if state.complete else state.cursor)):
        seen.update(row.id for row in rows)
        cursor = None if state.complete or pager.finished else pager.after
        fresh = fresh_rows(reading.staging, "articles", rows)
        added += store.append("articles", fresh, cursor=cursor, complete=state.complete or pager.finished)
        reading.run.progress("extract", "articles", store.state("articles").rows, None)
    if not seen:
        # An empty answer is never taken for a help center whose articles were all archived.
        store.mark("articles", complete=True)
        return added
    return added + (
        store.append("articles", _gone(reading.staging, seen), cursor=None, complete=True) if state.complete else 0
    )


def _gone(staging: Staging, seen: set[str]) -> Iterator[Row]:
    """Marks for articles that the list no longer has."""
    with staging.connect() as connection:
        cursor = connection.execute(
            f"SELECT id, payload FROM {staging.snapshots.newest('articles')} "
            f"WHERE (payload ->> '$.{GONE}') IS NULL AND id NOT IN (SELECT unnest(?::VARCHAR[]))",
            [sorted(seen)],
        )
        while rows := cursor.fetchmany(100):
            for article, payload in rows:
                told = orjson.loads(payload)
                if isinstance(told, dict):
                    yield Row(article, None, {**told, GONE: True})


# Names of categories and sections


def _read_names(reading: Reading) -> int:
    """Names by language, where the lists came without their translations: each list once for each language."""
    store = reading.staging.snapshots
    with reading.staging.connect() as connection:
        union = " UNION ALL ".join(f"FROM {store.newest(stream)}" for stream in ("categories", "sections"))
        rows = connection.execute(
            f"SELECT count(*), count(*) FILTER (json_type(payload::JSON, '$.translations') = 'ARRAY') FROM ({union})"
        ).fetchall()
    total, translated = rows[0]
    if total == translated:
        return 0
    added = 0
    for locale in _locales(reading):
        for stream in ("categories", "sections"):
            found = list(_names(reading, stream, locale))
            added += store.append(
                "collection_names", fresh_rows(reading.staging, "collection_names", found), cursor=None, complete=True
            )
    return added


def _locales(reading: Reading) -> list[str]:
    try:
        told = reading.client.get("help_center/locales").get("locales")
    except (AccessDenied, Rejected) as refusal:
        if refusal.status in (403, 404):
            return []
        raise
    return [locale for locale in told if isinstance(locale, str)] if isinstance(told, list) else []


def _names(reading: Reading, stream: str, locale: str) -> Iterator[Row]:
    path = f"help_center/{locale.lower()}/{stream}"
    pager = CursorList()
    while not pager.finished:
        reading.run.check()
        body = reading.client.get(path, pager.params())
        for record in reading.client.rows(body, stream, path):
            row = shapes.row(record)
            # A list for one language falls back to another one's name where it has none.
            if str(shapes.field(record, "locale") or "").lower() == locale.lower():
                yield Row(f"{stream}/{row.id}/{locale.lower()}", row.updated_at, row.payload)
        streams.advance(pager.advance, body, path=path)


# Files


def _read_attachments(reading: Reading, articles: Sequence[str] | None = None) -> int:
    """What is attached to articles that are new or changed since it was asked last; the rows added."""
    store = reading.staging.snapshots
    with reading.staging.connect() as connection:
        for stream in ("articles", "article_attachments"):
            connection.execute(f"CREATE VIEW raw_{stream} AS FROM {store.newest(stream)}")
        stale = connection.execute(_STALE).fetchall()
    wanted = [(str(article), str(stamp)) for article, stamp in stale if articles is None or article in set(articles)]
    added = 0
    with CallThreads(reading.client.settings.workers, "zendesk-articles") as pool:
        for number, batch in enumerate(_batches(wanted, BATCH)):
            reading.run.check()
            rows = pool.map(lambda one: _attachments(reading, *one), batch)
            added += store.append("article_attachments", rows, cursor=None, complete=True)
            reading.run.progress("attachments", "articles", number * BATCH + len(batch), len(wanted))
    return added


def _attachments(reading: Reading, article: str, stamp: str) -> Row:
    """What is attached to an article, and the pictures in its texts that are something else."""
    path = f"{_ARTICLES}/{article}/attachments"
    pager = CursorList()
    attached: list[Any] = []
    while not pager.finished:
        try:
            body = reading.client.get(path, pager.params())
        except (AccessDenied, Rejected) as refusal:
            if refusal.status in (403, 404, 410):  # it was archived since
                break
            raise
        attached += reading.client.rows(body, "article_attachments", path)
        streams.advance(pager.advance, body, path=path)
    known = {shapes.usable_id(shapes.field(one, "id")) for one in attached}
    pictures = {url: picture for url in _pictures(reading, article) if (picture := _picture(url, known))}
    return Row(article, None, {"stamp": stamp, "attachments": attached, "pictures": list(pictures.values())})


def _pictures(reading: Reading, article: str) -> Iterator[str]:
    """Absolute addresses of the pictures in an article's texts."""
    with reading.staging.connect() as connection:
        found = connection.execute(
            f"SELECT payload FROM {reading.staging.snapshots.newest('articles')} WHERE id = ?", [article]
        ).fetchone()
    told = orjson.loads(found[0]) if found else {}
    translations = shapes.field(told, "translations")
    base = f"{reading.client.settings.url}/hc/"
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
    return files.bring_in(reading, "article_files", "articles", _wanted(reading))


def _wanted(reading: Reading) -> Iterator[tuple[list[files.Wanted], int, int]]:
    store = reading.staging.snapshots
    with reading.staging.connect() as connection:
        connection.execute(_MACROS)
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


def _batches(items: Iterable[tuple[str, str]], size: int) -> Iterator[list[tuple[str, str]]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
