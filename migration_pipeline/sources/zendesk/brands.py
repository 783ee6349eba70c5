"""The help centers of a Zendesk account: its own host's, and those of further brands at hosts of their own.

Belongs here: which help centers there are, at which addresses they may be read with the account's credentials, and how
their ids are kept apart. Does not belong here: reading them (`help_center`, `streams`).

Each brand may have a help center of its own, called at the brand's subdomain (Zendesk developer docs, "Brands":
`has_help_center`). The credentials open the whole account, so they go to no host that is not the account's:

| the brand's host | is asked |
| --- | --- |
| named in `source.help_center_hosts` | as the brand's `brand_url` says |
| the account's is at zendesk.com | at the brand's subdomain there, wherever the brand is mapped to |
| the same name as the account's, another port | as the brand's `brand_url` says |
| anything else | never; the preflight tells what to set |
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import duckdb
import orjson

from migration_pipeline.config import Source
from migration_pipeline.sources.zendesk import shapes
from migration_pipeline.staging import Staging
from migration_pipeline.staging.snapshots import Row

OF: Final = "_brand"
"""Key that marks a row of a further brand's help center with the brand's id."""

_ZONE: Final = "zendesk.com"
_HOST: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")
_SUBDOMAIN: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")


@dataclass(frozen=True)
class HelpCenter:
    """A help center and where it is asked. `brand` is the brand's id, none at the account's own host."""

    url: str
    brand: str | None = None
    name: str | None = None  # of the brand

    def row(self, record: Any) -> Row:
        """A record as a snapshot row whose id no other help center's row has."""
        if self.brand is None:
            return shapes.row(record)
        row = shapes.row({**record, OF: self.brand} if isinstance(record, dict) else record)
        return row if row.id.startswith(shapes.NO_ID) else replace(row, id=f"{self.brand}-{row.id}")

    def own_id(self, row_id: str) -> str:
        """The service's id of a row."""
        return row_id.removeprefix(f"{self.brand}-") if self.brand else row_id

    @property
    def rows(self) -> str:
        """SQL condition on the payload that this help center's rows meet."""
        return f"(payload ->> '$.{OF}') IS NOT DISTINCT FROM {repr(self.brand) if self.brand else 'NULL'}"


@dataclass(frozen=True)
class Brands:
    """The help centers of an account: those that are read, the own host's first, and those that are not."""

    read: tuple[HelpCenter, ...]
    refused: tuple[HelpCenter, ...] = ()  # at hosts that must not see the credentials; `url` is the brand's own
    left: tuple[HelpCenter, ...] = ()  # as `filters.help_centers` says, where there is one
    unknown: tuple[str, ...] = ()  # names in `filters.help_centers` that no help center has


def of_account(brands: Iterable[Any], settings: Source, wanted: Sequence[str] = ()) -> Brands:
    """The help centers that the account's list of brands tells of; `wanted` are names of brands, none means all.

    Without any brand there is the own host's.
    """
    standing = [brand for brand in brands if isinstance(brand, dict) and not brand.get("_gone")]
    own = _own(standing, settings)
    found = [HelpCenter(settings.url, None, _name(own))]
    refused: list[HelpCenter] = []
    for brand in standing:
        number = shapes.usable_id(brand.get("id"))
        if brand is own or number is None or brand.get("has_help_center") is not True:
            continue
        url = _address(brand, settings)
        told = HelpCenter(url or str(brand.get("brand_url") or ""), number, _name(brand) or f"brand {number}")
        (refused if url is None else found).append(told)
    names = {name.strip().lower() for name in wanted}
    kept = [center for center in found if _is_wanted(center, names)]
    left = [center for center in (*found, *refused) if not _is_wanted(center, names)]
    if shapes.field(own, "has_help_center") is False:
        left = [center for center in left if center.brand is not None]
    known = {(center.name or "").strip().lower() for center in (*found, *refused)}
    return Brands(
        tuple(kept),
        tuple(center for center in refused if _is_wanted(center, names)),
        tuple(left),
        tuple(name for name in wanted if name.strip().lower() not in known),
    )


def staged(staging: Staging, settings: Source, wanted: Sequence[str] = ()) -> Brands:
    """The same, by the brands that were read last."""
    return of_account(_rows(staging), settings, wanted)


def name_centers(connection: duckdb.DuckDBPyConnection, centers: Iterable[HelpCenter]) -> None:
    """Make the table `help_centers (brand, url, name)`."""
    connection.execute("CREATE TEMP TABLE help_centers (brand VARCHAR, url VARCHAR, name VARCHAR)")
    for center in centers:
        connection.execute("INSERT INTO help_centers VALUES (?, ?, ?)", [center.brand, center.url, center.name])


def _rows(staging: Staging) -> Iterator[Any]:
    if staging.snapshots.state("brands").segments:
        with staging.connect() as connection:
            rows = connection.execute(
                f"SELECT payload FROM {staging.snapshots.newest('brands')} ORDER BY id"
            ).fetchall()
        yield from (orjson.loads(payload) for (payload,) in rows)


def _is_wanted(center: HelpCenter, names: set[str]) -> bool:
    return not names or (center.name or "").strip().lower() in names


def _name(brand: Any) -> str | None:
    told = shapes.field(brand, "name")
    return " ".join(told.split()) or None if isinstance(told, str) else None


def _own(brands: Sequence[dict[str, Any]], settings: Source) -> dict[str, Any] | None:
    """The brand whose help center the account's own host serves; the default one where no address tells."""
    host = urlsplit(settings.url).netloc
    for brand in brands:
        parts = _parts(brand.get("brand_url"))
        if f"{brand.get('subdomain')}.{_ZONE}" == host or (parts is not None and parts.netloc == host):
            return brand
    return next((brand for brand in brands if brand.get("default") is True), None)


def _address(brand: dict[str, Any], settings: Source) -> str | None:
    """Where the brand's help center is asked with the credentials; None where that must not be."""
    own, parts = urlsplit(settings.url), _parts(brand.get("brand_url"))
    allowed = {host.lower() for host in settings.help_center_hosts}
    if parts is not None and {parts.netloc, parts.hostname} & allowed and _as_safe(parts, own):
        return f"{parts.scheme}://{parts.netloc}"
    subdomain = str(brand.get("subdomain") or "").lower()
    if (own.hostname or "").endswith(f".{_ZONE}"):
        return f"{own.scheme}://{subdomain}.{_ZONE}" if _SUBDOMAIN.fullmatch(subdomain) else None
    if parts is not None and parts.hostname == own.hostname and _as_safe(parts, own):
        return f"{parts.scheme}://{parts.netloc}"
    return None


def _as_safe(parts: SplitResult, own: SplitResult) -> bool:
    """Whether the way there hides the credentials as well as the way to the account does."""
    return parts.scheme in ("https", own.scheme)


def _parts(url: Any) -> SplitResult | None:
    """A plain address of a host; None for one that could be read in two ways."""
    try:
        parts = urlsplit(url.lower()) if isinstance(url, str) else None
        plain = parts is not None and _HOST.fullmatch(parts.hostname or "") is not None
        port = "" if parts is None or parts.port is None else f":{parts.port}"
    except ValueError:
        return None
    if parts is None or not plain or parts.scheme not in ("http", "https") or parts.netloc != f"{parts.hostname}{port}":
        return None
    return parts
