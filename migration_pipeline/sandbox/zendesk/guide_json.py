"""Categories, sections, articles, translations and article files as the API shows them.

Here: their JSON. Not here: lists, and which of them a request may see.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from migration_pipeline.sandbox.zendesk.world import guide_prose, ids, people, seeds
from migration_pipeline.sandbox.zendesk.world.guide import (
    PERMISSION_GROUPS,
    SEGMENTS,
    Article,
    Category,
    Section,
    Translation,
)
from migration_pipeline.sandbox.zendesk.world.guide_files import ArticleFile
from migration_pipeline.sandbox.zendesk.world.guide_prose import Shelf
from migration_pipeline.sandbox.zendesk.world.guide_words import CONTENT_TAGS, LABELS, LOCALES, WORDS

# Crockford's alphabet, in which the service writes ids of content tags.
_BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True, slots=True)
class Thing:
    """What a category, a section and an article have in common: where it is and what it is called."""

    kind: str
    plural: str
    id: int
    number: int
    """Begins the numbers of its translations."""


def of_category(category: Category) -> Thing:
    """A category as a thing."""
    return Thing("Category", "categories", ids.category(category.place), 2_000_000 + category.place * 8)


def of_section(section: Section) -> Thing:
    """A section as a thing."""
    return Thing("Section", "sections", ids.section(section.place), 1_000_000 + section.place * 8)


def of_article(article: Article) -> Thing:
    """An article as a thing."""
    return Thing("Article", "articles", ids.article(article.place), article.place * 8)


def _pages(shelf: Shelf, thing: Thing, locale: str, name: str) -> dict[str, str]:
    base, path = shelf.base_url, f"{locale}/{thing.plural}/{thing.id}"
    return {
        "url": f"{base}/api/v2/help_center/{path}.json",
        "html_url": f"{base}/hc/{path}-{quote(guide_prose.slug(name))}",
    }


def shown_in(translations: Sequence[Translation], source: str, locale: str | None) -> Translation | None:
    """The translation that a list in ``locale`` shows; without a locale the source's."""
    wanted = locale or source
    return next((t for t in translations if t.locale == wanted), None)


def category(shelf: Shelf, one: Category, shown: Translation) -> dict[str, Any]:
    """A category in one locale."""
    name = WORDS[shown.locale].categories[one.words]
    return {
        "id": ids.category(one.place),
        **_pages(shelf, of_category(one), shown.locale, name),
        "position": one.place,
        "created_at": people.iso(shown.created),
        "updated_at": people.iso(max(t.updated for t in one.translations)),
        "name": name,
        "description": WORDS[shown.locale].description if one.place % 2 else "",
        "locale": shown.locale,
        "source_locale": one.source_locale,
        "outdated": shown.outdated,
    }


def section(shelf: Shelf, one: Section, shown: Translation) -> dict[str, Any]:
    """A section in one locale."""
    name = WORDS[shown.locale].sections[one.words]
    return {
        "id": ids.section(one.place),
        **_pages(shelf, of_section(one), shown.locale, name),
        "category_id": ids.category(one.category),
        "position": one.place % 5,
        "sorting": "manual",
        "created_at": people.iso(shown.created),
        "updated_at": people.iso(max(t.updated for t in one.translations)),
        "name": name,
        "description": WORDS[shown.locale].description if one.place % 3 == 0 else "",
        "locale": shown.locale,
        "source_locale": one.source_locale,
        "outdated": shown.outdated,
        "parent_section_id": None if one.parent is None else ids.section(one.parent),
        "theme_template": "section_page",
    }


def article(shelf: Shelf, one: Article, shown: Translation) -> dict[str, Any]:
    """An article in one locale."""
    name = guide_prose.title(one, shown)
    return {
        "id": ids.article(one.place),
        **_pages(shelf, of_article(one), shown.locale, name),
        "author_id": ids.user(one.author),
        "comments_disabled": one.comments_disabled,
        "draft": shown.draft,
        "promoted": one.promoted,
        "position": one.position,
        "vote_sum": seeds.mix(one.place, 81) % 40 - 10,
        "vote_count": seeds.mix(one.place, 81) % 40 + 10,
        "section_id": ids.section(one.section),
        "created_at": people.iso(one.created),
        "updated_at": people.iso(one.updated),
        "name": name,
        "title": name,
        "source_locale": one.source_locale,
        "locale": shown.locale,
        "outdated": shown.outdated,
        "outdated_locales": [t.locale for t in one.translations if t.outdated],
        "edited_at": people.iso(one.edited if shown.locale == one.source_locale else shown.updated),
        "user_segment_id": segment_id(one.segments[0]) if one.segments else None,
        "user_segment_ids": [segment_id(k) for k in one.segments],
        "permission_group_id": permission_group_id(one.permission_group),
        "content_tag_ids": [content_tag_id(k) for k in one.tags],
        "label_names": list(one.labels),
        "body": guide_prose.body(shelf, one, shown),
    }


