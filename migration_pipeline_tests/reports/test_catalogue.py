"""staging.duckdb: opens at any time, by old clients too, and always answers."""

import struct
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from migration_pipeline.model.entities import RECORDS
from migration_pipeline.model.outcomes import OUTCOMES, VERIFICATION
from migration_pipeline.model.payloads import PAYLOADS, PLAN
from migration_pipeline.staging.catalogue import rebuild
from migration_pipeline.staging.snapshots import Row
from migration_pipeline_tests.reports.tables import Tables, moved


def ask(path: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return [tuple(row) for row in connection.execute(query).fetchall()]


def columns(path: Path, view: str) -> list[object]:
    return [row[0] for row in ask(path, f"DESCRIBE {view}")]


def test_before_the_first_stage_every_view_is_there_and_empty(tables: Tables) -> None:
    path = rebuild(tables.staging)
    assert ask(path, "SELECT outcome, count(*) FROM outcomes GROUP BY 1") == []
    expected = {f"records.{name}": schema for name, schema in RECORDS.items()}
    expected |= RECORDS
    expected |= {f"payloads.{name}": schema for name, schema in PAYLOADS.items()}
    expected |= {"plan.load_plan": PLAN, "load_plan": PLAN, "outcomes": OUTCOMES}
    expected |= dict.fromkeys(("verification.fields", "verification.mismatches", "mismatches"), VERIFICATION)
    assert {view: columns(path, view) for view in expected} == {view: schema.names for view, schema in expected.items()}


def test_views_show_what_the_stages_wrote(tables: Tables) -> None:
    store = tables.staging.snapshots
    store.append("tickets", [Row("1", None, {"subject": "old"}), Row("2", None, {})], cursor="a", complete=False)
    store.append("tickets", [Row("1", None, {"subject": "new"})], cursor="b", complete=True)
    store.append("od\"d 'stream", [Row("1", None, {})], cursor=None, complete=True)
    tables.plan("tickets", [{"source_id": "1"}])
    tables.plan("contacts", [{"source_id": "7", "action": "keep"}])
    tables.rejects("tickets", [{"source_id": "9"}])
    tables.rejects("contacts", [{"source_id": "8"}])
    tables.outcomes([moved("tickets", "1"), moved("contacts", "7")])
    tables.verification(
        "tickets",
        [{"source_id": "1", "field": "title", "matched": True}, {"source_id": "1", "field": "state", "matched": False}],
    )
    path = rebuild(tables.staging)
    assert ask(path, "SELECT id, payload->>'$.subject' FROM snapshots.tickets ORDER BY id") == [
        ("1", "new"),
        ("2", None),
    ]
    assert ask(path, "SELECT count(*) FROM snapshots.tickets_history") == [(3,)]
    assert ask(path, 'SELECT count(*) FROM snapshots."od""d \'stream"') == [(1,)]
    assert ask(path, "SELECT entity_type, action FROM load_plan ORDER BY 1") == [
        ("contacts", "keep"),
        ("tickets", "create"),
    ]
    assert ask(path, "SELECT entity_type, source_id FROM records.rejects ORDER BY 1") == [
        ("contacts", "8"),
        ("tickets", "9"),
    ]
    assert ask(path, "SELECT outcome, count(*) FROM outcomes GROUP BY 1") == [("migrated", 2)]
    assert ask(path, "SELECT field FROM verification.mismatches") == [("state",)]
    assert ask(path, "SELECT count(*) FROM verification.fields") == [(2,)]


def test_views_also_answer_when_the_file_is_attached_under_another_name(tables: Tables) -> None:
    tables.outcomes([moved("tickets", "1")])
    path = rebuild(tables.staging)
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{path}' AS elsewhere (READ_ONLY)")
        assert connection.execute("SELECT count(*) FROM elsewhere.outcomes").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM elsewhere.tickets").fetchone() == (0,)


def test_every_view_and_column_is_explained(tables: Tables) -> None:
    tables.staging.snapshots.append("tickets", [Row("1", None, {})], cursor=None, complete=True)
    path = rebuild(tables.staging)
    views = ask(path, "SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal AND comment IS NULL")
    assert views == []
    bare = "SELECT schema_name, table_name, column_name FROM duckdb_columns() WHERE NOT internal AND comment IS NULL"
    assert ask(path, bare) == [], "say in staging/data_dictionary.py what these columns mean"
    assert ask(path, "SELECT comment FROM duckdb_columns() WHERE column_name = 'outcome' AND NOT internal") == [
        ("migrated, failed or skipped.",)
    ]


def test_older_clients_can_read_the_file(tables: Tables) -> None:
    # Bytes 8 to 12 are DUCK, then comes the storage version; DuckDB 1.5 reads 64 to 68, DuckDB 2 writes 69 by itself.
    header = rebuild(tables.staging).read_bytes()[:20]
    assert header[8:12] == b"DUCK"
    assert 64 <= struct.unpack("<Q", header[12:20])[0] <= 68


READER = """
import pathlib, sys, duckdb
path, stop = sys.argv[1], pathlib.Path(sys.argv[2])
kept = duckdb.connect(path, read_only=True)
seen, opened = set(), 0
while not stop.exists():
    with duckdb.connect(path, read_only=True) as connection:
        seen.add(connection.execute("SELECT count(*) FROM outcomes").fetchone()[0])
    opened += 1
    if opened == 1:
        print("reading", flush=True)
print(opened, kept.execute("SELECT count(*) FROM outcomes").fetchone()[0], *sorted(seen), flush=True)
"""


def test_another_process_reads_while_the_file_is_rebuilt(tables: Tables, tmp_path: Path) -> None:
    path, stop = rebuild(tables.staging), tmp_path / "stop"
    with subprocess.Popen(
        [sys.executable, "-c", READER, str(path), str(stop)], stdout=subprocess.PIPE, text=True
    ) as reader:
        assert reader.stdout
        try:
            assert reader.stdout.readline() == "reading\n"
            for rows in range(1, 6):
                tables.outcomes([moved("tickets", str(number)) for number in range(rows)])
                assert rebuild(tables.staging) == path
                assert ask(path, "SELECT count(*) FROM outcomes") == [(rows,)]
        finally:
            stop.touch()
        opened, kept, *seen = map(int, reader.stdout.readline().split())
    assert reader.returncode == 0, "the reader found the file missing, half written or locked"
    assert opened > 5
    assert kept == 0, "who has the earlier file open keeps what it showed"
    assert set(seen) <= set(range(6))


def test_a_failed_rebuild_leaves_the_earlier_file_and_nothing_else(tables: Tables) -> None:
    tables.outcomes([moved("tickets", "1")])
    path = rebuild(tables.staging)
    broken = tables.staging.tables.path("plan", "tickets")
    broken.parent.mkdir()
    broken.write_bytes(b"no parquet")
    with pytest.raises(duckdb.Error):
        rebuild(tables.staging)
    assert ask(path, "SELECT count(*) FROM outcomes") == [(1,)]
    assert [file.name for file in path.parent.glob("*staging.duckdb*")] == ["staging.duckdb"]
