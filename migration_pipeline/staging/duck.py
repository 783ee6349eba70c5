"""DuckDB as the engine over Parquet: connections with bounded memory, and SQL text for lists of files."""

from collections.abc import Iterable
from pathlib import Path

import duckdb
import pyarrow as pa

MEMORY = "2GB"


def connect(spill: Path) -> duckdb.DuckDBPyConnection:
    """An in-memory database that works in UTC and spills to the folder `spill` beyond its memory."""
    spill.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(spill)})
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET preserve_insertion_order = false")
    return connection


def quoted(text: str) -> str:
    """The text as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def scan(files: Iterable[Path], schema: pa.Schema) -> str:
    """SQL of a relation over Parquet files; without files, an empty one with the schema's columns."""
    paths = [quoted(str(file)) for file in files]
    if paths:
        return f"read_parquet([{', '.join(paths)}])"
    columns = ", ".join(f"CAST(NULL AS {duck_type(field.type)}) AS {field.name}" for field in schema)
    return f"(SELECT {columns} WHERE false)"


def duck_type(kind: pa.DataType) -> str:
    """DuckDB's name of an Arrow type, as far as the staged schemas use them."""
    if pa.types.is_list(kind):
        return f"{duck_type(kind.value_type)}[]"
    if pa.types.is_struct(kind):
        return "STRUCT(" + ", ".join(f"{field.name} {duck_type(field.type)}" for field in kind) + ")"
    return _TYPES[kind]


_TYPES = {
    pa.string(): "VARCHAR",
    pa.int64(): "BIGINT",
    pa.bool_(): "BOOLEAN",
    pa.float64(): "DOUBLE",
    pa.timestamp("us", "UTC"): "TIMESTAMPTZ",
}
