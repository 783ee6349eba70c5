"""The calls that build the help centre, one `Step` each: what is meant, what is sent, how it is recognized.

Belongs here: request bodies of collections, articles and redirects (Intercom OpenAPI 2.16) and what of them is hashed.
Does not belong here: the order of calls (`loading.articles`), or the calls of people and threads (`steps`).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

from migration_pipeline.model.errors import Rejected
from migration_pipeline.target.canonical import body_hash, short_hash
from migration_pipeline.target.steps import Adapted, Json, Step, _object_itself, _removal

WITHOUT: Final = "without"
"""Key of `Adapted`: addresses (as the payload has them) of pictures that the target could not take."""

Render = Callable[[frozenset[str]], Json]
"""The body of a call, without these pictures."""

_TRANSLATED: Final = ("type", "title", "description", "body", "author_id")

ROUTES: Final[Mapping[str, str]] = {"article": "/articles", "internal_article": "/internal_articles"}


def create_collection(body: Json) -> Step:
    """Create a collection."""
    return Step(
        "create", "create_collection", "POST", "/help_center/collections", body,
        identity=lambda _: collection_identity(body),
    )  # fmt: skip


def update_collection(collection_id: str, body: Json) -> Step:
    """Change a collection."""
    return Step(
        "create", "update_collection", "PUT", "/help_center/collections/{id}", body, collection_id,
        result=_object_itself(collection_id),
    )  # fmt: skip


def create_article(
    kind: str, meant: Json, render: Render, pictures: Mapping[str, str], without: Iterable[str] = ()
) -> Step:
    """Create an article; `pictures` are the addresses that the target fetches, by those in the payload."""

    def identity(adapted: Adapted) -> str | None:
        return article_identity(render(frozenset(adapted.get(WITHOUT, ()))))

    return Step(
        "create", f"create_{kind}", "POST", ROUTES[kind], meant,
        start={WITHOUT: sorted(without)}, body=_rendered(render), identity=identity,
        adapt=_without_named(pictures),
    )  # fmt: skip


def update_article(
    kind: str, article_id: str, meant: Json, render: Render, pictures: Mapping[str, str], without: Iterable[str] = ()
) -> Step:
    """Change an article."""
    return Step(
        "create", f"update_{kind}", "PUT", f"{ROUTES[kind]}/{{id}}", meant, article_id,
        start={WITHOUT: sorted(without)}, body=_rendered(render), result=_object_itself(article_id),
        adapt=_without_named(pictures),
    )  # fmt: skip


def unpublish_article(article_id: str, actual: Mapping[str, Any]) -> Step:
    """Make an article a draft in every language, its words as they are: `actual` is the article as it was read."""
    translated = {
        locale: {name: one[name] for name in _TRANSLATED if one.get(name) is not None} | {"state": "draft"}
        for locale, one in translations(actual).items()
    }
    body: Json = {"state": "draft"} | ({"translated_content": translated} if translated else {})
    return Step(
        "unpublish", "unpublish_article", "PUT", "/articles/{id}", body, article_id,
        result=_object_itself(article_id),
    )  # fmt: skip


def tag_article(article_id: str, name: str, tag_id: str) -> Step:
    """Put a tag on an article."""
    return Step(
        f"tag/{name}", "tag_article", "POST", "/articles/{id}/tags", {"id": tag_id}, article_id,
        result=_object_itself(article_id),
    )  # fmt: skip


def untag_article(article_id: str, tag_id: str) -> Step:
    """Take a tag off an article."""
    return Step(
        "untag", "untag_article", "DELETE", f"/articles/{{id}}/tags/{quote(tag_id, safe='')}", {}, article_id,
        start={"tag": tag_id}, result=_object_itself(article_id),
    )  # fmt: skip


def create_redirect(help_center_id: str, from_url: str, locale: str, kind: str, target_id: str) -> Step:
    """Have the help centre lead an old address to an article or a collection."""
    return Step(
        f"redirect/{short_hash(from_url)}", "create_redirect", "POST",
        "/help_center/help_centers/{id}/redirects",
        {"from_url": from_url, "locale": locale, "target_type": kind, "target_id": target_id}, help_center_id,
    )  # fmt: skip


def delete_article(kind: str, article_id: str, mark: str) -> Step:
    """Delete an article."""
    return _removal(f"undo_{kind}", "DELETE", f"{ROUTES[kind]}/{{id}}", article_id, mark)


def delete_redirect(help_center_id: str, redirect_id: str, mark: str) -> Step:
    """Delete a redirect of a help centre."""
    route = f"/help_center/help_centers/{{id}}/redirects/{quote(redirect_id, safe='')}"
    return replace(_removal("undo_redirect", "DELETE", route, help_center_id, mark), start={"redirect": redirect_id})


def delete_collection(collection_id: str, mark: str) -> Step:
    """Delete a collection."""
    return _removal("undo_collection", "DELETE", "/help_center/collections/{id}", collection_id, mark)


def collection_identity(collection: Mapping[str, Any]) -> str:
    """What a collection is recognized by, sent or read: its name, and what it stands in."""
    return short_hash([" ".join(str(collection.get("name") or "").split()), str(collection.get("parent_id") or "")])


def parent_of(article: Mapping[str, Any]) -> Any:
    """The collection of an article: answers tell one, or a list."""
    parents = article.get("parent_ids")
    return article.get("parent_id") or (parents[0] if isinstance(parents, list) and parents else None)


def translations(answer: Mapping[str, Any]) -> dict[str, Json]:
    """What an answer holds by further languages, in their order."""
    told = answer.get("translated_content")
    known = told if isinstance(told, dict) else {}
    return {locale: one for locale, one in sorted(known.items()) if isinstance(one, dict)}


def article_identity(article: Mapping[str, Any]) -> str:
    """What an article is recognized by, sent or read: title, author, collection and text."""
    return short_hash(
        [
            " ".join(str(article.get("title") or "").split()),
            str(article.get("author_id") or ""),
            str(parent_of(article) or ""),
            body_hash(article.get("body")),
        ]
    )


def _rendered(render: Render) -> Callable[[Adapted], Json]:
    return lambda adapted: render(frozenset(adapted.get(WITHOUT, ())))


def _without_named(pictures: Mapping[str, str]) -> Callable[[Rejected, Adapted], Adapted | None]:
    """Leave out the picture that a refusal names."""

    def adapt(refusal: Rejected, adapted: Adapted) -> Adapted | None:
        without = set(adapted.get(WITHOUT, ()))
        named = {
            own
            for own, fetched in pictures.items()
            if own not in without and refusal.status in (400, 422) and fetched in refusal.message
        }
        return {**adapted, WITHOUT: sorted(without | named)} if named else None

    return adapt
