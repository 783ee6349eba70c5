"""The map from the old help centre to the new one, for whatever server answers at the old address after the cut-over.

Belongs here: the rows, and the files that servers read. Does not belong here: links inside articles
(`loading.articles`), redirects that Intercom keeps itself, or which address is which (`addresses`).

    links.csv        every old address that was seen, with its new one, for people and scripts
    nginx.conf       a `map` for nginx; its patterns also take addresses without a title, and other languages
    cloudflare.csv   a list for Cloudflare's Bulk Redirects (source, target, status, and four switches that are off)
"""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from migration_pipeline.model.payloads import PAYLOADS
from migration_pipeline.staging import Staging
from migration_pipeline.staging.atomic import replacing
from migration_pipeline.target.addresses import NewAddresses
from migration_pipeline.target.rows import rows

_PATH: Final = re.compile(r"^/hc/(?:[A-Za-z0-9-]+/)?(articles|sections|categories)/(\d+)")
_END: Final = r"(?:[-/?]|$)"
_NGINX: Final = """\
# Old addresses of the help centre, and where they lead now. Include this file at the level of http; in the server that
# answers for the old host:  if ($moved_to) {{ return 301 $moved_to; }}
map {asked} $moved_to {{
    default "";
{lines}}}
"""


@dataclass(frozen=True)
class Moved:
    """One old address and its new one."""

    entity_type: str
    source_id: str
    locale: str  # the target's
    old_url: str
    new_url: str

    @property
    def kept_by(self) -> str:
        """Who leads from the old address to the new one: Intercom, where both have the same host."""
        return "intercom" if urlsplit(self.old_url).netloc == urlsplit(self.new_url).netloc else "your server"


def moved(staging: Staging, addresses: NewAddresses) -> Iterator[Moved]:
    """Every old address of what is in the target, collections first."""
    with staging.connect() as connection:
        for entity_type, columns in (("collections", "source_id, source_url"), ("articles", "source_id, old_urls")):
            table = staging.tables.scan("payloads", entity_type, PAYLOADS[entity_type])
            for row in rows(connection.sql(f"SELECT {columns} FROM {table} WHERE skip IS NULL ORDER BY source_id")):
                known = addresses.known.get((entity_type, row["source_id"]))
                if known is None:
                    continue
                olds = row.get("old_urls") or [{"url": row.get("source_url"), "locale": ""}]
                for old in olds:
                    new = addresses.public(entity_type, *known, old["locale"]) if old["locale"] else known[1]
                    if old["url"] and new:
                        yield Moved(entity_type, row["source_id"], old["locale"], old["url"], new)


def write_link_map(folder: Path, found: Iterable[Moved]) -> int:
    """Write the three files below a folder; the number of old addresses.

    Raises:
        OSError: the disk is full or not writable.
    """
    told = list(found)
    with replacing(folder / "links.csv") as aside, aside.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["entity_type", "source_id", "locale", "old_url", "new_url", "redirected_by"])
        writer.writerows(
            [one.entity_type, one.source_id, one.locale, one.old_url, one.new_url, one.kept_by] for one in told
        )
    with replacing(folder / "nginx.conf") as aside:
        several = len({urlsplit(one.old_url).netloc for one in told}) > 1
        asked = "$http_host$request_uri" if several else "$request_uri"
        lines = "".join(_nginx(told, with_host=several))
        aside.write_text(_NGINX.format(asked=asked, lines=lines), encoding="utf-8")
    with replacing(folder / "cloudflare.csv") as aside, aside.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(_cloudflare(told))
    return len(told)


def _nginx(found: Iterable[Moved], *, with_host: bool) -> Iterator[str]:
    """Patterns, the ones for a language before the one for every other; nginx takes the first that fits.

    Several old help centres may have the same numbers: the patterns begin with the host then.
    """
    last: dict[tuple[str, str, str], str] = {}
    for one in found:
        parts = urlsplit(one.old_url)
        if shown := _PATH.match(parts.path):
            host = re.escape(parts.netloc) if with_host else ""
            yield f'    "~^{host}{re.escape(shown[0])}{_END}" "{_plain(one.new_url)}";\n'
            last.setdefault((host, shown[1], shown[2]), one.new_url)
    for (host, kind, number), new_url in last.items():
        yield f'    "~^{host}/hc/(?:[^/]+/)?{kind}/{number}{_END}" "{_plain(new_url)}";\n'


def _cloudflare(found: Iterable[Moved]) -> list[tuple[str, ...]]:
    """With and without the title, each old address once."""
    listed: dict[str, str] = {}
    for one in found:
        parts = urlsplit(one.old_url)
        listed.setdefault(one.old_url, one.new_url)
        if shown := _PATH.match(parts.path):
            origin = f"{parts.scheme}://{parts.netloc}"
            listed.setdefault(f"{origin}{shown[0]}", one.new_url)
            listed.setdefault(f"{origin}/hc/{shown[1]}/{shown[2]}", one.new_url)
    return [(old, new, "301", "FALSE", "FALSE", "FALSE", "FALSE") for old, new in listed.items()]


def _plain(url: str) -> str:
    """An address as a text of nginx's, in which `$` begins a variable and quotes end it."""
    return url.replace("\\", "%5C").replace('"', "%22").replace("$", "%24").replace(";", "%3B")
