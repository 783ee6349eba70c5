"""What an article consists of: blocks, each with the list items that it stands in, and how they are written.

Belongs here: putting lists back around their blocks. Does not belong here: how a document becomes blocks
(`article_html`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Item:
    """A list item that is open; items of one list share its number."""

    tag: str
    list: int
    item: int


@dataclass(frozen=True, slots=True)
class Block:
    """Something that stands on lines of its own."""

    kind: Literal["paragraph", "heading", "whole"]
    content: str
    path: tuple[Item, ...] = ()
    level: int = 0


@dataclass
class Table:
    """A table while it is read: rows of cells, each a list of paragraphs."""

    rows: list[list[list[str]]] = field(default_factory=list)

    @property
    def written(self) -> str:
        """Its HTML; '' where no cell has anything to show."""
        rows = ["<tr>" + "".join(f"<td>{''.join(cell)}</td>" for cell in row) + "</tr>" for row in self.rows if row]
        filled = any(cell for row in self.rows for cell in row)
        return f"<table><tbody>{''.join(rows)}</tbody></table>" if filled else ""


def written(blocks: Sequence[Block], levels: Sequence[int]) -> Iterable[str]:
    """The blocks as HTML, with the lists that they stand in around them."""
    spoken: set[int] = set()  # items that have words of their own: another list may stand in them
    here: list[Item] = []
    for block in blocks:
        path = [item for item in block.path if item.item in spoken or item is block.path[-1]]
        spoken.update(item.item for item in block.path[-1:])
        same = 0
        while same < min(len(path), len(here)) and path[same] == here[same]:
            same += 1
        going_on = same < len(path) and same < len(here) and path[same].list == here[same].list
        for number in range(len(here) - 1, same - 1, -1):
            yield "</li>" if number == same and going_on else f"</li></{here[number].tag}>"
        for number in range(same, len(path)):
            yield "<li>" if number == same and going_on else f"<{path[number].tag}><li>"
        here = path
        if block.kind == "heading":
            tag = "h1" if block.level == levels[0] else "h2"
            yield f"<{tag}>{block.content}</{tag}>"
        else:
            yield f"<p>{block.content}</p>" if block.kind == "paragraph" else block.content
    for item in reversed(here):
        yield f"</li></{item.tag}>"
