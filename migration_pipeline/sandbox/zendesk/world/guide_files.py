"""The files of articles: which there are, their names and sizes, and their bytes made on demand.

Here: pure functions from an article's place. Not here: URLs and access.
"""

from dataclasses import dataclass

from migration_pipeline.sandbox.zendesk.world import files, ids, seeds
from migration_pipeline.sandbox.zendesk.world.seeds import pick
from migration_pipeline.sandbox.zendesk.world.vocabulary import FILE_NAMES

_PLACES = 64
_SLOW = 0.2


@dataclass(frozen=True, slots=True)
class ArticleFile:
    """``number`` counts an article's files, inline images first; ``size`` in bytes."""

    article: int
    number: int
    name: str
    mime: str
    size: int
    inline: bool
    locale: str | None = None

    @property
    def id(self) -> int:
        """The file's id."""
        return ids.ARTICLE_FILE + self.article * _PLACES + self.number


def inline_images(seed: int, article: int) -> int:
    """How many images the body of an article has room for."""
    return 1 + seeds.mix(seed, seeds.GUIDE, 4, article) % 3


def of_article(seed: int, article: int, locale: str) -> list[ArticleFile]:
    """The files of an article whose source locale is ``locale``."""
    draw = seeds.rng(seed, seeds.GUIDE, 5, article)
    found = [
        ArticleFile(
            article, k, f"Bild {k}.png" if k else "image.png", "image/png", 400 + int(draw.random() * 9_000), True
        )
        for k in range(inline_images(seed, article))
    ]
    for _ in range(article % 3):
        name, mime = pick(draw, FILE_NAMES)
        size = 0 if draw.random() < 0.04 else 1 + int(draw.lognormvariate(8.2, 1.1))
        found.append(
            ArticleFile(
                article, len(found), name, mime, min(size, 150_000), False, locale if draw.random() < 0.5 else None
            )
        )
    return found


def article_of(file_id: int) -> int | None:
    """The place of the article that a file's id belongs to, None for an id that is no file's."""
    rest = file_id - ids.ARTICLE_FILE
    return rest // _PLACES if 0 <= rest < ids.FILE - ids.ARTICLE_FILE else None


def content(seed: int, file: ArticleFile) -> bytes:
    """The bytes of a file, always the same."""
    return files.make_bytes(file.mime, file.size, seeds.mix(seed, file.id))


def is_slow(file: ArticleFile) -> bool:
    """Whether it is one of those that keep a client waiting where the switch says so."""
    return file.inline and seeds.share(file.id, 71) < _SLOW
