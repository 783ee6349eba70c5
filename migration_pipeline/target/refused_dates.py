"""What a run learns of dates that the workspace refuses, so that it asks once and not for each thread.

Whether a message may be older than its contact, or than its conversation, the description leaves open (Intercom OpenAPI
2.16, createConversation, replyConversation, createTicket). A refusal is taken for a rule only as far as it goes: it
holds for dates that are older than their contact (their conversation), as the refused one was, and not newer than that
one; for all of them only where the refusal itself names what a date must not be older than. A date that was taken ends
this: what is newer is tried again. Of those that are expected to be refused, some are sent nevertheless, to see whether
it is still so.

Belongs here: the evidence. Does not belong here: what is sent instead (`dates`), or sending (`writer`).
"""

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from migration_pipeline.model.errors import Rejected
from migration_pipeline.target.dates import UNDATED, names_created_at
from migration_pipeline.target.steps import Adapted, Predates, Relation

_NAMED: Final[Mapping[Relation, re.Pattern[str]]] = {
    "contact": re.compile(r"(?i)\bcreated_at\b.*\b(before|older|earlier|precede|prior)\b.*\b(contact|user)"),
    "conversation": re.compile(
        r"(?i)\bcreated_at\b.*\b(before|older|earlier|precede|prior)\b.*\b(conversation|ticket|parent)"
    ),
}
"""Refusals that say themselves what a date must not be older than."""

TRIED_AGAIN: Final = 100
"""Of so many dates that are expected to be refused, one is sent."""

_TURN_S: Final = 10.0
"""Seconds that others wait for the first answer; after that each finds out for itself."""


@dataclass
class _Evidence:
    names: re.Pattern[str]
    refused_to: float = float("-inf")  # the newest second that was refused
    taken_from: float = float("inf")  # the oldest that was taken
    named: bool = False
    answered: bool = False  # whatever the first one was told
    expected: int = 0
    turn: threading.Lock = field(default_factory=threading.Lock)

    @property
    def settled(self) -> bool:
        """Whether the first one is through, or any answer is known."""
        return self.answered or self.refused_to > float("-inf") or self.taken_from < float("inf")

    @property
    def harmless(self) -> bool:
        """Whether dates were taken and none was refused."""
        return self.refused_to == float("-inf") and self.taken_from < float("inf")

    def expects(self, second: int) -> bool:
        """Whether a date is known to be refused."""
        if self.refused_to >= self.taken_from:
            return False  # it is something else than the date's age
        return second <= self.refused_to or (self.named and self.taken_from == float("inf"))


@dataclass(frozen=True)
class Asked:
    """One message's turn."""

    evidence: _Evidence | None  # None where nothing is to be learnt
    lock: threading.Lock

    def start(self, adapted: Adapted) -> Adapted:
        """How to send it first: as it is meant, or without the date that is known to be refused."""
        if self.evidence is None or UNDATED in adapted:
            return adapted
        with self.lock:
            if not self.evidence.expects(int(adapted["created_at"])):
                return adapted
            self.evidence.expected += 1
            again = self.evidence.expected % TRIED_AGAIN == 0
        return adapted if again else {**adapted, UNDATED: True}

    def taken(self, adapted: Adapted, refusal: Rejected | None) -> None:
        """The message was taken; `refusal` is what was said of it with its date."""
        if self.evidence is None:
            return
        second = int(adapted["created_at"])
        with self.lock:
            if UNDATED not in adapted:
                self.evidence.taken_from = min(self.evidence.taken_from, second)
            elif refusal is not None and names_created_at(refusal):
                self.evidence.refused_to = max(self.evidence.refused_to, second)
                self.evidence.named |= bool(self.evidence.names.search(refusal.message))


class RefusedDates:
    """Shared by the threads of one load; nothing is expected unless refused dates are `told` in texts."""

    def __init__(self, *, told: bool = True) -> None:
        self._told = told
        self._lock = threading.Lock()
        self._evidence: dict[tuple[str, Relation], _Evidence] = {}

    @contextmanager
    def asking(self, route: str, predates: Predates | None, check: Callable[[], None]) -> Iterator[Asked]:
        """Take a message's turn at a route. Until the first one has an answer, the others wait for it.

        `check` is asked while waiting, and may raise.
        """
        evidence = None
        if predates is not None and self._told:
            with self._lock:
                evidence = self._evidence.setdefault((route, predates.relation), _Evidence(_NAMED[predates.relation]))
        if predates is None or evidence is None or evidence.harmless or not predates.holds():
            yield Asked(None, self._lock)
            return
        mine, until = False, time.monotonic() + _TURN_S
        while not (mine or evidence.settled) and time.monotonic() < until:
            check()
            mine = evidence.turn.acquire(timeout=0.1)
        try:
            yield Asked(evidence, self._lock)
        finally:
            if mine:
                # Where the answer taught nothing, the next one's would hardly: waiting in line for it helps nobody.
                evidence.answered = True
                evidence.turn.release()
