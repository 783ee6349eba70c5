"""Exporting outcomes while a run is going on, so that people see them grow without touching the journal."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from migration_pipeline.journal.journal import Journal

INTERVAL = 15.0
_log = logging.getLogger(__name__)


@contextmanager
def exporting(journal: Journal, path: Path, interval: float = INTERVAL) -> Iterator[None]:
    """Export the outcomes to `path` at once, every `interval` seconds, and when the block ends, however it ends."""
    ended = threading.Event()
    journal.export(path)

    def work() -> None:
        while not ended.wait(interval):
            try:
                journal.export(path)
            except OSError as error:  # a full disk stops the run where it writes what counts; this is only a view
                _log.warning("outcomes could not be exported: %s", error)

    thread = threading.Thread(target=work, name="outcomes", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        journal.export(path)
