"""Comments under articles: those of an article, those of a user, and one alone.

Here: these endpoints and their JSON; shapes: the public page on article comments. Not here: which comments there are
(``world.guide_comments``), votes of single people.
"""

from typing import Any

from migration_pipeline.sandbox.wire import Call, Route
from migration_pipeline.sandbox.zendesk import errors, guide_json
from migration_pipeline.sandbox.zendesk.guide_center import Center
from migration_pipeline.sandbox.zendesk.guide_paging import paged
from migration_pipeline.sandbox.zendesk.sideloads import shown_users
from migration_pipeline.sandbox.zendesk.site import Made, Site, included, number
from migration_pipeline.sandbox.zendesk.world import guide_comments, ids, people
from migration_pipeline.sandbox.zendesk.world.guide import Article
from migration_pipeline.sandbox.zendesk.world.guide_comments import ArticleComment

Said = tuple[Article, ArticleComment]


def routes(site: Site) -> list[Route]:
    """All routes about comments of articles."""
    comments = _Comments(site)
    return [
        *(
            site.route(f"/help_center{locale}/articles/{{id}}/{path}", endpoint)
            for locale in ("", "/{locale}")
            for path, endpoint in (("comments", comments.of_article), ("comments/{comment_id}", comments.one))
        ),
        site.route("/help_center/users/{id}/comments", comments.of_user),
    ]


class _Comments:
    def __init__(self, site: Site) -> None:
        self._site = site

    def of_article(self, call: Call) -> Made:
        """Those in the locale of the path, or in every one."""
        center = Center.of(self._site, call)
        return self._listed(call, center, self._of(call, center))

    def of_user(self, call: Call) -> Made:
        """Those that a user wrote, in this help center."""
        center, user = Center.of(self._site, call), number(call)
        if self._site.desk.user_exists(user) is None:
            raise errors.not_found()
        said = [(a, c) for a in center.articles for c in self._site.guide.comments(a)]
        return self._listed(call, center, [(a, c) for a, c in said if ids.user(c.author) == user])

    def one(self, call: Call) -> Made:
        center, wanted = Center.of(self._site, call), number(call, "comment_id")
        for article, comment in self._of(call, center):
            if comment.id == wanted:
                return {"comment": _json(center, article, comment)}
        raise errors.not_found()

    def _of(self, call: Call, center: Center) -> list[Said]:
        article = center.find(center.articles, ids.article_number(number(call)))
        locale = center.locale(call)
        return [(article, c) for c in self._site.guide.comments(article) if locale in (None, c.locale)]

    def _listed(self, call: Call, center: Center, said: list[Said]) -> Made:
        keys = [guide_comments.article_place(c.article, c.number) + 1 for _, c in said]
        page = paged(self._site, call, "comments", keys, lambda k: _json(center, *said[k]))
        rows = page["comments"]
        if "users" in included(call):
            page["users"] = shown_users(self._site, (row["author_id"] for row in rows))
        if "articles" in included(call):
            shown = {row["source_id"] for row in rows}
            there = {ids.article(a.place): a for a, _ in said}
            page["articles"] = [center.show(a, None, frozenset()) for k, a in there.items() if k in shown]
        return page


def _json(center: Center, article: Article, comment: ArticleComment) -> dict[str, Any]:
    shown = guide_json.article(center.shelf, article, article.source)
    path = f"/api/v2/help_center/{comment.locale}/articles/{shown['id']}/comments/{comment.id}"
    return {
        "id": comment.id,
        "url": f"{center.shelf.base_url}{path}.json",
        "html_url": f"{shown['html_url']}/comments/{comment.id}",
        "body": comment.body,
        "author_id": ids.user(comment.author),
        "source_id": shown["id"],
        "source_type": "Article",
        "locale": comment.locale,
        "created_at": people.iso(comment.created),
        "updated_at": people.iso(comment.updated),
        "vote_sum": sum(comment.votes),
        "vote_count": len(comment.votes),
        "non_author_editor_id": None if comment.editor is None else ids.user(comment.editor),
        "non_author_updated_at": None if comment.editor is None else people.iso(comment.updated),
    }
