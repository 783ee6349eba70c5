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

from migration_pipeline.staging.atomic import replacing

FOLDER: Final = "archive"
STAGED: Final = (
    "snapshots",
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
)
"""What is packed; the next run reads the source anew."""

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
    there = [root / name for name in STAGED if (root / name).exists()]
    files = [path for top in there for path in _files(top)]
    if not files:
        return None
    path = root / FOLDER / f"{now.strftime(_STAMP)}.tar.gz"
    with replacing(path) as aside, tarfile.open(aside, "w:gz", compresslevel=1) as archive:
        for file in files:
            archive.add(file, file.relative_to(root).as_posix(), recursive=False)
    with tarfile.open(path) as archive:
        held = {member.name: member.size for member in archive}
    lost = [file for file in files if held.get(file.relative_to(root).as_posix()) != file.stat().st_size]
    if lost:
        raise OSError(f"{path} does not hold {lost[0]} as it is; nothing was removed")
    for top in there:
        shutil.rmtree(top) if top.is_dir() else top.unlink()
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
    old = [packed.path for packed in archives(root) if packed.at < before]
    for path in old:
        path.unlink()
    return old


def _files(top: Path) -> Iterator[Path]:
    if top.is_dir():
        yield from (path for path in sorted(top.rglob("*")) if path.is_file())
    else:
        yield top
