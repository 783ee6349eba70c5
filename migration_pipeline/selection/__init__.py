"""What the settings leave out: entity types, filters, inactive people, contacts that nothing refers to.

Belongs here: deciding, from canonical records and migration.yaml alone, which records move; the same input decides the
same. Does not belong here: what a record becomes (`target`), or reading less of the source (`sources`).
"""

from migration_pipeline.selection.select import FOLLOWS_FROM, Selection, ranked, rules, select
from migration_pipeline.selection.steps import leaves_tickets_out

__all__ = ["FOLLOWS_FROM", "Selection", "leaves_tickets_out", "ranked", "rules", "select"]
