"""A document's mark-up as events: text, open, close, break. Elements that are dropped, pictures and links to files of
the source become what they mean here, whatever is written of them.

Belongs here: reading, whatever the bytes. Does not belong here: what an element looks like in the end (`as_html`,
`as_text`).
"""

import html as entities
import re
from dataclasses import dataclass
from typing import Any, Final, Literal, cast
from urllib.parse import unquote, urlsplit

from lxml import etree

from migration_pipeline.target.html.images import EmbeddedImage, embedded_image
from migration_pipeline.target.html.texts import CONTROL, OWN_FILE, own_file_name, own_files_named

BOUNDARIES: Final = frozenset(
    ["address", "article", "aside", "body", "caption", "center", "dd", "details", "dir", "div", "dl", "dt",
     "fieldset", "figcaption", "figure", "footer", "form", "header", "html", "legend", "main", "menu", "nav",
     "p", "section", "summary"]
)  # fmt: skip
"""Elements that only end the line."""

_DROPPED: Final = frozenset(
    ["applet", "base", "button", "embed", "frame", "frameset", "iframe", "input", "link", "meta", "object",
     "option", "script", "select", "style", "svg", "template", "textarea", "title"]
)  # fmt: skip
_LOSES_FORM: Final = frozenset(
    ["b", "big", "code", "del", "em", "font", "h1", "h2", "h3", "h4", "h5", "h6", "i", "mark", "pre", "s",
     "small", "strike", "strong", "sub", "sup", "table", "u"]
)  # fmt: skip
"""Elements whose look plain text cannot hold. Links, lists and quotes are not among them: text spells them out."""

SPACES: Final = re.compile(r"[ \t\r\n\f]+")
_LINK: Final = re.compile(r"(?i)(?:https?://[^\s/]|mailto:[^\s])")
_TAG: Final = re.compile(r"<[^>]*>")

Kind = Literal["text", "open", "close", "break"]
Event = tuple[Kind, str, str]
"""A kind; the text, or the element; of a link that opens, where it leads."""


@dataclass(frozen=True, slots=True)
class Events:
    """A document's events in order, its own images, and whether it looked like more than plain text can show."""

    events: tuple[Event, ...]
    images: tuple[EmbeddedImage, ...]
    formatted: bool


def read(document: str) -> Events:
    """The events of a document."""
    sink = _read(document)
    return Events(tuple(sink.events), tuple(sink.images), sink.formatted)


class _Sink:
    """What lxml's parser reports, brought to the vocabulary text, open, close, break."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.images: list[EmbeddedImage] = []
        self.formatted = False
        self._dropping = 0
        self._links: list[tuple[int, str]] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if self._dropping or tag in _DROPPED:
            self._dropping += 1
            return
        if tag in _LOSES_FORM:
            self.formatted = True
        if tag == "br":
            self.events.append(("break", "", ""))
        elif tag == "img":
            self._image(attributes)
        elif tag == "a":
            href = CONTROL.sub("", attributes.get("href") or "").strip()
            self._links.append((len(self.events), href))
            self.events.append(("open", tag, href if _LINK.match(href) and not OWN_FILE.match(href) else ""))
        else:
            self.events.append(("open", tag, ""))

    def end(self, tag: str) -> None:
        if self._dropping:
            self._dropping -= 1
            return
        if tag in {"br", "img"}:
            return
        if tag == "a" and self._links:
            at, href = self._links.pop()
            if OWN_FILE.match(href):
                self._name_file(at, href)
        self.events.append(("close", tag, ""))

    def data(self, text: str) -> None:
        if not self._dropping:
            self.events.append(("text", own_files_named(CONTROL.sub("", text)), ""))

    def comment(self, text: str) -> None:
        """Comments never show."""

    def pi(self, target: str, data: str | None = None) -> None:
        """Processing instructions never show."""

    def close(self) -> "_Sink":
        return self

    def _name_file(self, at: int, href: str) -> None:
        """Let the file's name stand beside the words of a dead link, or in place of them where they say no more."""
        name = own_file_name(href)
        words = "".join(value for kind, value, _ in self.events[at:] if kind == "text").strip()
        if words in {"", name, f"[file: {name}]"}:
            self.events[at + 1 :] = [("text", f"[file: {name}]", "")]
        else:
            self.events.append(("text", f" [file: {name}]", ""))

    def _image(self, attributes: dict[str, str]) -> None:
        source = CONTROL.sub("", attributes.get("src") or "").strip()
        alternative = SPACES.sub(" ", CONTROL.sub("", attributes.get("alt") or "")).strip()
        if {attributes.get("width"), attributes.get("height")} <= {"0", "1", "0px", "1px"}:
            return  # counts who opened a mail; shows nothing
        self.formatted = True
        if image := embedded_image(source, len(self.images) + 1):
            self.images.append(image)
            self.events.append(("text", f"[image: {image.name}]", ""))
        elif OWN_FILE.match(source):
            self.events.append(("text", f"[image: {own_file_name(source)}]", ""))
        elif source.lower().startswith(("http://", "https://")) and _LINK.match(source):
            self.events.append(("open", "a", source))
            self.events.append(("text", f"[image: {alternative or _basename(source)}]", ""))
            self.events.append(("close", "a", ""))
        elif source.lower().startswith("cid:"):
            # A part of a mail that the source did not resolve: it may have arrived as a file of that name.
            name = source[4:].partition("@")[0] or "image"
            self.images.append(EmbeddedImage(name, "", None))
            self.events.append(("text", f"[image: {alternative or name}]", ""))
        else:
            self.events.append(("text", f"[image: {alternative or 'image'}]", ""))


def _read(document: str) -> _Sink:
    sink = _Sink()
    # As bytes: lxml refuses a text that declares an encoding of its own. huge_tree: libxml2 otherwise stops, and drops
    # the rest, at a depth of 256 elements.
    # The stubs let a target be handed bytes, which only Python 2 did.
    parser = etree.HTMLParser(target=cast(Any, sink), encoding="utf-8", huge_tree=True)
    try:
        parser.feed(CONTROL.sub("", document).encode())
        parser.close()
    except etree.LxmlError:
        # Whatever the parser could not get through still is somebody's message: its words are kept.
        sink = _Sink()
        sink.formatted = True
        sink.data(entities.unescape(_TAG.sub(" ", document)))
    return sink


def _basename(url: str) -> str:
    try:
        path = urlsplit(url).path
    except ValueError:
        return "image"
    return CONTROL.sub("", unquote(path.rstrip("/").rpartition("/")[2])) or "image"
