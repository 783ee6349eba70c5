"""The audit log: who started which run, and every write with its outcome, in lines that cannot be changed unseen.

One file per run, `audit/<time>-<run>.jsonl`, only ever appended to. Each line carries the hash of the line before it
and its own; the first line of a file names the file before it with the number of its lines and the hash of the last.
How a log ended is also told to the journal (`head`), so that lines cut off at its end are missed as well.

A line is written when an operation settles, and handed to the operating system at once: a killed process loses nothing.
The disk is asked to keep it once a second and at the end, so a loss of power may cost the newest lines; the next run
notes where such a log ends. No texts of records and no secrets: hashes only.

Belongs here: lines, their chain, and checking it. Does not belong here: what an operation is (`protocol`, `rows`).
"""

import datetime as dt
import getpass
import hashlib
import os
import re
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

SYNC_SECONDS: Final = 1.0
FIRST: Final = "0" * 64
"""What stands in place of the hash before the first line of a file."""

Line = dict[str, Any]


@dataclass(frozen=True)
class Head:
    """Where a log ended: its file, the number of its lines, and the hash of the last one."""

    file: str
    lines: int
    hash: str


@dataclass(frozen=True)
class Flaw:
    """Something that is not as it was written; `line` counts from 1."""

    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.what}"


@dataclass(frozen=True)
class Verified:
    """What checking found."""

    files: int
    lines: int
    flaws: tuple[Flaw, ...]
    notes: tuple[str, ...]  # logs that were cut by a crash, which is no flaw


class Audit:
    """The log of one run. Threads share it."""

    def __init__(self, folder: Path, run_id: str, mode: str, workspace: str, plan: str) -> None:
        """Begin a log; `plan` is the hash of what the run is about to do, '' where it has no plan.

        Raises:
            OSError: the disk is full or not writable.
        """
        folder.mkdir(parents=True, exist_ok=True)
        before = _newest(folder)
        stamp = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%S%fZ")
        self.path = folder / f"{stamp}-{re.sub(r'[^A-Za-z0-9_-]', '_', run_id)}.jsonl"
        self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
        self._lock = threading.Lock()
        self._hash = FIRST
        self._lines = 0
        self._synced = time.monotonic()
        self._write(
            {
                "event": "begin",
                "run_id": run_id,
                "mode": mode,
                "workspace": workspace,
                "plan": plan,
                "who": _user(),
                "before": vars(before) if before else None,
            }
        )
        os.fsync(self._file)

    @property
    def head(self) -> Head:
        """Where the log ends now."""
        with self._lock:
            return Head(self.path.name, self._lines, self._hash)

    def settled(self, told: Mapping[str, Any]) -> None:
        """Add a line about an operation that was settled.

        Raises:
            OSError: the disk is full.
        """
        self._write({"event": "settled", **told})

    def planned(self, plan: str) -> None:
        """Say that the run has another plan now; `plan` is its hash."""
        self._write({"event": "planned", "plan": plan})

    def close(self, status: str) -> Head:
        """Say how the run ended, and let go of the file; where the log ends. Closing it again changes nothing."""
        if self._file < 0:
            return self.head
        self._write({"event": "end", "status": status})
        with self._lock:
            os.fsync(self._file)
            os.close(self._file)
            self._file = -1
        return self.head

    def _write(self, told: Line) -> None:
        with self._lock:
            line = {"n": self._lines + 1, "at": dt.datetime.now(dt.UTC), **told, "previous": self._hash}
            body = orjson.dumps(line, option=orjson.OPT_UTC_Z)
            digest = hashlib.sha256(body).hexdigest()
            os.write(self._file, body[:-1] + b',"hash":"' + digest.encode() + b'"}\n')
            self._hash, self._lines = digest, self._lines + 1
            if time.monotonic() - self._synced >= SYNC_SECONDS:
                os.fsync(self._file)
                self._synced = time.monotonic()


_HASH: Final = re.compile(rb',"hash":"([0-9a-f]{64})"\}\Z')


def files(folder: Path, run_id: str | None = None) -> list[Path]:
    """The logs, oldest first; only those of one run where `run_id` is given."""
    found = sorted(folder.glob("*.jsonl"))
    if run_id is None:
        return found
    return [path for path in found if next(lines(path), {}).get("run_id") == run_id]


def lines(path: Path) -> Iterator[Line]:
    """The lines of a log, as far as they can be read."""
    for raw in path.read_bytes().split(b"\n"):
        try:
            line = orjson.loads(raw)
        except orjson.JSONDecodeError:
            continue
        if isinstance(line, dict):
            yield line


def verify(folder: Path, heads: Mapping[str, Head], run_id: str | None = None) -> Verified:
    """Look for lines that were changed, removed or added, and for logs that are gone.

    `heads` are the ends of logs as the journal knows them, by file name.
    """
    flaws: list[Flaw] = []
    notes: list[str] = []
    checked = files(folder, run_id)
    count = 0
    ends: dict[str, Head] = {}
    begun: dict[str, Head] = {}
    for path in files(folder):
        head, found, torn, before = _check(path)
        ends[path.name] = head
        if before is not None:
            begun[before.file] = before
        if path not in checked:
            continue
        count += head.lines
        flaws += found
        if torn and path.name not in heads:
            notes.append(f"{path.name} was cut by a crash after line {head.lines}.")
        elif torn:
            flaws.append(Flaw(path.name, head.lines + 1, "the line is incomplete"))
    # A log that the journal saw end, or after which another one began, must still end there.
    for name, known in {**begun, **heads}.items():
        if run_id is not None and name not in {path.name for path in checked}:
            continue
        end = ends.get(name)
        if end is None:
            flaws.append(Flaw(name, 1, "the whole log is missing"))
        elif not any(flaw.file == name for flaw in flaws) and (end.lines, end.hash) != (known.lines, known.hash):
            what = "lines were removed from here on" if end.lines < known.lines else "the line was added or rewritten"
            flaws.append(Flaw(name, min(end.lines, known.lines) + (end.lines != known.lines), what))
    return Verified(len(checked), count, tuple(flaws), tuple(notes))


def _check(path: Path) -> tuple[Head, list[Flaw], bool, Head | None]:
    """Where a log ends, its first flaw, whether its last line is torn, and what it says of the log before it."""
    raws = path.read_bytes().split(b"\n")
    torn = raws.pop() != b""
    previous, before = FIRST, None
    for number, raw in enumerate(raws, 1):
        sealed = _HASH.search(raw)
        body = raw[: sealed.start()] + b"}" if sealed else b""
        if sealed is None or hashlib.sha256(body).hexdigest().encode() != sealed[1]:
            return (
                Head(path.name, number - 1, previous),
                [Flaw(path.name, number, "the line was changed")],
                torn,
                before,
            )
        line = orjson.loads(body)
        if line.get("previous") != previous or line.get("n") != number:
            what = "a line before it was removed, added or rewritten"
            return Head(path.name, number - 1, previous), [Flaw(path.name, number, what)], torn, before
        if number == 1 and line.get("before"):
            before = Head(**line["before"])
        previous = sealed[1].decode()
    return Head(path.name, len(raws), previous), [], torn, before


def _newest(folder: Path) -> Head | None:
    """Where the newest log ends, complete lines only; so a log that a crash cut is noted as it is found."""
    known = files(folder)
    return _check(known[-1])[0] if known else None


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a user without a name
        return f"uid {os.getuid()}" if hasattr(os, "getuid") else "unknown"
