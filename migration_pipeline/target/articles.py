"""The help centre as payloads: collections from categories and sections, articles in all their languages.

Belongs here: where a record goes, in which languages, who may read it, and what of it stays behind. Does not belong
here: mark-up (`article_html`), or addresses that only the target knows (`loading`).

Addresses in a payload are the source's own, and absolute; pictures whose bytes stood in the text have the address
`embedded:<sha256>`.
"""

import mimetypes
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import escape as quoted
from typing import Any, Final

from migration_pipeline.target.addresses import OldAddresses, elsewhere, hosts_of
from migration_pipeline.target.article_html import Accepted, accepted, written_out
from migration_pipeline.target.directory import agents, label_names
from migration_pipeline.target.html import escape, plain
from migration_pipeline.target.inputs import Inputs, Loss, digest, distinct, encoded, loss

PICTURES: Final = frozenset(("image/png", "image/jpeg", "image/gif", "image/svg+xml"))
"""What Intercom takes as a picture of an article (Intercom, "Add images to an article")."""

_TAGGED: Final = (("tags", "labels_dropped"), ("content_tags", "content_tags_dropped"))
"""What of an article becomes tags, and the reason where it does not."""

_ATTACHMENT: Final = re.compile(r"/article_attachments/(?:token/)?([1-9][0-9]{0,18})(?![0-9])")
_EMBEDDED: Final = re.compile(r'<img src="embedded:(\d+)" alt="([^"]*)">')

_ARTICLES: Final = """
    SELECT
        article.*,
        translations.texts,
        files.files
    FROM record_articles AS article
    LEFT JOIN (
        SELECT article_ref, list({
            'locale': locale, 'title': title, 'body_html': body_html, 'state': state, 'source_url': source_url
        } ORDER BY locale) AS texts
        FROM record_article_translations GROUP BY article_ref
    ) AS translations ON translations.article_ref = article.source_id
    LEFT JOIN (
        SELECT article_ref, list({
            'source_id': source_id, 'name': name, 'content_type': content_type, 'size': size, 'inline': inline,
            'locale': locale, 'url': source_url, 'sha256': sha256, 'missing': missing
        } ORDER BY position, source_id) AS files
        FROM record_article_attachments GROUP BY article_ref
    ) AS files ON files.article_ref = article.source_id
    ORDER BY article.source_id
"""

_HOSTS: Final = "SELECT DISTINCT regexp_extract(source_url, '^https?://[^/]+') AS url FROM {table}"

_ADDRESSED: Final = """
    SELECT source_id, source_url FROM record_collections UNION ALL SELECT source_id, source_url FROM record_articles
"""

_WRITTEN_IN: Final = """
    SELECT locale FROM (SELECT locale FROM record_articles UNION ALL SELECT locale FROM record_collections)
    WHERE locale IS NOT NULL GROUP BY locale ORDER BY count(*) DESC, locale LIMIT 1
"""


# Collections


def collection_rows(inputs: Inputs) -> Iterator[dict[str, Any]]:
    """Payload rows of the collections (Intercom OpenAPI 2.16, createCollection), parents before what stands in them."""
    rows = {row["source_id"]: row for row in inputs.rows("FROM record_collections ORDER BY source_id")}
    if inputs.migration.help_center.brand_collections == "never":
        tops = {source_id: row for source_id, row in rows.items() if row["kind"] == "brand"}
        rows = {
            source_id: row | ({"parent_ref": None} if row["parent_ref"] in tops else {})
            for source_id, row in rows.items()
            if source_id not in tops
        }
        yield from (_side_by_side(row) for row in tops.values())
    default = _default_locale(inputs)
    placed = {source_id: _placed(inputs, rows, source_id) for source_id in rows}
    for source_id in sorted(rows, key=lambda one: (placed[one].level, one)):
        row, place = rows[source_id], placed[source_id]
        losses = list(place.losses)
        names = {
            locale: {"type": "group_content", "name": _line(one["name"])[:255]}
            | ({"description": _line(one["description"])} if _line(one["description"]) else {})
            for locale, one in _by_locale(inputs, row["names"] or (), row["locale"], losses).items()
        }
        main, stands_in = _main(names, default, losses)
        body: dict[str, Any] = {name: value for name, value in (names[main] if main else {}).items() if name != "type"}
        body.setdefault("name", source_id)
        others = {locale: one for locale, one in names.items() if locale != main or stands_in}
        if others and inputs.migration.help_center.translations:
            body["translated_content"] = others
        if inputs.migration.help_center.help_center_id:
            body["help_center_id"] = int(inputs.migration.help_center.help_center_id)
        if row["position"]:
            losses.append(loss("rank_lost", f"position {row['position']}"))
        yield {
            "source_id": source_id,
            "source_url": row["source_url"],
            "digest": digest([body, place.parent]),
            "skip": None if row["active"] else "deleted_in_source",
            "losses": distinct(losses),
            "parent_ref": place.parent,
            "level": place.level,
            "name": body["name"],
            "body": encoded(body),
        }


