"""What stands beside single articles of a help center: files, and comments of readers.

Belongs here: which articles are asked for what, and reading it into snapshots. Does not belong here: the list of
articles (`help_center`), what a row means (`normalization`), or how bytes travel (`files`).

| | is asked for |
| --- | --- |
| files | of articles that are new or changed |
| comments | of the same; by setting, again of all that readers may comment on |

The API lists comments by article or by user and in no other way, and an article tells neither how many it has nor when
one came (Zendesk developer docs, "Article Comments", "Articles"): whoever wants to see new ones has to ask for them.

An answer of 403, 404 or 410 takes nothing away: what was read of the article before stays, and its row says that it was
asked, so that where changes decide it is asked again only once it changes. Comments never read count as unknown.
"""

import mimetypes
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from html import unescape
from importlib import resources
from itertools import islice
from typing import Any, Final
from urllib.parse import unquote, urljoin, urlsplit

import orjson

from migration_pipeline.config import Source
from migration_pipeline.http import CallThreads
from migration_pipeline.model.errors import AccessDenied, Rejected
from migration_pipeline.sources.zendesk import files, shapes, streams
from migration_pipeline.sources.zendesk.brands import HelpCenter, name_centers
from migration_pipeline.sources.zendesk.paging import LIST_PAGE, CursorList
from migration_pipeline.sources.zendesk.streams import Reading, fresh_rows
from migration_pipeline.staging import Staging
from migration_pipeline.staging.snapshots import Row

BATCH: Final = 32
"""Articles whose lists become one segment; what a kill costs at most."""

_ARTICLES: Final = "help_center/articles"
_IMAGE: Final = re.compile(r"""<img\b[^>]*?\bsrc\s*=\s*(?:"([^"]*)"|'([^']*)'|([^"'>\s]+))""", re.IGNORECASE)
_ATTACHMENT: Final = re.compile(r"/article_attachments/(?:token/)?([1-9][0-9]{0,18})(?![0-9])")
_TO_LOOK_AT: Final = resources.files(__package__).joinpath("sql/articles_to_look_at.sql").read_text(encoding="utf-8")
_FILES: Final = resources.files(__package__).joinpath("sql/article_file_rows.sql").read_text(encoding="utf-8")
_WANTED: Final = resources.files(__package__).joinpath("sql/article_files_wanted.sql").read_text(encoding="utf-8")
_MACROS: Final = resources.files(__package__).joinpath("sql/macros.sql").read_text(encoding="utf-8")

_COMMENTS: Final = "article_comments"
_RULES: Final = {"list": "changed OR open", "changed": "changed", "leave": "false"}
"""Whose comments are asked for, by `source.article_comments`; columns of `articles_to_look_at.sql`."""

_Article = tuple[HelpCenter, str, str]
"""An article that is to be asked for something, and what tells that it changed."""


def read_files(reading: Reading, articles: Sequence[str] | None = None) -> int:
    """The files of new and changed articles, of `articles` these only; the rows added."""
    added = _read_of_each(reading, "article_attachments", "changed", _attachments, articles)
    centers = streams.help_centers(reading)
    return added + files.bring_in(reading, "article_files", "articles", _wanted(reading, centers), centers)


def read_comments(reading: Reading) -> int:
    """What readers said of the articles that `source.article_comments` names; the rows added."""
    rule = _RULES[reading.client.settings.article_comments]
    return _read_of_each(reading, _COMMENTS, rule, _comments, None)


def read_first_comments(reading: Reading, articles: Sequence[str] | None = None) -> int:
    """The same of new and changed articles alone, of `articles` these only; the rows added."""
    rule = f"({_RULES[reading.client.settings.article_comments]}) AND changed"
    return _read_of_each(reading, _COMMENTS, rule, _comments, articles)


def comment_pages(staging: Staging, settings: Source, centers: Sequence[HelpCenter]) -> int:
    """Calls that the next `read_comments` takes, by what is staged."""
    wanted = [article for _, article, _ in _asked(staging, _COMMENTS, _RULES[settings.article_comments], centers)]
    with staging.connect() as connection:
        more = connection.execute(
            "SELECT sum(greatest(0, ceil(json_array_length(payload::JSON, '$.comments') / ?) - 1))::BIGINT "
            f"FROM {staging.snapshots.newest(_COMMENTS)} WHERE id IN (SELECT unnest(?::VARCHAR[]))",
            [LIST_PAGE, wanted],
        ).fetchone()
    return len(wanted) + (int(more[0] or 0) if more else 0)


