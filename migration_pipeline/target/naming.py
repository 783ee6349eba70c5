"""Names and types of files as Intercom and every computer can take them.

Belongs here: pure rules on a name. Does not belong here: which files move (`transcripts`).
"""

import re
from typing import Final
from unicodedata import category

from migration_pipeline.target.html import plain

LONGEST: Final = 200
"""Characters of a name; file systems hold 255 bytes, and letters may take several."""

_DEVICES: Final = frozenset(
    ["CON", "PRN", "AUX", "NUL", *(f"{port}{number}" for port in ("COM", "LPT") for number in range(1, 10))]
)
"""Names that stand for devices under Windows, whatever the extension."""

_EXTENSION: Final = re.compile(r"\.[^.\s]{1,16}$")
_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*")
_JOINERS: Final = frozenset("\u200c\u200d")


def file_name(raw: str | None) -> str:
    """The name without folders, control and direction marks, short enough; `file` where nothing is left."""
    shown = "".join(mark for mark in plain(raw or "") if category(mark) != "Cf" or mark in _JOINERS)
    name = " ".join(re.split(r"[/\\]", shown.rstrip("/\\"))[-1].split()).rstrip(". ")
    if not name:
        return "file"
    if name.partition(".")[0].upper() in _DEVICES:
        name = f"_{name}"
    if len(name.encode()) <= LONGEST:
        return name
    found = _EXTENSION.search(name)
    extension = found[0] if found else ""
    stem = name[: len(name) - len(extension)]
    room = LONGEST - len(extension.encode())
    return stem.encode()[:room].decode(errors="ignore").rstrip() + extension


def renamed(raw: str | None, name: str) -> bool:
    """Whether a name is another one, and not just spaced differently."""
    return bool(raw) and " ".join((raw or "").split()) != name


def media_type(raw: str | None) -> str:
    """The media type without parameters; that of any bytes where it is none."""
    told = (raw or "").partition(";")[0].strip().lower()
    return told if len(told) <= 127 and _TYPE.fullmatch(told) else "application/octet-stream"
