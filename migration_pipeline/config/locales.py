"""Languages of Intercom's help centre, and which of them a source's language is.

Belongs here: the table and the guess. Does not belong here: what a person decides (`mapping`).
"""

from typing import Final

LOCALES: Final = (
    "ar", "bg", "bs", "ca", "cs", "da", "de", "el", "en", "es", "et", "fi", "fr", "he", "hr", "hu", "id", "it", "ja",
    "ko", "lt", "lv", "mn", "nb", "nl", "pl", "pt", "pt-BR", "ro", "ru", "sl", "sr", "sv", "tr", "vi", "zh-CN", "zh-TW",
)  # fmt: skip
"""What Intercom takes as a language of an article (Intercom, "Create multilingual articles")."""

_BY_SPELLING: Final = {locale.casefold(): locale for locale in LOCALES}
_OTHER_NAMES: Final = {
    "no": "nb", "nn": "nb", "iw": "he", "in": "id", "sh": "sr", "zh": "zh-CN", "zh-hans": "zh-CN", "zh-sg": "zh-CN",
    "zh-hant": "zh-TW", "zh-hk": "zh-TW", "zh-mo": "zh-TW",
}  # fmt: skip
"""Languages that go by another name, and scripts that stand for a country's way of writing."""


def known_locale(locale: str) -> str:
    """The locale as Intercom spells it.

    Raises:
        ValueError: Intercom has no such language.
    """
    found = _BY_SPELLING.get(locale.casefold().replace("_", "-"))
    if found is None:
        raise ValueError(f"Intercom's help centre has no language {locale}; it has {', '.join(LOCALES)}")
    return found


def nearest(locale: str) -> str | None:
    """Intercom's language for one of a source: the same, then the language without its country; None where none is."""
    spelled = locale.casefold().replace("_", "-")
    parts = spelled.split("-")
    for length in range(len(parts), 0, -1):
        name = "-".join(parts[:length])
        found = _BY_SPELLING.get(name) or _BY_SPELLING.get(_OTHER_NAMES.get(name, "").casefold())
        if found is not None:
            return found
    return None
