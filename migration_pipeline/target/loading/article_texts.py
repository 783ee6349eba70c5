"""The texts of an article: as they are to be, as they are sent with their pictures, and as the target holds them.

Belongs here: pure rules about bodies of calls and answers. Does not belong here: the calls themselves (`articles`), or
what an article becomes (`target.articles`).
"""

import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any, Final

from migration_pipeline.target import article_steps as steps
from migration_pipeline.target.addresses import NewAddresses
from migration_pipeline.target.articles import ADDRESSES, unescaped
from migration_pipeline.target.canonical import body_hash
from migration_pipeline.target.hosting import Hosts
from migration_pipeline.target.loading.desk import json_of
from migration_pipeline.target.rows import Row
from migration_pipeline.target.steps import Json

_IMAGE: Final = re.compile(r'<img src="([^"]*)" alt="([^"]*)">')
_SHOWN: Final = re.compile(r"""<img\b[^>]*?\bsrc=["']([^"']*)["']""")


def meant(row: Row, addresses: NewAddresses, parent_id: str | None, *, public: bool) -> tuple[Json, list[str]]:
    """The article as it is to be, in the target's ids and addresses but for its files'; all drafts until it is public.

    Beside it, the links whose ends are not in the target.
    """
    body = json_of(row["body"])
    links = {link["url"]: link for link in row["links"] or ()}
    kept: dict[str, None] = {}

    def now(found: re.Match[str]) -> str:
        link = links.get(unescaped(found[2])) if found[1] == "href" else None
        if link is None:
            return found[0]
        address = addresses.of(link)
        if address is None:
            kept[link["url"]] = None
            return found[0]
        return f' href="{escape(address)}"'

    def text(content: Json) -> Json:
        state = {"state": content["state"] if public else "draft"} if "state" in content else {}
        return {**content, "body": ADDRESSES.sub(now, content["body"]), **state}

    made = text(body) | {"author_id": int(row["author_id"])}
    if row["kind"] == "internal_article":
        return made | {"owner_id": int(row["author_id"])}, list(kept)
    if "translated_content" in body:
        made["translated_content"] = {
            locale: text(one) for locale, one in body["translated_content"].items() if addresses.takes(locale)
        }
    parent = {"parent_id": int(parent_id), "parent_type": "collection"} if parent_id else {}
    return made | parent, list(kept)


def rendering(
    hosts: Hosts, row: Row, made: Json, held: Mapping[str, Mapping[str, str]] | None = None
) -> tuple[steps.Render, dict[str, str]]:
    """How the body of a call is made, and the addresses of its pictures as Intercom fetches them.

    `held` are addresses of pictures that Intercom holds, by language ('' for the main text) and the payload's address.
    """
    files = {file["url"]: file for file in row["files"] or ()}
    texts = [made["body"], *(one["body"] for one in made.get("translated_content", {}).values())]
    shown = dict.fromkeys(unescaped(found[1]) for html in texts for found in _IMAGE.finditer(html))

    def fetched(url: str) -> str | None:
        file = files.get(url, {"url": url, "name": "image", "content_type": "", "sha256": None})
        return hosts.pictures(file)

    pictures = {url: address for url in shown if (address := fetched(url))}

    def written(locale: str, content: Json, without: frozenset[str]) -> Json:
        known = (held or {}).get(locale, {})

        def picture(found: re.Match[str]) -> str:
            url, words = unescaped(found[1]), found[2]
            address = None if url in without else known.get(url) or pictures.get(url)
            if address:
                return f'<img src="{escape(address)}" alt="{words}">'
            name = words or escape(str(files.get(url, {}).get("name") or "image"))
            before = found.string[: found.start()]
            if url.startswith("embedded:") or before.rfind("<a ") > before.rfind("</a>"):
                return f"[image: {name}]"
            return f'<a href="{found[1]}">[image: {name}]</a>'

        def linked(found: re.Match[str]) -> str:
            file = files.get(unescaped(found[2])) if found[1] == "href" else None
            address = hosts.links(file) if file and not file["picture"] and file["sha256"] else None
            return f' href="{escape(address)}"' if address else found[0]

        return {**content, "body": ADDRESSES.sub(linked, _IMAGE.sub(picture, content["body"]))}

    def render(without: frozenset[str]) -> Json:
        body = written("", made, without)
        if "translated_content" in made:
            body["translated_content"] = {
                locale: written(locale, one, without) for locale, one in made["translated_content"].items()
            }
        return body

    return render, pictures


def held_pictures(made: Json, actual: Mapping[str, Any], without: set[str]) -> dict[str, dict[str, str]]:
    """Addresses that Intercom gave the pictures, where it shows as many as were sent."""
    translated = steps.translations(actual)
    found: dict[str, dict[str, str]] = {}
    for locale, content in {"": made, **made.get("translated_content", {})}.items():
        there = actual if not locale else translated.get(locale, {})
        sent = [url for one in _IMAGE.finditer(content["body"]) if (url := unescaped(one[1])) not in without]
        shown = [unescaped(address) for address in _SHOWN.findall(str(there.get("body") or ""))]
        if len(sent) == len(shown):
            found[locale] = dict(zip(sent, shown, strict=True))
    return found


def same_text(row: Row, made: Json, actual: Mapping[str, Any], without: set[str]) -> bool:
    """Whether Intercom holds the words that were sent, in every language."""
    translated = steps.translations(actual)
    files = {file["url"]: file for file in row["files"] or ()}
    for locale, content in {"": made, **made.get("translated_content", {})}.items():
        there = actual if not locale else translated.get(locale, {})
        if locale and not there:
            return False
        if body_hash(in_words(files, content["body"], without)) != body_hash(there.get("body")):
            return False
    return True


def in_words(files: Mapping[str, Mapping[str, Any]], html: str, without: Iterable[str]) -> str:
    """The HTML with the words that stand in for pictures that could not be taken; `files` by address."""
    left = set(without)

    def picture(found: re.Match[str]) -> str:
        url = unescaped(found[1])
        if url not in left:
            return found[0]
        return f"[image: {found[2] or escape(str(files.get(url, {}).get('name') or 'image'))}]"

    return _IMAGE.sub(picture, html)
