"""The user's files: `migration.yaml` (what to move, from where to where) and `mapping.yaml` (what becomes what).

Belongs here: models, loading, defaults, and the sentences that tell a user which line to change.
"""

from migration_pipeline.config.filters import Filters
from migration_pipeline.config.masking import Masking
from migration_pipeline.config.migration import (
    REGIONS,
    Checklist,
    Delta,
    Demo,
    Full,
    Migration,
    Options,
    Source,
    Target,
    ZendeskAuth,
    load_migration,
    secret_checks,
)

__all__ = [
    "REGIONS",
    "Checklist",
    "Delta",
    "Demo",
    "Filters",
    "Full",
    "Masking",
    "Migration",
    "Options",
    "Source",
    "Target",
    "ZendeskAuth",
    "load_migration",
    "secret_checks",
]
