"""How bodies are stored: plain text as HTML paragraphs, markup kept, escaped or mildly rewritten."""

from __future__ import annotations

import html
import re

import lxml.html
from lxml import etree

_MARKUP = re.compile(r"<[a-zA-Z/!][^>]*>")
_TOKEN = re.compile(r"\w+")
_BLOCKS = "h1|h2|h3|h4|h5|h6|p|div|ul|ol|li|table|thead|tbody|tr|td|th|blockquote|pre|hr|body|html|head|style|title"
_BETWEEN_BLOCKS = re.compile(rf"(</?(?:{_BLOCKS})(?:\s[^>]*)?/?>)\s+(?=</?(?:{_BLOCKS})[\s>/])", re.IGNORECASE)


def has_markup(body: str) -> bool:
    """Whether a body is meant as HTML."""
    return bool(_MARKUP.search(body))


def paragraphs(text: str, newlines: str) -> str:
    """Plain text as escaped HTML; `newlines` is the switch plain_text_newlines."""
    escaped = html.escape(text.replace("\r\n", "\n"), quote=False)
    if newlines == "paragraphs":
        return "".join(f"<p>{block.replace(chr(10), '<br>')}</p>" for block in re.split(r"\n{2,}", escaped.strip("\n")))
    return f"<p>{escaped.replace(chr(10), '<br>') if newlines == 'br' else escaped}</p>"


def plain_text(body: str) -> str:
    """The text of an HTML body, for display_as=plaintext and for matching words."""
    if not body.strip() or "<" not in body:
        return html.unescape(body)
    fragment = lxml.html.fragment_fromstring(body.replace("<br>", "\n"), create_parent="div")
    return str(fragment.text_content())


def stripped(body: str) -> str:
    """A body without its markup."""
    return _MARKUP.sub("", body)


def mild(body: str) -> str:
    """HTML without its document frame, scripts, comments and white space between blocks, as a note is answered."""
    document = lxml.html.document_fromstring(body)
    etree.strip_elements(document, "script", "style", etree.Comment, with_tail=False)
    root = document.find("body")
    if root is None:
        return body
    inner = (root.text or "") + "".join(lxml.html.tostring(child, encoding="unicode") for child in root)
    return _BETWEEN_BLOCKS.sub(r"\1" + "\n", inner).strip()


def has_words(body: str | None, wanted: str) -> bool:
    """Whether every word of `wanted` is a word of `body`: articles are found so."""
    have = {token.casefold() for token in _TOKEN.findall(plain_text(body or ""))}
    return all(token.casefold() in have for token in _TOKEN.findall(plain_text(wanted)))


def is_word_of(body: str | None, wanted: str) -> bool:
    """Whether `wanted` as a whole is a word of `body`: message bodies are compared word by word, so two never match."""
    return wanted.casefold() in {token.casefold() for token in _TOKEN.findall(plain_text(body or ""))}
