"""One record while it is being loaded: the operations that the journal knows of it, and what is to be reported.

Belongs here: what the steps of one record share. Does not belong here: the steps, or sending them.
"""

from dataclasses import dataclass, field
from typing import Any

from migration_pipeline.journal import Operation, State
from migration_pipeline.journal.rows import Loss


@dataclass
class Work:
    """A record at work; one thread uses it."""

    entity_type: str
    source_id: str
    operations: dict[str, Operation]
    losses: list[Loss] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # for the report's detail
    refusals: list[str] = field(default_factory=list)  # steps that the target refused
    sent: int = 0  # calls that this run sent
    meant: set[str] = field(default_factory=set)  # keys of the operations that the record is made of now
    outdated: bool = False  # whether one of them was sent with another payload
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)  # the newest answer to each kind of call
    shown: dict[str, Any] | None = None  # the conversation as the newest call left it, where its answer showed it
    volume: int = 1  # of a ticket's conversations, which one is at work

    def of_volume(self, number: int) -> "Work":
        """The work on one of a ticket's conversations; what is to be reported is shared."""
        if number == self.volume:
            return self
        return Work(
            self.entity_type,
            self.source_id,
            self.operations,
            losses=self.losses,
            notes=self.notes,
            refusals=self.refusals,
            volume=number,
        )

    def answered(self, kind: str, answer: dict[str, Any] | None) -> None:
        """Note what a call that was applied answered; None where nobody knows."""
        self.answers[kind] = answer or {}
        self.shown = answer if answer and "conversation_parts" in answer else None

    def key(self, name: str) -> str:
        """The key of one of the record's operations; those of further conversations name their number."""
        place = f"v{self.volume}/" if self.volume > 1 else ""
        return f"{self.entity_type}/{self.source_id}/{place}{name}"

    def unmeant(self) -> list[Operation]:
        """Operations that were, or may have been, applied, and that the record is not made of any more."""
        sent = (State.IN_DOUBT, State.DONE)
        return [op for key, op in self.operations.items() if key not in self.meant and op.state in sent]

    def made_by_others(self, key: str, kind: str) -> tuple[frozenset[str], bool]:
        """The target's ids that the record's other operations of a kind made, and whether that is all of them."""
        done = [
            operation
            for operation in self.operations.values()
            if operation.kind == kind and operation.state is State.DONE and operation.op_key != key
        ]
        return frozenset(op.target_id for op in done if op.target_id), all(op.target_id for op in done)


class StepRefused(Exception):
    """The target refused a step in every way it could be sent; the record goes on as far as it can without it."""

    def __init__(self, step: str, status: int, code: str, message: str) -> None:
        super().__init__(f"{step}: {status} {code} {message}".strip())
        self.status = status
        self.message = message


class StepUnclear(Exception):
    """The target gave no usable answer time and again; nothing more may be sent to this thread in this run."""


class ParentMissing(Exception):
    """A record that this one belongs to did not arrive; the text names it."""
