"""The state of a stand-in: one SQLite file in its folder, with a small key-value table beside its own tables.

No table of a service is declared here.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import orjson

META = "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;"


class State:
    """An open state file. `db` is for the stand-in; the service commits after each good answer."""

    def __init__(self, folder: Path, schema: str = "") -> None:
        """Open or make `folder`/state.sqlite and run `schema` (CREATE ... IF NOT EXISTS statements)."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.db = sqlite3.connect(folder / "state.sqlite", check_same_thread=False, cached_statements=512)
        # A stand-in survives its own end, not a power cut: the file system's cache is durable enough.
        self.db.execute("PRAGMA synchronous=OFF")
        self.db.execute("PRAGMA journal_mode=WAL")
        # In one transaction: a start is mostly the making of these tables.
        self.db.executescript(f"BEGIN; {META} {schema}; COMMIT;")

    def get(self, key: str, default: Any = None) -> Any:
        """The stored JSON value of `key`, or `default`."""
        row = self.db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return default if row is None else orjson.loads(row[0])

    def put(self, key: str, value: Any) -> None:
        """Store a JSON value; kept once the service commits."""
        self.db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, orjson.dumps(value)))

    def commit(self) -> None:
        """Keep what was written since the last commit."""
        if self.db.in_transaction:
            self.db.commit()

    def rollback(self) -> None:
        """Drop what was written since the last commit."""
        if self.db.in_transaction:
            self.db.rollback()

    def close(self) -> None:
        """Commit and close."""
        self.commit()
        self.db.close()
