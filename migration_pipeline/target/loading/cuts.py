"""Comments that were begun when parts took another number of files: they are completed as they were begun.

How many files a part takes is a setting, and each part's operation is named by its number within its comment. So a
comment of which something was sent keeps its cut, or its files would arrive twice.

Belongs here: telling the cut by the journal, and cutting a comment anew. Does not belong here: the cut that the
settings ask for (`transcripts`).
"""

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final
from urllib.parse import quote

from migration_pipeline.config.migration import MOST_FILES_PER_PART
from migration_pipeline.journal import Operation, State
from migration_pipeline.target.canonical import files_hash
from migration_pipeline.target.html import escape
from migration_pipeline.target.loading.slots import parsed
from migration_pipeline.target.loading.work import Work
from migration_pipeline.target.rows import Row
from migration_pipeline.target.transcripts import line_of

_PART: Final = re.compile(r"^(?:v(?P<volume>\d+)/)?(?P<slot>part/.+)$")
_NAMED: Final = re.compile(r"^<p><b>[^<]*</b> \([^<]*\)</p>")
"""The line with the author's name that each part of a comment begins with, where somebody else says it."""

Sent = Mapping[str, tuple[int, Operation]]
"""Parts that arrived or may have arrived, by slot: the conversation's number, and the newest operation."""


def slot_of(comment: str, number: int) -> str:
    """The slot of a comment's part; 0 is the part with the text."""
    return f"part/{quote(comment, safe=':?')}.{number}"


def as_begun(work: Work, opener_ref: str | None, parts: Iterable[Row]) -> list[Row]:
    """A ticket's parts, those of each comment cut as they were when the first of them was sent."""
    sent = _sent(work)
    if not sent:
        return list(parts)
    found: list[Row] = []
    for comment, rows in groupby(parts, key=lambda part: part["comment_ref"]):
        said = list(rows)
        found += _begun(said, comment, int(comment == opener_ref), sent) if comment is not None else said
    return found


def _sent(work: Work) -> Sent:
    newest: dict[str, tuple[int, int, Operation]] = {}
    start = f"{work.entity_type}/{work.source_id}/"
    for key, operation in work.operations.items():
        named = _PART.match(key.removeprefix(start))
        if named is None or operation.kind != "reply" or operation.state not in (State.DONE, State.IN_DOUBT):
            continue
        slot, revision = parsed(named["slot"])
        if slot not in newest or newest[slot][0] < revision:
            newest[slot] = (revision, int(named["volume"] or 1), operation)
    return {slot: (volume, operation) for slot, (_, volume, operation) in newest.items()}


def _begun(said: list[Row], comment: str, first: int, sent: Sent) -> list[Row]:
    """The parts of one comment in the cut, and the conversations, in which some of them were sent."""
    start = slot_of(comment, 0).removesuffix("0")
    begun = {
        int(slot.removeprefix(start)) - first: known
        for slot, known in sent.items()
        if slot.startswith(start) and slot.removeprefix(start).isdecimal()
    }
    begun = {number: known for number, known in begun.items() if number >= 0}
    fitting = (
        cut for cut in _cuts(said) if all(_carries(cut, number, operation) for number, (_, operation) in begun.items())
    )
    cut = next(fitting, said) if begun else said
    return [
        {**part, "volume": begun[number][0]} | ({} if cut is said else _dated(begun[number][1]))
        if number in begun
        else part
        for number, part in enumerate(cut)
    ]


def _dated(operation: Operation) -> Row:
    """The second that a part was sent with, where the cut of now gives it none."""
    return {"created_at": dt.datetime.fromtimestamp(int(operation.adapted["created_at"]), dt.UTC)}


def _cuts(said: list[Row]) -> Iterator[list[Row]]:
    """The comment as it is, then in all other cuts."""
    yield said
    files = [file for part in said for file in part["files"] or ()]
    if len(files) > 1:
        yield from (_cut(said, files, size) for size in range(1, MOST_FILES_PER_PART + 1))


def _cut(said: Sequence[Row], files: Sequence[Row], size: int) -> list[Row]:
    """The comment with so many files a part."""
    carrier, *further = (part for part in said if part["files"])
    if further:
        lead = further[0]["body"].removesuffix(_line(further[0]["files"]))
    else:
        named = _NAMED.match(carrier["body"])
        lead = named[0] if named else ""
    here, *chunks = (files[at : at + size] for at in range(0, len(files), size))
    changed = {**carrier, "files": here, "body": carrier["body"].replace(_line(carrier["files"]), _line(here))}
    kept = [changed if part is carrier else part for part in said if part is carrier or not part["files"]]
    return kept + [{**said[-1], "files": chunk, "body": lead + _line(chunk)} for chunk in chunks]


def _line(files: Sequence[Row]) -> str:
    return f"<p>{escape(line_of([file['name'] for file in files]))}</p>"


def _carries(cut: Sequence[Row], number: int, operation: Operation) -> bool:
    """Whether the operation carried the files that the cut gives to its part; files that were refused aside."""
    if number >= len(cut):
        return False
    if "clipped" in operation.adapted or operation.identity is None:
        return True
    dropped = operation.adapted.get("dropped", ())
    meant = [file for file in cut[number]["files"] or () if file["sha256"] and file["sha256"] not in dropped]
    named = files_hash((file["name"] or "file", file["size"] or 0) for file in meant)
    return operation.identity.split("|")[4:] == [named]
