"""Which knowledge base there is: categories, sections, articles and their translations, drawn all at once.

Here: structure, states and times. Not here: what an article says (``guide_prose``), changes made later (the present
state is kept by ``guide`` one room above), JSON.
"""

import dataclasses
import random
from dataclasses import dataclass

from migration_pipeline.sandbox.zendesk.world import seeds
from migration_pipeline.sandbox.zendesk.world.guide_words import CONTENT_TAGS, DEFAULT_LOCALE, LABELS, LOCALES, WORDS
from migration_pipeline.sandbox.zendesk.world.population import DAY, SPAN, Population
from migration_pipeline.sandbox.zendesk.world.seeds import pick

LEAST, MOST = 6, 400
DEPTH = 5
CATEGORIES_A_BRAND = 2
# Parts of the knowledge base that exist only while the switch of that name is on.
CYCLE, SECOND, HUGE = "cyclic_sections", "second_help_center", "huge_article"


@dataclass(frozen=True, slots=True)
class Translation:
    """One locale of a thing; times in unix seconds. ``revision`` counts the edits of its text."""

    locale: str
    created: int
    updated: int
    draft: bool = False
    outdated: bool = False
    hidden: bool = False
    revision: int = 0
    author: int = 0


@dataclass(frozen=True, slots=True)
class Category:
    """``words`` is the place of its name in the words of each locale."""

    place: int
    words: int
    translations: tuple[Translation, ...]
    source_locale: str = DEFAULT_LOCALE
    brand: int = 0
    switch: str | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """``parent`` and ``category`` are places; a parent lies in the same category."""

    place: int
    words: int
    category: int
    parent: int | None
    translations: tuple[Translation, ...]
    source_locale: str = DEFAULT_LOCALE
    switch: str | None = None


@dataclass(frozen=True, slots=True)
class Article:
    """``updated`` is of its properties only; edits of a body move ``edited`` and the translation's own time.

    ``segments`` and ``tags`` are places in SEGMENTS and CONTENT_TAGS; no segments: everyone may read it.
    """

    place: int
    section: int
    position: int
    author: int
    created: int
    updated: int
    edited: int
    translations: tuple[Translation, ...]
    source_locale: str = DEFAULT_LOCALE
    promoted: bool = False
    comments_disabled: bool = False
    segments: tuple[int, ...] = ()
    permission_group: int = 0
    tags: tuple[int, ...] = ()
    labels: tuple[str, ...] = ()
    switch: str | None = None

    @property
    def source(self) -> Translation:
        """The translation in the source locale."""
        return next(t for t in self.translations if t.locale == self.source_locale)


@dataclass(frozen=True, slots=True)
class Library:
    """A whole knowledge base, each list by place. ``shelves``: for each brand the places of the articles that exist
    whatever the switches say."""

    categories: tuple[Category, ...]
    sections: tuple[Section, ...]
    articles: tuple[Article, ...]
    shelves: tuple[range, ...]

    def brand_of(self, article: Article) -> int:
        """The brand on whose shelf an article stands; those that a switch brings are the first one's neighbours."""
        return next((k for k, shelf in enumerate(self.shelves) if article.place in shelf), 0)


# (name, user type, built in, group places, tags, organization places)
SEGMENTS: tuple[tuple[str, str, bool, tuple[int, ...], tuple[str, ...], tuple[int, ...]], ...] = (
    ("Signed-in users", "signed_in_users", True, (), (), ()),
    ("Agents and managers", "staff", True, (), (), ()),
    ("VIP customers", "signed_in_users", False, (), ("vip",), ()),
    ("Billing staff", "staff", False, (1,), (), ()),
    ("Contract partners", "signed_in_users", False, (), (), (0, 1)),
)
# (name, built in)
PERMISSION_GROUPS: tuple[tuple[str, bool], ...] = (("Managers", True), ("Agents and managers", False))


def size_of(tickets: int) -> int:
    """How many articles a help desk with so many tickets has."""
    return min(MOST, max(LEAST, round(tickets * 0.15)))


