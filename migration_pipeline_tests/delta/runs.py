"""Runs of any mode in this process, the stages one after the other as the assets call them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from migration_pipeline.assets.planning import plan_of
from migration_pipeline.assets.workbench import Workbench
from migration_pipeline.model.entities import ENTITY_TYPES
from migration_pipeline.model.payloads import PLAN
from migration_pipeline.model.run import Mode
from migration_pipeline.planning import Plan
from migration_pipeline.reports import build
from migration_pipeline.staging import Staging
from migration_pipeline.target.loader import Loaded
from migration_pipeline.target.rows import count
from migration_pipeline.target.verify import summary, verify
from migration_pipeline_tests.end_to_end.in_process import extract, prepare, write


@dataclass(frozen=True)
class Done:
    """A run: what was planned (calls) and loaded by entity type, writing calls, the report's rows, and mismatches."""

    planned: dict[str, int]
    loaded: dict[str, Loaded]
    writes: int
    rows: tuple[dict[str, Any], ...]
    mismatches: tuple[dict[str, Any], ...]

    def reasons(self, entity_type: str) -> dict[str, str | None]:
        """Reasons by source id."""
        return {row["source_id"]: row["reason"] for row in self.rows if row["entity_type"] == entity_type}


def run(config: Path, mode: Mode, run_id: str) -> Done:
    """A whole run, with verification and report."""
    workbench = Workbench(config)
    try:
        with workbench.telling(run_id, mode):
            at_work = workbench.run(run_id, mode)
            extract(workbench, at_work)
            prepare(workbench, at_work)
            planned = {name: calls(workbench.staging, name) for name in ENTITY_TYPES}
            told = write(workbench, at_work)
            assert told.in_doubt == ()
            for entity_type in ENTITY_TYPES:
                verify(entity_type, workbench.staging, workbench.journal, workbench.client, at_work)
            workbench.journal.export(workbench.outcomes_path)
            report = build(workbench.staging, run_id, mode, workbench.migration, calls=workbench.calls)
            found = summary(workbench.staging)["mismatches"]
            return Done(planned, told.loaded, told.target_writes, tuple(report.records()), tuple(found))
    finally:
        workbench.close()


def plan(config: Path) -> Plan:
    """What a delta will do: what changed is read, and nothing written."""
    workbench = Workbench(config)
    try:
        with workbench.telling("plan", "delta"):
            at_work = workbench.run("plan", "delta")
            extract(workbench, at_work)
            prepare(workbench, at_work)
            return plan_of(workbench, at_work)
    finally:
        workbench.close()


def calls(staging: Staging, entity_type: str) -> int:
    """The writing calls that a plan foresees."""
    plan = staging.tables.scan("plan", entity_type, PLAN)
    return int(count(staging.connect(), f"SELECT coalesce(sum(calls), 0) FROM {plan}")[0])
