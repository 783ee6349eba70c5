"""What the settings leave out: entity types, filters, inactive people, contacts that nothing refers to.

Belongs here: deciding, from canonical records and migration.yaml alone, which records move; the same input decides the
same. Does not belong here: what a record becomes (`target`), or reading less of the source (`sources`).
"""

from migration_pipeline.selection.select import Selection, ranked, rules, select

__all__ = ["Selection", "ranked", "rules", "select"]
