"""The knowledge base as it is now: the generated one plus every change made since, kept in SQLite.

Here: what exists at this moment and what of it a help center shows; and the changes of a busy day. Not here: JSON,
HTTP, bodies (``world.guide_prose``).
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable
from typing import Any

import orjson

from migration_pipeline.sandbox.service import State, Switches
from migration_pipeline.sandbox.zendesk.world import guide as layout
from migration_pipeline.sandbox.zendesk.world import guide_comments, ids, seeds
from migration_pipeline.sandbox.zendesk.world.guide import Article, Category, Section, Translation
from migration_pipeline.sandbox.zendesk.world.guide_comments import ArticleComment
from migration_pipeline.sandbox.zendesk.world.guide_words import LOCALES
from migration_pipeline.sandbox.zendesk.world.population import Population

SCHEMA = """
CREATE TABLE IF NOT EXISTS guide_change (
    number INTEGER PRIMARY KEY, place INTEGER NOT NULL, time INTEGER NOT NULL, kind TEXT NOT NULL,
    params BLOB NOT NULL);
"""

Change = dict[str, Any]
_EDITS = ("new_article", "edited_article", "article_properties", "translated_article", "archived_article")


class Guide:
    """The present knowledge base. Lists are by place; ``None`` stands where an article was archived."""

    def __init__(self, state: State, *, tickets: int, seed: int, epoch: int, who: Population, brands: int) -> None:
        """Lay out the knowledge base of (tickets, seed, epoch, brands) and take up the changes stored in ``state``."""
        self.seed = seed
        self.tickets = tickets
        self._state = state
        self._who = who
        self._epoch = epoch
        self.library = layout.lay_out(tickets, seed, epoch, who, brands)
        self.reload()

    def reload(self) -> None:
        """Take up all stored changes."""
        self.articles: list[Article | None] = list(self.library.articles)
        for place, time, kind, params in self._state.db.execute(
            "SELECT place, time, kind, params FROM guide_change ORDER BY number"
        ):
            if kind == "new_article":
                self.articles.append(layout.added(self.seed, place, orjson.loads(params)["section"], time, self._who))
                continue
            article = self.articles[place]
            if article is not None:
                self.articles[place] = _APPLY[kind](article, time, orjson.loads(params))

    # -- reading --------------------------------------------------------------------------------------------------

    def categories(self, switches: Switches, brand: int) -> list[Category]:
        """The categories of a brand's help center."""
        return [c for c in self.library.categories if c.brand == brand and (c.switch is None or switches[c.switch])]

    def sections(self, switches: Switches, brand: int) -> list[Section]:
        """The sections of a brand's help center."""
        shown = {c.place for c in self.categories(switches, brand)}
        return [s for s in self.library.sections if s.category in shown and (s.switch is None or switches[s.switch])]

    def comments(self, article: Article) -> list[ArticleComment]:
        """The comments of an article; nobody has commented since the start."""
        return guide_comments.of_article(self.seed, article, self._epoch, self._who)

    def brand_of(self, article: Article) -> int:
        """The brand in whose help center an article stands."""
        return self.library.categories[self.library.sections[article.section].category].brand

    def shown(self, switches: Switches, brand: int) -> list[Article]:
        """The articles of a brand's help center; only admins see drafts."""
        homes = {s.place for s in self.sections(switches, brand)}
        everything = switches["role"] == "admin"
        return [
            a
            for a in self.articles
            if a is not None
            and a.section in homes
            and (a.switch is None or switches[a.switch])
            and (everything or not a.source.draft)
        ]

    # -- a busy day -----------------------------------------------------------------------------------------------

    def change(self, count: int, seed: int, now: int) -> list[Change]:
        """Make ``count`` changes at ``now`` (unix seconds), of each kind in turn; each answers what it changed."""
        draw = random.Random(seeds.mix(seed, seeds.CHANGE, seeds.GUIDE))
        made = [self._make(_EDITS[k % len(_EDITS)], draw, now) for k in range(count)]
        self.reload()
        return made

    def _make(self, kind: str, draw: random.Random, now: int) -> Change:
        alive = [a for a in self.articles if a is not None and a.switch is None]
        if kind != "new_article" and not alive:
            return self._make("new_article", draw, now)
        if kind == "new_article":
            place = len(self.articles)
            section = int(draw.random() * layout.DEPTH)
            self._store(place, now, kind, {"section": section})
            self.articles.append(layout.added(self.seed, place, section, now, self._who))
            return {"ticket_id": None, "kind": kind, "article_id": ids.article(place)}
        article = seeds.pick(draw, alive)
        params: dict[str, Any] = {}
        if kind == "edited_article":
            params["locale"] = seeds.pick(draw, article.translations).locale
        elif kind == "translated_article":
            missing = [name for name in LOCALES if all(t.locale != name for t in article.translations)]
            params["locale"] = missing[0] if missing else article.source_locale
        elif kind == "article_properties":
            params |= {"labels": sorted({*article.labels, f"activity_{now}"}), "promoted": not article.promoted}
        self._store(article.place, now, kind, params)
        self.articles[article.place] = _APPLY[kind](article, now, params)
        return {"ticket_id": None, "kind": kind, "article_id": ids.article(article.place), **params}

    def _store(self, place: int, now: int, kind: str, params: dict[str, Any]) -> None:
        self._state.db.execute(
            "INSERT INTO guide_change (place, time, kind, params) VALUES (?, ?, ?, ?)",
            (place, now, kind, orjson.dumps(params)),
        )


def _edit_body(article: Article, time: int, params: dict[str, Any]) -> Article:
    """A new text moves the translation's time, and edited_at where it is the source; updated_at stays."""
    locale = params["locale"]
    shown = tuple(
        dataclasses.replace(t, updated=time, revision=t.revision + 1) if t.locale == locale else t
        for t in article.translations
    )
    edited = time if locale == article.source_locale else article.edited
    return dataclasses.replace(article, translations=shown, edited=edited)


def _edit_properties(article: Article, time: int, params: dict[str, Any]) -> Article:
    return dataclasses.replace(article, updated=time, labels=tuple(params["labels"]), promoted=params["promoted"])


def _translate(article: Article, time: int, params: dict[str, Any]) -> Article:
    locale = params["locale"]
    if any(t.locale == locale for t in article.translations):
        return _edit_body(article, time, params)
    new = Translation(locale, time, time, author=article.author)
    return dataclasses.replace(article, translations=(*article.translations, new))


def _archive(*_: Any) -> None:
    """An archived article is in no list any more."""


_APPLY: dict[str, Callable[[Article, int, dict[str, Any]], Article | None]] = {
    "edited_article": _edit_body,
    "article_properties": _edit_properties,
    "translated_article": _translate,
    "archived_article": _archive,
}
