"""Arrow schemas of what became of the records: outcomes of loading, and findings of the verification.

Belongs here: what reports, plan and people read. Does not belong here: the journal's own tables.
"""

from typing import Final

import pyarrow as pa

from migration_pipeline.model.entities import TIME
from migration_pipeline.model.payloads import LOSSES

OUTCOMES: Final = pa.schema(
    [
        ("entity_type", pa.string()),
        ("source_id", pa.string()),
        ("source_url", pa.string()),
        ("target_id", pa.string()),
        ("target_url", pa.string()),
        ("outcome", pa.string()),  # migrated | failed | skipped
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("losses", LOSSES),
        ("digest", pa.string()),  # of the payload that the target holds
        ("run_id", pa.string()),
        ("at", TIME),
    ]
)
"""One row per record: the newest outcome that the journal knows."""

VERIFICATION: Final = pa.schema(
    [
        ("entity_type", pa.string()),
        ("source_id", pa.string()),
        ("target_id", pa.string()),
        ("digest", pa.string()),  # of the payload that was compared
        ("field", pa.string()),
        ("matched", pa.bool_()),
        ("expected", pa.string()),
        ("actual", pa.string()),
        ("reason", pa.string()),
    ]
)
"""One row per record and field that was read back and compared."""
