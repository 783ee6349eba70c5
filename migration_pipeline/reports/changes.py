"""What a demo would have the target hold otherwise than the demo before it, field by field.

Belongs here: keeping the content of a demo, and comparing. Does not belong here: reports of full runs and deltas, whose
changes the journal tells.

The content lies in `demos/` below the migration's root and not in the reports, which are handed on.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa

from migration_pipeline.config import Migration
from migration_pipeline.masking.documents import Text
from migration_pipeline.masking.masker import Masker
from migration_pipeline.model.payloads import PAYLOADS
from migration_pipeline.staging import Staging
from migration_pipeline.staging.atomic import read_json, replacing, write_json
from migration_pipeline.staging.duck import quoted

FOLDER: Final = "demos"
HIDDEN: Final = "[not shown: masking has changed]"

CHANGES: Final = pa.schema(
    [
        ("entity_type", pa.string()),
        ("source_id", pa.string()),
        ("field", pa.string()),
        ("before", pa.string()),
        ("after", pa.string()),
    ]
)
"""One row per field that differs."""

_SILENT: Final = frozenset(
    ["source_id", "source_url", "digest", "losses", "ticket_ref", "position", "comment_ref", "redacted",
     "opener_redacted", "part_count", "speaker"]
)  # fmt: skip
"""Columns that say nothing of the content, or say it twice."""

_JSON: Final = frozenset(["body", "attributes"])


def compare(
    connection: duckdb.DuckDBPyConnection,
    staging: Staging,
    run_id: str,
    migration: Migration,
    entity_types: Sequence[str],
) -> bool:
    """Keep the content of this demo, and make a view `changes` over what differs from the one before it.

    False where there is no demo before it. Needs the view `load_plan`.

    Raises:
        OSError: the disk is full or not writable; what was kept stays.
    """
    folder = staging.root / FOLDER
    current, previous = folder / "current.parquet", folder / "previous.parquet"
    note = read_json(current.with_suffix(".json"))
    if note and note["run_id"] != run_id:
        current.replace(previous)
        write_json(previous.with_suffix(".json"), note)
    masking = migration.masking.model_dump(mode="json")
    with replacing(current) as aside:
        contents = " UNION ALL ".join(_content(staging, entity_type) for entity_type in entity_types)
        connection.execute(f"COPY ({contents}) TO {quoted(str(aside))} (FORMAT parquet, COMPRESSION zstd)")
    write_json(current.with_suffix(".json"), {"run_id": run_id, "masking": masking})
    before = read_json(previous.with_suffix(".json"))
    if before is None or not previous.exists():
        return False
    differing = connection.sql(_DIFFERENCE.format(before=_read(previous), after=_read(current))).to_arrow_table()
    rows = list(_shown(differing.to_pylist(), migration, hidden=before["masking"] != masking))
    connection.register("told_changes", pa.Table.from_pylist(rows, CHANGES))
    connection.execute("CREATE TABLE changes AS FROM told_changes")
    return True


_DIFFERENCE: Final = """
    WITH before AS (FROM {before}), after AS (FROM {after}),
    lone AS (
        SELECT DISTINCT entity_type, source_id, 'in the demo' AS field, 'yes' AS before, NULL AS after
        FROM before ANTI JOIN after USING (entity_type, source_id)
        UNION ALL
        SELECT DISTINCT entity_type, source_id, 'in the demo', NULL, 'yes'
        FROM after ANTI JOIN before USING (entity_type, source_id)
    )
    SELECT entity_type, source_id, field, before.value AS before, after.value AS after
    FROM before
    FULL JOIN after USING (entity_type, source_id, field)
    ANTI JOIN lone USING (entity_type, source_id)
    WHERE before.value IS DISTINCT FROM after.value
    UNION ALL
    FROM lone
    ORDER BY ALL
"""


def _content(staging: Staging, entity_type: str) -> str:
    """SQL of (entity_type, source_id, field, value): everything that the plan's records are to hold."""
    scan = staging.tables.scan("payloads", entity_type, PAYLOADS[entity_type])
    queries = [_fields(scan, entity_type, "source_id", "")]
    if entity_type == "tickets":
        parts = staging.tables.scan("payloads", "parts", PAYLOADS["parts"])
        numbered = (
            "(SELECT *, row_number() OVER (PARTITION BY ticket_ref, comment_ref ORDER BY position) AS number "
            f"FROM {parts})"
        )
        label = "'message ' || coalesce(comment_ref, '') || CASE WHEN number > 1 THEN '.' || number ELSE '' END || ': '"
        queries.append(_fields(numbered, "parts", "ticket_ref", label))
    union = " UNION ALL ".join(queries)
    return (
        f"SELECT '{entity_type}' AS entity_type, told.* FROM ({union}) AS told "
        f"SEMI JOIN (FROM load_plan WHERE entity_type = '{entity_type}') AS planned USING (source_id)"
    )


def _fields(relation: str, table: str, key: str, label: str) -> str:
    prefix = label or "''"
    columns = [field.name for field in PAYLOADS[table] if field.name not in _SILENT]
    queries = []
    for column in columns:
        if column in _JSON and table != "parts":
            queries.append(
                f"SELECT source_id, {prefix} || name AS field, json_extract_string({column}, "
                "'/' || replace(replace(name, '~', '~0'), '/', '~1')) AS value FROM "
                f"(SELECT {key} AS source_id, {column}, unnest(json_keys({column})) AS name FROM {relation})"
            )
        else:
            queries.append(
                f"SELECT {key} AS source_id, {prefix} || '{column}' AS field, {column}::VARCHAR AS value "
                f"FROM {relation}"
            )
    return " UNION ALL ".join(f"({query})" for query in queries)


def _read(path: Path) -> str:
    return f"read_parquet({quoted(str(path))})"


def _shown(rows: list[dict[str, Any]], migration: Migration, *, hidden: bool) -> Iterator[dict[str, Any]]:
    """The rows as a report may tell them: what an earlier demo still held, and a rule takes away by now, is no news."""
    masker = Masker(migration.masking)
    for row in rows:
        told = dict(row)
        if hidden and row["before"] is not None and row["field"] != "in the demo":
            told["before"] = HIDDEN
        for side in ("before", "after"):
            if told[side] is not None:
                (found,), _ = masker.mask([Text(told[side])])
                told[side] = told[side] if found is None else found
        yield told
