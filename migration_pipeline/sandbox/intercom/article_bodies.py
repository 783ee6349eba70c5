"""Bodies of articles on their way into the workspace: HTML or markdown, normalised, their images fetched and re-hosted.

The rules of the HTML stand in `article_html`, the fetching itself in `uploads`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from markdown_it import MarkdownIt

from migration_pipeline.sandbox.intercom.article_html import ArticleBody, Rules, UnsupportedHtmlError, normalised
from migration_pipeline.sandbox.intercom.errors import invalid
from migration_pipeline.sandbox.intercom.payload import text
from migration_pipeline.sandbox.intercom.uploads import FetchError, Upload, fetched
from migration_pipeline.sandbox.intercom.workspace import Workspace

Json = dict[str, Any]
IMAGE_TYPES = ("image/png", "image/jpeg", "image/gif", "image/svg+xml")
REDIRECTS = 3


def read_body(ws: Workspace, given: Json, version: str) -> ArticleBody | None:
    """The body that a call gives, as HTML or (since 2.16) as markdown; None where it gives none. 400 else."""
    html = text(given, "body")
    markdown = text(given, "body_markdown") if version >= "2.16" else None
    if html is not None and markdown is not None:
        raise invalid("body and body_markdown are mutually exclusive", "body_markdown")
    if markdown is not None:
        html = MarkdownIt("commonmark").enable("table").render(markdown)
    if html is None:
        return None
    rules = Rules(
        headings=ws.switches["article_headings"],
        reject_empty_items=ws.switches["empty_list_item"] == "reject",
        reject_unknown_videos=ws.switches["unknown_video"] == "reject",
    )
    try:
        return normalised(html, rules)
    except UnsupportedHtmlError as error:
        raise invalid(str(error), "body") from None


async def images_of(ws: Workspace, bodies: Sequence[ArticleBody]) -> dict[str, Upload]:
    """All images of the bodies by source, but for those that this workspace hosts already.

    One that cannot be fetched refuses the whole call with 400. To be awaited before anything is written.
    """
    sources = sorted({source for body in bodies for source in body.sources() if not _own(ws, source)})
    return dict(zip(sources, await asyncio.gather(*(_image(source) for source in sources)), strict=True))


def stored(ws: Workspace, bodies: Sequence[ArticleBody], images: dict[str, Upload]) -> list[str]:
    """The bodies as they are stored, their images now kept in the workspace."""
    urls = {source: ws.files.add_image(upload) for source, upload in images.items()}
    return [body.html({source: urls.get(source, source) for source in body.sources()}) for body in bodies]


def _own(ws: Workspace, source: str) -> bool:
    return source.startswith(ws.files.images_url)


async def _image(source: str) -> Upload:
    try:
        upload = await fetched(source, hops=REDIRECTS)
        if upload.content_type.partition(";")[0].strip().lower() not in IMAGE_TYPES:
            raise FetchError(f"{upload.content_type} is not PNG, JPEG, SVG or GIF")
    except FetchError as error:
        raise invalid(f"Image {source[:200]} could not be uploaded: {error}", "body") from None
    return upload
