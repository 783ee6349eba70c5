"""Many records at a time, few in memory: a bounded pool whose calls a cancel never falls between.

Signals, and with them Dagster's cancel, hit the main thread only. So all calls and journal writes happen in worker
threads; the main thread reads what is to be done, waits, and tells the workers to stop.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Final, TypeVar

from migration_pipeline.http import CallThreads
from migration_pipeline.model.run import Run

Unit = TypeVar("Unit")
Result = TypeVar("Result")

GRACE: Final = 4.0
"""Seconds that calls in flight get to end in when a run is stopped; a run is to end within ten."""

_log = logging.getLogger(__name__)


def in_threads(
    units: Iterable[Unit], work: Callable[[Unit], Result], *, workers: int, run: Run, grace: float = GRACE
) -> Iterator[Result]:
    """Do the work for each unit; the results as they come. At most twice as many units as workers are held.

    Raises:
        RunStopped: the run was asked to stop.
        what `work` raised first. Either way `run.stop` is set and the workers have ended, or have had their grace.
    """
    pool = CallThreads(workers, "target")
    running: set[Future[Result]] = set()
    try:
        for unit in units:
            run.check()
            running.add(pool.submit(work, unit))
            if len(running) >= 2 * workers:
                yield from _ended(running)
        while running:
            run.check()
            yield from _ended(running)
    except BaseException:
        run.stop.set()
        pool.end()
        # `wait` never counts a cancelled future as done: those that no thread had begun are left out.
        left = wait([future for future in running if not future.cancelled()], timeout=grace).not_done
        if left:
            _log.warning("%d calls are still without an answer; the next run asks the target for them", len(left))
        raise
    finally:
        pool.end()


def _ended(running: set[Future[Result]]) -> list[Result]:
    """Take out what has ended, waiting a moment for it."""
    done, _ = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
    running -= done
    return [future.result() for future in done]
