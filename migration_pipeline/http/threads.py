"""Threads that call services, and that never keep a stopped run alive.

The standard library's pool joins its threads when the interpreter ends, so that one call without an answer would hold
up a stopped run until its time-out. These threads die with the process. Belongs here: running calls at the same time.
Does not belong here: what they do, or in which order.
"""

import queue
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from types import TracebackType
from typing import Final, Self, TypeVar

Argument = TypeVar("Argument")
Result = TypeVar("Result")

PREFIX: Final = "migration-call"
"""What the names of these threads begin with."""

_POLL: Final = 0.5
"""Seconds after which a waiting thread of the caller looks for signals."""


class CallThreads:
    """A pool of daemon threads, started as they are needed. An error in the block leaves calls under way behind."""

    def __init__(self, workers: int, name: str) -> None:
        """`name` says what the threads are for."""
        self._workers = workers
        self._name = f"{PREFIX}-{name}"
        self._tasks: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._pending: set[Future[object]] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
        if kind is None:
            for thread in self._threads:
                thread.join()

    def submit(self, work: Callable[[Argument], Result], argument: Argument) -> Future[Result]:
        """Have a thread do the work."""
        future: Future[Result] = Future()
        self._pending.add(future)  # type: ignore[arg-type]  # a pool runs work of any result
        future.add_done_callback(self._pending.discard)
        self._tasks.put(lambda: _run(future, work, argument))
        if len(self._threads) < self._workers:
            thread = threading.Thread(target=self._serve, name=f"{self._name}-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()
        return future

    def map(self, work: Callable[[Argument], Result], arguments: Iterable[Argument]) -> list[Result]:
        """The results in the order of the arguments; the first error is raised. Signals are heard while waiting."""
        futures = [self.submit(work, argument) for argument in arguments]
        for future in futures:
            _settle(future)
        return [future.result() for future in futures]

    def result(self, future: Future[Result]) -> Result:
        """What the work came to, or its error. Signals are heard while waiting."""
        _settle(future)
        return future.result()

    def end(self) -> None:
        """Take nothing more up; what is under way goes on."""
        for future in list(self._pending):
            future.cancel()
        for _ in self._threads:
            self._tasks.put(None)

    def _serve(self) -> None:
        while (task := self._tasks.get()) is not None:
            task()


def under_way() -> int:
    """How many threads of this process may still be in a call."""
    return sum(thread.name.startswith(PREFIX) and thread.is_alive() for thread in threading.enumerate())


def _settle(future: Future[Result]) -> None:
    ended = threading.Event()
    future.add_done_callback(lambda _: ended.set())
    while not ended.wait(_POLL):
        pass


def _run(future: Future[Result], work: Callable[[Argument], Result], argument: Argument) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = work(argument)
    except BaseException as error:  # handed to whoever waits
        future.set_exception(error)
    else:
        future.set_result(result)
