"""The workspace that all handlers share: state, clock, switches, people, files. No rule of the API stands here."""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass
from typing import Any

import orjson

from migration_pipeline.sandbox.clock import Clock
from migration_pipeline.sandbox.intercom.directory import Directory
from migration_pipeline.sandbox.intercom.files import FileStore
from migration_pipeline.sandbox.intercom.schema import FIRST_IDS
from migration_pipeline.sandbox.state import State
from migration_pipeline.sandbox.switches import Switches

Row = dict[str, Any]


def credentials(seed: int) -> tuple[str, str]:
    """The sandbox's own access token and the workspace's id_code; plainly not real ones."""
    return f"sandbox-intercom-token-{seed}", f"sandbox{seed}"


def foreign_credentials(seed: int) -> tuple[str, str]:
    """A token of another workspace, and that workspace's id_code."""
    return f"sandbox-intercom-foreign-token-{seed}", f"foreign{seed}"


@dataclass(frozen=True, slots=True)
class Workspace:
    """One Intercom workspace."""

    seed: int
    base_url: str
    state: State
    clock: Clock
    switches: Switches
    directory: Directory
    files: FileStore

    def now(self) -> int:
        """Unix seconds of the workspace's clock."""
        return int(self.clock.now())

    @property
    def id_code(self) -> str:
        """The workspace's id, `app.id_code` of GET /me."""
        return credentials(self.seed)[1]

    @property
    def db(self) -> sqlite3.Connection:
        """The state's connection; the service commits."""
        return self.state.db

    def rows(self, sql: str, *values: Any) -> list[Row]:
        """All rows of a query, as dicts."""
        cursor = self.db.execute(sql, values)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def row(self, sql: str, *values: Any) -> Row | None:
        """The first row of a query, or None."""
        cursor = self.db.execute(sql, values)
        found = cursor.fetchone()
        return dict(zip([c[0] for c in cursor.description], found, strict=True)) if found else None

    def scalar(self, sql: str, *values: Any) -> Any:
        """The first column of the first row, or None."""
        found = self.db.execute(sql, values).fetchone()
        return found[0] if found else None

    def insert(self, table: str, row: Row) -> int:
        """Insert `row` (keys are column names of ours, never a client's) and answer its integer key."""
        columns = ", ".join(row)
        marks = ", ".join("?" * len(row))
        cursor = self.db.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", tuple(row.values()))
        return int(cursor.lastrowid or 0)

    def update(self, table: str, key: str, value: Any, changes: Row) -> None:
        """Set the columns of `changes` where column `key` is `value`."""
        if changes:
            sets = ", ".join(f"{column} = ?" for column in changes)
            self.db.execute(f"UPDATE {table} SET {sets} WHERE {key} = ?", (*changes.values(), value))

    def new_object_id(self, kind: str) -> str:
        """A fresh 24-hex id: the time in front, as ids of contacts and companies have it."""
        count = self.state.get("object_ids", 0) + 1
        self.state.put("object_ids", count)
        tail = hashlib.sha256(f"{self.seed}:{kind}:{count}".encode()).hexdigest()[:16]
        return f"{self.now():08x}{tail}"


def begin_ids(state: State) -> None:
    """Let the sequences of a new state begin at their first ids."""
    if state.get("seeded_ids"):
        return
    for table, first in FIRST_IDS.items():
        state.db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, first))
    state.put("seeded_ids", True)


def dumps(value: Any) -> str:
    """JSON text for a column."""
    return orjson.dumps(value).decode()


def loads(column: str | None) -> Any:
    """A JSON column's value, None for NULL."""
    return None if column is None else orjson.loads(column)
