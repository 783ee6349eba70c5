"""What the body of an article becomes when it is stored: a small set of elements, in blocks.

The rules are those of the service's pages on supported HTML and on formatting articles: text stands in paragraphs,
there are two levels of headings, images are blocks, and some lists and tables are refused. Images are fetched
elsewhere: an `ArticleBody` says which, and takes their new URLs.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit

import lxml.html
from lxml import etree

Element: TypeAlias = etree._Element

HEADINGS = {f"h{level}": level for level in range(1, 7)}
LISTS = ("ul", "ol")
DROPPED = ("script", "style", "head", "template", "noscript")
CONTAINERS = (
    "div", "section", "article", "blockquote", "figure", "figcaption", "header", "footer", "main", "center", "form",
    "details", "summary", "dl", "dt", "dd", "address", "aside", "nav", "fieldset", "body", "html", "li", "caption",
)  # fmt: skip
"""Blocks that are not kept: what is in them stands by itself."""
INLINE = {"a": "a", "b": "b", "strong": "b", "i": "i", "em": "i", "code": "code", "br": "br", "img": "img"}
"""Inline elements that are kept, under the name that is stored; all others leave their text behind."""
KEPT = {"a": ("href", "target"), "img": ("src", "alt", "width", "height"), "td": ("colspan", "rowspan")}
VIDEOS = ("youtube.com", "youtu.be", "wistia.com", "wistia.net", "vimeo.com", "loom.com", "vidyard.com", "streamio.com")
OWN_CLASS = "intercom-"
"""Classes that begin so are kept, `intercom-align-center` and `intercom-h2b-button` among them."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class UnsupportedHtmlError(ValueError):
    """HTML that makes the service refuse the article; the text says which rule it breaks."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What public pages contradict each other in: `headings` is relative or h2, the others say whether to refuse."""

    headings: str
    reject_empty_items: bool
    reject_unknown_videos: bool


@dataclass(frozen=True, slots=True)
class ArticleBody:
    """A body after normalisation, its images still at their sources."""

    root: Element

    def sources(self) -> set[str]:
        """The URLs of all images."""
        return {image.get("src", "") for image in self.root.iter("img")}

    def html(self, rehosted: Mapping[str, str]) -> str:
        """The body as it is stored, its images at the URLs that `rehosted` has for their sources."""
        for image in self.root.iter("img"):
            image.set("src", rehosted[image.get("src", "")])
        return "".join(lxml.html.tostring(block, encoding="unicode") for block in self.root)


def normalised(body: str, rules: Rules) -> ArticleBody:
    """The body as blocks. Raises UnsupportedHtmlError."""
    given = lxml.html.fragment_fromstring(_CONTROL.sub("", body), create_parent="div")
    levels = sorted({HEADINGS[e.tag] for e in given.iter(*HEADINGS)})
    blocks = _Blocks(rules, levels[0] if levels else 1)
    blocks.take(given)
    return ArticleBody(blocks.root)


