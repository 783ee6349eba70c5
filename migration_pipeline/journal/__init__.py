"""The journal: what was about to be written to the target, what came of it, and what each record became.

Belongs here: durable intents and outcomes, and the states an operation may pass through. Does not belong here: sending
anything, asking the target, or deciding what to send.
"""

from migration_pipeline.journal.exporting import exporting
from migration_pipeline.journal.journal import Journal, KeyTaken
from migration_pipeline.journal.protocol import Event, IllegalStep, State, after
from migration_pipeline.journal.rows import Intent, Known, Operation, Outcome, Remembered, RunRow, Spared
from migration_pipeline.journal.undoing import Undoing

__all__ = [
    "Event",
    "IllegalStep",
    "Intent",
    "Journal",
    "KeyTaken",
    "Known",
    "Operation",
    "Outcome",
    "Remembered",
    "RunRow",
    "Spared",
    "State",
    "Undoing",
    "after",
    "exporting",
]
