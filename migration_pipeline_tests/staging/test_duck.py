"""Connections of one DuckDB: each has tables of its own, and what it held is free once it is gone."""

import threading
from pathlib import Path

import duckdb
import pytest

from migration_pipeline.staging.duck import Engine, beside

LARGE = "CREATE TABLE held AS SELECT range AS number, repeat('x', 50) || range AS text FROM range(200_000)"


def one(connection: duckdb.DuckDBPyConnection, query: str) -> object:
    return connection.execute(query).fetchall()[0][0]


def test_connections_have_tables_of_their_own_unless_they_are_beside_each_other(tmp_path: Path) -> None:
    engine = Engine(tmp_path / "spill")
    with engine.connect() as first, engine.connect() as second:
        first.execute("CREATE TABLE held AS SELECT 1 AS number")
        first.execute("CREATE MACRO plus(value) AS value + 1")
        second.execute("CREATE VIEW held AS SELECT 2 AS number")
        assert [one(each, "SELECT number FROM held") for each in (first, second)] == [1, 2]
        assert one(beside(first), "SELECT plus(number) FROM held") == 2
        with pytest.raises(duckdb.CatalogException):
            second.execute("SELECT plus(1)")


def test_what_a_connection_held_is_free_once_it_is_gone(tmp_path: Path) -> None:
    engine = Engine(tmp_path / "spill")
    memory = "SELECT sum(memory_usage_bytes)::BIGINT FROM duckdb_memory()"
    with engine.connect() as connection:
        connection.execute(LARGE)
        held = one(connection, memory)
    del connection
    with engine.connect() as connection:
        free = one(connection, memory)
        assert isinstance(held, int)
        assert isinstance(free, int)
        assert free < held / 10
        assert one(connection, "SELECT count(*) FROM duckdb_databases() WHERE NOT internal") == 2


def test_a_connection_goes_on_after_the_engine_was_stopped_and_another_starts(tmp_path: Path) -> None:
    engine = Engine(tmp_path / "spill")
    held = engine.connect()
    held.execute("CREATE TABLE held AS SELECT 1 AS number")
    engine.stop()
    with engine.connect() as other:
        assert one(held, "SELECT number FROM held") == 1
        assert one(other, "SELECT count(*) FROM duckdb_tables()") == 0
    held.close()
    del held
    with engine.connect() as other:
        assert one(other, "SELECT current_setting('TimeZone')") == "UTC"
        assert one(other, "SELECT current_setting('preserve_insertion_order')") is False


def test_threads_may_ask_at_once(tmp_path: Path) -> None:
    engine = Engine(tmp_path / "spill")
    found: list[object] = []

    def ask() -> None:
        for number in range(10):
            with engine.connect() as connection:
                connection.execute(f"CREATE TABLE held AS SELECT {number} AS number")
                found.append(one(connection, "SELECT number FROM held"))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, found)) == sorted(str(number) for number in range(10) for _ in threads)
