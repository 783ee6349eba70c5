"""Masking: documents in, the same documents without what the rules name out, and how often each rule struck.

Belongs here: putting patterns and documents together. Does not belong here: which column of what is a document.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from migration_pipeline.config import Masking
from migration_pipeline.masking.documents import Document, Hit
from migration_pipeline.masking.patterns import Pattern, patterns_of

ADDRESSES: Final = frozenset({"email", "phone"})
"""Patterns that a contact's own e-mail address and phone number are; `masking.fields` decides on those."""


class Masker:
    """The patterns of a migration. Without any, every document stays as it is."""

    def __init__(self, rules: Masking) -> None:
        self._patterns = patterns_of(rules)

    @property
    def idle(self) -> bool:
        """Whether there is nothing to look for."""
        return not self._patterns

    def mask(
        self, documents: Sequence[Document], *, without: frozenset[str] = frozenset()
    ) -> tuple[list[str | None], Counter[str]]:
        """What each document becomes, None where it stays; and the number of strikes by pattern.

        `without` names patterns that are not looked for.
        """
        patterns = [pattern for pattern in self._patterns if pattern.name not in without]
        views = [view for document in documents for view in document.views]
        if not patterns or not views:
            return [None] * len(documents), Counter()
        texts, breaks = [view.text for view in views], [view.breaks for view in views]
        found = [pattern.find(texts, breaks) for pattern in patterns]
        counts: Counter[str] = Counter()
        hits = [_merged(patterns, [spans[number] for spans in found], counts) for number in range(len(views))]
        out: list[str | None] = []
        place = 0
        for document in documents:
            mine = hits[place : place + len(document.views)]
            place += len(document.views)
            out.append(document.rebuilt(mine) if any(mine) else None)
        return out, counts


def _merged(patterns: Sequence[Pattern], spans: Sequence[Sequence[tuple[int, int]]], counts: Counter[str]) -> list[Hit]:
    """The places of one text, in order and none within another; what overlaps counts for the pattern that begins."""
    told = sorted((start, -end, number) for number, of in enumerate(spans) for start, end in of)
    hits: list[Hit] = []
    for start, end, number in told:
        if hits and start < hits[-1].end:
            hits[-1] = Hit(hits[-1].start, max(hits[-1].end, -end), hits[-1].mark)
            continue
        hits.append(Hit(start, -end, patterns[number].mark))
        counts[patterns[number].name] += 1
    return hits
