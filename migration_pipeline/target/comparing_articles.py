"""Articles and collections: what was meant beside what is read back, field by field.

Belongs here: pure comparisons of the help centre. Does not belong here: threads and people (`comparing`), or reading
(`verify`).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from migration_pipeline.target.article_steps import parent_of
from migration_pipeline.target.articles import ADDRESSES, unescaped
from migration_pipeline.target.canonical import body_hash, readable
from migration_pipeline.target.comparing import Finding, finding
from migration_pipeline.target.loading.article_texts import in_words
from migration_pipeline.target.steps import Json

_ATTRIBUTE: Final = re.compile(r"""<(a|img)\b[^>]*?\s(?:href|src)=(?:"([^"]*)"|'([^']*)')""")

Fetch = Callable[[str], str]
"""The SHA-256 of what stands at an address, or why it cannot be had."""


@dataclass(frozen=True)
class Article:
    """What an article was meant to be, in the target's ids, its pictures and files by the source's addresses."""

    made: Json
    tags: Sequence[str]
    files: Mapping[str, Mapping[str, Any]]
    without: frozenset[str]  # pictures that the target could not take


def compare_collection(body: Json, parent: str | None, actual: Json, losses: Sequence[str]) -> list[Finding]:
    """Every field of a collection."""
    meant, read = _texts(body), _texts(actual)
    found = [
        finding("name", body.get("name"), actual.get("name"), losses),
        finding("description", body.get("description"), actual.get("description"), losses),
        finding("parent", parent, actual.get("parent_id"), losses),
    ]
    for locale, one in meant.items():
        if locale not in read and "locale_not_enabled" in losses:
            continue
        there = read.get(locale, {})
        found.append(finding(f"name ({locale})", one.get("name"), there.get("name"), losses))
    return found


def compare_article(article: Article, actual: Json, losses: Sequence[str], fetch: Fetch) -> list[Finding]:
    """Every field of an article, in each of its languages."""
    made = article.made
    found = [
        finding("author", made["author_id"], actual.get("author_id"), losses),
        finding("parent", made.get("parent_id"), parent_of(actual), losses),
        *_content("", article, made, actual, losses, fetch),
    ]
    if "state" in made and article.tags:
        tags = {str(tag.get("name")).casefold() for tag in (actual.get("tags") or {}).get("tags") or ()}
        lacking = sorted(tag for tag in article.tags if tag.casefold() not in tags)
        found.append(finding("tags", ", ".join(lacking), "missing", losses, matched=not lacking))
    there = _texts(actual)
    for locale, content in _texts(made).items():
        found += _content(f" ({locale})", article, content, there.get(locale) or {}, losses, fetch)
    return found


def _content(
    label: str, article: Article, meant: Json, actual: Mapping[str, Any], losses: Sequence[str], fetch: Fetch
) -> list[Finding]:
    wanted = in_words(article.files, str(meant["body"]), article.without)
    read = str(actual.get("body") or "")
    same = body_hash(wanted) == body_hash(read)
    found = [
        _named("title", label, meant["title"], actual.get("title"), losses),
        _named("body", label, readable(wanted), readable(read), losses, matched=same),
        _links(label, article, wanted, read, losses),
        _pictures(label, article, wanted, read, losses, fetch),
    ]
    if "state" in meant:
        found.append(_named("state", label, meant["state"], actual.get("state"), losses))
    return found


def _links(label: str, article: Article, wanted: str, read: str, losses: Sequence[str]) -> Finding:
    """All links that were meant are there; those to files may lead to a copy of ours."""
    meant = [unescaped(url) for kind, url in ADDRESSES.findall(wanted) if kind == "href"]
    there = set(_addresses("a", read))
    lacking = sorted({url for url in meant if url not in article.files} - there)
    return _named("links", label, ", ".join(lacking), ", ".join(sorted(there)), losses, matched=not lacking)


def _pictures(label: str, article: Article, wanted: str, read: str, losses: Sequence[str], fetch: Fetch) -> Finding:
    """As many pictures as were meant, in their order, and byte for byte where their bytes are known."""
    meant, shown = _addresses("img", wanted), _addresses("img", read)
    if len(meant) != len(shown):
        return _named("pictures", label, f"{len(meant)}", f"{len(shown)}", losses, matched=False)
    for url, address in zip(meant, shown, strict=True):
        sha256 = article.files.get(url, {}).get("sha256")
        if sha256 is not None and (read_back := fetch(address)) != sha256:
            return _named("pictures", label, f"{url} {sha256}", read_back, losses, matched=False)
    return Finding(f"pictures{label}", True)


def _addresses(tag: str, html: str) -> list[str]:
    """Where the links or the pictures of HTML lead, in order."""
    return [unescaped(double or single) for name, double, single in _ATTRIBUTE.findall(html) if name == tag]


def _named(
    field: str, label: str, meant: Any, read: Any, losses: Sequence[str], *, matched: bool | None = None
) -> Finding:
    """A finding whose explanation is that of the field, whatever the language."""
    found = finding(field, meant, read, losses, matched=matched)
    return Finding(f"{field}{label}", found.matched, found.expected, found.actual, found.reason)


def _texts(content: Mapping[str, Any]) -> dict[str, Json]:
    translated = content.get("translated_content")
    items = translated.items() if isinstance(translated, dict) else ()
    return {locale: one for locale, one in items if isinstance(one, dict)}
