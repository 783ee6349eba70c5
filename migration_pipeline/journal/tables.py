"""The journal's tables, in SQLAlchemy Core, so that SQLite and PostgreSQL hold the same."""

import datetime as dt
from typing import Any

import sqlalchemy as sa


class Utc(sa.TypeDecorator[dt.datetime]):
    """A time in UTC; SQLite, which knows no time zones, keeps it without one."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Any) -> dt.datetime | None:
        """UTC without a zone, for the database."""
        del dialect
        return value and value.astimezone(dt.UTC).replace(tzinfo=None)

    def process_result_value(self, value: dt.datetime | None, dialect: Any) -> dt.datetime | None:
        """UTC with its zone, for us."""
        del dialect
        return value and value.replace(tzinfo=dt.UTC)


metadata = sa.MetaData()

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("run_id", sa.String, primary_key=True),
    sa.Column("mode", sa.String, nullable=False),
    sa.Column("workspace", sa.String, nullable=False),
    sa.Column("started_at", Utc, nullable=False),
    sa.Column("finished_at", Utc),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("error", sa.String),
)

operations = sa.Table(
    "operations",
    metadata,
    sa.Column("op_key", sa.String, primary_key=True),
    sa.Column("entity_type", sa.String, nullable=False),
    sa.Column("source_id", sa.String, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("route", sa.String, nullable=False),
    sa.Column("target_object", sa.String),
    sa.Column("payload_hash", sa.String, nullable=False),
    sa.Column("identity", sa.String),
    sa.Column("reserves", sa.String, unique=True),
    sa.Column("adapted", sa.JSON, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("target_id", sa.String),
    sa.Column("code", sa.String, nullable=False),
    sa.Column("message", sa.String, nullable=False),
    sa.Column("run_id", sa.String),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("started_at", Utc, nullable=False),
    sa.Column("finished_at", Utc),
    sa.Column("answered_at", sa.BigInteger),  # the service's own time of the change, where its answer tells it
    sa.Index("operations_of_record", "entity_type", "source_id"),
    # Few operations are open at a time: this index stays small and makes a restart cheap.
    sa.Index(
        "open_operations",
        "state",
        sqlite_where=sa.text("state IN ('intent', 'in_doubt')"),
        postgresql_where=sa.text("state IN ('intent', 'in_doubt')"),
    ),
)

records = sa.Table(
    "records",
    metadata,
    sa.Column("entity_type", sa.String, primary_key=True),
    sa.Column("source_id", sa.String, primary_key=True),
    sa.Column("source_url", sa.String),
    sa.Column("target_id", sa.String),
    sa.Column("target_url", sa.String),
    sa.Column("outcome", sa.String, nullable=False),
    sa.Column("reason", sa.String),
    sa.Column("detail", sa.String),
    sa.Column("losses", sa.JSON, nullable=False),
    sa.Column("digest", sa.String),
    sa.Column("run_id", sa.String),
    sa.Column("at", Utc, nullable=False),
)

impressions = sa.Table(
    "impressions",
    metadata,
    sa.Column("entity_type", sa.String, primary_key=True),
    sa.Column("source_id", sa.String, primary_key=True),
    sa.Column("seen", sa.JSON, nullable=False),  # ids and hashes of how the record's object looked when we left it
)

spared = sa.Table(
    "spared",
    metadata,
    sa.Column("entity_type", sa.String, primary_key=True),
    sa.Column("source_id", sa.String, primary_key=True),
    sa.Column("target_id", sa.String),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("detail", sa.String, nullable=False),
    sa.Column("run_id", sa.String),  # the run that spared it last
    sa.Column("at", Utc, nullable=False),
)
"""Records that a roll-back left in the target, and why; a record that is removed later leaves the table."""

audit_heads = sa.Table(
    "audit_heads",
    metadata,
    sa.Column("file", sa.String, primary_key=True),
    sa.Column("lines", sa.Integer, nullable=False),
    sa.Column("hash", sa.String, nullable=False),
)
"""Where the audit logs ended."""


def complete(engine: sa.Engine) -> None:
    """Create what the database lacks: whole tables, and columns of tables that an earlier version made."""
    metadata.create_all(engine)
    known = sa.inspect(engine)
    for table in metadata.sorted_tables:
        present = {column["name"] for column in known.get_columns(table.name)}
        for column in (column for column in table.c if column.name not in present):
            definition = sa.schema.CreateColumn(column).compile(dialect=engine.dialect)
            with engine.begin() as connection:
                connection.execute(sa.text(f"ALTER TABLE {table.name} ADD COLUMN {definition}"))
