"""Zendesk's snapshots as canonical records: one entity type at a time, set-wise, whatever the snapshots hold.

Belongs here: which tables are made, of which streams, by which SQL (`sql/`). Does not belong here: reading the service.

| rule | |
| --- | --- |
| required | a usable id; of a ticket also `created_at` and a status; else rejected as `malformed_record` |
| optional | a value of another type than the service documents counts as missing |
| `attributes` | of tickets by field id, of contacts and companies by the field's `key` |
| a comment | internal unless the service says it is public; withheld when it was redacted after it was read |
| a reader's comment | on an article; without a usable id it is known by its place in the list |
| a note | what was said beside the comments: side conversations, messaging, ratings; always internal |
| field ids | of contact and company fields carry their scope: `contact:360001`, `company:360002` |
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Final

import duckdb
import pyarrow as pa

from migration_pipeline.config import Source
from migration_pipeline.model.entities import RECORDS
from migration_pipeline.sources.zendesk import brands
from migration_pipeline.staging import Staging
from migration_pipeline.staging.provenance import code_digest

_SQL: Final = resources.files(__package__).joinpath("sql")

_log = logging.getLogger(__name__)

CODE: Final = code_digest(__package__)
"""Changes when the rules of normalization do, so that tables made by older rules are made anew."""


@dataclass(frozen=True)
class Recipe:
    """How an entity type is made: of which streams, by which scripts in order, which tables.

    The scripts leave a view `record_<table>` for each table.
    """

    streams: tuple[str, ...]
    scripts: tuple[str, ...]
    tables: tuple[str, ...]


RECIPES: Final[Mapping[str, Recipe]] = {
    "agents": Recipe(("users",), ("people", "agents"), ("agents", "rejects_agents")),
    "teams": Recipe(("groups",), ("teams",), ("teams", "rejects_teams")),
    "fields": Recipe(
        ("ticket_fields", "user_fields", "organization_fields"), ("fields",), ("fields", "rejects_fields")
    ),
    "tags": Recipe(
        ("tickets", "ticket_fields", "custom_statuses", "users", "organizations"),
        ("option_tags", "tickets", "people", "companies", "tags"),
        ("tags", "rejects_tags"),
    ),
    "companies": Recipe(("organizations",), ("companies",), ("companies", "rejects_companies")),
    "contacts": Recipe(
        (
            "users",
            "organizations",
            "organization_memberships",
            "tickets",
            "comments",
            "thread_comments",
            "side_events",
            "log_events",
        ),
        ("people", "contacts"),
        ("contacts", "rejects_contacts"),
    ),
    "tickets": Recipe(
        (
            "tickets",
            "comments",
            "comment_flags",
            "thread_comments",
            "threads",
            "side_events",
            "logs",
            "log_events",
            "chats",
            "ratings",
            "ticket_events",
            "suspended_tickets",
            "files",
            "ticket_fields",
            "custom_statuses",
            "brands",
            "ticket_forms",
            "organizations",
        ),
        ("option_tags", "tickets", "comments", "notes", "carriers", "carried", "attachments", "ticket_records"),
        ("comments", "attachments", "ticket_events", "tickets", "rejects_tickets"),
    ),
    "collections": Recipe(
        ("categories", "sections", "collection_names", "brands"),
        ("collections",),
        ("collections", "rejects_collections"),
    ),
    "articles": Recipe(
        (
            "articles",
            "article_attachments",
            "article_comments",
            "article_files",
            "content_tags",
            "user_segments",
            "brands",
        ),
        ("article_file_rows", "articles"),
        ("article_translations", "article_attachments", "article_comments", "articles", "rejects_articles"),
    ),
}


def normalize(entity_type: str, staging: Staging, settings: Source) -> dict[str, int]:
    """Write the canonical tables of one entity type, unless they were made of just this; the rows by table."""
    recipe = RECIPES[entity_type]
    built_from = {
        "source": settings.account,
        "snapshots": staging.snapshots.digest(recipe.streams),
        "settings": [settings.foreign_images, settings.suspended_tickets, *settings.help_center_hosts],
        "code": CODE,
    }
    if (unchanged := staging.tables.reusable("records", recipe.tables, built_from)) is not None:
        _log.debug("%s: the records are reused, for the snapshots are the same", entity_type)
        return unchanged
    rows = {}
    with staging.connect() as connection:
        _prepare(connection, staging, settings, recipe)
        for table in recipe.tables:
            query = f"FROM record_{table}"
            rows[table] = staging.tables.write_query("records", table, _schema(table), connection, query, built_from)
    return rows


def _prepare(connection: duckdb.DuckDBPyConnection, staging: Staging, settings: Source, recipe: Recipe) -> None:
    """Name the streams, and run the scripts."""
    connection.execute("SET VARIABLE base = ?", [settings.url])
    connection.execute("SET VARIABLE foreign_images = ?", [settings.foreign_images == "fetch"])
    connection.execute("SET VARIABLE suspended = ?", [settings.suspended_tickets == "list"])
    for stream in recipe.streams:
        connection.execute(f"CREATE VIEW raw_{stream} AS FROM {staging.snapshots.newest(stream)}")
    told = brands.staged(staging, settings)
    brands.name_centers(connection, (*told.read, *told.refused))
    for script in ("macros", *recipe.scripts):
        connection.execute(_SQL.joinpath(f"{script}.sql").read_text(encoding="utf-8"))


def _schema(table: str) -> pa.Schema:
    return RECORDS["rejects"] if table.startswith("rejects_") else RECORDS[table]
