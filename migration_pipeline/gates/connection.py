"""Which workspace and account a person confirmed as the ones they meant: `connection.json` of the migration.

Belongs here: the file, and who needs none. Does not belong here: credentials, which never come near this file.
"""

import datetime as dt
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from migration_pipeline.config import Migration
from migration_pipeline.model.errors import RefusedByGate
from migration_pipeline.staging.atomic import read_json, write_json

Side = Literal["source", "target"]

_FILE: Final = "connection.json"
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class Confirmed:
    """What a person confirmed: the service's own id and name, at which address; by whom and when (UTC, ISO 8601)."""

    id: str
    name: str
    url: str
    by: str
    at: str


def confirm(migration: Migration, side: Side, *, identity: str, name: str, by: str) -> Confirmed:
    """Write down that a person confirmed a side.

    Raises:
        OSError: the disk is full or not writable.
    """
    at = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    confirmed = Confirmed(identity, name, _url(migration, side), by, at)
    path = migration.root / _FILE
    write_json(path, (read_json(path) or {}) | {side: asdict(confirmed)})
    return confirmed


def is_confirmed(migration: Migration, side: Side) -> bool:
    """Whether the side is what a person confirmed, or a stand-in on this machine."""
    url = _url(migration, side)
    if urlsplit(url).hostname in _LOOPBACK:
        return True
    told = (read_json(migration.root / _FILE) or {}).get(side)
    if told is None or Confirmed(**told).url != url:
        return False
    return side == "source" or bool(told["id"] == migration.target.workspace)


def require_confirmed(migration: Migration) -> None:
    """Let a run write only where a person said so.

    Raises:
        RefusedByGate: nobody confirmed this workspace.
    """
    if not is_confirmed(migration, "target"):
        raise RefusedByGate(
            f"Nobody has confirmed yet that workspace {migration.target.workspace} at {migration.target.url} is "
            "the one to write to: run `migrate connect target`."
        )


def connection_path(migration: Migration) -> Path:
    """The file that says what was confirmed."""
    return migration.root / _FILE


def _url(migration: Migration, side: Side) -> str:
    return migration.target.url if side == "target" else migration.source.url
