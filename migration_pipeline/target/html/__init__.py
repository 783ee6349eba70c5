"""A comment's HTML, made fit for Intercom: clean HTML for a part, readable plain text for an opening message.

Belongs here: what a mark-up element becomes, whatever the bytes. Does not belong here: which of the two a comment needs
(`transcripts`), or articles (`article_html`). Nothing here raises for what a document holds.

Both results are folds over the same small vocabulary of events, so that an element that is dropped, an image and a link
to a file of the source mean the same in either.
"""

from dataclasses import dataclass

from lxml import etree

from migration_pipeline.target.html.as_html import as_html
from migration_pipeline.target.html.as_text import as_text
from migration_pipeline.target.html.events import read
from migration_pipeline.target.html.images import EmbeddedImage, embedded_image
from migration_pipeline.target.html.texts import escape, from_text, plain, split_text, text_of

__all__ = [
    "Cleaned", "EmbeddedImage", "Readable", "clean", "embedded_image", "escape", "from_text", "plain", "readable",
    "split", "split_text", "text_of",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cleaned:
    """HTML that holds nothing but allowed elements; '' where nothing readable was left."""

    html: str
    images: tuple[EmbeddedImage, ...]


@dataclass(frozen=True, slots=True)
class Readable:
    """Plain text; `formatted` tells that the document looked like more than text can show."""

    text: str
    formatted: bool
    images: tuple[EmbeddedImage, ...]


def clean(document: str) -> Cleaned:
    """The document as HTML for a part: paragraphs, lists, quotes, tables, links and emphasis, and nothing that acts."""
    told = read(document)
    return Cleaned(as_html(told.events), told.images)


def readable(document: str) -> Readable:
    """The document as plain text: links as `text (address)`, lists, `> ` before quoted lines, ` | ` between cells."""
    told = read(document)
    return Readable(as_text(told.events), told.formatted, told.images)


def split(document: str, limit: int) -> list[str]:
    """HTML of `clean` in pieces of at most `limit` characters, cut between blocks where that can be.

    A block that is longer by itself becomes paragraphs of its text.
    """
    if len(document) <= limit:
        return [document]
    pieces: list[str] = [""]
    for block in _blocks(document):
        for one in [block] if len(block) <= limit else _paragraphs(block, limit):
            if pieces[-1] and len(pieces[-1]) + len(one) > limit:
                pieces.append("")
            pieces[-1] += one
    return [piece for piece in pieces if piece]


def _blocks(document: str) -> list[str]:
    """The elements that stand side by side in the document."""
    parser = etree.HTMLParser(encoding="utf-8", huge_tree=True)
    body = etree.fromstring(f"<html><body>{document}</body></html>".encode(), parser).find("body")
    if body is None:
        return [document]
    blocks = [escape(body.text)] if body.text else []
    return blocks + [str(etree.tostring(child, encoding="unicode", method="html")) for child in body]


def _paragraphs(block: str, limit: int) -> list[str]:
    """A long block as paragraphs of its text, each of at most `limit` characters as it is written."""
    # Letters may take up to five characters once they are written as entities.
    return [from_text(piece) for piece in split_text(readable(block).text, max((limit - 20) // 6, 1))]
