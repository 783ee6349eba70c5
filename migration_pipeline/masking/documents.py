"""Texts and HTML as what a search sees: views of their words, and the way back from what was found to the document.

Belongs here: reading and rebuilding. Does not belong here: patterns, or what is masked.
"""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import unquote

from migration_pipeline.masking.patterns import searchable

_TAG: Final = re.compile(r"""<(?:!--.*?-->|[/!?A-Za-z](?:"[^"]*"|'[^']*'|[^'">])*>)""", re.DOTALL)
_NAME: Final = re.compile(r"</?\s*([A-Za-z0-9]+)")
_ATTRIBUTE: Final = re.compile(r"""(=\s*)("[^"]*"|'[^']*')""")
_INLINE: Final = frozenset(
    ["a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "del", "dfn", "em", "font", "i", "img", "ins",
     "kbd", "mark", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "tt", "u", "var", "wbr"]
)  # fmt: skip
"""Elements that do not end a line; what stands left and right of any other is not one word."""

ADDRESS_MARK: Final = "masked"
"""What stands in an attribute instead: it may be an address, which takes no brackets."""


@dataclass(frozen=True)
class View:
    """One way to read a document; at `breaks` mark-up parts the words."""

    text: str
    breaks: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Hit:
    """What is to go: from the first character to the one after the last, and what is to stand there."""

    start: int
    end: int
    mark: str


class Document(Protocol):
    """Something that people wrote."""

    @property
    def views(self) -> Sequence[View]:
        """What is to be searched."""

    def rebuilt(self, hits: Sequence[Sequence[Hit]]) -> str:
        """The document without what was found, by view; hits do not overlap and stand in order."""


class Text:
    """Plain text. Where it repeats mark-up or an address, it is also read as these mean it."""

    def __init__(self, text: str) -> None:
        readings = dict.fromkeys([text, html.unescape(text), unquote(text)])
        self._readings = list(readings)
        self.views = [View(searchable(reading)) for reading in readings]

    def rebuilt(self, hits: Sequence[Sequence[Hit]]) -> str:
        """In the reading in which most was found."""
        most = max(range(len(self.views)), key=lambda number: (len(hits[number]), -number))
        return replaced(self._readings[most], 0, hits[most])


class Beginning(Text):
    """What a plain text begins with, for a glance. It is searched far beyond: a cut would hide what it splits."""

    def __init__(self, text: str, length: int) -> None:
        """`length` is in characters; where something is found across the end, all of its mark stands there."""
        super().__init__(text)
        self._readings = [reading[:length] for reading in self._readings]
        self._length = length

    def rebuilt(self, hits: Sequence[Sequence[Hit]]) -> str:
        """In the reading in which most was found at the beginning."""
        return super().rebuilt([[hit for hit in view if hit.start < self._length] for view in hits])


class Html:
    """HTML: the words of one line are read together, whatever marks them; each attribute is read by itself."""

    def __init__(self, document: str, *, attributes: bool = True) -> None:
        """`attributes` says whether these are read too; an article is found by its links."""
        self._pieces: list[tuple[str, str, int]] = []  # text or tag, as written or decoded, and where its words begin
        self._attributes: list[Text] = []
        words: list[str] = []
        breaks: set[int] = set()
        place = at = 0

        def add(text: str) -> None:
            nonlocal at
            decoded = html.unescape(text)
            self._pieces.append(("text", decoded, at))
            breaks.add(at)
            words.append(decoded)
            at += len(decoded)

        for tag in _TAG.finditer(document):
            if tag.start() > place:
                add(document[place : tag.start()])
            place = tag.end()
            self._pieces.append(("tag", tag[0], at))
            if attributes:
                self._attributes += [Text(html.unescape(value[2][1:-1])) for value in _ATTRIBUTE.finditer(tag[0])]
            name = _NAME.match(tag[0])
            if name is None or name[1].lower() not in _INLINE:
                words.append("\n")
                at += 1
        if place < len(document):
            add(document[place:])
        further = [view for attribute in self._attributes for view in attribute.views]
        self.views = [View(searchable("".join(words)), frozenset(breaks)), *further]

    def rebuilt(self, hits: Sequence[Sequence[Hit]]) -> str:
        """The same mark-up around what is left of the words."""
        further = iter(hits[1:])
        values = iter(
            [
                attribute.rebuilt([[_in_address(hit) for hit in next(further)] for _ in attribute.views])
                for attribute in self._attributes
            ]
        )
        out = []
        for kind, written, start in self._pieces:
            if kind == "text":
                out.append(html.escape(replaced(written, start, hits[0]), quote=False))
            elif not self._attributes:
                out.append(written)
            else:
                out.append(_ATTRIBUTE.sub(lambda found: f'{found[1]}"{html.escape(next(values))}"', written))
        return "".join(out)


def replaced(text: str, offset: int, hits: Sequence[Hit]) -> str:
    """The text, which begins at `offset` of what was searched, with marks; a mark stands where its hit begins."""
    out, place = [], 0
    for hit in hits:
        start, end = max(hit.start - offset, 0), min(hit.end - offset, len(text))
        if start >= end:
            continue
        out.append(text[place:start])
        out.append(hit.mark if hit.start >= offset else "")
        place = end
    return "".join([*out, text[place:]])


def _in_address(hit: Hit) -> Hit:
    return Hit(hit.start, hit.end, ADDRESS_MARK)
