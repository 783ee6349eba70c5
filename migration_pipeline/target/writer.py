"""Exactly once: one call at a time per record, an intent before it, an outcome after it, and no second one in doubt.

Belongs here: the protocol of `journal.protocol` put to work. Does not belong here: what is sent (`steps`) and how the
target is asked (`reconcile`).
"""

import datetime as dt
import itertools
import logging
import time
from dataclasses import dataclass, replace
from typing import Final, Literal

from migration_pipeline.http import pause_after
from migration_pipeline.journal import Event, Intent, Journal, KeyTaken, Operation, State, after
from migration_pipeline.model.errors import InDoubt, MigrationError, Rejected, RunStopped
from migration_pipeline.model.run import Run
from migration_pipeline.target.client import IntercomClient
from migration_pipeline.target.dates import UNDATED
from migration_pipeline.target.loading.work import StepRefused, StepUnclear, Work
from migration_pipeline.target.reconcile import RULES, Question
from migration_pipeline.target.refused_dates import Asked, RefusedDates
from migration_pipeline.target.steps import AGAIN, Adapted, Json, Step

_log = logging.getLogger(__name__)

DOUBTS: Final = 10
"""Calls without a usable answer that one step takes before its thread is left to the next run."""

SENDINGS: Final = 25
"""A bound on all ways to send one step, so that no service can keep a run busy for ever."""


@dataclass(frozen=True)
class Patience:
    """Seconds to go on asking before something is taken for absent, counted from the doubt."""

    search: float = 300.0  # what only a search shows: its index lags by minutes
    direct: float = 3.0  # what is read directly: the service may still be at work on a call that lost its connection
    longest_pause: float = 30.0

    def of(self, certain: str) -> float:
        """Seconds for one kind of rule."""
        return {"repeatable": 0.0, "direct": self.direct, "lagged": self.search}[certain]


