"""The text of `mapping.yaml` cut into its entries, so that changing a few of thousands reads and writes these alone.

Belongs here: cutting, picking and putting back. Does not belong here: what changes within an entry (`mapping_edits`).
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Self

from ruamel.yaml.comments import CommentedMap

from migration_pipeline.config.yamlfile import Place

_BREAKS: Final = frozenset("\r\x85\u2028\u2029")
"""Characters that YAML counts as ends of lines besides the usual one."""

_TIE: Final = re.compile(r"(?:^|[\s,\[{])[&*]\S")
"""Anchors and aliases look so, and some other texts: there one text may stand for several entries."""

_HEAD: Final[Place] = ()


@dataclass(frozen=True)
class Blocks:
    """The text of a file, in its order: what stands before the sections, the first line of each, and each entry.

    A block ends where the next begins: comments above an entry belong to the block before.
    """

    by_place: Mapping[Place, str]

    @classmethod
    def of(cls, document: CommentedMap, text: str) -> Self:
        """Cut the text that `document` was read from; a text that cannot be cut is one block."""
        starts = _starts(document)
        lines = text.split("\n")
        distinct = len({place for place, _ in starts}) == len(starts)  # `1` and `"1"` are two keys of one spelling
        ordered = distinct and all(before < after for (_, before), (_, after) in pairwise([(_HEAD, -1), *starts]))
        if not starts or not ordered or _BREAKS & set(text) or not text.endswith("\n"):
            return cls({_HEAD: text})
        ends = [*(line for _, line in starts[1:]), len(lines) - 1]
        blocks = {_HEAD: "".join(f"{line}\n" for line in lines[: starts[0][1]])}
        for (place, start), end in zip(starts, ends, strict=True):
            blocks[place] = "".join(f"{line}\n" for line in lines[start:end])
        return cls(blocks)

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(self.by_place.values())

    def picked(self, entries: Collection[Place], sections: Collection[str]) -> Self | None:
        """The blocks of some entries and of whole sections; None where they say nothing without the rest."""
        known = {str(place[0]) for place in self.by_place if place}
        head = self.by_place[_HEAD]
        if not {str(place[0]) for place in entries} | set(sections) <= known or head.startswith("%") or "\n%" in head:
            return None
        tops = {place[:1] for place in entries}
        found = {
            place: block
            for place, block in self.by_place.items()
            if place and (place in entries or place in tops or place[0] in sections)
        }
        return None if any(_TIE.search(block) for block in found.values()) else type(self)(found)

    def replaced(self, old: "Blocks", new: "Blocks") -> Self | None:
        """The blocks with `new` in place of `old`, which were picked from them; None where they do not go together."""
        if new.by_place.get(_HEAD):
            return None
        depths = {len(place): _indentation(block) for place, block in old.by_place.items()}
        if any(depths.get(len(place), 2) != _indentation(block) for place, block in new.by_place.items() if place):
            return None
        result: dict[Place, str] = {}
        whole = {place[0] for place in old.by_place.keys() ^ (new.by_place.keys() - {_HEAD})}
        for place, block in self.by_place.items():
            if place and place[0] in whole:
                if len(place) == 1:
                    result |= {one: text for one, text in new.by_place.items() if one and one[0] == place[0]}
            else:
                result[place] = new.by_place.get(place, block) if place else block
        return type(self)(result)


def _starts(document: CommentedMap) -> list[tuple[Place, int]]:
    """The places of sections and entries, and the lines that they begin on; none where a line is not known."""
    found: list[tuple[Place, int]] = []
    for top, section in document.items():
        if top not in document.lc.data:
            return []
        found.append(((_spelled(top),), document.lc.key(top)[0]))
        if isinstance(section, CommentedMap) and section and not section.fa.flow_style():
            if any(key not in section.lc.data for key in section):
                return []
            found += [((_spelled(top), _spelled(key)), section.lc.key(key)[0]) for key in section]
    return found


def _indentation(block: str) -> int:
    return len(block) - len(block.lstrip(" "))


def _spelled(key: object) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)