def lay_out(tickets: int, seed: int, epoch: int, who: Population, brands: int) -> Library:
    """The knowledge base of the three years before ``epoch``; every trait occurs from the smallest size on."""
    count = size_of(tickets)
    draw = seeds.rng(seed, seeds.GUIDE, 1)
    start = epoch - SPAN
    ordinary = min(6, 2 + count // 30)
    categories = [_category(k, k, start, k == 1) for k in range(ordinary)]
    sections: list[Section] = []

    def add(category: int, parent: int | None, switch: str | None = None) -> int:
        place = len(sections)
        sections.append(_section(place, category, parent, start, switch))
        return place

    for level in range(DEPTH):
        add(0, level - 1 if level else None)
    for category in range(1, ordinary):
        for _ in range(2 + count // (ordinary * 12)):
            earlier = [s.place for s in sections if s.category == category and s.parent is None]
            add(category, pick(draw, earlier) if earlier and draw.random() < 0.35 else None)
    homes = [s.place for s in sections]
    add(1, None)  # Stays empty: a section without articles is a section all the same.

    articles: list[Article] = []
    for place in range(count):
        # Each level of the deep chain holds an article.
        section = place if place < DEPTH else pick(draw, homes)
        articles.append(_article(seed, place, section, articles, epoch, who))

    def more(section: int, switch: str) -> None:
        made = _article(seed, len(articles), section, articles, epoch, who)
        articles.append(_under(made, switch))

    second = _category(len(categories), len(WORDS[DEFAULT_LOCALE].categories) - 1, start, False, 1, SECOND)
    categories.append(second)
    for _ in range(2):
        home = add(second.place, None, SECOND)
        more(home, SECOND)
        more(home, SECOND)
    first = len(sections)
    for k in range(2):
        more(add(0, first + 1 - k, CYCLE), CYCLE)
    more(0, HUGE)
    shelves = [range(count)]
    for brand in range(1, brands):
        first = len(articles)
        homes = []
        for k in range(CATEGORIES_A_BRAND):
            place = len(categories)
            categories.append(_category(place, (brand + k) % ordinary, start, False, brand))
            top = add(place, None)
            homes += [top, add(place, top)]
        for k in range(max(LEAST, count // 4)):
            articles.append(_article(seed, len(articles), homes[k % len(homes)], articles, epoch, who))
        shelves.append(range(first, len(articles)))
    return Library(tuple(categories), tuple(sections), tuple(articles), tuple(shelves))


def _under(article: Article, switch: str) -> Article:
    """An article of a part that a switch brings: in one locale, for everyone."""
    shown = Translation(DEFAULT_LOCALE, article.created, article.edited, author=article.author)
    return dataclasses.replace(
        article, translations=(shown,), source_locale=DEFAULT_LOCALE, promoted=False, segments=(), switch=switch
    )


def _category(place: int, words: int, start: int, german: bool, brand: int = 0, switch: str | None = None) -> Category:
    locales = ("de", "fr") if german else LOCALES if place % 2 == 0 else LOCALES[:2]
    when = start - 40 * DAY + place
    shown = tuple(Translation(locale, when, when + place * 900) for locale in locales)
    return Category(place, words, shown, locales[0], brand, switch)


def _section(place: int, category: int, parent: int | None, start: int, switch: str | None) -> Section:
    when = start - 30 * DAY + place * 60
    locales = LOCALES[: 1 + (place * 2) % 3] if place % 7 != 6 else ("fr",)
    # A name in a draft translation is a name all the same.
    shown = tuple(
        Translation(locale, when, when + 3_600 * k, draft=k == 1 and place % 3 == 1) for k, locale in enumerate(locales)
    )
    names = len(WORDS[DEFAULT_LOCALE].sections)
    return Section(place, place % names, category, parent, shown, locales[0], switch)


def _locales(place: int, draw: random.Random) -> tuple[str, ...]:
    """Most articles are in English first; some were never translated into the default locale."""
    if place % 7 == 3:
        return ("de", "fr") if draw.random() < 0.4 else ("de",)
    if place % 11 == 5:
        return ("fr",)
    others = [locale for locale, share in (("de", 0.6), ("fr", 0.4)) if draw.random() < share]
    if place % 4 == 1 and "de" not in others:
        others.insert(0, "de")
    return (DEFAULT_LOCALE, *others)


def _article(seed: int, place: int, section: int, earlier: list[Article], epoch: int, who: Population) -> Article:
    draw = seeds.rng(seed, seeds.GUIDE, 2, place)
    created = epoch - SPAN + int(draw.random() * (SPAN - 3 * DAY))
    room = epoch - 2 * 3_600 - created
    edited = created + int(draw.random() ** 2 * room)
    # Half of the bodies were edited after the last change of properties.
    updated = created + int(draw.random() * (edited - created if draw.random() < 0.5 else room))
    if place % 8 == 0:
        updated = max(created, epoch - 12 * DAY)
    author = int(draw.random() * who.agents)
    locales = _locales(place, draw)
    shown = [Translation(locales[0], created, edited, draft=place % 9 == 4, author=author)]
    for k, locale in enumerate(locales[1:]):
        at = created + int(draw.random() * room)
        draft, hidden = k == 0 and place % 4 == 1, place % 17 == 8
        by = int(draw.random() * who.agents)
        shown.append(Translation(locale, created + k, at, draft, at < edited - 30 * DAY, hidden, author=by))
    segments: tuple[int, ...] = ()
    if place % 5 == 2:
        segments = (1 if place % 2 == 0 else 0,)
    if place % 10 == 8:
        segments = (2,) if place % 20 == 8 else (3, 4)
    position = sum(1 for a in earlier if a.section == section)
    return Article(
        place,
        section,
        # New articles are put at the top, so that places repeat.
        0 if draw.random() < 0.15 else position,
        author,
        created,
        updated,
        edited,
        tuple(shown),
        locales[0],
        promoted=place % 6 == 0,
        comments_disabled=draw.random() < 0.3,
        segments=segments,
        permission_group=int(draw.random() < 0.3),
        tags=tuple(sorted({int(draw.random() * len(CONTENT_TAGS)) for _ in range(int(draw.random() * 3))})),
        labels=tuple(sorted({pick(draw, LABELS) for _ in range(place % 4)})),
    )


def added(seed: int, place: int, section: int, now: int, who: Population) -> Article:
    """An article written after the start, at ``now``."""
    draw = seeds.rng(seed, seeds.GUIDE, 3, place)
    author = pick(draw, who.writers)
    locales = (DEFAULT_LOCALE, "de") if draw.random() < 0.5 else (DEFAULT_LOCALE,)
    shown = tuple(Translation(locale, now, now, author=author) for locale in locales)
    return Article(place, section, 0, author, now, now, now, shown, labels=("new",))
