"""`staging.duckdb`: everything a migration has staged, as plain-named views that a person can open and query.

Belongs here: which views there are and how the file comes about. Does not belong here: what a table or column means
(`data_dictionary`), or any table of its own: the file holds views over the Parquet files, never rows.

    outcomes                                  what became of each record
    inventory                                 what the help desk holds besides records, and does not move
    snapshots.<stream>                        the newest row of each id, as the source handed it out
    snapshots.<stream>_history                every row ever read
    records.<table>, records.rejects          canonical records, and what no rule could read
    selection.left_out, selection.steps       what the settings leave out, and the count of each step
    payloads.<table>                          what the target is to hold
    mapping.losses                            what the values of fields will lose, with the number of records
    plan.load_plan                            what the run does with each record
    verification.fields, .mismatches          what was read back, and what differs
    tickets, contacts, load_plan, mismatches… shortcuts: records, plan and mismatches without their schema

The views hold absolute paths: after the folder was moved, rebuild the file. A table that was never written is an empty
view with its columns, so a query that is right once is right from the first minute; the next rebuild fills it.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pyarrow as pa

from migration_pipeline.model.entities import ENTITY_TYPES, RECORDS
from migration_pipeline.model.mapping import LOSSES
from migration_pipeline.model.outcomes import OUTCOMES, VERIFICATION
from migration_pipeline.model.payloads import PAYLOADS, PLAN
from migration_pipeline.model.selection import SELECTION
from migration_pipeline.staging import duck, inventory
from migration_pipeline.staging.atomic import read_json, replacing, write_json
from migration_pipeline.staging.data_dictionary import column_meaning, table_meaning
from migration_pipeline.staging.provenance import code_digest
from migration_pipeline.staging.store import Staging

FILE = "staging.duckdb"
STORAGE_VERSION = "v1.2.0"
"""DuckDB 2 writes a format that 1.x refuses; this one is read by every client from 1.2 on (DuckDB: storage format)."""

CODE = code_digest("migration_pipeline.staging", "migration_pipeline.model")
"""Changes when the views, their columns or their meaning do."""

_PER_ENTITY_TYPE = frozenset({"rejects"})
"""Tables that are kept as one file for each entity type, and shown as one."""


@dataclass(frozen=True)
class View:
    """One view of the file: its name, the SQL of its rows, and the table whose meaning it has in the dictionary."""

    schema: str
    name: str
    query: str
    table: str

    @property
    def quoted(self) -> str:
        """`schema.name`, quoted: streams are named by the source."""
        return f"{_identifier(self.schema)}.{_identifier(self.name)}"


def rebuild(staging: Staging) -> Path:
    """Write `staging.duckdb` below the staging root anew, unless it holds just these views already; its path.

    It is built aside and moved into place: a reader that has the earlier file open keeps what it has, and one that
    opens it at any moment finds a whole file. The views read the Parquet files as they are when they are asked, so only
    other files, or other rules, make another file.

    Raises:
        OSError: the disk is full or not writable; the earlier file stays.
        duckdb.Error: a staged Parquet file cannot be read; the earlier file stays.
    """
    path = staging.root / FILE
    wanted = list(views(staging))
    digest = hashlib.sha256(f"{wanted} {CODE} {duckdb.__version__}".encode()).hexdigest()
    note = path.with_suffix(".json")
    if path.exists() and read_json(note) == {"views": digest, "size": path.stat().st_size}:
        return path
    with replacing(path) as aside:
        connection = duckdb.connect()
        try:
            connection.execute(f"ATTACH {duck.quoted(str(aside))} AS built (STORAGE_VERSION '{STORAGE_VERSION}')")
            connection.execute("USE built")
            connection.execute("BEGIN")  # one commit in place of one for each comment
            for view in wanted:
                connection.execute(f"CREATE SCHEMA IF NOT EXISTS {_identifier(view.schema)}")
                connection.execute(f"CREATE VIEW {view.quoted} AS {view.query}")
            connection.execute(";\n".join(_comments(connection, wanted)))
            connection.execute("COMMIT")
            connection.execute("USE memory")
            connection.execute("DETACH built")
        finally:
            connection.close()
            aside.with_name(f"{aside.name}.wal").unlink(missing_ok=True)
    write_json(note, {"views": digest, "size": path.stat().st_size})
    return path


def views(staging: Staging) -> Iterator[View]:
    """Every view of the file; shortcuts come last."""
    named = [*_snapshots(staging), *_tables(staging)]
    yield from named
    for view in named:
        if view.schema in ("records", "plan") or view.name == "mismatches":
            # The query is repeated, so that a shortcut also works where the file is attached under another name.
            yield replace(view, schema="main")


def _snapshots(staging: Staging) -> Iterator[View]:
    store = staging.snapshots
    for stream in store.streams():
        yield View("snapshots", stream, f"FROM {store.newest(stream)}", "newest")
        yield View("snapshots", f"{stream}_history", f"FROM {store.history(stream)}", "history")


def _tables(staging: Staging) -> Iterator[View]:
    def table(stage: str, name: str, schema: pa.Schema) -> str:
        if name in _PER_ENTITY_TYPE:
            return _union(staging, stage, [f"{name}_{entity_type}" for entity_type in ENTITY_TYPES], schema)
        return f"FROM {staging.tables.scan(stage, name, schema)}"

    for stage, schemas in (("records", RECORDS), ("selection", SELECTION), ("payloads", PAYLOADS)):
        for name, schema in schemas.items():
            yield View(stage, name, table(stage, name, schema), f"{stage}.{name}")
    yield View("main", "inventory", f"FROM {inventory.relation(staging)}", "inventory")
    yield View("mapping", "losses", table("mapping", "losses", LOSSES), "mapping.losses")
    yield View("plan", "load_plan", _union(staging, "plan", ENTITY_TYPES, PLAN), "plan.load_plan")
    yield View("main", "outcomes", table("outcomes", "outcomes", OUTCOMES), "outcomes")
    compared = _union(staging, "verification", ENTITY_TYPES, VERIFICATION)
    yield View("verification", "fields", compared, "verification.fields")
    yield View(
        "verification", "mismatches", f"FROM ({compared}) AS compared WHERE NOT matched", "verification.mismatches"
    )


def _union(staging: Staging, stage: str, tables: Iterable[str], schema: pa.Schema) -> str:
    """SQL of the rows of several tables of one schema; of an empty relation where none was ever written."""
    paths = [staging.tables.path(stage, table) for table in tables]
    return f"FROM {duck.scan([path for path in paths if path.exists()], schema)}"


def _comments(connection: duckdb.DuckDBPyConnection, described: Iterable[View]) -> Iterator[str]:
    """Statements that say what each view and each of its columns means; one by one they would take twice the time."""
    columns: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for schema, view, column in connection.execute(
        "SELECT schema_name, table_name, column_name FROM duckdb_columns() WHERE database_name = 'built'"
    ).fetchall():
        columns[schema, view].append(column)
    for told in described:
        yield f"COMMENT ON VIEW {told.quoted} IS {duck.quoted(table_meaning(told.table))}"
        for column in columns[told.schema, told.name]:
            if meaning := column_meaning(told.table, column):
                yield f"COMMENT ON COLUMN {told.quoted}.{_identifier(column)} IS {duck.quoted(meaning)}"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
