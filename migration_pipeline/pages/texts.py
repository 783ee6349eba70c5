"""Texts of strangers as a page and its controls can hold them.

Belongs here: what browsers change of a text, done beforehand, so that what comes back can be compared.
"""

import re
from collections.abc import Iterable
from typing import Final

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_REORDERING: Final = re.compile(r"[\u202a-\u202e\u2066-\u2069]")


def plain(text: object) -> str:
    """A text to be read: one line, no control characters."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", " ".join(str(text if text is not None else "").split()))


def entered(value: object) -> str:
    """A value as a text control has it, and hands it back where nobody changes it; null is empty."""
    if value is None:
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r", "").replace("\n", "").replace("\t", " "))


def label(name: str | None, told: Iterable[str | None], own: str) -> str:
    """What a list calls a teammate or a team: the name, what else is known, and the id that makes it unmistakable."""
    words = [plain(name) or "no name", *(f"<{plain(one)}>" for one in told if one), f"({plain(own)})"]
    return _REORDERING.sub("", " ".join(words))
