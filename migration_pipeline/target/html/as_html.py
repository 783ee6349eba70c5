"""Events as HTML: paragraphs around running text, and an element opened only once there is something to put into it."""

import html as entities
from collections.abc import Iterable
from typing import Final

from migration_pipeline.target.html.events import BOUNDARIES, SPACES, Event, Kind
from migration_pipeline.target.html.texts import escape

_INLINE: Final = frozenset(["a", "b", "strong", "i", "em", "u", "code"])
_CONTAINERS: Final = frozenset(
    ["blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "li", "ol", "pre", "table", "tbody", "td", "tfoot", "th",
     "thead", "tr", "ul"]
)  # fmt: skip
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


def as_html(events: Iterable[Event]) -> str:
    """HTML that holds nothing but allowed elements; '' where nothing readable was left."""
    writer = _Writer()
    for kind, value, extra in events:
        writer.take(kind, value, extra)
    return writer.finish()


class _Writer:
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

    def take(self, kind: Kind, value: str, extra: str) -> None:
        if kind == "text":
            self._text(value)
        elif kind == "break":
            self._break()
        elif value in _INLINE:
            self._open_inline(value, extra) if kind == "open" else self._close_inline(value)
        elif value in _CONTAINERS:
            self._open_container(value) if kind == "open" else self._close_container(value)
        elif value in BOUNDARIES:
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
            text = SPACES.sub(" ", text)
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
