"""The help centers of a Zendesk account: articles with their translations, and what they are filed under.

Belongs here: reading the lists of Guide into snapshots. Does not belong here: what stands beside a single article
(`beside_articles`), or what a row means (`normalization`).

Articles are read whole on every pass, a hundred a call with all translations inside: the incremental list follows an
article's own row only, and an edited text leaves that row as it was (Zendesk developer docs, "Articles": `edited_at`).
An article that the list no longer has was archived; nothing else tells. Accounts without Guide answer 403 or 404, which
counts as a help center without articles. Each help center of a brand is read at its own address (`brands`).
"""

import hashlib
import heapq
import logging
from collections.abc import Iterator
from typing import Any, Final

import orjson

from migration_pipeline.model.errors import AccessDenied, Rejected
from migration_pipeline.sources.zendesk import beside_articles, shapes, streams
from migration_pipeline.sources.zendesk.brands import HelpCenter
from migration_pipeline.sources.zendesk.paging import CursorList
from migration_pipeline.sources.zendesk.streams import GONE, Reading, fresh_rows
from migration_pipeline.staging import Staging
from migration_pipeline.staging.snapshots import Row

_ARTICLES: Final = "help_center/articles"

_log = logging.getLogger(__name__)


def read_collections(reading: Reading) -> int:
    """Categories and sections with their names in every language; the rows added."""
    added = sum(streams.read_listing(reading, stream) for stream in ("categories", "sections"))
    return added + sum(_read_names(reading, center) for center in streams.help_centers(reading))


def read_articles(reading: Reading) -> int:
    """New and changed articles, marks for archived ones, and their files; the rows added."""
    _tell_left(reading)
    listed = sum(_read_list(reading, center) for center in streams.help_centers(reading))
    return listed + beside_articles.read_files(reading)


def read_sample(reading: Reading, size: int, seed: int) -> int:
    """The articles of a demo with their files and comments, drawn by chance from all; the rows added."""
    _tell_left(reading)
    chosen = heapq.nsmallest(size, _all_rows(reading), key=lambda row: (rank(seed, row.id), row.id))
    added = reading.staging.snapshots.append(
        "articles", fresh_rows(reading.staging, "articles", chosen), **_state(reading)
    )
    ids = [row.id for row in chosen]
    return added + beside_articles.read_files(reading, ids) + beside_articles.read_first_comments(reading, ids)


def _tell_left(reading: Reading) -> None:
    """Write down whose help centers the settings leave unread."""
    left = streams.brands_of(reading).left
    reading.staging.snapshots.leave("articles", [center.name or center.url for center in left])


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
