"""What a report says in numbers, as values: counts per entity type, reason, loss and compared field.

Belongs here: the shape of `summary.json`, and reading it and the lists back. Does not belong here: how the numbers come
about (`build`), or how they look (`page`, `markdown`).
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq
from pydantic import TypeAdapter

from migration_pipeline.model.errors import SettingsError
from migration_pipeline.reports.left_out import MaskedCount, StepCount
from migration_pipeline.staging.atomic import read_json

FOLDER: Final = "reports"
SUMMARY: Final = "summary.json"
RECORD_KEYS: Final = (
    "entity_type",
    "source_id",
    "source_url",
    "target_id",
    "target_url",
    "outcome",
    "reason",
    "detail",
)
"""What other tools rely on of each record."""

MISMATCH_KEYS: Final = (
    "entity_type",
    "source_id",
    "source_url",
    "target_id",
    "target_url",
    "field",
    "expected",
    "actual",
    "reason",
)


@dataclass(frozen=True)
class EntityCounts:
    """The four columns of one entity type; `remarked` of the migrated ones carry a reason too (no plain success)."""

    entity_type: str
    available: int
    migrated: int
    failed: int
    skipped: int
    remarked: int

    @property
    def adds_up(self) -> bool:
        """Whether every available record has exactly one outcome."""
        return self.available == self.migrated + self.failed + self.skipped


@dataclass(frozen=True)
class ReasonCount:
    """How many records of an entity type have an outcome for a reason; plain successes are not listed."""

    entity_type: str
    outcome: str
    reason: str
    sentence: str
    records: int


@dataclass(frozen=True)
class LossCount:
    """What could not be kept: how often, in how many migrated records."""

    entity_type: str
    reason: str
    sentence: str
    losses: int
    records: int


@dataclass(frozen=True)
class KindCount:
    """How many things of a kind the help desk holds besides records, and how many of them are active."""

    kind: str
    items: int
    active: int


@dataclass(frozen=True)
class EntityMatch:
    """How many migrated records were read back, and how many of them match in every field."""

    entity_type: str
    compared: int
    matched: int


@dataclass(frozen=True)
class FieldMatch:
    """How many values of a field were read back and compared, and how many match."""

    entity_type: str
    field: str
    compared: int
    matched: int


@dataclass(frozen=True)
class ListFile:
    """A list beside the page: its name without suffix, and its rows."""

    name: str
    rows: int


@dataclass(frozen=True)
class Summary:
    """`summary.json`. Times are UTC; `seconds` is from start to end."""

    run_id: str
    mode: str
    migration: str
    source: str
    source_url: str
    target: str
    target_url: str
    started_at: dt.datetime | None
    finished_at: dt.datetime
    seconds: float | None
    calls: dict[str, int]
    entities: tuple[EntityCounts, ...]
    reasons: tuple[ReasonCount, ...]
    losses: tuple[LossCount, ...]
    verified: tuple[EntityMatch, ...]
    fields: tuple[FieldMatch, ...]
    mismatches: int
    lists: tuple[ListFile, ...]
    built_from: dict[str, dict[str, Any]]
    problems: tuple[str, ...]
    filters: tuple[StepCount, ...] = ()
    masked: tuple[MaskedCount, ...] = ()
    inventory: tuple[KindCount, ...] = ()
    changes: int | None = None  # fields that differ from the demo before; None where there was none
    dry_run: bool = False  # nothing was written


@dataclass(frozen=True)
class Report:
    """A report that lies in `folder`."""

    folder: Path
    summary: Summary

    @property
    def run_id(self) -> str:
        """The run it tells of."""
        return self.summary.run_id

    @property
    def mode(self) -> str:
        """The mode of the run."""
        return self.summary.mode

    @property
    def calls(self) -> dict[str, int]:
        """Requests of the run by side: `source`, `target`; empty where nobody counted."""
        return self.summary.calls

    @property
    def entities(self) -> list[dict[str, Any]]:
        """The four columns, in load order: entity_type, available, migrated, failed, skipped, remarked."""
        return [asdict(counts) for counts in self.summary.entities]

    @property
    def page(self) -> Path:
        """The page for people."""
        return self.folder / "report.html"

    @property
    def interrupted(self) -> int:
        """Records that the run did not get to."""
        return sum(count.records for count in self.summary.reasons if count.reason == "interrupted")

    def records(self) -> list[dict[str, str | None]]:
        """Every record with exactly the keys of `RECORD_KEYS`."""
        return list(self.iter_records())

    def iter_records(self) -> Iterator[dict[str, str | None]]:
        """`records()` in bounded memory."""
        return _rows(self.folder / "records.parquet", RECORD_KEYS)

    def mismatches(self) -> list[dict[str, str | None]]:
        """Every field that the target holds differently, with the keys of `MISMATCH_KEYS`."""
        return list(_rows(self.folder / "mismatches.parquet", MISMATCH_KEYS))

    def to_json(self) -> dict[str, Any]:
        """The summary as a JSON document."""
        return dict(_SUMMARY.dump_python(self.summary, mode="json"))


_SUMMARY: Final = TypeAdapter(Summary)


def report_folder(root: Path, run_id: str) -> Path:
    """Where the report of a run lies below a migration's root.

    Raises:
        SettingsError: the run's id cannot be the name of a folder.
    """
    if not run_id or run_id.startswith(".") or set(run_id) & set("/\\\0:"):
        raise SettingsError(f"{run_id!r} is not the id of a run.")
    return root / FOLDER / run_id


def read_report(folder: Path) -> Report:
    """The report that lies in a folder.

    Raises:
        SettingsError: there is none.
    """
    document = read_json(folder / SUMMARY)
    if document is None:
        raise SettingsError(f"There is no report in {folder}; `migrate report` without --run shows the newest one.")
    return Report(folder, _SUMMARY.validate_python(document))


def open_report(root: Path, run_id: str | None = None) -> Report:
    """The report of a run of the migration with this root; of the newest run that made one, where none is named.

    Raises:
        SettingsError: there is no such report.
    """
    if run_id is not None:
        return read_report(report_folder(root, run_id))
    newest = max((root / FOLDER).glob(f"*/{SUMMARY}"), key=lambda path: path.stat().st_mtime_ns, default=None)
    if newest is None:
        raise SettingsError("No run has made a report yet: start with `migrate demo`.")
    return read_report(newest.parent)


def _rows(path: Path, keys: tuple[str, ...]) -> Iterator[dict[str, str | None]]:
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(columns=list(keys)):
            yield from batch.to_pylist()
