"""What must hold before a run may write: a confirmed target, a signed checklist, and an approved plan.

Belongs here: what counts as the same plan, the files that say who signed what, and the sentence of a refusal. Does not
belong here: what a run is about to do (the load plan), or looking at the services (the preflight).
"""

from migration_pipeline.gates.approval import (
    Approval,
    approve,
    read_approval,
    require_approval,
    unsigned,
    why_not_approved,
)
from migration_pipeline.gates.checklist import AFTER, BEFORE, Item, checklist
from migration_pipeline.gates.connection import Confirmed, confirm, is_confirmed, require_confirmed
from migration_pipeline.gates.facts import Facts, facts_of, note_proposed, proposed

__all__ = [
    "AFTER",
    "BEFORE",
    "Approval",
    "Confirmed",
    "Facts",
    "Item",
    "approve",
    "checklist",
    "confirm",
    "facts_of",
    "is_confirmed",
    "note_proposed",
    "proposed",
    "read_approval",
    "require_approval",
    "require_confirmed",
    "unsigned",
    "why_not_approved",
]