def _side_by_side(top: Mapping[str, Any]) -> dict[str, Any]:
    """The row of a brand's collection that is not wanted."""
    reason = "brands_side_by_side"
    head = {"source_id": top["source_id"], "source_url": top["source_url"], "name": _shown(top), "level": 1}
    return {**head, "digest": digest(reason), "skip": reason, "losses": []}


@dataclass(frozen=True)
class _Place:
    """Where a collection stands in the target."""

    parent: str | None
    level: int
    losses: tuple[Loss, ...] = ()


def _placed(inputs: Inputs, rows: Mapping[str, Mapping[str, Any]], source_id: str) -> _Place:
    """Below its parent, unless no way leads there, or the target's levels are used up."""
    way = [source_id]
    while (parent := rows[way[-1]]["parent_ref"]) is not None:
        if parent in way or parent not in rows or not rows[parent]["active"]:
            if rows[source_id]["level"] is None or parent not in rows:
                return _Place(None, 1, (loss("collection_without_parent", f"{parent} is not above it"),))
            break
        way.append(parent)
    way.reverse()
    deepest = inputs.migration.help_center.max_depth
    if len(way) <= deepest:
        return _Place(way[-2] if len(way) > 1 else None, len(way))
    names = " > ".join(_shown(rows[one]) for one in way)
    return _Place(way[deepest - 2] if deepest > 1 else None, deepest, (loss("collection_moved_up", names),))


def _shown(row: Mapping[str, Any]) -> str:
    return str(next((one["name"] for one in row["names"] or () if one["name"]), row["source_id"]))


# Articles


def article_rows(inputs: Inputs) -> Iterator[dict[str, Any]]:
    """Payload rows of the articles (Intercom OpenAPI 2.16, createArticle, createInternalArticle)."""
    mapping = _Mapper(inputs)
    for row in inputs.rows(_ARTICLES):
        yield mapping.row(row)


