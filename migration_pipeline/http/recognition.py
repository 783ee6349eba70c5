"""Whether what came for a file can be that file at all, where nobody said how long it is to be.

Belongs here: a look at the first bytes, while they pass. Does not belong here: how bytes travel (`downloads`), or what
a target takes.

A service, or a host of pictures, may answer with a page that says "not here" and still call that a success (200).
"""

import mimetypes
from collections.abc import Iterator
from io import BytesIO
from itertools import chain
from typing import Final

import puremagic
import requests
from lxml import etree

HEAD: Final = 1 << 16
"""Bytes that are looked at: a declaration and comments may stand before the root of an SVG."""

_PAGES: Final = frozenset({"text/html", "application/xhtml+xml", "application/json"})
"""What services send instead of a file."""


class NotRecognised(requests.ConnectionError):
    """What came is not such a file; another attempt may bring it."""


def recognised(chunks: Iterator[bytes], *, name: str | None, picture: bool) -> Iterator[bytes]:
    """The same bytes, if they can be the file: a picture, if it is to be one, else anything but a page of a service.

    `name` is the file's, which may be a page itself.

    Raises:
        NotRecognised: before any byte is given.
    """
    head: list[bytes] = []
    size = 0
    for chunk in chunks:
        head.append(chunk)
        size += len(chunk)
        if size >= HEAD:
            break
    start = b"".join(head)[:HEAD]
    if picture and not _is_picture(start):
        raise NotRecognised(f"what came is no picture but {_kind(start) or 'of no known kind'}")
    if not picture and (kind := _kind(start)) in _PAGES and mimetypes.guess_type(name or "")[0] != kind:
        raise NotRecognised(f"what came is {kind}")
    yield from chain(head, chunks)


def _kind(start: bytes) -> str | None:
    try:
        return puremagic.from_string(start, mime=True) or None
    except (puremagic.PureError, ValueError):
        return None


def _is_picture(start: bytes) -> bool:
    return (_kind(start) or "").startswith("image/") or _is_svg(start)


def _is_svg(start: bytes) -> bool:
    """Whether the root of an XML document is `svg`, whatever stands before it."""
    try:
        for _, root in etree.iterparse(BytesIO(start), events=("start",), resolve_entities=False, no_network=True):
            return etree.QName(root).localname == "svg"
    except etree.XMLSyntaxError:
        return False
    return False
