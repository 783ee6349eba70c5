"""Tables that stages write: Parquet, whole or not at all, each with a note of what it was built from."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from migration_pipeline.model.errors import SettingsError
from migration_pipeline.staging import duck
from migration_pipeline.staging.atomic import read_json, replacing, write_json


class TableStore:
    """The tables of one migration: `<stage>/<table>.parquet` with `<table>.json` beside it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, stage: str, table: str) -> Path:
        """The table's Parquet file."""
        return self.root / stage / f"{table}.parquet"

    def write(
        self, stage: str, table: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch], built_from: dict[str, Any]
    ) -> int:
        """Stream batches into the table, in place of its earlier content; the number of rows.

        Raises:
            OSError: the disk is full or not writable; the table is as it was.
        """
        with self.writing(stage, table, schema, built_from) as append:
            return sum(append(batch) for batch in batches)

    @contextmanager
    def writing(
        self, stage: str, table: str, schema: pa.Schema, built_from: dict[str, Any]
    ) -> Iterator[Callable[[pa.RecordBatch], int]]:
        """A function that appends a batch and tells its rows; the table takes its place when the block ends well.

        Two blocks, one within the other, fill two tables in one pass.

        Raises:
            OSError: the disk is full or not writable; the table is as it was.
        """
        rows = 0

        def append(batch: pa.RecordBatch) -> int:
            nonlocal rows
            writer.write_batch(batch)
            rows += batch.num_rows
            return int(batch.num_rows)

        path = self.path(stage, table)
        with replacing(path) as aside, pq.ParquetWriter(aside, schema, compression="zstd") as writer:
            yield append
        self._note(stage, table, rows, built_from)

    def write_query(
        self,
        stage: str,
        table: str,
        schema: pa.Schema,
        connection: duckdb.DuckDBPyConnection,
        query: str,
        built_from: dict[str, Any],
    ) -> int:
        """Write what an SQL query gives, cast to the schema, in place of its earlier content; the number of rows."""
        columns = ", ".join(f"CAST({field.name} AS {duck.duck_type(field.type)}) AS {field.name}" for field in schema)
        with replacing(self.path(stage, table)) as aside:
            connection.execute(
                f"COPY (SELECT {columns} FROM ({query})) TO {duck.quoted(str(aside))} "
                "(FORMAT parquet, COMPRESSION zstd)"
            )
            rows = int(pq.read_metadata(aside).num_rows)
        self._note(stage, table, rows, built_from)
        return rows

    def remove(self, stage: str, table: str) -> None:
        """Take the table away; it is as if it had never been written."""
        path = self.path(stage, table)
        path.unlink(missing_ok=True)
        path.with_suffix(".json").unlink(missing_ok=True)

    def scan(self, stage: str, table: str, schema: pa.Schema) -> str:
        """SQL of a relation over the table; empty where it was never written."""
        path = self.path(stage, table)
        return duck.scan([path] if path.exists() else [], schema)

    def built_from(self, stage: str, table: str) -> dict[str, Any] | None:
        """What the table was built from, or None where it was never written."""
        note = read_json(self.path(stage, table).with_suffix(".json"))
        return note and dict(note["built_from"])

    def reusable(self, stage: str, tables: Iterable[str], built_from: dict[str, Any]) -> dict[str, int] | None:
        """The rows by table, where all of the tables are there and were built from just this; None where not."""
        names = list(tables)
        stands = all(
            self.path(stage, table).exists() and self.built_from(stage, table) == built_from for table in names
        )
        return {table: self.rows(stage, table) for table in names} if stands else None

    def rows(self, stage: str, table: str) -> int:
        """The number of rows, 0 where the table was never written."""
        note = read_json(self.path(stage, table).with_suffix(".json"))
        return int(note["rows"]) if note else 0

    def require(self, stage: str, table: str, asset: str) -> Path:
        """The table's file.

        Raises:
            SettingsError: it was never written; the sentence names the asset to materialize first.
        """
        path = self.path(stage, table)
        if not path.exists():
            raise SettingsError(
                f"There is no {stage}/{table} yet: materialize `{asset}` for it first, or run a whole job."
            )
        return path

    def _note(self, stage: str, table: str, rows: int, built_from: dict[str, Any]) -> None:
        write_json(self.path(stage, table).with_suffix(".json"), {"rows": rows, "built_from": built_from})