def translation(shelf: Shelf, thing: Thing, one: Translation, name: str, body: str) -> dict[str, Any]:
    """A translation of a category, section or article; ``body`` is a description where it is not an article's."""
    pages = _pages(shelf, thing, one.locale, name)
    base = f"{shelf.base_url}/api/v2/help_center/{thing.plural}/{thing.id}"
    return {
        "id": ids.TRANSLATION + thing.number + LOCALES.index(one.locale),
        "url": f"{base}/translations/{one.locale}.json",
        "html_url": pages["html_url"],
        "source_id": thing.id,
        "source_type": thing.kind,
        "locale": one.locale,
        "title": name,
        "body": body,
        "outdated": one.outdated,
        "draft": one.draft,
        "hidden": one.hidden,
        "created_at": people.iso(one.created),
        "updated_at": people.iso(one.updated),
        "created_by_id": ids.user(one.author),
        "updated_by_id": ids.user(one.author),
    }


def translations(shelf: Shelf, one: Category | Section | Article) -> list[dict[str, Any]]:
    """All translations of a thing."""
    if isinstance(one, Article):
        return [
            translation(shelf, of_article(one), t, guide_prose.title(one, t), guide_prose.body(shelf, one, t))
            for t in one.translations
        ]
    if isinstance(one, Section):
        return [
            translation(
                shelf, of_section(one), t, WORDS[t.locale].sections[one.words], section(shelf, one, t)["description"]
            )
            for t in one.translations
        ]
    return [
        translation(
            shelf, of_category(one), t, WORDS[t.locale].categories[one.words], category(shelf, one, t)["description"]
        )
        for t in one.translations
    ]


def attachment(shelf: Shelf, host: str, one: Article, file: ArticleFile) -> dict[str, Any]:
    """A file of an article; ``host`` serves its bytes."""
    path = f"/hc/article_attachments/{file.id}"
    return {
        "id": file.id,
        "url": f"{shelf.base_url}/api/v2/help_center/articles/attachments/{file.id}.json",
        "article_id": ids.article(one.place),
        "display_file_name": file.name,
        "file_name": file.name,
        "locale": file.locale,
        "content_url": f"{host}{path}",
        "relative_path": path,
        "content_type": file.mime,
        "size": file.size,
        "inline": file.inline,
        "created_at": people.iso(one.created),
        "updated_at": people.iso(one.created),
    }


def segment_id(place: int) -> int:
    """The id of the user segment at ``place``."""
    return ids.SEGMENT + (place + 1) * ids.STEP


def permission_group_id(place: int) -> int:
    """The id of the permission group at ``place``."""
    return ids.PERMISSION_GROUP + (place + 1) * ids.STEP


def content_tag_id(place: int) -> str:
    """The id of the content tag at ``place``: 26 letters and digits, no number."""
    number = seeds.mix(place, 91)
    return "01GT" + "".join(_BASE32[number >> 5 * k & 31] for k in range(12)) + f"{place:010d}"


def segments() -> list[dict[str, Any]]:
    """All user segments."""
    return [
        {
            "id": segment_id(k),
            "name": name,
            "user_type": kind,
            "built_in": built_in,
            "group_ids": [ids.group(g) for g in groups],
            "organization_ids": [ids.organization(o) for o in organizations],
            "tags": list(tags),
            "or_tags": [],
            "added_user_ids": [],
            "created_at": "2019-02-11T09:14:05Z",
            "updated_at": "2019-02-11T09:14:05Z",
        }
        for k, (name, kind, built_in, groups, tags, organizations) in enumerate(SEGMENTS)
    ]


def permission_groups() -> list[dict[str, Any]]:
    """All permission groups."""
    return [
        {
            "id": permission_group_id(k),
            "name": name,
            "edit": [segment_id(1)],
            "publish": [segment_id(1)],
            "built_in": built_in,
            "created_at": "2019-02-11T09:14:05Z",
            "updated_at": "2019-02-11T09:14:05Z",
        }
        for k, (name, built_in) in enumerate(PERMISSION_GROUPS)
    ]


def content_tags() -> list[dict[str, Any]]:
    """All content tags, whose times have milliseconds."""
    when = "2022-10-13T12:00:00.000Z"
    return [
        {"id": content_tag_id(k), "name": name, "created_at": when, "updated_at": when}
        for k, name in enumerate(CONTENT_TAGS)
    ]


def labels(base_url: str, used: Sequence[str]) -> list[dict[str, Any]]:
    """The labels of articles."""
    names = [*LABELS, *sorted(set(used) - set(LABELS))]
    return [
        {
            "id": ids.LABEL + (k + 1) * ids.STEP,
            "url": f"{base_url}/api/v2/help_center/articles/labels/{ids.LABEL + (k + 1) * ids.STEP}.json",
            "name": name,
            "created_at": "2019-02-11T09:14:05Z",
            "updated_at": "2019-02-11T09:14:05Z",
        }
        for k, name in enumerate(names)
    ]
