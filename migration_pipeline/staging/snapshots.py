"""Append-only snapshots of the source: raw JSON in Parquet segments, one folder per stream, a cursor beside them.

A stream is one list of the source (`tickets`, `users`, …). Rows are never changed; the newest row of an id is its
current state. Segments count once the manifest names them, and the manifest moves the cursor in the same step, so a
killed extraction neither loses nor repeats a page.
"""

import datetime as dt
import hashlib
import threading
from collections import defaultdict
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from migration_pipeline.model.entities import TIME
from migration_pipeline.model.errors import SettingsError
from migration_pipeline.staging import duck
from migration_pipeline.staging.atomic import read_json, replacing, write_json

SEGMENT = pa.schema(
    [
        ("id", pa.string()),
        ("updated_at", TIME),
        ("extracted_at", TIME),
        ("sequence", pa.int64()),  # grows with every row of the stream
        ("payload", pa.string()),
    ]
)


@dataclass(frozen=True)
class StreamState:
    """How far a stream was read."""

    cursor: str | None = None  # where the next page starts; None before the first page
    complete: bool = False  # a whole pass has been made once; later passes read changes
    rows: int = 0
    segments: tuple[str, ...] = ()
    since: int = 0  # records that were last changed before this moment (Unix seconds) were not read
    again: bool = False  # it is being read again from an earlier moment
    left: tuple[str, ...] = ()  # names of the parts of it that the settings leave unread


@dataclass(frozen=True)
class Row:
    """One record of the source as it came: its id, its own time of change (UTC) where it has one, its JSON.

    A source may hand out records that are no objects; they are kept as they came.
    """

    id: str
    updated_at: dt.datetime | None
    payload: Any


class SnapshotStore:
    """The snapshots of one source account. One writing process at a time; readers need no lock."""

    def __init__(self, root: Path, account: str) -> None:
        """`account` marks the snapshots.

        Raises:
            SettingsError: the folder holds snapshots of another account.
        """
        self.root = root
        self._writers: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)
        marked = read_json(root / "account.json")
        if marked is None:
            write_json(root / "account.json", {"account": account})
        elif marked["account"] != account:
            raise SettingsError(
                f"{root} holds snapshots of {marked['account']}, but `source` names {account}; "
                "give the migration another `name`, or remove the folder."
            )

    def writing(self, stream: str) -> AbstractContextManager[object]:
        """Keep other threads of this process from writing the stream that do so by this too, until the block ends."""
        return self._writers[stream]

    def streams(self) -> tuple[str, ...]:
        """The streams that were read so far, by name."""
        return tuple(sorted(manifest.parent.name for manifest in self.root.glob("*/manifest.json")))

    def state(self, stream: str) -> StreamState:
        """How far the stream was read; a fresh state where it never was."""
        manifest = read_json(self._manifest(stream))
        if manifest is None:
            return StreamState()
        return StreamState(
            manifest["cursor"],
            manifest["complete"],
            manifest["rows"],
            tuple(s["file"] for s in manifest["segments"]),
            manifest.get("since", 0),
            manifest.get("again", False),
            tuple(manifest.get("left", ())),
        )

    def begin(self, stream: str, since: int) -> StreamState:
        """Have the stream hold what changed since a moment (Unix seconds; 0: everything); its state.

        One that was read from a later moment is read again from the earlier one; what it holds stays.
        """
        state = self.state(stream)
        begun = state.complete or state.cursor is not None
        if since == state.since or (begun and since > state.since):
            return state
        manifest = read_json(self._manifest(stream)) or {"segments": [], "rows": 0}
        manifest.update(cursor=None, complete=False, since=since, again=begun)
        write_json(self._manifest(stream), manifest)
        return self.state(stream)

    def leave(self, stream: str, names: Iterable[str]) -> None:
        """Write down which parts of the stream the settings leave unread from now on."""
        left = tuple(names)
        if left != self.state(stream).left:
            manifest = read_json(self._manifest(stream))
            fresh = {"segments": [], "rows": 0, "cursor": None, "complete": False}
            write_json(self._manifest(stream), {**(manifest or fresh), "left": left})

    def append(self, stream: str, rows: Iterable[Row], *, cursor: str | None, complete: bool) -> int:
        """Add a segment with `rows` and move the stream's state to `cursor` and `complete`, both or neither.

        Returns the number of rows added. No rows add no segment, but still move the state.

        Raises:
            OSError: the disk is full or not writable; the stream is as it was.
        """
        manifest = read_json(self._manifest(stream)) or {"segments": [], "rows": 0}
        first = manifest["rows"]
        now = dt.datetime.now(dt.UTC)
        columns = [
            (row.id, row.updated_at, now, first + number, orjson.dumps(row.payload).decode())
            for number, row in enumerate(rows)
        ]
        if columns:
            name = f"segment-{len(manifest['segments']) + 1:06d}.parquet"
            table = pa.table(
                [
                    pa.array(column, field.type)
                    for column, field in zip(zip(*columns, strict=True), SEGMENT, strict=True)
                ],
                SEGMENT,
            )
            with replacing(self.root / stream / name) as aside:
                pq.write_table(table, aside, compression="zstd")
            manifest["segments"].append({"file": name, "rows": len(columns)})
        manifest.update(rows=first + len(columns), cursor=cursor, complete=complete)
        manifest["again"] = manifest.get("again", False) and not complete
        write_json(self._manifest(stream), manifest)
        return len(columns)

    def mark(self, stream: str, **changes: Any) -> None:
        """Change the stream's `cursor` or `complete` without adding rows."""
        state = replace(self.state(stream), **changes)
        self.append(stream, (), cursor=state.cursor, complete=state.complete)

    def newest(self, stream: str) -> str:
        """SQL of a relation (id, updated_at, extracted_at, payload) with the newest row of each id."""
        source = self.history(stream)
        return (
            f"(SELECT id, updated_at, extracted_at, payload FROM {source} SEMI JOIN "
            f"(SELECT id, max(sequence) AS sequence FROM {source} GROUP BY id) USING (id, sequence))"
        )

    def history(self, stream: str) -> str:
        """SQL of a relation with every row ever read of the stream."""
        return duck.scan((self.root / stream / name for name in self.state(stream).segments), SEGMENT)

    def digest(self, streams: Iterable[str]) -> str:
        """A fingerprint of the streams' content; the same digest means the same rows."""
        told = [[stream, self.state(stream).rows] for stream in sorted(streams)]
        return hashlib.sha256(orjson.dumps(told)).hexdigest()[:16]

    def _manifest(self, stream: str) -> Path:
        return self.root / stream / "manifest.json"
