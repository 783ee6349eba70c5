"""The staged inventory: what the help desk holds besides records, as it was listed last.

Belongs here: writing the table and counting it, together with what readers said of articles, which is staged with
these. Does not belong here: listing (`sources`), or its columns (`model`).
"""

from collections.abc import Iterable
from typing import Any, Final

import pyarrow as pa

from migration_pipeline.model.entities import RECORDS
from migration_pipeline.model.inventory import INVENTORY
from migration_pipeline.staging.store import Staging

STAGE: Final = "inventory"
TABLE: Final = "items"


def write(staging: Staging, rows: Iterable[dict[str, Any]], run_id: str) -> int:
    """Put the rows in place of those listed before; how many there are.

    Raises:
        OSError: the disk is full or not writable; the table is as it was.
    """
    batch = pa.RecordBatch.from_pylist(list(rows), INVENTORY)
    return staging.tables.write(STAGE, TABLE, INVENTORY, [batch], {"run_id": run_id})


def relation(staging: Staging) -> str:
    """SQL of all items; empty where nothing was listed yet."""
    comments = staging.tables.scan("records", "article_comments", RECORDS["article_comments"])
    return (
        f"(FROM {staging.tables.scan(STAGE, TABLE, INVENTORY)} UNION ALL BY NAME SELECT 'article_comment' AS kind, "
        f"source_id, 'on article ' || article_ref AS name, true AS active, source_url FROM {comments})"
    )


def counted(staging: Staging) -> dict[str, int]:
    """Items by kind."""
    with staging.connect() as connection:
        rows = connection.execute(f"SELECT kind, count(*) FROM {relation(staging)} GROUP BY kind").fetchall()
    return {str(kind): int(number) for kind, number in rows}
