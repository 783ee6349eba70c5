"""DuckDB as the engine over Parquet: connections with bounded memory, and SQL text for lists of files."""

import itertools
import threading
import weakref
from collections import deque
from collections.abc import Iterable
from pathlib import Path

import duckdb
import pyarrow as pa

MEMORY = "2GB"


class Engine:
    """One DuckDB for all connections of a migration: they share its memory, and its start, which takes 14 ms.

    It works in UTC and spills to the folder `spill` beyond its memory. Any thread may ask for a connection.
    """

    def __init__(self, spill: Path) -> None:
        """Nothing is started before the first connection is asked for."""
        self._spill = spill
        self._lock = threading.Lock()
        self._instance: duckdb.DuckDBPyConnection | None = None
        self._numbers = itertools.count(1)
        self._left: deque[str] = deque()  # databases whose connection is gone

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A connection to an empty database of its own, whose memory is free some time after the connection is."""
        with self._lock:
            if self._instance is None:
                self._instance = self._start()
            connection = self._instance.cursor()
            while self._left:
                connection.execute(f"DETACH DATABASE IF EXISTS {self._left.popleft()}")
            own = f"own_{next(self._numbers)}"
            connection.execute(f"ATTACH ':memory:' AS {own}")
            connection.execute(f"USE {own}")
        # Whoever is the last to hold it may be in the middle of a query: the next connection takes the database away.
        weakref.finalize(connection, self._left.append, own).atexit = False
        return connection

    def stop(self) -> None:
        """Let go of DuckDB, which ends with the last connection to it; the next connection starts another."""
        with self._lock:
            self._instance = None

    def _start(self) -> duckdb.DuckDBPyConnection:
        self._spill.mkdir(parents=True, exist_ok=True)
        instance = duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(self._spill)})
        instance.execute("SET GLOBAL TimeZone = 'UTC'")
        instance.execute("SET GLOBAL preserve_insertion_order = false")
        return instance


def beside(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Another connection to the database of one that has no result under way, so that several results may be read.

    It sees that database for as long as somebody holds `connection`.
    """
    (own,) = connection.execute("SELECT current_database()").fetchall()[0]
    other = connection.cursor()
    other.execute(f"USE {own}")
    return other


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
