"""Old addresses of the help centre and the help desk, and the addresses in Intercom that they lead to now.

Belongs here: reading an address of the source, and finding its counterpart by what the journal knows. Does not belong
here: writing links into articles (`loading.article_texts`), or the lists of a report (`link_map`).

An article's new address is the help centre's, its language and its id, without the title that Intercom adds: that one
changes with every new title, and Intercom leads from the one to the other.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from migration_pipeline.journal import Journal
from migration_pipeline.target.client import IntercomClient

_HELP_CENTER: Final = re.compile(
    r"^/hc/(?:(?P<locale>[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*)/)?"
    r"(?P<kind>articles|sections|categories|requests)/(?P<id>\d+)(?=[-/?#]|$)"
)
_TICKET: Final = re.compile(r"^/(?:agent/)?tickets/(?P<id>\d+)(?=[-/?#]|$)")
_KINDS: Final = {
    "articles": ("articles", ""),
    "sections": ("collections", "section:"),
    "categories": ("collections", "category:"),
    "requests": ("tickets", ""),
}
_LOCALE: Final = re.compile(r"/[a-z]{2}(?:-[A-Z]{2})?(?=/collections/)")


@dataclass(frozen=True)
class OldAddresses:
    """Reads addresses of the source."""

    hosts: frozenset[str]
    locales: Mapping[str, str | None]  # the target's languages by those of the source
    default_locale: str  # of the target
    refs: Mapping[tuple[str, str], str] = field(default_factory=dict)  # see `elsewhere`

    def read(self, url: str) -> dict[str, Any] | None:
        """What an address shows: `entity_type`, `ref`, `locale` (the target's), `fragment`; None for any other one."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return None
        if parts.netloc.lower() not in self.hosts:
            return None
        found = _HELP_CENTER.match(parts.path)
        entity_type, prefix = _KINDS[found["kind"]] if found else ("tickets", "")
        found = found or _TICKET.match(parts.path)
        if found is None:
            return None
        locale = found.groupdict().get("locale")
        ref = prefix + found["id"]
        return {
            "url": url,
            "entity_type": entity_type,
            "ref": self.refs.get((parts.netloc.lower(), ref), ref),
            "locale": self.locales.get((locale or "").lower()) or self.default_locale,
            "fragment": parts.fragment,
        }


def elsewhere(records: Iterable[tuple[str, str | None]], further: Iterable[str]) -> dict[tuple[str, str], str]:
    """Records whose source_id is not the number in their address, since another help centre may have the same one.

    `records` are source ids with their addresses; the key is host and number. `further` are hosts at which no record
    says that it is: they lead to whichever one has the number, where only one has.
    """
    refs: dict[tuple[str, str], str] = {}
    numbers: dict[str, set[str]] = {}
    for source_id, url in records:
        try:
            parts = urlsplit(url or "")
        except ValueError:
            continue
        found = _HELP_CENTER.match(parts.path)
        if found is not None and (ref := _KINDS[found["kind"]][1] + found["id"]) != source_id:
            refs[parts.netloc.lower(), ref] = source_id
            numbers.setdefault(ref, set()).add(source_id)
    alone = {ref: one for ref, (one, *others) in numbers.items() if not others}
    return {(host, ref): one for host in further for ref, one in alone.items()} | refs


def hosts_of(urls: Iterable[str | None]) -> frozenset[str]:
    """The hosts of addresses; a help centre may have one of its own."""
    found = set()
    for url in urls:
        try:
            found.add(urlsplit(url or "").netloc.lower())
        except ValueError:
            continue
    return frozenset(found - {""})


@dataclass(frozen=True)
class NewAddresses:
    """Where the target shows records; what arrives is noted as it arrives. Threads may share it."""

    client: IntercomClient
    journal: Journal
    base: str | None  # public address of the target's help centre
    help_center: str | None = None  # its id
    locales: frozenset[str] = frozenset()  # that are switched on; none where the target does not tell
    known: dict[tuple[str, str], tuple[str, str | None]] = field(default_factory=dict)  # id and address

    def arrived(self, entity_type: str, source_id: str, target_id: str, url: str | None) -> None:
        """Note what became of a record."""
        self.known[entity_type, source_id] = (target_id, url)

    def takes(self, locale: str) -> bool:
        """Whether the help centre has a language."""
        return not self.locales or locale in self.locales

    def of(self, link: Mapping[str, Any]) -> str | None:
        """The new address of what `OldAddresses.read` found; None where the target does not show it."""
        entity_type = str(link["entity_type"])
        if entity_type == "tickets":
            return self.client.url_of("tickets", self.journal.target_id("tickets", link["ref"]))
        target = self.known.get((entity_type, link["ref"]))
        address = self.public(entity_type, *target, link["locale"]) if target else None
        return f"{address}#{link['fragment']}" if address and link["fragment"] else address

    def public(self, entity_type: str, target_id: str, url: str | None, locale: str) -> str | None:
        """The address that readers of a language open an article or a collection at."""
        if entity_type == "articles":
            return f"{self.base}/{locale}/articles/{target_id}" if self.base else None
        if url and _LOCALE.search(url):
            return _LOCALE.sub(f"/{locale}", url, count=1)
        return url or (f"{self.base}/{locale}/collections/{target_id}" if self.base else None)


def new_addresses(client: IntercomClient, journal: Journal, help_center_id: str | None) -> NewAddresses:
    """Addresses of what the journal knows to be in the target.

    Raises:
        AccessDenied, ServiceDown, RunStopped, Rejected: see `ApiSession.read`.
    """
    centers = client.help_centers()
    own = [row for row in centers if help_center_id is None or str(row.get("id")) == help_center_id]
    own.sort(key=lambda row: not row.get("default"))
    base = str(own[0].get("url") or "").rstrip("/") if own else ""
    told = own[0].get("locales") if own else None
    locales = frozenset(str(locale) for locale in told) if isinstance(told, list) else frozenset[str]()
    found = NewAddresses(client, journal, base or None, str(own[0]["id"]) if own else None, locales)
    for entity_type in ("collections", "articles"):
        for batch in journal.records(entity_type, "migrated"):
            for row in batch.to_pylist():
                if row["target_id"]:
                    found.arrived(entity_type, row["source_id"], row["target_id"], row["target_url"])
    return found
