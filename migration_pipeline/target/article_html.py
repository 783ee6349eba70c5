"""An article's HTML, brought into what Intercom's help centre accepts, whatever the bytes.

Belongs here: what becomes of a mark-up element, and what of it is lost. Does not belong here: comments (`html`), or
where pictures and links lead in the target (`loading.article_texts`). Nothing here raises for what a document holds.

Accepted (Intercom, "Supported HTML for articles"): paragraphs, two levels of headings, lists, tables, code, pictures,
links, bold, italics, rules and frames of well-known video services. Text stands in a paragraph; a list item is never
empty and holds no table. The result is a sequence of blocks, each with the list items it stands in: a block that may
not stand in one ends the list, and what follows it goes on with the list. So all text keeps its order.
"""

import html as entities
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, cast
from urllib.parse import quote, urljoin, urlsplit

from lxml import etree

from migration_pipeline.target.article_blocks import Block, Item, Table, written
from migration_pipeline.target.html import EmbeddedImage, embedded_image

Change = tuple[str, str]
"""A reason code, and what it refers to."""

_UNREAD: Final = frozenset(["script", "style", "template", "title", "iframe", "math"])
"""Elements whose text is never shown, or is shown by a frame only."""

_ACTIVE: Final = frozenset(
    ["script", "template", "form", "input", "select", "button", "textarea", "applet", "object", "embed", "base", "meta"]
)
_MARKS: Final = {
    "b": "b", "strong": "b", "i": "i", "em": "i", "cite": "i", "dfn": "i", "var": "i",
    "code": "code", "tt": "code", "kbd": "code", "samp": "code",
}  # fmt: skip
_HEADINGS: Final = {f"h{level}": level for level in range(1, 7)}
_INLINE: Final = frozenset(
    ["a", "abbr", "acronym", "bdi", "bdo", "big", "del", "font", "ins", "label", "mark", "q", "s", "small", "span",
     "strike", "sub", "sup", "time", "u", "wbr", "data", "nobr", "ruby", "rt", "rp", *_MARKS]
)  # fmt: skip
_LOSES_FORM: Final = frozenset(
    ["big", "blockquote", "del", "details", "dl", "font", "ins", "mark", "q", "s", "small", "strike", "sub", "sup", "u"]
)
_FRAMES: Final = frozenset(["iframe", "embed", "object", "video", "audio", "source", "frame"])

VIDEO_HOSTS: Final = (
    "youtube.com", "youtube-nocookie.com", "youtu.be", "vimeo.com", "wistia.com", "wistia.net", "loom.com",
    "vidyard.com", "brightcove.net", "brightcove.com", "jumpshare.com", "screencast.com", "synthesia.io",
)  # fmt: skip
"""Services whose players Intercom shows inside an article; others become links."""

_DEEPEST: Final = 12
"""Lists nested deeper show as if they were nested so deep."""

_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_SPACES: Final = re.compile(r"[ \t\r\n\f]+")
_TAG: Final = re.compile(r"<[^>]*>")