class Writer:
    """Performs steps. Threads share it; one record is one thread's at a time."""

    def __init__(
        self,
        client: IntercomClient,
        journal: Journal,
        run: Run,
        patience: Patience,
        refused_dates: Literal["text", "fail"] = "text",
    ) -> None:
        self._client = client
        self._journal = journal
        self._run = run
        self._patience = patience
        self._refused_dates = refused_dates
        self._dates = RefusedDates(told=refused_dates == "text")

    def perform(self, work: Work, step: Step) -> str | None:
        """Have the target hold what the step means, sending at most what is missing; the target's id of it.

        Raises:
            StepRefused: the target refuses it.
            StepUnclear: nobody knows; nothing more may be sent to this thread now.
            AccessDenied, ServiceDown, RunStopped: the run ends.
        """
        self._run.check()
        key = work.key(step.name)
        work.meant.add(key)
        operation = work.operations.get(key)
        if operation is not None and operation.state is State.IN_DOUBT:
            operation = self._clear_up(work, step, operation)
        if operation is not None and operation.state is State.DONE:
            if operation.payload_hash != step.payload_hash:
                work.outdated = True
                work.notes.append(f"{step.name} was sent under an earlier mapping and stays as it was")
            work.losses.extend(step.losses(operation.adapted) if _knows(step, operation) else ())
            return operation.target_id
        operation = self._send(work, step, operation)
        work.losses.extend(step.losses(operation.adapted))
        return operation.target_id

    def adopt(self, work: Work, step: Step, target_id: str) -> None:
        """Settle a refused step as done: the target holds it already, as `target_id`."""
        key = work.key(step.name)
        self._settle(work, work.operations[key], Event.FOUND, target_id, code="adopted")

    def look_up(self, work: Work, step: Step) -> Operation | None:
        """Settle an operation in doubt by asking the target, and send nothing; the operation, None if there is none.

        Raises:
            AccessDenied, ServiceDown, RunStopped: the run ends.
        """
        operation = work.operations.get(work.key(step.name))
        if operation is not None and operation.state is State.IN_DOUBT:
            return self._clear_up(work, step, operation)
        return operation

    def settle_unmeant(self, work: Work) -> None:
        """Settle what is in doubt and what the record, by another mapping, is not made of any more; send nothing.

        A message is looked for: where it arrived, it stays. What may be repeated without harm is over: what it would
        have changed is compared with the target itself.

        Raises:
            AccessDenied, ServiceDown, RunStopped: the run ends.
        """
        for operation in work.unmeant():
            if operation.state is not State.IN_DOUBT:
                continue
            if operation.kind == "reply":
                method, _, route = operation.route.partition(" ")
                name = operation.op_key.removeprefix(work.key(""))
                self._clear_up(work, Step(name, "reply", method, route, {}), operation)
            elif RULES[operation.kind].certain == "repeatable":
                self._settle(work, operation, Event.ABSENT, None, "superseded")

    def _send(self, work: Work, step: Step, operation: Operation | None) -> Operation:
        """Send until the target holds it or refuses it for good; without its date where that is refused anyway."""
        with self._dates.asking(step.route, step.predates, self._run.check) as asked:
            return self._sent(work, step, operation, asked)

    def _sent(self, work: Work, step: Step, operation: Operation | None, asked: Asked) -> Operation:
        adapted: Adapted = asked.start(step.start)
        doubts, dated = 0, None
        for _ in range(SENDINGS):
            operation = self._intend(work, step, adapted, operation)
            adapted = operation.adapted
            work.sent += 1
            try:
                answer = self._client.write(step.method, step.path, step.request(adapted))
                owned, _ = work.made_by_others(operation.op_key, step.kind)
                target_id = step.result(answer, adapted, owned)
            except Rejected as refusal:
                operation = self._settle(work, operation, Event.REFUSED, None, refusal.code, refusal.message)
                found = self._already_held(work, step, operation)
                if found is not None:
                    return self._settle(work, operation, Event.FOUND, found, refusal.code)
                other_way = step.adapt(refusal, adapted)
                if other_way is None or (UNDATED in other_way and self._refused_dates == "fail"):
                    raise StepRefused(step.name, refusal.status, refusal.code, refusal.message) from refusal
                if UNDATED in other_way and UNDATED not in adapted:
                    dated = refusal
                if other_way.get(AGAIN) != adapted.get(AGAIN):
                    self._pause(2.0 ** (int(other_way[AGAIN]) - 1))
                adapted = other_way
            except InDoubt as doubt:
                doubts += 1
                operation = self._settle(work, operation, Event.LOST, None, "in_doubt", str(doubt))
                _log.info("%s: %s", operation.op_key, doubt)
                if doubts >= DOUBTS:
                    raise StepUnclear(f"{step.name}: {doubt}") from doubt
                operation = self._clear_up(work, step, operation)
                if operation.state is State.DONE:
                    return operation
                if doubts > 1:  # what may be sent again at once would else use up its doubts in a short outage
                    self._pause(pause_after(doubts - 1))
            except (MigrationError, OSError) as error:
                # Certainly not applied: access refused, never connected, stopped while waiting, or a file that is gone.
                self._settle(work, operation, Event.REFUSED, None, type(error).__name__)
                raise
            else:
                work.answered(step.kind, answer)
                asked.taken(adapted, dated)
                return self._settle(work, operation, Event.ACCEPTED, target_id, answered_at=_time_of(answer))
        raise StepRefused(step.name, 0, "", "no way to send it was accepted")

    def _intend(self, work: Work, step: Step, adapted: Adapted, operation: Operation | None) -> Operation:
        """Make the intent durable; where another operation holds the second, take the next one."""
        key = work.key(step.name)
        while True:
            intent = Intent(
                op_key=key,
                entity_type=work.entity_type,
                source_id=work.source_id,
                kind=step.kind,
                route=f"{step.method} {step.route}",
                target_object=step.target_object,
                payload_hash=step.payload_hash,
                identity=step.identity(adapted),
                reserves=step.reserves(adapted),
                adapted=adapted,
            )
            try:
                self._journal.intend(intent, operation.state if operation else None)
            except KeyTaken:
                adapted = {**adapted, "created_at": int(adapted["created_at"]) + 1}
                continue
            intended = Operation(
                **{name: getattr(intent, name) for name in _SHARED},
                state=State.INTENT,
                target_id=None,
                code="",
                message="",
                run_id=self._run.run_id,
                attempts=operation.attempts + 1 if operation else 1,
                started_at=dt.datetime.now(dt.UTC),
                finished_at=None,
            )
            work.operations[key] = intended
            return intended

    def _settle(
        self,
        work: Work,
        operation: Operation,
        event: Event,
        target_id: str | None,
        code: str = "",
        message: str = "",
        answered_at: int | None = None,
    ) -> Operation:
        self._journal.settle(
            operation.op_key, event, target_id=target_id, code=code, message=message, answered_at=answered_at
        )
        settled = replace(
            operation,
            state=after(operation.state, event),
            target_id=target_id,
            code=code,
            message=message,
            finished_at=dt.datetime.now(dt.UTC),
            answered_at=answered_at,
        )
        work.operations[operation.op_key] = settled
        return settled

    def _clear_up(self, work: Work, step: Step, operation: Operation) -> Operation:
        """Ask the target until it shows what the operation made, or surely does not hold it."""
        rule = RULES[step.kind]
        owned, others_known = work.made_by_others(operation.op_key, step.kind)
        question = Question(self._client, self._journal, step, operation, owned, others_known)
        doubted = operation.finished_at or dt.datetime.now(dt.UTC)
        patience = self._patience.of(rule.certain)
        waited = (dt.datetime.now(dt.UTC) - doubted).total_seconds()
        sure_at = time.monotonic() + max(patience - max(waited, 0.0), 0.0)
        for pause in _pauses(self._patience.longest_pause):
            self._run.check()
            asked = time.monotonic()
            found = rule.look(question)
            if found is not None:
                work.answered(step.kind, None)
                return self._settle(work, operation, Event.FOUND, found)
            if asked >= sure_at:
                return self._settle(work, operation, Event.ABSENT, None, "absent")
            left = sure_at - time.monotonic()
            self._pause(max(min(pause, left) if rule.certain == "lagged" else left, 0.0))
        raise AssertionError("pauses never end")

    def _already_held(self, work: Work, step: Step, operation: Operation) -> str | None:
        """What the target holds, where a refusal may mean that it holds it already."""
        rule = RULES[step.kind]
        if not rule.refusal_may_mean_found:
            return None
        owned, others_known = work.made_by_others(operation.op_key, step.kind)
        return rule.look(Question(self._client, self._journal, step, operation, owned, others_known))

    def _pause(self, seconds: float) -> None:
        if self._run.stop.wait(seconds):
            raise RunStopped("The run was stopped; the next one goes on from here.")


_SHARED: Final = (
    "op_key",
    "entity_type",
    "source_id",
    "kind",
    "route",
    "target_object",
    "payload_hash",
    "identity",
    "adapted",
)


def _time_of(answer: Json) -> int | None:
    """The service's own time of a change, where the answer tells it."""
    told = answer.get("updated_at")
    # A part of a ticket answers with the date that it was given.
    return told if isinstance(told, int) and answer.get("type") != "ticket_part" else None


def _knows(step: Step, operation: Operation) -> bool:
    """Whether the operation was sent with the facts that the step's losses are told by."""
    return set(step.start) <= set(operation.adapted)


def _pauses(longest: float) -> itertools.chain[float]:
    """Growing pauses in seconds, without end."""
    growing = (min(0.25 * 2**power, longest) for power in range(16))
    return itertools.chain(growing, itertools.repeat(longest))
