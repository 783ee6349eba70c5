"""Arrow schemas of what mapping.yaml means for the records, before any of them is mapped."""

from typing import Final

import pyarrow as pa

LOSSES: Final = pa.schema(
    [
        ("section", pa.string()),  # of mapping.yaml
        ("key", pa.string()),  # in the section
        ("title", pa.string()),
        ("target", pa.string()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("records", pa.int64()),  # that lose something
    ]
)
"""What the values of each field lose, by reason."""
