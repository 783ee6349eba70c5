"""Arrow schemas of what the settings leave out: the records with their reasons, and what each step took.

Belongs here: the border between selection, mapping and reports. Does not belong here: any step.
"""

from typing import Final

import pyarrow as pa

SELECTION: Final[dict[str, pa.Schema]] = {
    "left_out": pa.schema(
        [
            ("entity_type", pa.string()),
            ("source_id", pa.string()),
            ("source_url", pa.string()),
            ("reason", pa.string()),
            ("detail", pa.string()),
        ]
    ),
    "steps": pa.schema(
        [
            ("position", pa.int64()),  # order, from 0
            ("entity_type", pa.string()),
            ("step", pa.string()),  # the setting in migration.yaml
            ("reason", pa.string()),
            ("removed", pa.int64()),
            ("remaining", pa.int64()),
            ("note", pa.string()),  # values of the setting that nothing has
        ]
    ),
}
"""`left_out`: one row per record that the settings leave out. `steps`: one row per rule that is set, in order."""

LEFT_OUT_REASONS: Final = (
    "entity_left_out",
    "filtered_created",
    "filtered_status",
    "filtered_kind",
    "filtered_channel",
    "filtered_brand",
    "filtered_tags",
    "filtered_fields",
    "filtered_team",
    "filtered_assignee",
    "filtered_company",
    "filtered_archived",
    "filtered_suspended",
    "filtered_help_center",
    "inactive_requester",
    "unreferenced",
    "unused_tag",
)
"""Reason codes of records that the settings leave out; what was migrated before they changed stays all the same."""
