"""Plain text: what may not stand in it, as HTML, and in pieces; files of the source are told by their names.

Belongs here: text that holds no mark-up. Does not belong here: reading HTML (`events`).
"""

import html as entities
import re
from typing import Final
from urllib.parse import parse_qs

CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
OWN_FILE: Final = re.compile(r"(?i)https?://[^\s\"'<>()]+/attachments/token/[^\s\"'<>()]*")
"""Zendesk's token URLs of attachments (Ticket Attachments, `content_url`): dead once the source is switched off."""


def plain(text: str) -> str:
    """The text without control characters, its line ends as `\\n`."""
    return CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def text_of(text: str) -> str:
    """Plain text as an opening message carries it: no control characters, the source's own file links by name."""
    return plain(own_files_named(text)).strip()


def from_text(text: str) -> str:
    """Plain text as HTML: blank lines part paragraphs, other line ends stay."""
    paragraphs = re.split(r"\n[ \t]*\n+", plain(own_files_named(text)).strip())
    return "".join(
        "<p>" + "<br>".join(escape(line.strip()) for line in paragraph.split("\n")) + "</p>"
        for paragraph in paragraphs
        if paragraph.strip()
    )


def escape(text: str) -> str:
    """The text with `&`, `<` and `>` as entities."""
    return entities.escape(text, quote=False)


def split_text(text: str, limit: int) -> list[str]:
    """Plain text in pieces of at most `limit` characters, cut at line ends or spaces where that can be."""
    pieces = []
    while len(text) > limit:
        at = max(text.rfind("\n", limit // 2, limit), text.rfind(" ", limit // 2, limit))
        at = at if at > 0 else limit
        pieces.append(text[:at].rstrip())
        text = text[at:].lstrip()
    return [*pieces, text] if text or not pieces else pieces


def own_files_named(text: str) -> str:
    """The text with the names of the source's own files in place of their addresses."""
    if "/attachments/token/" not in text.lower():
        return text

    def named(found: re.Match[str]) -> str:
        url = found[0].rstrip(".,;:!?")
        return f"[file: {own_file_name(url)}]{found[0][len(url) :]}"

    return OWN_FILE.sub(named, text)


def own_file_name(url: str) -> str:
    """The name of a file of the source, as its address tells it."""
    query = url.partition("?")[2].partition("#")[0]
    named = parse_qs(query).get("name")
    return CONTROL.sub("", named[0]).strip() or "file" if named else "file"
