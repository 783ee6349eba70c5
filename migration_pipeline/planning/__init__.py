"""The plan that a person reads and approves: records, calls, time, storage, what is created, what is left to people.

Belongs here: the document and how its numbers add up. Does not belong here: counting calls (`sources`, `target`), what
the loader executes (`target.plan`), or who approves it (`gates`).
"""

from migration_pipeline.planning.document import Entity, Plan, read_plan, write_plan
from migration_pipeline.planning.making import Measured, make
from migration_pipeline.planning.records import open_tickets, planned_records

__all__ = [
    "Entity",
    "Measured",
    "Plan",
    "make",
    "open_tickets",
    "planned_records",
    "read_plan",
    "write_plan",
]
