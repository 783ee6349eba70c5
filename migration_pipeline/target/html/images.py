"""Pictures that a document holds itself, as `data:` addresses."""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

_DATA: Final = re.compile(r"(?is)data:image/([a-z0-9.+-]+)((?:;[^,;]*)*),(.*)")
_EXTENSIONS: Final = {"jpeg": "jpg", "svg+xml": "svg", "x-icon": "ico"}
_SPACES: Final = re.compile(r"[ \t\r\n\f]+")


@dataclass(frozen=True, slots=True)
class EmbeddedImage:
    """An image that the document holds itself; `content` is None where its bytes are not there, or cannot be read."""

    name: str
    content_type: str
    content: bytes | None


def embedded_image(source: str, number: int) -> EmbeddedImage | None:
    """The picture that an address holds itself (`data:`), named by its number; None for any other address."""
    found = _DATA.match(source)
    if found is None:
        return None
    kind, parameters, data = found[1].lower(), found[2].lower(), found[3]
    name = f"image-{number}.{_EXTENSIONS.get(kind, kind)}"
    content: bytes | None
    if "base64" in parameters:
        try:
            content = base64.b64decode(_SPACES.sub("", unquote(data)), validate=True)
        except (binascii.Error, ValueError):
            content = None
    else:
        content = unquote(data).encode()
    return EmbeddedImage(name, f"image/{kind}", content or None)
