"""The files of articles: their lists, and their bytes under /hc.

Here: who may fetch what, and by which way. Not here: the bytes (``world.guide_files``).
"""

import asyncio
from urllib.parse import quote

from migration_pipeline.sandbox.wire import Answer, Call, Route
from migration_pipeline.sandbox.zendesk import errors, guide_json
from migration_pipeline.sandbox.zendesk.guide_center import Center
from migration_pipeline.sandbox.zendesk.guide_paging import paged
from migration_pipeline.sandbox.zendesk.site import Made, Site, number
from migration_pipeline.sandbox.zendesk.storage import Storage, file_answer
from migration_pipeline.sandbox.zendesk.world import files, guide_files, ids, seeds
from migration_pipeline.sandbox.zendesk.world.guide import Article
from migration_pipeline.sandbox.zendesk.world.guide_files import ArticleFile

FOREIGN_SIZE = 700
SIGN_IN = "/hc/signin"


def routes(site: Site) -> list[Route]:
    """All routes that lead to files of articles."""
    served = _ArticleFiles(site)
    return [
        site.route("/help_center/articles/{id}/attachments", served.listed),
        site.route("/help_center/articles/{id}/attachments/inline", served.listed),
        site.route("/help_center/articles/{id}/attachments/block", served.listed),
        site.route("/help_center/articles/attachments/{id}", served.show),
        Route("GET", "/hc/article_attachments/{id}", served.content),
        Route("GET", "/hc/article_attachments/{id}/{name}", served.content),
        Route("GET", "/hc/{locale}/article_attachments/{id}", served.content),
        Route("GET", "/hc/{locale}/article_attachments/{id}/{name}", served.content),
        Route("GET", "/cdn/kb/{name}", _foreign, open=True),
        Route("GET", SIGN_IN, lambda _: Answer(200, b"<html><body>Sign in</body></html>", b"text/html"), open=True),
    ]


def _foreign(call: Call) -> Answer:
    """A picture that articles show from somewhere else."""
    name = call.params["name"]
    return file_answer(name, "image/png", files.make_bytes("image/png", FOREIGN_SIZE, seeds.mix(*name.encode())))


class _ArticleFiles:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._storage = Storage(site)

    def _host(self, center: Center) -> str:
        site = self._site
        return site.other_host if site.switches["article_file_host"] == "mapped" else site.brand_url(center.brand)

    def listed(self, call: Call) -> Made:
        center = Center.of(self._site, call)
        article = center.find(center.articles, ids.article_number(number(call)))
        found = guide_files.of_article(self._site.guide.seed, article.place, article.source_locale)
        kind = call.template.rsplit("/", 1)[1]
        if kind in ("inline", "block"):
            found = [f for f in found if f.inline == (kind == "inline")]

        def show(k: int) -> dict[str, object]:
            return guide_json.attachment(center.shelf, self._host(center), article, found[k])

        return paged(self._site, call, "article_attachments", [f.number + 1 for f in found], show)

    def _find(self, center: Center, file_id: int) -> tuple[Article, ArticleFile]:
        """The article of this help center and the file. Raises the 404 of a record."""
        guide = self._site.guide
        place = guide_files.article_of(file_id)
        article = guide.articles[place] if place is not None and place < len(guide.articles) else None
        if (
            article is not None
            and guide.brand_of(article) == center.brand
            and (article.switch is None or self._site.switches[article.switch])
        ):
            for file in guide_files.of_article(guide.seed, article.place, article.source_locale):
                if file.id == file_id:
                    return article, file
        raise errors.not_found()

    def show(self, call: Call) -> Made:
        center = Center.of(self._site, call)
        article, file = self._find(center, number(call))
        return {"article_attachment": guide_json.attachment(center.shelf, self._host(center), article, file)}

    async def content(self, call: Call) -> Answer:
        """The bytes, or the way to them. Files of drafts and of restricted articles want the API's credentials."""
        site = self._site
        article, file = self._find(Center.of(site, call), number(call))
        if (article.segments or article.source.draft) and site.identity(call) is None:
            if site.switches["restricted_article_file"] == "sign_in":
                # A client that follows this blindly keeps the sign-in page for the picture.
                location = f"{site.brand_url(site.brand_of(call))}{SIGN_IN}?return_to={quote(call.path)}".encode()
                return Answer(302, b"", b"text/html", ((b"location", location),))
            return errors.forbidden()
        wait = site.switches["hanging_images_s"]
        if wait and guide_files.is_slow(file):
            await asyncio.sleep(wait)
            return errors.gateway_timeout()
        if site.switches["article_files"] == "redirect":
            return self._storage.redirect(call, file.id)
        return file_answer(file.name, file.mime, guide_files.content(site.guide.seed, file))
