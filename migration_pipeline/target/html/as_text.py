"""Events as plain text: lines, each behind the marks of the quotes and lists that it stands in."""

import re
from collections.abc import Iterable
from typing import Final

from migration_pipeline.target.html.events import BOUNDARIES, SPACES, Event, Kind

_MARKS: Final = 40
"""Quotes and lists nested deeper are marked no further: their marks would outgrow the text."""


def as_text(events: Iterable[Event]) -> str:
    """Plain text: links as `text (address)`, lists, `> ` before quoted lines, ` | ` between cells."""
    writer = _Writer()
    for kind, value, extra in events:
        writer.take(kind, value, extra)
    return writer.finish()


class _Writer:
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

    def take(self, kind: Kind, value: str, extra: str) -> None:
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
        elif value in BOUNDARIES:
            self._end_line()

    def finish(self) -> str:
        self._end_line()
        text = re.sub(r"\n{3,}", "\n\n", "\n".join(self._lines)).strip("\n")
        return text if text.strip() else ""

    def _text(self, text: str) -> None:
        if not self._pre:
            self._line.append(SPACES.sub(" ", text))
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
        text = text.rstrip() if self._pre else SPACES.sub(" ", text).strip(" ")
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

    def _link(self, kind: Kind, href: str) -> None:
        if kind == "open":
            self._links.append((href, len(self._line)))
            return
        if not self._links:
            return
        href, start = self._links.pop()
        words = "".join(self._line[start:]).strip()
        if href and _address(words) != _address(href):
            self._line.append(f" ({href})" if words else href)

    def _list(self, kind: Kind, tag: str) -> None:
        if kind == "open":
            self._end_line() if self._lists else self._paragraph()
            self._lists.append(1 if tag == "ol" else 0)
        elif self._lists:
            self._lists.pop()
            self._end_line() if self._lists else self._paragraph()

    def _item(self, kind: Kind) -> None:
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

    def _quote(self, kind: Kind) -> None:
        self._paragraph()
        if kind == "open":
            self._prefixes.append("> ")
        elif "> " in self._prefixes:
            while self._prefixes.pop() != "> ":
                continue
            self._paragraph()

    def _row(self, kind: Kind) -> None:
        if kind == "open":
            self._end_line()
            self._rows.append(0)
        elif self._rows:
            self._rows.pop()
            self._end_line()

    def _cell(self, kind: Kind) -> None:
        if kind == "open" and self._rows:
            if self._rows[-1]:
                self._line.append(" | ")
            self._rows[-1] += 1


def _address(text: str) -> str:
    """An address as people write it, to see whether a link's words already say where it leads."""
    return re.sub(r"^(?:https?://|mailto:)?(?:www\.)?", "", text.strip().lower()).rstrip("/")
