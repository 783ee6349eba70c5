"""One spelling for texts, values and files on both sides, so that what was sent can be recognized in what is read.

Intercom stores other bytes than it was sent: plain text becomes paragraphs, HTML is tidied, classes are added. What
stays are the characters a person reads. Belongs here: comparing. Does not belong here: making the text that is sent.
"""

import re
import unicodedata
from collections.abc import Iterable
from hashlib import sha256
from html import unescape
from html.parser import HTMLParser
from typing import Any, Final

import orjson

_TAG: Final = re.compile(r"</?[a-zA-Z!][^<>]*>")
_BLANK: Final = re.compile(r"[\s\u00a0\u200b\u200c\u200d\ufeff\u0000-\u001f]+")


class _Text(HTMLParser):
    """Collects what a reader sees."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self._hidden += tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style") and self._hidden > 0

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.pieces.append(data)


def readable(html: str | None) -> str:
    """The text of HTML, with its blanks, without its layout."""
    parser = _Text()
    try:
        parser.feed(html or "")
        parser.close()
    except AssertionError:  # html.parser gives up on a few broken declarations
        return unescape(_TAG.sub("", html or ""))
    return "".join(parser.pieces)


def characters(html: str | None) -> str:
    """The characters that a person reads in HTML, without any blanks; the same for every way to lay them out.

    Text that shows tags (`&lt;b&gt;`) gives the same as if they had been stripped: services do one or the other with
    the tags in a plain text.
    """
    return _BLANK.sub("", unicodedata.normalize("NFC", _TAG.sub("", readable(html))))


def short_hash(value: Any) -> str:
    """A hash of a JSON value, long enough to tell the parts of one workspace apart."""
    return sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)).hexdigest()[:20]


def body_hash(html: str | None) -> str:
    """A hash of what a person reads in a body."""
    return short_hash(characters(html))


def plain_hash(text: str | None) -> str:
    """A hash of a plain text, equal to `body_hash` of what a service makes of it."""
    return body_hash((text or "").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))


def files_hash(files: Iterable[tuple[str, int]]) -> str:
    """A hash of files by name and size in bytes, in any order."""
    return short_hash(sorted([name, size] for name, size in files))


def same_value(meant: Any, actual: Any) -> bool:
    """Whether two attribute values are one: services answer numbers as texts, dates as seconds, and null as nothing."""
    if meant in (None, "") or actual in (None, ""):
        return meant in (None, "") and actual in (None, "")
    if isinstance(meant, bool) or isinstance(actual, bool):
        return str(meant).lower() == str(actual).lower()
    if isinstance(meant, str) and isinstance(actual, str):
        return _spelled(meant) == _spelled(actual)
    try:
        return float(meant) == float(actual)
    except (TypeError, ValueError):
        return bool(meant == actual)


def _spelled(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())
