"""The help centre of the workspace: its locales, its URLs, and the reading of translated content.

It is made in the UI, never by API, so it follows from the seed and the switches. What stands in it is in modules of its
own: `help_collections`, `articles`, `redirects`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from migration_pipeline.sandbox.intercom.admins import CREATED_AT
from migration_pipeline.sandbox.intercom.errors import invalid, missing
from migration_pipeline.sandbox.intercom.payload import id_number
from migration_pipeline.sandbox.intercom.workspace import Workspace
from migration_pipeline.sandbox.wire import Answer, Call, Route, json_answer

Json = dict[str, Any]

LOCALES = frozenset({
    "ar", "bg", "bs", "ca", "cs", "da", "de", "el", "en", "es", "et", "fi", "fr", "he", "hr", "hu", "id", "it", "ja",
    "ko", "lt", "lv", "mn", "nb", "nl", "pl", "pt", "ro", "ru", "sl", "sr", "sv", "tr", "vi", "pt-BR", "zh-CN", "zh-TW",
})  # fmt: skip
"""The languages that a help centre can have (schema article_translated_content)."""


@dataclass(frozen=True, slots=True)
class HelpCenter:
    """A help centre; the first of `locales` is its default, `url` has no slash at its end."""

    id: int
    identifier: str
    locales: tuple[str, ...]
    url: str
    custom_domain: str | None

    @property
    def default_locale(self) -> str:
        """The locale of the content that stands outside translated_content."""
        return self.locales[0]

    @property
    def multilingual(self) -> bool:
        """Whether default_locale and translated_content are answered."""
        return len(self.locales) > 1

    def page(self, locale: str, kind: str, object_id: int, title: str) -> str:
        """The public URL of an article or collection."""
        return f"{self.url}/{locale.lower()}/{kind}/{object_id}-{_slug(title)}"

    def holds(self, url: str) -> bool:
        """Whether an absolute URL lies within the help centre's URL space."""
        try:
            asked, own = urlsplit(url), urlsplit(self.url)
        except ValueError:
            return False
        if asked.scheme not in ("http", "https") or asked.netloc.lower() != own.netloc.lower():
            return False
        return asked.path == own.path or asked.path.startswith(own.path + "/")


def routes(ws: Workspace) -> list[Route]:
    """The routes of this module."""
    return [
        Route("GET", "/help_center/help_centers", partial(_list, ws)),
        Route("GET", "/help_center/help_centers/{id}", partial(_get, ws)),
    ]


def help_center(ws: Workspace) -> HelpCenter:
    """The one help centre, as the switches have it now."""
    given = [locale for locale in ws.switches["help_center_locales"] if locale in LOCALES]
    identifier = ws.id_code
    domain = ws.switches["help_center_domain"] or None
    url = f"https://{domain}" if domain else f"https://intercom.help/{identifier}"
    return HelpCenter(3_400_000 + ws.seed % 1000, identifier, tuple(given or ["en"]), url, domain)


def require_help_center(ws: Workspace, value: Any, message: str = "Resource Not Found") -> HelpCenter:
    """The help centre of an id as a client sent it. 404 where there is none."""
    center = help_center(ws)
    if id_number(value) != center.id:
        raise missing(message)
    return center


def translations(ws: Workspace, body: Json) -> dict[str, Json | None]:
    """`translated_content` by locale, None where a translation is to go.

    400 for a locale that Intercom does not know; one that the help centre does not have follows the switch.
    """
    given = body.get("translated_content")
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise invalid("translated_content must be an object", "translated_content")
    enabled = help_center(ws).locales
    found: dict[str, Json | None] = {}
    for locale, content in given.items():
        if locale == "type":
            continue
        where = f"translated_content.{locale}"
        if locale not in LOCALES:
            raise invalid(f"{locale} is not a supported locale", where)
        if content is not None and not isinstance(content, dict):
            raise invalid(f"{where} must be an object", where)
        if locale in enabled:
            found[locale] = content
        elif ws.switches["locale_not_enabled"] == "reject":
            raise invalid(f"The help center does not have the locale {locale}", where)
    return found


def _slug(title: str) -> str:
    return re.sub(r"[\W_]+", "-", title.casefold()).strip("-") or "untitled"


def _list(ws: Workspace, _: Call) -> Answer:
    return json_answer({"type": "list", "data": [_json(ws, help_center(ws))]})


def _get(ws: Workspace, call: Call) -> Answer:
    return json_answer(_json(ws, require_help_center(ws, call.params["id"])))


def _json(ws: Workspace, center: HelpCenter) -> Json:
    return {
        "id": str(center.id),
        "workspace_id": ws.id_code,
        "created_at": CREATED_AT,
        "updated_at": CREATED_AT,
        "identifier": center.identifier,
        "website_turned_on": True,
        "display_name": "Acme Help Center",
        "url": center.url,
        "custom_domain": center.custom_domain,
        "default": True,
        "locales": list(center.locales),
    }