def _asked(staging: Staging, stream: str, rule: str, centers: Iterable[HelpCenter]) -> list[_Article]:
    """The articles that a rule names, by what of them the stream holds."""
    with staging.connect() as connection:
        connection.execute(f"CREATE VIEW raw_articles AS FROM {staging.snapshots.newest('articles')}")
        connection.execute(f"CREATE VIEW looked_at AS FROM {staging.snapshots.newest(stream)}")
        rows = connection.execute(f"SELECT id, stamp, brand FROM ({_TO_LOOK_AT}) WHERE {rule}").fetchall()
    known = {center.brand: center for center in centers}
    return [(known[brand], str(article), str(stamp)) for article, stamp, brand in rows if brand in known]


def _read_of_each(
    reading: Reading,
    stream: str,
    rule: str,
    read: Callable[[Reading, HelpCenter, str, str], Row],
    articles: Sequence[str] | None,
) -> int:
    """A row of the stream for each article that the rule names and whose row is another now; the rows added."""
    store = reading.staging.snapshots
    asked = _asked(reading.staging, stream, rule, streams.help_centers(reading))
    wanted = asked if articles is None else [one for one in asked if one[1] in set(articles)]
    added = 0
    with CallThreads(reading.client.settings.workers, "zendesk-articles") as pool:
        for number, batch in enumerate(_batches(wanted, BATCH)):
            reading.run.check()
            rows = list(pool.map(lambda one: read(reading, *one), batch))
            added += store.append(stream, fresh_rows(reading.staging, stream, rows), cursor=None, complete=True)
            reading.run.progress(stream.removeprefix("article_"), "articles", number * BATCH + len(batch), len(wanted))
    return added


def _attachments(reading: Reading, center: HelpCenter, article: str, stamp: str) -> Row:
    """What is attached to an article, and the pictures in its texts that are something else."""
    attached = _list_of(reading, center, article, "attachments", "article_attachments") or []
    known = {shapes.usable_id(shapes.field(one, "id")) for one in attached}
    pictures = {url: picture for url in _pictures(reading, center, article) if (picture := _picture(url, known))}
    return Row(article, None, {"stamp": stamp, "attachments": attached, "pictures": list(pictures.values())})


def _comments(reading: Reading, center: HelpCenter, article: str, stamp: str) -> Row:
    """What readers said of an article (Zendesk developer docs, "Article Comments")."""
    said = _list_of(reading, center, article, "comments", "comments")
    return Row(article, None, {"stamp": stamp} | ({} if said is None else {"comments": said}))


def _list_of(reading: Reading, center: HelpCenter, article: str, name: str, key: str) -> list[Any] | None:
    """A list that belongs to an article; where it is refused, the one that was read before, None without any."""
    path = f"{_ARTICLES}/{center.own_id(article)}/{name}"
    pager = CursorList()
    found: list[Any] = []
    while not pager.finished:
        try:
            body = reading.client.get(path, pager.params(), host=center.url)
        except (AccessDenied, Rejected) as refusal:
            if refusal.status in (403, 404, 410):  # it was archived since, or it stands and is refused for now
                return _held(reading, f"article_{name}", article, name)
            raise
        found += reading.client.rows(body, key, path)
        streams.advance(pager.advance, body, path=path)
    return found


def _held(reading: Reading, stream: str, article: str, name: str) -> list[Any] | None:
    """A list of an article as it was read last."""
    with reading.staging.connect() as connection:
        found = connection.execute(
            f"SELECT payload FROM {reading.staging.snapshots.newest(stream)} WHERE id = ?", [article]
        ).fetchone()
    held = shapes.field(orjson.loads(found[0]), name) if found else None
    return held if isinstance(held, list) else None


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


def _batches(items: Iterable[_Article], size: int) -> Iterator[list[_Article]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
