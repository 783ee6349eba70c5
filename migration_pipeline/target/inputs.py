"""What every rule of mapping works with: the canonical tables as views, the settings, and how payload rows are written.

Belongs here: reading records and writing payloads in batches. Does not belong here: any rule about an entity.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from hashlib import blake2b
from typing import Any, Final

import duckdb
import orjson
import pyarrow as pa

from migration_pipeline.config import Migration
from migration_pipeline.config.mapping import Mapping as Rules
from migration_pipeline.masking.fields import masked
from migration_pipeline.masking.masker import Masker
from migration_pipeline.model.entities import RECORDS
from migration_pipeline.model.payloads import PAYLOADS
from migration_pipeline.selection import rules, select
from migration_pipeline.staging import Staging
from migration_pipeline.staging.duck import beside
from migration_pipeline.staging.provenance import code_digest
from migration_pipeline.target.masked_rows import MaskedRows

BATCH_ROWS: Final = 2_000
SHOWN: Final = 80
"""Characters of a value that a person is shown to know it by."""

OWN: Final = "pipeline:"
"""Source ids of rows that the pipeline adds of its own begin so; they are no records of the source."""

UNKNOWN_CONTACT: Final = f"{OWN}unknown"
"""The contact that stands in for people whom no record describes."""

Loss = dict[str, str]

_CODE: Final = ("target", "model", "config", "selection", "masking")

_UNSEEN: Final = {
    "tickets": ("tickets", "source_id"),
    "comments": ("tickets", "ticket_ref"),
    "attachments": ("tickets", "ticket_ref"),
    "fields": ("fields", "source_id"),
    "tags": ("tags", "source_id"),
}
"""Records that no rule of mapping sees once the settings leave them out, by what and in which column."""


class Inputs:
    """One migration's records and rules, while one entity type is mapped."""

    def __init__(self, staging: Staging, mapping: Rules, migration: Migration) -> None:
        self.staging = staging
        self.mapping = mapping
        self.migration = migration
        self.options = migration.options
        self.kind: str = migration.source.kind
        self.source_name = self.kind.title()
        self._selection = select(staging, migration)
        self._masked = MaskedRows(Masker(migration.masking), digest)

    @cached_property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        """The records as views; payloads that are reused need none."""
        connection = self.staging.connect()
        fields = self.staging.tables.scan("records", "fields", RECORDS["fields"])
        for table, schema in RECORDS.items():
            if table != "rejects":
                scan = self.staging.tables.scan("records", table, schema)
                query = masked(f"{scan}{self._unseen(table)}", table, self.migration, connection, fields)
                connection.execute(f"CREATE VIEW record_{table} AS {query}")
        return connection

    def _unseen(self, table: str) -> str:
        """SQL that takes away what the settings leave out, where nothing may follow from it.

        Left-out people and companies stay in sight: the loader tells of a reference to a record that does not move.
        """
        entity_type, key = _UNSEEN.get(table, ("", ""))
        if entity_type not in self._selection.entity_types:
            return ""
        return f" WHERE {key} NOT IN (SELECT source_id FROM {self._selection.of(entity_type)})"

    def left_out(self, entity_type: str) -> Iterator[dict[str, Any]]:
        """The records of an entity type that the settings leave out: id, page, and why (`skip`, `skip_detail`)."""
        if entity_type in self._selection.entity_types:
            yield from self.rows(
                "SELECT source_id, source_url, reason AS skip, detail AS skip_detail "
                f"FROM {self._selection.of(entity_type)} ORDER BY source_id"
            )

    def execute(self, statement: str) -> None:
        """Run a statement that names something for later queries."""
        self._connection.execute(statement)

    def masked_texts(self, texts: Sequence[str]) -> list[str]:
        """Texts of records without what the settings mask, for what is shown and not sent."""
        return self._masked.texts(texts)

    def masked_before_cut(self, text: str, losses: list[Loss]) -> str:
        """A text that is going to be cut, masked: a cut hides what it splits. What was struck goes to `losses`."""
        masked, struck = self._masked.text(text)
        losses += struck
        return masked

    def masked_beginnings(self, texts: Sequence[str]) -> list[str]:
        """What texts of records begin with, masked. They are given far beyond it: a cut hides what it splits."""
        return self._masked.beginnings(texts, SHOWN)

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own that sees the same tables."""
        return beside(self._connection)

    def query(self, sql: str) -> duckdb.DuckDBPyRelation:
        """A relation on a connection of its own, so that several may be read at once."""
        return beside(self._connection).sql(sql)

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
            "selection": rules(self.migration),
            "tickets": [rule.model_dump(mode="json") for rule in self.migration.tickets],
            "masking": self.migration.masking.model_dump(mode="json"),
            "help_center": self.migration.help_center.model_dump(mode="json"),
            "records": {table: self.staging.tables.built_from("records", table) for table in RECORDS},
            "code": code_digest(*(f"migration_pipeline.{room}" for room in _CODE)),
        }

    def write(self, table: str, rows: Iterable[Mapping[str, Any]]) -> int:
        """Write a payload table, with the records that the settings leave out; the number of rows."""
        schema = PAYLOADS[table]
        told = self._masked.rows(table, self._without_left_out(table, rows))
        return self.staging.tables.write("payloads", table, schema, _batches(told, schema), self.built_from())

    def masked(self, row: dict[str, Any], parts: list[dict[str, Any]]) -> dict[str, Any]:
        """A ticket's payload row without what is masked; its parts are changed with it, in place."""
        return self._masked.row("tickets", row, parts)

    def _without_left_out(self, table: str, rows: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        gone = {row["source_id"]: row for row in self.left_out(table)}
        for row in rows:
            skip = gone.pop(row["source_id"], None)
            yield row if skip is None else left_out_row(skip, PAYLOADS[table])
        for row in gone.values():
            yield left_out_row(row, PAYLOADS[table])


def left_out_row(row: Mapping[str, Any], schema: pa.Schema) -> dict[str, Any]:
    """The payload row of a record that does not move: why, and nothing that could be sent."""
    empty: dict[str, Any] = {field.name: [] for field in schema if pa.types.is_list(field.type)}
    return {**empty, **row, "digest": digest(row["skip"])}


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


def masked_fields(row: Mapping[str, Any]) -> list[Loss]:
    """The losses of a record from which named fields were taken."""
    return [loss("masked", f"{rule}: 1") for rule in row["masked_fields"]]


def distinct(losses: Iterable[Loss]) -> list[Loss]:
    """The losses in order, each once."""
    return list({(one["reason"], one["detail"]): one for one in losses}.values())
