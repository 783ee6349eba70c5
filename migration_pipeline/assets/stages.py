"""What all stage assets have in common: the walk over entity types, and what each materialization says of itself."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import dagster as dg
import pyarrow as pa

from migration_pipeline.assets.departed import end_departed
from migration_pipeline.assets.following import require_full_run
from migration_pipeline.assets.workbench import Workbench
from migration_pipeline.http import CallThreads
from migration_pipeline.jobs import DRY_RUNS, MODES, PLANS
from migration_pipeline.model.entities import ENTITY_TYPES
from migration_pipeline.model.errors import MigrationError, RunStopped, SettingsError
from migration_pipeline.model.run import Mode, Run
from migration_pipeline.staging.catalogue import rebuild

OWNERS = ["team:support-operations"]


def mode_of(context: dg.AssetExecutionContext) -> Mode:
    """The mode of the run: that of its job; what is materialized from an asset page counts as full."""
    return {**MODES, **DRY_RUNS, **PLANS}.get(context.run.job_name, "full")


@contextmanager
def stage(context: dg.AssetExecutionContext, workbench: Workbench) -> Iterator[Run]:
    """Work on one asset: the run to work for; errors that a user can mend end the step with one sentence."""
    mode = mode_of(context)
    started = time.monotonic()
    try:
        with workbench.telling(context.run.run_id, mode):
            run_id, target = context.run.run_id, workbench.migration.target
            run = workbench.run(run_id, mode, lambda: end_departed(context.instance, run_id, target))
            if mode == "delta":
                require_full_run(workbench)
            rebuild(workbench.staging)  # people may look from the first step on, and see what the step before added
            yield run
            workbench.spent[context.asset_key.to_user_string()] = time.monotonic() - started
    except MigrationError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from None


def each_entity_type(
    context: dg.AssetExecutionContext,
    work: Callable[[str], Mapping[str, int | float]],
    *,
    order: tuple[str, ...] = ENTITY_TYPES,
    apart: frozenset[str] = frozenset(),
    stop: threading.Event | None = None,
) -> None:
    """Do the work for each entity type of the run, in load order, and attach what it says to that partition.

    Those in `apart` are worked on by a thread of their own from the beginning on, while the others take their turns.
    Where one of them fails, `stop` is set, so that its error is not told only after the others.

    Raises:
        SettingsError: the run covers no entity type (Dagster takes a reversed range for an empty one).
    """
    keys = set(context.partition_keys)
    if not keys:
        raise SettingsError("The run covers no entity type: give the partition range in load order.")
    walked = [key for key in order if key in keys]
    failed: list[BaseException] = []

    def work_apart(entity_type: str) -> dict[str, int | float]:
        try:
            return _timed(work, entity_type)
        except BaseException as error:
            failed.append(error)
            if stop:
                stop.set()
            raise

    with CallThreads(1, "apart") as pool:
        begun = {key: pool.submit(work_apart, key) for key in walked if key in apart}
        try:
            for key in walked:
                told = pool.result(begun[key]) if key in begun else _timed(work, key)
                context.add_asset_metadata(
                    {name: round(value, 3) if isinstance(value, float) else value for name, value in told.items()},
                    partition_key=key,
                )
        except RunStopped:
            if failed:
                raise failed[0] from None
            raise


def _timed(work: Callable[[str], Mapping[str, int | float]], entity_type: str) -> dict[str, int | float]:
    started = time.monotonic()
    return {**work(entity_type), "seconds": time.monotonic() - started}


def columns(schema: pa.Schema) -> dict[str, dg.TableSchema]:
    """The schema as Dagster shows it on an asset's page."""
    shown = [dg.TableColumn(field.name, str(field.type)) for field in schema]
    return {"dagster/column_schema": dg.TableSchema(shown)}
