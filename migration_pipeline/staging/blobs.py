"""Files by the hash of their bytes: stored once however often they are attached, and checkable at any time."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from uuid import uuid4


class BlobStore:
    """Content-addressed files below one folder. Threads and processes may share it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def add(self, chunks: Iterable[bytes]) -> tuple[str, int]:
        """Store the bytes; their SHA-256 in hex and their number.

        Raises:
            OSError: the disk is full or not writable; nothing half-written stays.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        digest, size = hashlib.sha256(), 0
        aside = self.root / f".{uuid4().hex}"
        try:
            with aside.open("wb") as file:
                for chunk in chunks:
                    file.write(chunk)
                    digest.update(chunk)
                    size += len(chunk)
                file.flush()
                os.fsync(file.fileno())
            path = self.path(digest.hexdigest())
            path.parent.mkdir(parents=True, exist_ok=True)
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
        return digest.hexdigest(), size

    def path(self, sha256: str) -> Path:
        """Where the bytes with this hash are, or would be."""
        return self.root / sha256[:2] / sha256

    def __contains__(self, sha256: str) -> bool:
        return self.path(sha256).exists()

    def read(self, sha256: str) -> bytes:
        """The bytes.

        Raises:
            FileNotFoundError: they are not in the store.
        """
        return self.path(sha256).read_bytes()
