"""The life of one operation (one writing call) as a table: (state, event) -> state. Nothing else decides on states.

What each state says of the target:
    (none)     never sent
    intent     about to be sent, or sent and unanswered by a process that is still at work
    in_doubt   sent, and nobody knows whether it was applied; the target must be asked before anything is sent again
    rejected   certainly not applied; it may be sent again
    done       certainly applied; it is never sent again, unless a roll-back takes back what it made
    undone     applied once, and what it made or changed is gone with a roll-back; it may be sent again
"""

from enum import StrEnum
from typing import Final


class State(StrEnum):
    """What is known of an operation."""

    INTENT = "intent"
    IN_DOUBT = "in_doubt"
    REJECTED = "rejected"
    DONE = "done"
    UNDONE = "undone"


class Event(StrEnum):
    """What happens to an operation."""

    INTEND = "intend"  # it is about to be sent
    ACCEPTED = "accepted"  # a usable answer says that it was applied
    REFUSED = "refused"  # the service said no, or was certainly never reached
    LOST = "lost"  # no usable answer came
    RESTARTED = "restarted"  # a new run meets the intent of a run that is gone
    FOUND = "found"  # the target was asked, and holds it
    ABSENT = "absent"  # the target was asked long enough, and does not hold it
    UNDONE = "undone"  # a roll-back removed the object that it made or changed


STEPS: Final[dict[tuple[State | None, Event], State]] = {
    (None, Event.INTEND): State.INTENT,
    (State.REJECTED, Event.INTEND): State.INTENT,
    (State.INTENT, Event.ACCEPTED): State.DONE,
    (State.INTENT, Event.REFUSED): State.REJECTED,
    (State.INTENT, Event.LOST): State.IN_DOUBT,
    (State.INTENT, Event.RESTARTED): State.IN_DOUBT,
    (State.IN_DOUBT, Event.FOUND): State.DONE,
    (State.IN_DOUBT, Event.ABSENT): State.REJECTED,
    # A refusal because the target already holds the object (a conflict that names it, an assignee already assigned).
    (State.REJECTED, Event.FOUND): State.DONE,
    (State.DONE, Event.UNDONE): State.UNDONE,
    # Whether it was applied no longer matters: the object that it would have changed is gone.
    (State.IN_DOUBT, Event.UNDONE): State.UNDONE,
    (State.UNDONE, Event.INTEND): State.INTENT,
}
"""Every step that may be taken; what is not in the table is a defect, above all `in_doubt` to `intent`."""


class IllegalStep(Exception):
    """The journal was asked for a step that the table does not hold: a defect, never a fault of the service."""


def after(state: State | None, event: Event) -> State:
    """The state that follows.

    Raises:
        IllegalStep: the table holds no such step.
    """
    try:
        return STEPS[state, event]
    except KeyError:
        raise IllegalStep(f"an operation in state {state or '(none)'} cannot take the event {event}") from None


def before(event: Event) -> tuple[State, ...]:
    """The states, other than none, in which an operation may take the event."""
    return tuple(state for state, taken in STEPS if taken is event and state is not None)
