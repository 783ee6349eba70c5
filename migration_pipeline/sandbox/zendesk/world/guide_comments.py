"""The comments that readers and agents left under articles.

Here: which there are, by whom and when. Not here: their JSON and lists (``routes_guide_comments``).
"""

import html
from dataclasses import dataclass

from migration_pipeline.sandbox.zendesk.world import ids, prose, seeds
from migration_pipeline.sandbox.zendesk.world.guide import Article
from migration_pipeline.sandbox.zendesk.world.guide_words import WORDS
from migration_pipeline.sandbox.zendesk.world.population import Population
from migration_pipeline.sandbox.zendesk.world.seeds import pick

_PLACES = 16
_COUNTS = (0, 2, 0, 1, 5)
_ANSWERED, _EDITED = 0.3, 0.2


@dataclass(frozen=True, slots=True)
class ArticleComment:
    """``number`` counts an article's comments, oldest first; times in unix seconds. ``editor``: an agent who changed
    what somebody else wrote, at ``updated``."""

    article: int
    number: int
    author: int
    locale: str
    body: str
    created: int
    updated: int
    editor: int | None
    votes: tuple[int, ...]

    @property
    def id(self) -> int:
        """The comment's id."""
        return ids.ARTICLE_COMMENT + article_place(self.article, self.number)


def article_place(article: int, number: int) -> int:
    """Where a comment stands among those of all articles."""
    return article * _PLACES + number


def article_of(comment_id: int) -> int | None:
    """The place of the article that a comment's id belongs to, None for an id that is no comment's."""
    rest = comment_id - ids.ARTICLE_COMMENT
    return rest // _PLACES if 0 <= rest < ids.RANGE else None


def of_article(seed: int, article: Article, until: int, who: Population) -> list[ArticleComment]:
    """The comments of an article, oldest first, none after ``until``; drafts never had readers.

    Old comments stay where commenting was disabled later.
    """
    if article.source.draft or article.created >= until:
        return []
    draw = seeds.rng(seed, seeds.GUIDE, 7, article.place)
    found: list[ArticleComment] = []
    time = article.created
    for number in range(_COUNTS[article.place % len(_COUNTS)]):
        time += 1 + int(draw.random() * (until - time) / 2)
        by_agent = number > 0 and draw.random() < _ANSWERED
        locale = pick(draw, article.translations).locale
        edited = not by_agent and draw.random() < _EDITED
        said = html.escape(prose.fill(pick(draw, WORDS[locale].sentences), draw), quote=False)
        found.append(
            ArticleComment(
                article.place,
                number,
                pick(draw, who.writers) if by_agent else who.agents + int(draw.random() * (who.users - who.agents)),
                locale,
                f"<p>{said}</p>",
                time,
                min(until, time + 3_600) if edited else time,
                pick(draw, who.writers) if edited else None,
                tuple(1 if draw.random() < 0.8 else -1 for _ in range(int(draw.random() * 4))),
            )
        )
    return found
