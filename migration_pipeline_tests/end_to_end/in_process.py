"""A whole run without Dagster: the stages one after the other in this process, as the assets call them.

For tests that run a migration many times. Run by hand as

    python -m migration_pipeline_tests.end_to_end.in_process MIGRATION_YAML [RUN_ID]
"""

import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from migration_pipeline.assets.workbench import Workbench
from migration_pipeline.config.mapping import save_mapping
from migration_pipeline.journal import Operation
from migration_pipeline.model.entities import ENTITY_TYPES
from migration_pipeline.model.run import Run
from migration_pipeline.staging.atomic import replacing
from migration_pipeline.target.catalogue import read_catalogue
from migration_pipeline.target.foreseen import Held
from migration_pipeline.target.loader import Loaded, load
from migration_pipeline.target.payloads import map_entity
from migration_pipeline.target.plan import make_plan
from migration_pipeline.target.proposals import propose
from migration_pipeline.target.ticket_types import known_types


@dataclass(frozen=True)
class Told:
    """How a run ended: what was loaded by entity type, what is in doubt, and records that failed, with the reason."""

    loaded: dict[str, Loaded] = field(default_factory=dict)
    in_doubt: tuple[Operation, ...] = ()
    failed: tuple[str, ...] = ()
    losses: tuple[tuple[str, str, str], ...] = ()  # of tickets: source id, reason, detail
    source_calls: int = 0
    target_calls: int = 0
    target_writes: int = 0


@contextmanager
def bench(config: Path, run_id: str = "run") -> Iterator[tuple[Workbench, Run]]:
    """A run's workbench, with its lock; errors leave as a run tells them."""
    workbench = Workbench(config)
    try:
        with workbench.telling(run_id, "full"):
            yield workbench, workbench.run(run_id, "full")
    finally:
        workbench.close()


def extract(workbench: Workbench, run: Run) -> None:
    """Read the source."""
    for entity_type in workbench.source.extraction_order:
        workbench.source.extract(entity_type, workbench.staging, run)


def prepare(workbench: Workbench, run: Run) -> None:
    """Everything between the snapshots and the load."""
    for entity_type in ENTITY_TYPES:
        workbench.source.normalize(entity_type, workbench.staging)
    catalogue = read_catalogue(workbench.client)
    with replacing(workbench.migration.root / "catalogue.json") as aside:
        aside.write_bytes(catalogue.to_json())
    path = workbench.migration.mapping_path
    known = workbench.mapping if path.exists() else None
    save_mapping(path, propose(workbench.staging, catalogue, known, workbench.migration))
    for entity_type in ENTITY_TYPES:
        map_entity(entity_type, workbench.staging, workbench.mapping, workbench.migration)
    workbench.journal.export(workbench.outcomes_path)
    types = known_types(workbench.client, workbench.migration)
    held = Held(workbench.journal, catalogue, workbench.migration, types)
    for entity_type in ENTITY_TYPES:
        make_plan(entity_type, workbench.staging, run, None, held=held)


def write(workbench: Workbench, run: Run) -> Told:
    """Load the plan."""
    workbench.journal.begin_run(run.run_id, run.mode, workbench.client.workspace)
    loaded = {
        entity_type: load(
            entity_type,
            workbench.staging,
            workbench.journal,
            workbench.client,
            workbench.catalogue,
            workbench.migration,
            run,
        )
        for entity_type in ENTITY_TYPES
    }
    arrived = [row for batch in workbench.journal.records("tickets", "migrated") for row in batch.to_pylist()]
    failed = [row for batch in workbench.journal.records(outcome="failed") for row in batch.to_pylist()]
    return Told(
        loaded=loaded,
        in_doubt=tuple(workbench.journal.in_doubt()),
        failed=tuple(f"{row['entity_type']}/{row['source_id']}: {row['reason']} {row['detail']}" for row in failed),
        losses=tuple((row["source_id"], loss["reason"], loss["detail"]) for row in arrived for loss in row["losses"]),
        source_calls=workbench.calls["source"],
        target_calls=workbench.calls["target"],
        target_writes=workbench.client.usage.writes if "unproved_client" in workbench.__dict__ else 0,
    )


def whole_run(config: Path, run_id: str = "run") -> Told:
    """Extract, prepare and write.

    Raises:
        MigrationError: the run ended early, with the sentence that a user is told.
    """
    with bench(config, run_id) as (workbench, run):
        extract(workbench, run)
        prepare(workbench, run)
        return write(workbench, run)


def only_load(config: Path, run_id: str = "run") -> Told:
    """Load what an earlier run planned."""
    with bench(config, run_id) as (workbench, run):
        return write(workbench, run)


def forked(work: Callable[[], object]) -> int:
    """Do the work in a child of this process; its id. The child ends with 0 where the work ended well, else with 1.

    A fork is some fifty times faster than a new interpreter. The parent must have no threads and no open databases.
    """
    child = os.fork()
    if child:
        return child
    code = 1
    gc.freeze()  # what is shared with the parent is not looked through for garbage
    try:
        work()
        code = 0
    except Exception as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
    finally:
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    """A whole run; its figures on stdout."""
    told = whole_run(Path(sys.argv[1]), *sys.argv[2:3])
    sys.stdout.write(f"{told}\n")


if __name__ == "__main__":
    main()