class _Mapper:
    """What all articles share."""

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs
        self._settings = inputs.migration.help_center
        self._default = _default_locale(inputs)
        self._agents = agents(inputs)
        self._tags = label_names(inputs)
        self._kept = {"tags": self._settings.labels == "tags", "content_tags": self._settings.content_tags == "tags"}
        self._addresses = old_addresses(inputs)

    def row(self, row: dict[str, Any]) -> dict[str, Any]:
        losses: list[Loss] = []
        restricted = row["audience"] != "everyone"
        rule = self._settings.restricted if restricted else None
        skip = None if row["active"] else "deleted_in_source"
        if skip is None and rule == "skip":
            skip = "restricted_article"
        texts = _by_locale(self._inputs, row["texts"] or (), row["locale"], losses)
        head = {"source_id": row["source_id"], "source_url": row["source_url"]}
        if skip is None and not texts:
            skip = "article_without_text"
        if skip is not None:
            detail = row["audience_name"] if skip == "restricted_article" else None
            return {**head, "digest": digest(skip), "skip": skip, "skip_detail": detail, "losses": []}
        files = _Files(row["files"] or ())
        contents = {locale: self._content(row, locale, text, files, losses) for locale, text in texts.items()}
        main, stands_in = _main(contents, self._default, losses)
        author = self._author(row, losses)
        kind = "internal_article" if rule == "internal_article" else "article"
        if restricted:
            losses.append(loss(f"restricted_as_{rule}", f"{row['audience_name'] or row['audience']}"))
        others = {locale: one for locale, one in contents.items() if locale != main or stands_in}
        if others and (kind == "internal_article" or not self._settings.translations):
            losses.append(loss("translation_left", ", ".join(sorted(set(contents) - {main}))))
            others = {}
        if rule == "draft":
            contents = {locale: one | {"state": "draft"} for locale, one in contents.items()}
            others = {locale: contents[locale] for locale in others}
        body: dict[str, Any] = dict(contents[main])
        if kind == "internal_article":
            body.pop("state")
        elif others:
            body["translated_content"] = {
                locale: {"type": "article_content", **one, "author_id": int(author)} for locale, one in others.items()
            }
        states = {one["state"] for one in (contents[main], *others.values())}
        state = "published" if "published" in states and kind == "article" else "draft"
        self._left_behind(row, losses)
        kept = [name for column, _ in _TAGGED if self._kept[column] for name in row[column] or ()]
        tags = list(dict.fromkeys(filter(None, (self._tags.get(name, "") for name in kept))))
        html = " ".join(one["body"] for one in (contents[main], *others.values()))
        carried = files.carried(html)
        losses += _linked(carried)
        return {
            **head,
            "digest": digest([body, kind, row["collection_ref"], author, tags, [one["sha256"] for one in carried]]),
            "skip": None,
            "losses": distinct(losses),
            "kind": kind,
            "collection_ref": row["collection_ref"] if kind == "article" else None,
            "title": body["title"],
            "body": encoded(body),
            "author_id": author,
            "state": state,
            "tags": tags if kind == "article" else [],
            "files": carried,
            "old_urls": [{"url": text["source_url"], "locale": locale} for locale, text in texts.items()],
            "links": [link for url in _links(html) if (link := self._addresses.read(url))],
        }

    def _content(
        self, row: Mapping[str, Any], locale: str, text: Mapping[str, Any], files: "_Files", losses: list[Loss]
    ) -> dict[str, Any]:
        """One language: title, HTML and state."""
        made = accepted(text["body_html"] or "", text["source_url"] or row["source_url"], files.verdict)
        losses.extend(loss(reason, f"{locale}: {detail}") for reason, detail in made.changes)
        html = self._with_embedded(made, files, losses)
        for file in files.listed(text["locale"]):
            html += f'<p><a href="{quoted(written_out(file["url"]))}">{escape(_line(file["name"]))}</a></p>'
        title = _line(text["title"]) or f"Article {row['source_id']}"
        return {"title": title[:255], "body": html, "state": text["state"] or "draft"}

    def _with_embedded(self, made: Accepted, files: "_Files", losses: list[Loss]) -> str:
        """The HTML with pictures that it held itself: hosted, or, where nothing hosts them, by name."""
        hosted = self._settings.host != "source"

        def placed(found: re.Match[str]) -> str:
            image = made.embedded[int(found[1]) - 1]
            if not hosted or image.content is None or image.content_type not in PICTURES:
                losses.append(loss("image_not_hosted" if not hosted else "image_type", image.name))
                return escape(f"[image: {image.name}]")
            sha256, size = self._inputs.staging.blobs.add([image.content])
            files.embed(f"embedded:{sha256}", image.name, image.content_type, size, sha256)
            return f'<img src="embedded:{sha256}" alt="{found[2]}">'

        return _EMBEDDED.sub(placed, made.html)

    def _author(self, row: Mapping[str, Any], losses: list[Loss]) -> str:
        agent = self._agents.get(row["author_ref"] or "")
        if agent is not None and agent.admin_id:
            return agent.admin_id
        losses.append(loss("author_replaced", agent.name if agent else "unknown"))
        return self._inputs.mapping.fallback_admin or "0"

    def _left_behind(self, row: Mapping[str, Any], losses: list[Loss]) -> None:
        rank = ["promoted"] * bool(row["promoted"]) + [f"position {row['position']}"] * bool(row["position"])
        if rank:
            losses.append(loss("rank_lost", ", ".join(rank)))
        if row["votes"]:
            losses.append(loss("votes_lost", f"{row['votes']} votes"))
        if row["comment_count"]:
            losses.append(loss("article_comments_left", f"{row['comment_count']} comments"))
        for column, reason in _TAGGED:
            dropped = [name for name in row[column] or () if not (self._kept[column] and self._tags.get(name))]
            if dropped:
                losses.append(loss(reason, ", ".join(dropped)))


