"""What every rule of mapping works with: the canonical tables as views, the settings, and how payload rows are written.

Belongs here: reading records and writing payloads in batches. Does not belong here: any rule about an entity.
"""

from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import Any, Final

import duckdb
import orjson
import pyarrow as pa

from migration_pipeline.config import Migration
from migration_pipeline.config.mapping import Mapping as Rules
from migration_pipeline.model.entities import RECORDS
from migration_pipeline.model.payloads import PAYLOADS
from migration_pipeline.staging import Staging
from migration_pipeline.staging.provenance import code_digest

BATCH_ROWS: Final = 2_000
OWN: Final = "pipeline:"
"""Source ids of rows that the pipeline adds of its own begin so; they are no records of the source."""

UNKNOWN_CONTACT: Final = f"{OWN}unknown"
"""The contact that stands in for people whom no record describes."""

Loss = dict[str, str]


class Inputs:
    """One migration's records and rules, while one entity type is mapped."""

    def __init__(self, staging: Staging, mapping: Rules, migration: Migration) -> None:
        self.staging = staging
        self.mapping = mapping
        self.migration = migration
        self.options = migration.options
        self.kind: str = migration.source.kind
        self.source_name = self.kind.title()
        self._connection = staging.connect()
        for table, schema in RECORDS.items():
            if table != "rejects":
                scan = staging.tables.scan("records", table, schema)
                self._connection.execute(f"CREATE VIEW record_{table} AS FROM {scan}")

    def execute(self, statement: str) -> None:
        """Run a statement that names something for later queries."""
        self._connection.execute(statement)

    def query(self, sql: str) -> duckdb.DuckDBPyRelation:
        """A relation on a connection of its own, so that several may be read at once."""
        return self._connection.cursor().sql(sql)

    def rows(self, sql: str) -> Iterator[dict[str, Any]]:
        """The rows of a query, a batch in memory at a time."""
        for batch in self.query(sql).to_arrow_reader(BATCH_ROWS):
            yield from batch.to_pylist()

    def origin(self, source_id: str) -> str:
        """What a migrated object carries to tell where it comes from."""
        return f"{self.kind}:{source_id.removeprefix(OWN)}"

    def built_from(self) -> dict[str, Any]:
        """What the payloads follow from, for the note beside each table."""
        return {
            "source": self.migration.source.account,
            "mapping": digest(self.mapping.model_dump()),
            "options": self.options.model_dump(mode="json"),
            "records": {table: self.staging.tables.built_from("records", table) for table in RECORDS},
            "code": code_digest("migration_pipeline.target", "migration_pipeline.model", "migration_pipeline.config"),
        }

    def write(self, table: str, rows: Iterable[Mapping[str, Any]]) -> int:
        """Write a payload table; the number of rows."""
        schema = PAYLOADS[table]
        return self.staging.tables.write("payloads", table, schema, _batches(rows, schema), self.built_from())


def _batches(rows: Iterable[Mapping[str, Any]], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    waiting: list[Mapping[str, Any]] = []
    for row in rows:
        waiting.append(row)
        if len(waiting) == BATCH_ROWS:
            yield pa.RecordBatch.from_pylist(waiting, schema)
            waiting = []
    if waiting:
        yield pa.RecordBatch.from_pylist(waiting, schema)


def digest(content: object) -> str:
    """A hash of everything that JSON can hold; the same content has the same hash on every machine."""
    return blake2b(orjson.dumps(content, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()


def encoded(content: object) -> str:
    """The content as JSON text, keys sorted."""
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS).decode()


def loss(reason: str, detail: str = "") -> Loss:
    """One row of a record's losses."""
    return {"reason": reason, "detail": detail}


def distinct(losses: Iterable[Loss]) -> list[Loss]:
    """The losses in order, each once."""
    return list({(one["reason"], one["detail"]): one for one in losses}.values())