Verdict = Callable[[str], str | None]
"""By a picture's address: the reason code of why it cannot be carried, or None where it can."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """HTML that Intercom accepts; its pictures and links by address, in order; and what was changed."""

    html: str
    images: tuple[str, ...]
    links: tuple[str, ...]
    embedded: tuple[EmbeddedImage, ...]
    changes: tuple[Change, ...]


def accepted(document: str, base: str, verdict: Verdict) -> Accepted:
    """The document as an article of Intercom. `base` is its own address, which relative ones are resolved against.

    Pictures whose bytes stand in the document get the addresses `embedded:1`, `embedded:2`, … in the order of
    `embedded`. A picture that cannot be carried becomes a link to where it was.
    """
    reading = _read(document, base, verdict)
    blocks = reading.blocks
    levels = sorted({block.level for block in blocks if block.kind == "heading"})
    if len(levels) > 2:
        reading.change("headings_merged", ", ".join(f"h{level}" for level in levels))
    return Accepted(
        html="".join(written(blocks, levels)),
        images=tuple(dict.fromkeys(reading.images)),
        links=tuple(dict.fromkeys(reading.links)),
        embedded=tuple(reading.embedded),
        changes=tuple(dict.fromkeys(reading.told())),
    )


class _Reading:
    """What lxml's parser reports, brought into blocks."""

    def __init__(self, base: str, verdict: Verdict) -> None:
        self.blocks: list[Block] = []
        self.images: list[str] = []
        self.links: list[str] = []
        self.embedded: list[EmbeddedImage] = []
        self._base = base
        self._verdict = verdict
        self._changes: list[Change] = []
        self._form: dict[str, None] = {}  # what looked other than it can now
        self._open: list[str] = []  # elements
        self._unread = 0
        self._lists: list[tuple[str, int]] = []
        self._items: list[Item | None] = []  # one for each list that is open; None between items
        self._numbers = 0
        self._table: Table | None = None
        self._tables = 0  # how many are open, one within the other
        self._lists_around = 0  # lists that the table stands in
        self._cell: list[str] | None = None
        self._heading = 0
        self._pre = 0
        self._marks: list[tuple[str, str]] = []  # (element, opening tag as written; '' for a link to nowhere)
        self._line: list[str] = []
        self._opened = 0  # how many of the marks are open in the line
        self._filled = False  # the line has something to show
        self._spaced = True  # the line begins, or ends with a space
        self._breaks = 0

    # What lxml calls

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        tag = tag.lower()
        if self._unread:
            self._unread += 1
            return
        if tag in _ACTIVE:
            self.change("active_content", tag)
        if tag in _FRAMES:
            self._frame(tag, attributes)
        if tag in _UNREAD:
            self._unread = 1
            return
        if tag in _LOSES_FORM:
            self._form[tag] = None
        if attributes.get("style"):
            self._form["style"] = None
        if tag == "br":
            self._break()
        elif tag == "img":
            self._image(attributes)
        elif tag == "hr":
            self._whole("<hr>")
        else:
            self._open.append(tag)
            self._enter(tag, attributes)

    def end(self, tag: str) -> None:
        tag = tag.lower()
        if self._unread:
            self._unread -= 1
            return
        if tag in ("br", "img", "hr") or tag not in self._open[-256:]:
            return
        while self._open:
            left = self._open.pop()
            self._leave(left)
            if left == tag:
                return

    def data(self, text: str) -> None:
        if not self._unread:
            self._text(_CONTROL.sub("", text))

    def comment(self, text: str) -> None:
        """Comments never show."""

    def pi(self, target: str, data: str | None = None) -> None:
        """Processing instructions never show."""

    def close(self) -> "_Reading":
        while self._open:
            self._leave(self._open.pop())
        self._flush()
        return self

    # What is told

    def change(self, reason: str, detail: str) -> None:
        self._changes.append((reason, detail))

    def told(self) -> Iterable[Change]:
        yield from self._changes
        if self._form:
            yield "article_formatting", ", ".join(sorted(self._form))

    # Elements

    def _enter(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "a":
            href = self._address(attributes.get("href") or "")
            if href is None and (attributes.get("href") or "").strip():
                self.change("link_removed", (attributes.get("href") or "").strip()[:200])
            if href and not href.startswith(("mailto:", "tel:")):
                self.links.append(href)
            self._marks.append((tag, f'<a href="{entities.escape(href)}">' if href else ""))
        elif tag in _MARKS:
            self._marks.append((tag, f"<{_MARKS[tag]}>"))
        elif tag in _INLINE:
            return
        elif tag in ("ul", "ol", "menu", "dir"):
            self._flush()
            self._numbers += 1
            self._lists.append(("ol" if tag == "ol" else "ul", self._numbers))
            self._items.append(None)
        elif tag == "li":
            self._flush()
            if self._lists:
                self._numbers += 1
                self._items[-1] = Item(*self._lists[-1], self._numbers)
        elif tag == "table":
            self._flush()
            self._tables += 1
            if self._tables > 1:
                self.change("table_in_table", "its rows became paragraphs")
            elif self._cell is None:
                self._table = Table()
                self._lists_around = len(self._lists)
                if self._path():
                    self.change("table_moved", "out of a list")
        elif tag == "tr":
            self._flush()
            if self._tables == 1 and self._table is not None:
                self._cell = None
                self._table.rows.append([])
        elif tag in ("td", "th"):
            self._flush()
            if self._tables == 1 and self._table is not None:
                if not self._table.rows:
                    self._table.rows.append([])
                self._cell = []
                self._table.rows[-1].append(self._cell)
            if {"colspan", "rowspan"} & attributes.keys():
                self._form["merged cells"] = None
            if tag == "th":
                self._marks.append((tag, "<b>"))
        elif tag in _HEADINGS:
            self._flush()
            self._heading = _HEADINGS[tag]
        elif tag in ("pre", "xmp", "listing", "plaintext"):
            self._flush()
            self._pre += 1
        else:
            self._flush()

    def _leave(self, tag: str) -> None:
        if tag == "a" or tag in _MARKS:
            self._unmark(tag)
        elif tag in _INLINE:
            return
        elif tag in ("ul", "ol", "menu", "dir"):
            self._flush()
            if self._lists:
                self._lists.pop()
                self._items.pop()
        elif tag == "li":
            self._flush()
            if self._items:
                self._items[-1] = None
        elif tag == "table":
            self._flush()
            self._tables -= 1
            if self._tables == 0 and self._table is not None:
                table, self._table, self._cell = self._table, None, None
                if table.written:
                    self.blocks.append(Block("whole", table.written))
        elif tag in ("td", "th"):
            self._flush()
            if tag == "th":
                self._unmark(tag)
            if self._tables == 1:
                self._cell = None
        elif tag in _HEADINGS:
            self._flush()
            self._heading = 0
        elif tag in ("pre", "xmp", "listing", "plaintext"):
            self._flush()
            self._pre -= 1
        else:
            self._flush()

    def _unmark(self, tag: str) -> None:
        for place in range(len(self._marks) - 1, -1, -1):
            if self._marks[place][0] == tag:
                self._close_marks(place)
                del self._marks[place]
                return

    # Text

    def _text(self, text: str) -> None:
        if self._pre:
            self._write(
                entities.escape(text.replace("\r\n", "\n").replace("\r", "\n"), quote=False), shows=bool(text.strip())
            )
            return
        text = _SPACES.sub(" ", text)
        if self._spaced or self._breaks:
            text = text.lstrip(" ")
        if text:
            self._write(entities.escape(text, quote=False), shows=bool(text.strip()))
            self._spaced = text.endswith(" ")

    def _write(self, written: str, *, shows: bool) -> None:
        if self._breaks and self._line:
            self._line.append((" " if self._heading else "<br>") * min(self._breaks, 2))
        self._breaks = 0
        if not self._pre:
            self._line.extend(opening for _, opening in self._marks[self._opened :])
            self._opened = len(self._marks)
        self._line.append(written)
        self._filled = self._filled or shows

    def _break(self) -> None:
        if self._pre:
            self._line.append("\n")
        elif self._filled:
            self._breaks += 1

    def _close_marks(self, keep: int) -> None:
        for tag, opening in reversed(self._marks[keep : self._opened]):
            if opening:
                self._line.append(f"</{_MARKS.get(tag, 'b' if tag == 'th' else tag)}>")
        self._opened = min(self._opened, keep)

    def _flush(self) -> None:
        """End the line: what it shows becomes a block."""
        if not self._pre:
            self._close_marks(0)
        line, filled = "".join(self._line), self._filled
        self._line.clear()
        self._opened, self._filled, self._spaced, self._breaks = 0, False, True, 0
        if not filled:
            return
        if self._pre and self._cell is None:
            self.blocks.append(Block("whole", f"<pre><code>{line}</code></pre>"))
        elif self._pre:
            self._paragraph(f"<code>{line.strip(chr(10)).replace(chr(10), '<br>')}</code>")
        elif self._heading and self._cell is None and not self._path():
            self.blocks.append(Block("heading", line.strip(), level=self._heading))
        elif self._heading:
            self._paragraph(f"<b>{line.strip()}</b>")
        else:
            self._paragraph(line.strip())

    def _paragraph(self, content: str) -> None:
        if self._cell is not None:
            self._cell.append(f"<p>{content}</p>")
            if len(self._lists) > self._lists_around:
                self._form["list in a table"] = None
        else:
            self.blocks.append(Block("paragraph", content, self._path()))

    def _whole(self, content: str) -> None:
        """Add something that stands for itself and in no list."""
        self._flush()
        if self._cell is None:
            self.blocks.append(Block("whole", content))

    def _path(self) -> tuple[Item, ...]:
        return tuple(islice((item for item in self._items if item is not None), _DEEPEST))

    # Pictures, frames, addresses

    def _image(self, attributes: dict[str, str]) -> None:
        source = _CONTROL.sub("", attributes.get("src") or "").strip()
        words = _SPACES.sub(" ", _CONTROL.sub("", attributes.get("alt") or "")).strip()
        if {attributes.get("width"), attributes.get("height")} <= {"0", "1", "0px", "1px"}:
            return  # counts readers; shows nothing
        if source.lower().startswith("data:"):
            image = embedded_image(source, len(self.embedded) + 1)
            if image is None or image.content is None:
                self.change("image_unreadable", words or "image")
                self._inline(f"[image: {words or 'image'}]")
                return
            self.embedded.append(image)
            self._picture(f"embedded:{len(self.embedded)}", words)
            return
        address = self._address(source)
        if address is None or not address.startswith(("http://", "https://")):
            self.change("image_unreadable", source[:200])
            self._inline(f"[image: {words or 'image'}]")
        elif reason := self._verdict(address):
            self.change(reason, address)
            self._link(address, f"[image: {words or _name(address)}]")
        else:
            self.images.append(address)
            self._picture(address, words)

    def _picture(self, address: str, words: str) -> None:
        if self._pre:
            return
        if self._heading:
            self._flush()
        heading, self._heading = self._heading, 0
        self._write(f'<img src="{entities.escape(address)}" alt="{entities.escape(words)}">', shows=True)
        self._spaced = False
        if heading:
            self._flush()
        self._heading = heading

    def _frame(self, tag: str, attributes: dict[str, str]) -> None:
        source = attributes.get("src") or attributes.get("data") or ""
        address = self._address(source) if source.strip() else None
        if address is None or not address.startswith(("http://", "https://")):
            return
        if tag == "iframe" and self._cell is None and _is_video(address):
            self._whole(f'<iframe src="{entities.escape(address)}"></iframe>')
            return
        self.change("embed_linked", address[:200])
        if tag == "iframe":
            self._flush()
        self._link(address, address)
        if tag == "iframe":
            self._flush()

    def _link(self, address: str, words: str) -> None:
        if any(tag == "a" for tag, _ in self._marks) or self._pre:
            self._inline(words)  # a link within a link ends the outer one
            return
        self.links.append(address)
        self._marks.append(("a", f'<a href="{entities.escape(address)}">'))
        self._inline(words)
        self._unmark("a")

    def _inline(self, words: str) -> None:
        self._write(entities.escape(words, quote=False), shows=True)
        self._spaced = False

    def _address(self, told: str) -> str | None:
        """The absolute address; '' where none is told, None for what leads nowhere or acts."""
        told = _CONTROL.sub("", told).strip()
        if not told:
            return ""
        try:
            address = written_out(urljoin(self._base, told))
            parts = urlsplit(address)
        except ValueError:
            return None
        if parts.scheme in ("mailto", "tel"):
            return address
        return address if parts.scheme in ("http", "https") and parts.netloc else None


def written_out(address: str) -> str:
    """The address with what may not stand in one written as `%` and its code."""
    return quote(address, safe="%:/?#[]@!$&()*+,;=~")


def _read(document: str, base: str, verdict: Verdict) -> _Reading:
    reading = _Reading(base, verdict)
    # As bytes: lxml refuses a text that declares an encoding of its own. huge_tree: libxml2 otherwise stops at a depth
    # of 256 elements. The stubs let a target be handed bytes, which only Python 2 did.
    parser = etree.HTMLParser(target=cast(Any, reading), encoding="utf-8", huge_tree=True)
    try:
        parser.feed(_CONTROL.sub("", document).encode())
        parser.close()
    except etree.LxmlError:
        # Whatever the parser could not get through still is an article: its words are kept.
        reading = _Reading(base, verdict)
        reading.change("article_formatting", "unreadable HTML")
        reading.data(entities.unescape(_TAG.sub(" ", document)))
        reading.close()
    return reading


def _is_video(address: str) -> bool:
    host = (urlsplit(address).hostname or "").removeprefix("www.")
    return any(host == known or host.endswith(f".{known}") for known in VIDEO_HOSTS)


def _name(address: str) -> str:
    return urlsplit(address).path.rstrip("/").rpartition("/")[2] or "image"
