"""A comment's HTML, made fit for Intercom: clean HTML for a part, readable plain text for an opening message.

Belongs here: what a mark-up element becomes, whatever the bytes. Does not belong here: which of the two a comment needs
(`transcripts`). Nothing here raises for what a document holds.

Both results are folds over the same small vocabulary of events, so that an element that is dropped, an image and a link
to a file of the source mean the same in either.
"""

import base64
import binascii
import html as entities
import re
from dataclasses import dataclass
from typing import Any, Final, Literal, cast
from urllib.parse import parse_qs, unquote, urlsplit

from lxml import etree

_DROPPED: Final = frozenset(
    [
        "applet",
        "base",
        "button",
        "embed",
        "frame",
        "frameset",
        "iframe",
        "input",
        "link",
        "meta",
        "object",
        "option",
        "script",
        "select",
        "style",
        "svg",
        "template",
        "textarea",
        "title",
    ]
)
_INLINE: Final = frozenset(["a", "b", "strong", "i", "em", "u", "code"])
_CONTAINERS: Final = frozenset(
    [
        "blockquote",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "li",
        "ol",
        "pre",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "ul",
    ]
)
_BOUNDARIES: Final = frozenset(
    [
        "address",
        "article",
        "aside",
        "body",
        "caption",
        "center",
        "dd",
        "details",
        "dir",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "header",
        "html",
        "legend",
        "main",
        "menu",
        "nav",
        "p",
        "section",
        "summary",
    ]
)
_FLOW: Final = frozenset(("", "blockquote"))
"""Where running text stands in paragraphs; "" is the document itself."""

_HEADINGS: Final = frozenset(["h1", "h2", "h3", "h4", "h5", "h6"])
_CELLS: Final = frozenset(["td", "th"])
_ROW_GROUPS: Final = frozenset(["tbody", "tfoot", "thead"])
_ENDS: Final[dict[str, frozenset[str]]] = {
    "li": frozenset(["li", "pre"]) | _HEADINGS,
    "pre": frozenset(["ul"]),
    "table": frozenset(["pre"]) | _HEADINGS,
    "td": _CELLS,
    "th": _CELLS,
    "tr": frozenset(["tr"]) | _CELLS,
    "ul": frozenset(["pre"]),
} | dict.fromkeys(_ROW_GROUPS, _ROW_GROUPS | frozenset(["tr"]) | _CELLS)
"""Which open elements an element ends where it stands right inside them: parsers do so by themselves, but not where an
element that is left out here stood between the two (`<li><a><li>`)."""

_LOSES_FORM: Final = frozenset(
    [
        "b",
        "big",
        "code",
        "del",
        "em",
        "font",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "i",
        "mark",
        "pre",
        "s",
        "small",
        "strike",
        "strong",
        "sub",
        "sup",
        "table",
        "u",
    ]
)
"""Elements whose look plain text cannot hold. Links, lists and quotes are not among them: text spells them out."""

_MARKS: Final = 40
"""Quotes and lists nested deeper are marked no further: their marks would outgrow the text."""

_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_SPACES: Final = re.compile(r"[ \t\r\n\f]+")
_LINK: Final = re.compile(r"(?i)(?:https?://[^\s/]|mailto:[^\s])")
_OWN_FILE: Final = re.compile(r"(?i)https?://[^\s\"'<>()]+/attachments/token/[^\s\"'<>()]*")
"""Zendesk's token URLs of attachments (Ticket Attachments, `content_url`): dead once the source is switched off."""

_DATA_IMAGE: Final = re.compile(r"(?is)data:image/([a-z0-9.+-]+)((?:;[^,;]*)*),(.*)")
_EXTENSIONS: Final = {"jpeg": "jpg", "svg+xml": "svg", "x-icon": "ico"}
_TAG: Final = re.compile(r"<[^>]*>")


@dataclass(frozen=True, slots=True)
class EmbeddedImage:
    """An image that the document holds itself; `content` is None where its bytes are not there, or cannot be read."""

    name: str
    content_type: str
    content: bytes | None


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
    sink = _read(document)
    writer = _HtmlWriter()
    for kind, value, extra in sink.events:
        writer.take(kind, value, extra)
    return Cleaned(writer.finish(), tuple(sink.images))


def readable(document: str) -> Readable:
    """The document as plain text: links as `text (address)`, lists, `> ` before quoted lines, ` | ` between cells."""
    sink = _read(document)
    writer = _TextWriter()
    for kind, value, extra in sink.events:
        writer.take(kind, value, extra)
    return Readable(writer.finish(), sink.formatted, tuple(sink.images))


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