class _Files:
    """The files of one article, found by the addresses that its texts give them."""

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self._rows = [dict(row) for row in rows]
        self._by_url = {written_out(row["url"]): row for row in self._rows if row["url"]}
        self._by_id = {row["source_id"]: row for row in self._rows} | {
            attached[1]: row for row in self._rows if (attached := _ATTACHMENT.search(row["url"] or ""))
        }

    def find(self, url: str) -> dict[str, Any] | None:
        """The file at an address, however its path goes on after the id."""
        attached = _ATTACHMENT.search(url)
        return self._by_url.get(url) or (self._by_id.get(attached[1]) if attached else None)

    def verdict(self, url: str) -> str | None:
        """Why a picture cannot be carried; None where it can, or nothing is known of it."""
        file = self.find(url)
        if file is None:
            return None
        if file["missing"]:
            return str(file["missing"])
        return None if _content_type(file) in PICTURES else "image_type"

    def listed(self, locale: str) -> Iterator[dict[str, Any]]:
        """Files that the source lists below the text."""
        return (row for row in self._rows if not row["inline"] and row["url"] and row["locale"] in (None, locale))

    def embed(self, url: str, name: str, content_type: str, size: int, sha256: str) -> None:
        """Add a picture that stood in the text."""
        self._by_url[url] = {
            "source_id": url, "name": name, "content_type": content_type, "size": size, "inline": True, "url": url,
            "sha256": sha256, "missing": None,
        }  # fmt: skip

    def carried(self, html: str) -> list[dict[str, Any]]:
        """Files that the HTML shows or links to, by the address that stands there."""
        found: dict[str, dict[str, Any]] = {}
        for kind, url in ADDRESSES.findall(html):
            file = self.find(unescaped(url))
            if file is not None:
                found[unescaped(url)] = {
                    "url": unescaped(url),
                    "name": file["name"],
                    "content_type": _content_type(file),
                    "size": file["size"],
                    "sha256": file["sha256"],
                    "picture": kind == "src" or found.get(unescaped(url), {}).get("picture", False),
                }
        return list(found.values())


def _links(html: str) -> list[str]:
    return list(dict.fromkeys(unescaped(url) for kind, url in ADDRESSES.findall(html) if kind == "href"))


def old_addresses(inputs: Inputs) -> OldAddresses:
    """Reads addresses of the source's help centre, wherever its articles say that it is."""
    shown = hosts_of(row["url"] for row in inputs.rows(_HOSTS.format(table="record_articles")))
    hosts = hosts_of(row["url"] for row in inputs.rows(_HOSTS.format(table="record_collections")))
    own = hosts_of([inputs.migration.source.url])
    refs = elsewhere(
        ((row["source_id"], row["source_url"]) for row in inputs.rows(_ADDRESSED)), further=hosts - shown - own
    )
    return OldAddresses(own | shown | hosts, inputs.mapping.languages, _default_locale(inputs), refs)


ADDRESSES: Final = re.compile(r' (src|href)="([^"]*)"')
"""Addresses in HTML that `article_html` wrote, where no text can look like one."""


def unescaped(address: str) -> str:
    """An address out of an attribute that `article_html` wrote."""
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#x27;", "'"), ("&amp;", "&")):
        address = address.replace(entity, character)
    return address


def _linked(files: Iterable[Mapping[str, Any]]) -> list[Loss]:
    return [loss("article_file_linked", file["name"]) for file in files if not file["picture"]]


def _content_type(file: Mapping[str, Any]) -> str:
    told = str(file["content_type"] or "").partition(";")[0].strip().lower()
    if told in ("", "application/octet-stream", "binary/octet-stream"):
        return mimetypes.guess_type(str(file["name"]))[0] or "application/octet-stream"
    return "image/jpeg" if told == "image/jpg" else told


# Languages


def _default_locale(inputs: Inputs) -> str:
    """The default language of the target's help centre."""
    if inputs.migration.help_center.default_locale:
        return inputs.migration.help_center.default_locale
    written = next((row["locale"] for row in inputs.rows(_WRITTEN_IN)), None)
    return inputs.mapping.languages.get(written or "") or "en"


def _by_locale(
    inputs: Inputs, texts: Iterable[Mapping[str, Any]], written_in: str | None, losses: list[Loss]
) -> dict[str, Mapping[str, Any]]:
    """The texts by the target's language, the original first; of two that become one, the first stays."""
    found: dict[str, Mapping[str, Any]] = {}
    for text in sorted(texts, key=lambda one: (one["locale"] != written_in, one["locale"] or "")):
        locale = inputs.mapping.languages.get(text["locale"] or "")
        if locale is None:
            losses.append(loss("locale_not_mapped", str(text["locale"])))
        elif locale in found:
            losses.append(loss("locale_taken", f"{text['locale']} is {locale} as well"))
        else:
            found[locale] = text
    return found


def _main(contents: Mapping[str, Any], default: str, losses: list[Loss]) -> tuple[str, bool]:
    """The language that stands where the default one is wanted, and whether it is another one."""
    if default in contents or not contents:
        return (default if contents else ""), False
    main = next(iter(contents))
    losses.append(loss("default_locale_missing", f"{main} stands in for {default}"))
    return main, True


def _line(text: str | None) -> str:
    return " ".join(plain(text or "").split())
