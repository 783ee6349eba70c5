"""The life of operations against a model of a service: whatever happens, each is applied exactly once.

Random operations meet random outcomes and random deaths of the process, at every line that touches the disk or the
network. A new process opens the same file and reconciles as the loader does: first it asks, then it sends.
"""

import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from migration_pipeline.journal import Event, Intent, Journal, Operation, Outcome, State

FATES = ("accepted", "refused", "lost_before", "lost_after")
CRASHES = (None, "before_intend", "after_intend", "before_call", "after_call", "before_settle", "after_settle")
KEYS = [f"tickets/{ticket}/{name}" for ticket in (1, 2, 3) for name in ("create", "part/1", "close")]

pytestmark = pytest.mark.behaviour("B01")


class Died(Exception):
    """The process ends here; nothing after this line happens."""


class Service:
    """What a service holds, and how often each operation was applied to it."""

    def __init__(self) -> None:
        self.applied: Counter[str] = Counter()

    def call(self, key: str, fate: str) -> bool | None:
        """True: a usable answer says yes; False: it says no; None: no usable answer came."""
        if fate in ("accepted", "lost_after"):
            self.applied[key] += 1
        return {"accepted": True, "refused": False}.get(fate)


class Process:
    """One process at work on the journal: it knows nothing but what the journal's file tells."""

    def __init__(self, url: str, service: Service, number: int) -> None:
        self.journal = Journal.open(url)
        self.service = service
        self.journal.begin_run(f"run-{number}", "full", "acme")
        self.journal.restart("tickets")
        self.operations: dict[str, Operation] = {}
        for ticket in sorted(self.journal.begun("tickets")):
            self.operations |= self.journal.operations("tickets", ticket)

    def perform(self, key: str, fate: str, crash: str | None) -> None:
        """Have the service hold the operation, as the loader would.

        Raises:
            Died.
        """
        state = self.state(key)
        if state is State.IN_DOUBT:
            self.clear_up(key, crash)
            state = self.state(key)
        if state is State.DONE:
            return
        self._line("intend", crash, lambda: self.journal.intend(intent(key), state))
        answers: list[bool | None] = []
        self._line("call", crash, lambda: answers.append(self.service.call(key, fate)))
        event = {True: Event.ACCEPTED, False: Event.REFUSED, None: Event.LOST}[answers[0]]
        self._line("settle", crash, lambda: self.journal.settle(key, event, target_id="9"))
        self.learn(key)

    def clear_up(self, key: str, crash: str | None = None) -> None:
        """Ask the service what came of an operation in doubt."""
        event = Event.FOUND if self.service.applied[key] else Event.ABSENT
        self._line("settle", crash, lambda: self.journal.settle(key, event, target_id="9"))
        self.learn(key)

    def state(self, key: str) -> State | None:
        operation = self.operations.get(key)
        return operation.state if operation else None

    def learn(self, key: str) -> None:
        self.operations |= self.journal.operations("tickets", key.split("/")[1])

    def _line(self, name: str, crash: str | None, work: Callable[[], object]) -> None:
        if crash == f"before_{name}":
            raise Died
        work()
        if crash == f"after_{name}":
            raise Died


def intent(key: str) -> Intent:
    _, ticket, name = key.split("/", 2)
    return Intent(
        key, "tickets", ticket, name, "POST /x", None, "h", reserves=f"second/{ticket}" if name == "create" else None
    )


class Protocol(RuleBasedStateMachine):
    process: Process

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.url = f"sqlite:///{Path(self.folder.name)}/journal.sqlite"
        self.service = Service()
        self.processes = 0
        self.start()

    def start(self) -> None:
        """A new process on the same file; the old one is gone without a word."""
        if self.processes:
            self.process.journal.close()
        self.processes += 1
        self.process = Process(self.url, self.service, self.processes)

    @rule(key=st.sampled_from(KEYS), fate=st.sampled_from(FATES), crash=st.sampled_from(CRASHES))
    def perform(self, key: str, fate: str, crash: str | None) -> None:
        try:
            self.process.perform(key, fate, crash)
        except Died:
            self.start()

    @rule()
    def die(self) -> None:
        self.start()

    @rule(key=st.sampled_from(KEYS), crash=st.sampled_from((None, "before_settle", "after_settle")))
    def ask(self, key: str, crash: str | None) -> None:
        if self.process.state(key) is State.IN_DOUBT:
            try:
                self.process.clear_up(key, crash)
            except Died:
                self.start()

    @invariant()
    def nothing_is_applied_twice(self) -> None:
        assert max(self.service.applied.values(), default=0) <= 1

    @invariant()
    def what_the_journal_says_is_true(self) -> None:
        for key in KEYS:
            known = self.process.journal.operations("tickets", key.split("/")[1]).get(key)
            applied = self.service.applied[key]
            if known is None or known.state is State.REJECTED:
                assert applied == 0, key
            elif known.state is State.DONE:
                assert applied == 1, key

    def teardown(self) -> None:
        """A last process that nothing happens to brings everything home."""
        if not hasattr(self, "process"):
            return
        self.start()
        for key in KEYS:
            self.process.perform(key, "accepted", None)
        journal = self.process.journal
        journal.record(Outcome("tickets", ticket, "migrated", target_id=ticket) for ticket in ("1", "2", "3"))
        assert self.service.applied == Counter(KEYS)
        assert journal.in_doubt() == []
        assert {self.process.state(key) for key in KEYS} == {State.DONE}
        assert sum(batch.num_rows for batch in journal.records("tickets", "migrated")) == 3
        assert journal.begun("tickets") == set()
        journal.close()
        self.folder.cleanup()


TestProtocol = Protocol.TestCase
TestProtocol.settings = settings(
    max_examples=20,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