def split_text(text: str, limit: int) -> list[str]:
    """Plain text in pieces of at most `limit` characters, cut at line ends or spaces where that can be."""
    pieces = []
    while len(text) > limit:
        at = max(text.rfind("\n", limit // 2, limit), text.rfind(" ", limit // 2, limit))
        at = at if at > 0 else limit
        pieces.append(text[:at].rstrip())
        text = text[at:].lstrip()
    return [*pieces, text] if text or not pieces else pieces


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


def from_text(text: str) -> str:
    """Plain text as HTML: blank lines part paragraphs, other line ends stay."""
    paragraphs = re.split(r"\n[ \t]*\n+", plain(_own_files_named(text)).strip())
    return "".join(
        "<p>" + "<br>".join(escape(line.strip()) for line in paragraph.split("\n")) + "</p>"
        for paragraph in paragraphs
        if paragraph.strip()
    )


def plain(text: str) -> str:
    """The text without control characters, its line ends as `\\n`."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def text_of(text: str) -> str:
    """Plain text as an opening message carries it: no control characters, the source's own file links by name."""
    return plain(_own_files_named(text)).strip()


def embedded_image(source: str, number: int) -> EmbeddedImage | None:
    """The picture that an address holds itself (`data:`), named by its number; None for any other address."""
    found = _DATA_IMAGE.match(source)
    return _embedded(found, number) if found else None


def escape(text: str) -> str:
    """The text with `&`, `<` and `>` as entities."""
    return entities.escape(text, quote=False)


_Kind = Literal["text", "open", "close", "break"]
_Event = tuple[_Kind, str, str]


class _Sink:
    """What lxml's parser reports, brought to the vocabulary text, open, close, break."""

    def __init__(self) -> None:
        self.events: list[_Event] = []
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
            href = _CONTROL.sub("", attributes.get("href") or "").strip()
            self._links.append((len(self.events), href))
            self.events.append(("open", tag, href if _LINK.match(href) and not _OWN_FILE.match(href) else ""))
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
            if _OWN_FILE.match(href):
                self._name_file(at, href)
        self.events.append(("close", tag, ""))

    def data(self, text: str) -> None:
        if not self._dropping:
            self.events.append(("text", _own_files_named(_CONTROL.sub("", text)), ""))

    def comment(self, text: str) -> None:
        """Comments never show."""

    def pi(self, target: str, data: str | None = None) -> None:
        """Processing instructions never show."""

    def close(self) -> "_Sink":
        return self

    def _name_file(self, at: int, href: str) -> None:
        """Let the file's name stand beside the words of a dead link, or in place of them where they say no more."""
        name = _own_file_name(href)
        words = "".join(value for kind, value, _ in self.events[at:] if kind == "text").strip()
        if words in {"", name, f"[file: {name}]"}:
            self.events[at + 1 :] = [("text", f"[file: {name}]", "")]
        else:
            self.events.append(("text", f" [file: {name}]", ""))

    def _image(self, attributes: dict[str, str]) -> None:
        source = _CONTROL.sub("", attributes.get("src") or "").strip()
        alternative = _SPACES.sub(" ", _CONTROL.sub("", attributes.get("alt") or "")).strip()
        if {attributes.get("width"), attributes.get("height")} <= {"0", "1", "0px", "1px"}:
            return  # counts who opened a mail; shows nothing
        self.formatted = True
        if embedded := _DATA_IMAGE.match(source):
            image = _embedded(embedded, len(self.images) + 1)
            self.images.append(image)
            self.events.append(("text", f"[image: {image.name}]", ""))
        elif _OWN_FILE.match(source):
            self.events.append(("text", f"[image: {_own_file_name(source)}]", ""))
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
        parser.feed(_CONTROL.sub("", document).encode())
        parser.close()
    except etree.LxmlError:
        # Whatever the parser could not get through still is somebody's message: its words are kept.
        sink = _Sink()
        sink.formatted = True
        sink.data(entities.unescape(_TAG.sub(" ", document)))
    return sink


def _own_files_named(text: str) -> str:
    if "/attachments/token/" not in text.lower():
        return text

    def named(found: re.Match[str]) -> str:
        url = found[0].rstrip(".,;:!?")
        return f"[file: {_own_file_name(url)}]{found[0][len(url) :]}"

    return _OWN_FILE.sub(named, text)


def _own_file_name(url: str) -> str:
    query = url.partition("?")[2].partition("#")[0]
    named = parse_qs(query).get("name")
    return _CONTROL.sub("", named[0]).strip() or "file" if named else "file"


def _basename(url: str) -> str:
    try:
        path = urlsplit(url).path
    except ValueError:
        return "image"
    return _CONTROL.sub("", unquote(path.rstrip("/").rpartition("/")[2])) or "image"


def _embedded(found: re.Match[str], number: int) -> EmbeddedImage:
    kind, parameters, data = found[1].lower(), found[2].lower(), found[3]
    name = f"image-{number}.{_EXTENSIONS.get(kind, kind)}"
    content: bytes | None
    if "base64" in parameters:
        try:
            content = base64.b64decode(_SPACES.sub("", unquote(data)), validate=True)
        except (binascii.Error, ValueError):
            content = None
    else:
        content = unquote(data).encode()
    return EmbeddedImage(name, f"image/{kind}", content or None)


class _HtmlWriter:
    """Writes paragraphs around running text, and opens an element only once there is something to put into it."""

    def __init__(self) -> None:
        self._out: list[str] = []
        self._containers = [""]
        self._inline: list[tuple[str, str]] = []  # (tag, opening tag as written; '' for a link to nowhere)
        self._opened = 0  # how many of _inline are open in the output
        self._paragraph = False
        self._breaks = 0  # line breaks to write before the next text
        self._bare = True  # nothing since the line began: spaces would not show
        self._filled = [False]  # of each container: it has something to show
        self._content = False

    def take(self, kind: _Kind, value: str, extra: str) -> None:
        if kind == "text":
            self._text(value)
        elif kind == "break":
            self._break()
        elif value in _INLINE:
            self._open_inline(value, extra) if kind == "open" else self._close_inline(value)
        elif value in _CONTAINERS:
            self._open_container(value) if kind == "open" else self._close_container(value)
        elif value in _BOUNDARIES:
            self._boundary()
        elif value == "hr" and kind == "open":
            self._end_flow()
            self._out.append("<hr>")

    def finish(self) -> str:
        self._end_flow()
        while len(self._containers) > 1:
            self._close_container(self._containers[-1])
        return "".join(self._out) if self._content else ""

    def _text(self, text: str) -> None:
        if "pre" not in self._containers:
            text = _SPACES.sub(" ", text)
            if self._bare:
                text = text.lstrip(" ")
        if not text:
            return
        if self._containers[-1] in _FLOW and not self._paragraph:
            self._out.append("<p>")
            self._paragraph = True
        elif self._breaks:
            self._out.append("<br>" * self._breaks)
        self._breaks = 0
        for _, opening in self._inline[self._opened :]:
            self._out.append(opening)
        self._opened = len(self._inline)
        self._out.append(escape(text))
        self._bare = text.endswith(" ") and "pre" not in self._containers
        self._filled[-1] = True
        self._content = self._content or not text.isspace()

    def _break(self) -> None:
        if "pre" in self._containers:
            self._text("\n")
        elif self._filled[-1] or self._paragraph:
            self._breaks += 1
            self._bare = True

    def _boundary(self) -> None:
        if self._containers[-1] in _FLOW:
            self._end_flow()
        elif self._filled[-1]:
            self._breaks = max(self._breaks, 1)
            self._bare = True

    def _open_inline(self, tag: str, href: str) -> None:
        if tag == "a":
            self._end_links()
        opening = f"<{tag}>" if tag != "a" else f'<a href="{entities.escape(href)}">' if href else ""
        self._inline.append((tag, opening))

    def _close_inline(self, tag: str) -> None:
        if not self._inline or self._inline[-1][0] != tag:
            return
        _, opening = self._inline.pop()
        if self._opened > len(self._inline):
            self._opened -= 1
            if opening:
                self._out.append(f"</{tag}>")

    def _end_links(self) -> None:
        """A link ends where another begins; parsers do so by themselves, but not where a block stands between them."""
        for at, (tag, opening) in enumerate(self._inline):
            if tag == "a" and opening:
                self._close_opened(at)
                self._inline[at] = ("a", "")

    def _close_opened(self, down_to: int = 0) -> None:
        """Close what is open in the output, down to that place; what goes on is opened again with the next text."""
        for tag, opening in reversed(self._inline[down_to : self._opened]):
            if opening:
                self._out.append(f"</{tag}>")
        self._opened = min(self._opened, down_to)

    def _end_flow(self) -> None:
        """Close the paragraph; emphasis that reaches beyond it is opened again with the next text."""
        self._close_opened()
        if self._paragraph:
            self._out.append("</p>")
        self._paragraph, self._breaks, self._bare = False, 0, True

    def _open_container(self, tag: str) -> None:
        while self._containers[-1] in _ENDS.get(tag, ()):
            self._close_container(self._containers[-1])
        self._end_flow()
        self._out.append(f"<{tag}>")
        self._containers.append(tag)
        self._filled.append(False)

    def _close_container(self, tag: str) -> None:
        if self._containers[-1] != tag:
            return
        self._end_flow()
        self._containers.pop()
        self._filled.pop()
        if self._out[-1] == f"<{tag}>" and tag not in {"td", "th"}:
            self._out.pop()  # an empty list or quote shows as a stray mark; an empty cell holds its column
        else:
            self._out.append(f"</{tag}>")
            self._filled[-1] = True


class _TextWriter:
    """Writes lines, each behind the marks of the quotes and lists that it stands in."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._line: list[str] = []
        self._prefixes: list[str] = []
        self._gap: str | None = None  # what stands on the blank line before the next one
        self._bullet = ""
        self._lists: list[int] = []  # the number of the next item; 0 in a list without numbers
        self._links: list[tuple[str, int]] = []
        self._rows: list[int] = []  # cells so far in each table row that is open
        self._pre = 0

    def take(self, kind: _Kind, value: str, extra: str) -> None:
        if kind == "text":
            self._text(value)
        elif kind == "break":
            self._end_line(keep_empty=True)
        elif value == "a":
            self._link(kind, extra)
        elif value in {"ul", "ol"}:
            self._list(kind, value)
        elif value == "li":
            self._item(kind)
        elif value == "blockquote":
            self._quote(kind)
        elif value == "tr":
            self._row(kind)
        elif value in {"td", "th"}:
            self._cell(kind)
        elif value == "pre":
            self._paragraph()
            self._pre = max(0, self._pre + (1 if kind == "open" else -1))
        elif value == "hr" and kind == "open":
            self._paragraph()
            self._text("---")
            self._paragraph()
        elif value in {"p", "table", "h1", "h2", "h3", "h4", "h5", "h6"}:
            self._paragraph()
        elif value in _BOUNDARIES:
            self._end_line()

    def finish(self) -> str:
        self._end_line()
        text = re.sub(r"\n{3,}", "\n\n", "\n".join(self._lines)).strip("\n")
        return text if text.strip() else ""

    def _text(self, text: str) -> None:
        if not self._pre:
            self._line.append(_SPACES.sub(" ", text))
            return
        first, *rest = text.split("\n")
        self._line.append(first)
        for line in rest:
            self._end_line(keep_empty=True)
            self._line.append(line)

    def _end_line(self, *, keep_empty: bool = False) -> None:
        if self._rows and self._rows[-1]:
            self._line.append(" ")
            return
        text = "".join(self._line)
        text = text.rstrip() if self._pre else _SPACES.sub(" ", text).strip(" ")
        self._line.clear()
        prefix = "".join(self._prefixes[:_MARKS])
        if text:
            if self._gap is not None and self._lines:
                self._lines.append(self._gap.rstrip())
            self._gap = None
            if self._bullet:
                prefix = prefix[: -len(self._bullet)] + self._bullet
                self._bullet = ""
            self._lines.append(prefix + text)
        elif keep_empty and self._lines and self._gap is None:
            self._lines.append(prefix.rstrip())

    def _paragraph(self) -> None:
        self._end_line()
        if self._rows and self._rows[-1]:
            return
        prefix = "".join(self._prefixes[:_MARKS])
        if not self._bullet and (self._gap is None or len(prefix) < len(self._gap)):
            self._gap = prefix

    def _link(self, kind: _Kind, href: str) -> None:
        if kind == "open":
            self._links.append((href, len(self._line)))
            return
        if not self._links:
            return
        href, start = self._links.pop()
        words = "".join(self._line[start:]).strip()
        if href and _address(words) != _address(href):
            self._line.append(f" ({href})" if words else href)

    def _list(self, kind: _Kind, tag: str) -> None:
        if kind == "open":
            self._end_line() if self._lists else self._paragraph()
            self._lists.append(1 if tag == "ol" else 0)
        elif self._lists:
            self._lists.pop()
            self._end_line() if self._lists else self._paragraph()

    def _item(self, kind: _Kind) -> None:
        self._end_line()
        if kind == "open":
            number = self._lists[-1] if self._lists else 0
            self._bullet = f"{number}. " if number else "- "
            if number:
                self._lists[-1] += 1
            self._prefixes.append(" " * len(self._bullet))
        elif self._prefixes and self._prefixes[-1].isspace():
            self._prefixes.pop()
            self._bullet = ""

    def _quote(self, kind: _Kind) -> None:
        self._paragraph()
        if kind == "open":
            self._prefixes.append("> ")
        elif "> " in self._prefixes:
            while self._prefixes.pop() != "> ":
                continue
            self._paragraph()

    def _row(self, kind: _Kind) -> None:
        if kind == "open":
            self._end_line()
            self._rows.append(0)
        elif self._rows:
            self._rows.pop()
            self._end_line()

    def _cell(self, kind: _Kind) -> None:
        if kind == "open" and self._rows:
            if self._rows[-1]:
                self._line.append(" | ")
            self._rows[-1] += 1


def _address(text: str) -> str:
    """An address as people write it, to see whether a link's words already say where it leads."""
    return re.sub(r"^(?:https?://|mailto:)?(?:www\.)?", "", text.strip().lower()).rstrip("/")
