"""Group commit: threads that write at the same moment share one durable transaction.

A commit waits for the disk. On a disk that needs 5 ms for it, one commit per row would be slower than the target's rate
limit; together, all threads that wait for the disk pay once.
"""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

import sqlalchemy as sa

Result = TypeVar("Result")


class _Pending(Generic[Result]):
    """A change that waits for its transaction."""

    def __init__(self, change: Callable[[sa.Connection], Result]) -> None:
        self.change = change
        self.settled = False
        self.result: Result | None = None
        self.error: BaseException | None = None

    def run(self, connection: sa.Connection) -> None:
        self.result = self.change(connection)

    def outcome(self) -> Result:
        if self.error is not None:
            raise self.error
        return self.result  # type: ignore[return-value]  # settled without an error: `run` has stored it


class GroupCommit:
    """Writes changes durably, each as if in a transaction of its own. Threads share it."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._queue: list[_Pending[object]] = []
        self._queue_lock = threading.Lock()
        self._writing = threading.Lock()

    def __call__(self, change: Callable[[sa.Connection], Result]) -> Result:
        """Run `change` and make it durable; its result.

        Raises:
            what `change` raises, or the database on commit; then nothing of it was kept.
        """
        pending = _Pending(change)
        with self._queue_lock:
            self._queue.append(pending)  # type: ignore[arg-type]  # a queue holds results of any type
        with self._writing:
            # Whoever gets the lock first writes for all who wait behind it.
            if not pending.settled:
                with self._queue_lock:
                    batch, self._queue = self._queue, []
                self._write(batch)
        return pending.outcome()

    def _write(self, batch: list[_Pending[object]]) -> None:
        try:
            with self._engine.begin() as connection:
                for pending in batch:
                    pending.run(connection)
        except Exception:
            # One bad change must not take the others with it: each alone, so that the error finds its owner.
            for pending in batch:
                self._write_alone(pending)
        except BaseException as error:
            # The writing thread is being interrupted: nothing was kept, and those who wait must not take it for kept.
            for pending in batch:
                pending.error = error
            raise
        finally:
            for pending in batch:
                pending.settled = True

    def _write_alone(self, pending: _Pending[object]) -> None:
        try:
            with self._engine.begin() as connection:
                pending.run(connection)
        except Exception as error:  # handed to the thread that owns the change
            pending.error = error
