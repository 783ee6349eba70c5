"""What a table follows from besides data: the rules, by a digest of the files that hold them.

Belongs here: fingerprints of code. Does not belong here: what a table's note says otherwise (`tables`).
"""

import hashlib
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable


@cache
def code_digest(*packages: str) -> str:
    """A fingerprint of all Python and SQL files of packages; it changes with any of them."""
    found = hashlib.sha256()
    for package in packages:
        for name, content in sorted(_files(resources.files(package), package)):
            found.update(name.encode() + b"\0" + content)
    return found.hexdigest()[:16]


def _files(folder: Traversable, path: str) -> list[tuple[str, bytes]]:
    files: list[tuple[str, bytes]] = []
    for entry in folder.iterdir():
        name = f"{path}/{entry.name}"
        if entry.is_dir():
            files += _files(entry, name)
        elif entry.name.endswith((".py", ".sql")):
            files.append((name, entry.read_bytes()))
    return files
