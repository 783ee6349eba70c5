"""Dates that the target does not take: what is sent instead, and how it is recognized and told.

The description says that `created_at` is there for past conversations and parts, and leaves open whether it may be
older than the contact, than the conversation, or than the newest part (Intercom OpenAPI 2.16, createConversation,
replyConversation, createTicket). Where a workspace refuses it, the message goes without it, and its text names the
date: nothing but the target's own date is lost. The date in the text is also what tells the message from others of the
same author, so that it can be looked for when an answer is lost.

Belongs here: pure rules. Does not belong here: when a message is sent another way (`messages`, `ticket_steps`).
"""

import datetime as dt
import re
from typing import Final

from migration_pipeline.journal import Operation, State
from migration_pipeline.journal.rows import Loss
from migration_pipeline.model.errors import Rejected
from migration_pipeline.target.steps import Adapted

UNDATED: Final = "undated"
"""Key of `Adapted`: sent without `created_at`, which stays there as the second that the text names."""

BUMP_S: Final = 60
"""Seconds that a date may be moved by to keep the order of a thread; beyond them the date is lost, and named."""


NO_SECOND: Final = 0
"""What stands for the second of a message that has none: the target dated it, and its text names no other."""


def line(second: int) -> str:
    """The line that names the date of a message, for the time of day in UTC."""
    return f"[Written {dt.datetime.fromtimestamp(second, dt.UTC):%Y-%m-%d %H:%M:%S} UTC]"


def undated(refusal: Rejected, adapted: Adapted) -> Adapted | None:
    """Send without a date what was refused; the refusal need not name the date, for one further try shows it."""
    return {**adapted, UNDATED: True} if refusal.status in (400, 422) and UNDATED not in adapted else None


def names_created_at(refusal: Rejected) -> bool:
    """Whether a refusal can mean nothing but the date of a message."""
    return refusal.status in (400, 422) and "created_at" in refusal.message


def about_date(refusal: Rejected) -> bool:
    """Whether a refusal speaks of a date."""
    return bool(re.search(r"(?i)created_at|\bdate\b|\btime\b", refusal.message))


def dated(adapted: Adapted) -> dict[str, int]:
    """The date of a message, as the body of a call has it."""
    return {} if UNDATED in adapted else {"created_at": int(adapted["created_at"])}


def second_of(adapted: Adapted) -> int:
    """The second by which a message is recognized; below zero where the text alone names it."""
    second = int(adapted["created_at"])
    return -second if UNDATED in adapted else second


def written_at(operation: Operation) -> int:
    """When the target dated a message itself, in UTC seconds; 0 where it took our date, or no message."""
    return done_at(operation) if UNDATED in operation.adapted else 0


def done_at(operation: Operation) -> int:
    """When what an operation made came to be, in UTC seconds; 0 where it made nothing."""
    when = operation.finished_at if operation.state is State.DONE else None
    return int(when.timestamp()) if when else 0


def moved(what: str, meant: int, adapted: Adapted) -> tuple[Loss, ...]:
    """What is to be told of a message whose date is not the one that was meant."""
    sent = int(adapted["created_at"])
    refused = (("date_refused", f"{what}: {line(sent)[1:-1]}"),) if UNDATED in adapted else ()
    return refused + ((("date_bumped", f"{what} is dated {sent - meant:+d} s"),) if sent != meant else ())
