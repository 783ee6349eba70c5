"""How fast a service answers just now, by a handful of reads.

Belongs here: measuring. Does not belong here: what follows from it (`model.costs`).
"""

import statistics
import time
from collections.abc import Callable
from typing import Final

from migration_pipeline.http.threads import CallThreads
from migration_pipeline.model.costs import Speed

ALONE: Final = 7
"""Calls one after the other; their median is the latency."""
TOGETHER: Final = 4
"""Calls per worker, all workers at once."""


def measure(read: Callable[[], object], workers: int) -> Speed:
    """Call `read` a few times alone, then with all workers.

    Raises:
        what `read` raises.
    """
    alone = []
    for _ in range(ALONE):
        started = time.perf_counter()
        read()
        alone.append(time.perf_counter() - started)
    latency = statistics.median(alone)
    with CallThreads(workers, "speed") as pool:
        pool.map(lambda _: read(), range(workers))  # threads and connections are there by then
        started = time.perf_counter()
        pool.map(lambda _: read(), range(workers * TOGETHER))
        together = time.perf_counter() - started
    return Speed(latency, workers * TOGETHER / together)
