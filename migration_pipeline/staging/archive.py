"""Packing what a finished migration has staged, and removing what was packed long enough.

Belongs here: which folders hold people's data and are no longer needed, and moving them. Does not belong here: when it
is due (`assets.packing`).

Journal, audit log, reports, approval and plan stay: they tell what was done, and a roll-back needs them.
"""

import datetime as dt
import shutil
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from migration_pipeline.staging.atomic import read_json, replacing, write_json

FOLDER: Final = "archive"
STAGED: Final = (
    "blobs",
    "records",
    "payloads",
    "demos",
    "selection",
    "inventory",
    "mapping",
    "plan",
    "verification",
    "spill",
    "catalogue.json",
    "proposals.json",
    "staging.duckdb",
    "staging.json",
    "snapshots",
)
"""What is packed. Snapshots are removed last, at once: what a delta goes on from is there whole, or not at all."""

_EMPTY: Final = frozenset(
    ("snapshots/account.json", "staging.duckdb", "staging.json", "catalogue.json", "proposals.json")
)
"""What stands there although nothing was read of the source."""

_REMOVED: Final = ".removed"
_EVER: Final = "packed.json"

_STAMP: Final = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class Packed:
    """An archive: where it lies, when it was made (UTC), and how many files it holds."""

    path: Path
    at: dt.datetime
    files: int


def pack(root: Path, now: dt.datetime) -> Packed | None:
    """Pack what is staged below a migration's folder, and remove it; None where nothing is.

    Nothing is removed before the archive is whole, durable and read back. A pack that was cut leaves everything as it
    was; one that was cut while removing goes on by packing the rest.

    Raises:
        OSError: the disk is full or not writable.
    """
    _clean(root)
    there = [root / name for name in STAGED if (root / name).exists()]
    files = [path for top in there for path in _files(top)]
    if all(path.relative_to(root).as_posix() in _EMPTY for path in files):
        return None
    path = root / FOLDER / f"{now.strftime(_STAMP)}.tar.gz"
    read = set(_read(root))
    write_json(_note(path), {"whole": sorted(read)})
    write_json(root / FOLDER / _EVER, {"whole": sorted(read | whole(root))})
    with replacing(path) as aside, tarfile.open(aside, "w:gz", compresslevel=1) as archive:
        for file in files:
            archive.add(file, file.relative_to(root).as_posix(), recursive=False)
    with tarfile.open(path) as archive:
        held = {member.name: member.size for member in archive}
    lost = [file for file in files if held.get(file.relative_to(root).as_posix()) != file.stat().st_size]
    if lost:
        raise OSError(f"{path} does not hold {lost[0]} as it is; nothing was removed")
    for top in there:
        if top.is_dir():
            top.replace(root / _REMOVED)
            shutil.rmtree(root / _REMOVED)
        else:
            top.unlink()
    return Packed(path, now, len(files))


def archives(root: Path) -> list[Packed]:
    """The archives of a migration, oldest first; how many files they hold is not counted."""
    found = []
    for path in sorted((root / FOLDER).glob("*.tar.gz")):
        made = dt.datetime.strptime(path.name.removesuffix(".tar.gz"), _STAMP).replace(tzinfo=dt.UTC)
        found.append(Packed(path, made, 0))
    return found


def purge(root: Path, before: dt.datetime) -> list[Path]:
    """Remove archives that were made before a moment; their paths.

    Raises:
        OSError: one cannot be removed.
    """
    _clean(root)
    old = [packed.path for packed in archives(root) if packed.at < before]
    for path in old:
        path.unlink()
        _note(path).unlink(missing_ok=True)
    return old


def whole(root: Path) -> frozenset[str]:
    """Streams of snapshots that were whole when they were packed, also where their archive is gone by now."""
    return frozenset((read_json(root / FOLDER / _EVER) or {"whole": ()})["whole"])


def holding(root: Path, streams: frozenset[str]) -> Path | None:
    """The newest archive that holds a whole pass of each of these streams."""
    found = (packed.path for packed in reversed(archives(root)))
    return next((path for path in found if streams <= set((read_json(_note(path)) or {"whole": ()})["whole"])), None)


def _read(root: Path) -> Iterator[str]:
    """Streams that a whole pass was made of."""
    for manifest in (root / "snapshots").glob("*/manifest.json"):
        if (read_json(manifest) or {}).get("complete"):
            yield manifest.parent.name


def _note(path: Path) -> Path:
    """What is known of an archive without opening it."""
    return path.with_name(path.name.removesuffix(".tar.gz") + ".json")


def _clean(root: Path) -> None:
    """Remove what a pack that was cut left behind."""
    shutil.rmtree(root / _REMOVED, ignore_errors=True)
    for aside in (root / FOLDER).glob(".*.tar.gz.*"):
        aside.unlink()


def _files(top: Path) -> Iterator[Path]:
    if top.is_dir():
        yield from (path for path in sorted(top.rglob("*")) if path.is_file())
    else:
        yield top
