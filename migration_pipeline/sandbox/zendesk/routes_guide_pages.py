"""The pages of articles under /hc, as a browser sees them.

Here: which page leads where, and who may read it. Not here: the articles' JSON and bodies, their files.
"""

import html
from urllib.parse import quote

from migration_pipeline.sandbox.wire import Answer, Call, Route
from migration_pipeline.sandbox.zendesk import errors, guide_json
from migration_pipeline.sandbox.zendesk.guide_center import Center
from migration_pipeline.sandbox.zendesk.routes_guide_files import SIGN_IN
from migration_pipeline.sandbox.zendesk.site import Site, whole
from migration_pipeline.sandbox.zendesk.world import ids
from migration_pipeline.sandbox.zendesk.world.guide import Article

HTML = b"text/html; charset=utf-8"


def routes(site: Site) -> list[Route]:
    """All routes of pages."""
    pages = _Pages(site)
    return [
        Route("GET", "/hc/articles/{id}", pages.anywhere),
        Route("GET", "/hc/{locale}/articles/{id}", pages.page),
    ]


class _Pages:
    def __init__(self, site: Site) -> None:
        self._site = site

    def _find(self, call: Call) -> tuple[Center, Article]:
        """The published article whose id begins the last part of the path. Raises the 404 of a record."""
        center = Center.of(self._site, call)
        article = center.find(center.articles, ids.article_number(whole(call.params["id"], 0)))
        if article.source.draft:
            raise errors.not_found()
        return center, article

    def anywhere(self, call: Call) -> Answer:
        """An address without a locale leads to the one in the source locale."""
        center, article = self._find(call)
        return _away(guide_json.article(center.shelf, article, article.source)["html_url"])

    def page(self, call: Call) -> Answer:
        """The article in the locale of the path, or the way to where it is to be read."""
        center, article = self._find(call)
        locale = center.locale(call)
        shown = guide_json.shown_in(article.translations, article.source_locale, locale)
        if shown is None or shown.draft:
            return self.anywhere(call)
        if article.segments and self._site.identity(call) is None:
            return _away(f"{self._site.brand_url(center.brand)}{SIGN_IN}?return_to={quote(call.path)}")
        row = guide_json.article(center.shelf, article, shown)
        title = html.escape(row["title"])
        page = (
            f'<!doctype html><html lang="{row["locale"]}"><head><meta charset="utf-8"><title>{title}</title></head>'
            f"<body><h1>{title}</h1>{row['body']}</body></html>"
        )
        return Answer(200, page.encode(), HTML)


def _away(location: str) -> Answer:
    return Answer(302, b"", HTML, ((b"location", location.encode()),))