class _Blocks:
    """Collects blocks under `root`; inline content gathers in a paragraph until a block ends it."""

    def __init__(self, rules: Rules, top_heading: int) -> None:
        self._rules = rules
        self._top = top_heading
        self.root: Element = _new("div")
        self._paragraph: Element | None = None

    def take(self, container: Element) -> None:
        """Append what is in a container, and end the last paragraph."""
        self._text(container.text)
        for child in container:
            self._child(child)
            self._text(child.tail)
        self._end()

    def _child(self, child: Element) -> None:
        tag = child.tag
        if not isinstance(tag, str) or tag in DROPPED:
            return
        if tag in HEADINGS:
            self._block(self._heading(child))
        elif tag == "p":
            self._end()
            self._open(child)
            self.take(child)
        elif tag in LISTS:
            self._block(self._list(child))
        elif tag == "table":
            self._block(self._table(child))
        elif tag == "pre":
            pre = _new("pre")
            etree.SubElement(pre, "code").text = _plain(child)
            self._block(pre)
        elif tag == "hr":
            self._block(_new("hr"))
        elif tag == "iframe":
            self._video(child)
        elif tag == "img" or (tag == "a" and child.find(".//img") is not None):
            container = _new("div", {"class": "intercom-container"})
            _inline_into(container, child)
            self._block(container)
        elif tag in CONTAINERS:
            self._end()
            self.take(child)
        else:
            _inline_into(self._open(), child)

    def _text(self, text: str | None) -> None:
        if text and (self._paragraph is not None or text.strip()):
            _append_text(self._open(), text)

    def _open(self, like: Element | None = None) -> Element:
        if self._paragraph is None:
            classes = ["no-margin", *_own_classes(like)] if like is not None else ["no-margin"]
            self._paragraph = _new("p", {"class": " ".join(classes)})
            self.root.append(self._paragraph)
        return self._paragraph

    def _end(self) -> None:
        self._paragraph = None

    def _block(self, element: Element) -> None:
        self._end()
        self.root.append(element)

    def _heading(self, given: Element) -> Element:
        level = HEADINGS[str(given.tag)]
        if self._rules.headings == "relative":
            level = level - self._top + 1
        anchor = "h_" + hashlib.sha256(f"{len(self.root)}:{_plain(given)}".encode()).hexdigest()[:10]
        heading = _new(f"h{min(level, 2)}", {"id": anchor})
        if own := _own_classes(given):
            heading.set("class", " ".join(own))
        _contents_into(heading, given)
        return heading

    def _list(self, given: Element) -> Element:
        made = _new(str(given.tag))
        for child in given:
            if child.tag == "li":
                made.append(self._item(child))
            elif child.tag in LISTS:
                # A list right in a list is what many editors write for a list in the item before it.
                last = made[-1] if len(made) else etree.SubElement(made, "li")
                last.append(self._list(child))
        if not len(made):
            raise UnsupportedHtmlError("Lists must contain at least one non-empty <li> element")
        return made

    def _item(self, given: Element) -> Element:
        if given.find(".//table") is not None:
            raise UnsupportedHtmlError("<li> elements cannot contain a <table>")
        blocks = self._inside("li", given)
        empty = not _plain(given).strip() and given.find(".//img") is None and given.find(".//iframe") is None
        if empty and self._rules.reject_empty_items:
            raise UnsupportedHtmlError("<li> elements must not be empty")
        return blocks

    def _table(self, given: Element) -> Element:
        if given.find(".//table") is not None:
            raise UnsupportedHtmlError("A <table> cannot contain another <table>")
        made = _new("table")
        body = etree.SubElement(made, "tbody")
        for row in given.iter("tr"):
            kept = etree.SubElement(body, "tr")
            for cell in row.iterchildren("td", "th"):
                kept.append(self._inside(str(cell.tag), cell))
        if made.find(".//td") is None and made.find(".//th") is None:
            raise UnsupportedHtmlError("A <table> needs at least one row and one cell")
        return made

    def _inside(self, tag: str, given: Element) -> Element:
        """An element whose own content is blocks."""
        blocks = _Blocks(self._rules, self._top)
        blocks.root = _new(tag, _kept("td" if tag == "th" else tag, given))
        blocks.take(given)
        return blocks.root

    def _video(self, given: Element) -> None:
        try:
            host = urlsplit(given.get("src", "")).hostname or ""
        except ValueError:
            host = ""
        if any(host == known or host.endswith("." + known) for known in VIDEOS):
            self._block(_new("iframe", {"src": given.get("src", "")}))
        elif self._rules.reject_unknown_videos:
            raise UnsupportedHtmlError("The src of an <iframe> must be a supported video embed link")


def _contents_into(target: Element, given: Element) -> None:
    _append_text(target, given.text)
    for child in given:
        _inline_into(target, child)
        _append_text(target, child.tail)


def _inline_into(target: Element, given: Element) -> None:
    """Append an element as inline content, or only what is in it."""
    if not isinstance(given.tag, str) or given.tag in DROPPED:
        return
    name = INLINE.get(given.tag)
    if name is None:
        _contents_into(target, given)
        return
    attributes = _kept(name, given)
    if own := _own_classes(given):
        attributes["class"] = " ".join(own)
    made = _new(name, attributes)
    target.append(made)
    _contents_into(made, given)


def _kept(name: str, given: Element) -> dict[str, str]:
    return {key: str(given.get(key)) for key in KEPT.get(name, ()) if given.get(key) is not None and _safe(given, key)}


def _safe(given: Element, key: str) -> bool:
    return key != "href" or not str(given.get(key)).strip().lower().startswith("javascript:")


def _own_classes(given: Element) -> list[str]:
    return [name for name in given.get("class", "").split() if name.startswith(OWN_CLASS)]


def _plain(given: Element) -> str:
    """The text of an element, line breaks kept."""
    return "".join(_pieces(given))


def _pieces(given: Element) -> Iterator[str]:
    yield given.text or ""
    for child in given:
        if isinstance(child.tag, str) and child.tag not in DROPPED:
            yield "\n" if child.tag == "br" else _plain(child)
        yield child.tail or ""


def _append_text(target: Element, text: str | None) -> None:
    if not text:
        return
    if len(target):
        target[-1].tail = (target[-1].tail or "") + text
    else:
        target.text = (target.text or "") + text


def _new(tag: str, attributes: Mapping[str, str] | None = None) -> Element:
    made: Element = lxml.html.Element(tag, dict(attributes or {}))
    return made
