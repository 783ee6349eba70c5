"""Running the steps: the tables `selection/left_out` and `selection/steps`, made anew where records or rules changed.

Belongs here: names for the SQL, the tables, and refusals that name a line of migration.yaml. Does not belong here: the
rules (`steps`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

import duckdb

from migration_pipeline.config import Migration
from migration_pipeline.config.yamlfile import place
from migration_pipeline.model.entities import ENTITY_TYPES, RECORDS
from migration_pipeline.model.errors import SettingsError
from migration_pipeline.model.selection import SELECTION
from migration_pipeline.selection.steps import Step, steps_of
from migration_pipeline.staging import Staging
from migration_pipeline.staging.provenance import code_digest

_ROWS: Final = {
    "tickets": "(SELECT * FROM record_tickets WHERE state IS DISTINCT FROM 'deleted') AS ticket",
    "contacts": "record_contacts AS contact",
    "companies": "record_companies AS company",
    "tags": "(SELECT *, NULL AS source_url FROM record_tags) AS tag",
}
"""What the steps of an entity type look at. Deleted tickets are left out by another rule, and told as deleted."""

_NAMELESS: Final = {
    "teams": """
        SELECT spelled, place FROM wanted
        WHERE step = 'filters.teams'
            AND value NOT IN (SELECT lower(source_id) FROM record_teams)
            AND value NOT IN (SELECT lower(trim(name)) FROM record_teams WHERE name IS NOT NULL)
        ORDER BY place
    """,
    "fields": """
        SELECT part, min(place) FROM wanted
        WHERE step = 'filters.fields' AND part NOT IN (SELECT part FROM meant WHERE step = 'filters.fields')
        GROUP BY part ORDER BY part
    """,
}
"""Values that name nothing, with their place, by the list that they are looked for in."""


FOLLOWS_FROM: Final = ("agents", "teams", "fields", "tags", "companies", "contacts", "tickets")
"""Entity types whose records tell which tickets move."""


@dataclass(frozen=True)
class Selection:
    """Which entity types have left-out records, and the SQL of a relation of them."""

    entity_types: frozenset[str]
    left_out: str

    def of(self, entity_type: str) -> str:
        """SQL of a relation (source_id, source_url, reason, detail) of the left-out records of an entity type."""
        return (
            f"(SELECT source_id, source_url, reason, detail FROM {self.left_out} WHERE entity_type = '{entity_type}')"
        )


def select(staging: Staging, migration: Migration) -> Selection:
    """Decide which records move; what stands in the tables already is used where nothing changed.

    Raises:
        SettingsError: a filter names a team or field that is not there, or leaves no ticket; nothing was written.
    """
    steps = steps_of(migration)
    entity_types = frozenset(step.entity_type for step in steps)
    if steps and staging.tables.reusable("selection", SELECTION, note := _built_from(staging, migration)) is None:
        with staging.connect() as connection:
            _name_records(connection, staging)
            _name_values(connection, migration)
            _require_names(connection, staging, migration)
            told = _run(connection, steps)
            _require_tickets(connection, migration, told)
            unknown = _unknown(connection, migration)
            _write(connection, staging, told, unknown, note)
    if not steps:
        for table in SELECTION:
            staging.tables.remove("selection", table)
    return Selection(entity_types, staging.tables.scan("selection", "left_out", SELECTION["left_out"]))


def ranked(staging: Staging, migration: Migration, size: int, seed: int) -> tuple[str, ...]:
    """Ids of tickets that move, by chance: the `size` of the lowest ranks, the same for the same seed.

    Raises:
        SettingsError: see `select`.
    """
    gone = select(staging, migration).of("tickets")
    with staging.connect() as connection:
        rows = connection.execute(
            f"SELECT source_id FROM {staging.tables.scan('records', 'tickets', RECORDS['tickets'])} "
            f"ANTI JOIN {gone} USING (source_id) WHERE state <> 'deleted' "
            "ORDER BY md5(? || ':' || source_id), source_id LIMIT ?",
            [str(seed), size],
        ).fetchall()
    return tuple(str(row[0]) for row in rows)


def rules(migration: Migration) -> dict[str, Any]:
    """All settings that the selection follows from."""
    return {
        "entities": list(migration.entities),
        "filters": migration.filters.model_dump(mode="json"),
        "inactive_people": migration.options.inactive_people,
        "unreferenced_contacts": migration.options.unreferenced_contacts,
    }


def _built_from(staging: Staging, migration: Migration) -> dict[str, Any]:
    notes = {table: staging.tables.built_from("records", table) for table in RECORDS if table != "rejects"}
    # Tables whose content no note tells are never taken for the same.
    told = all("snapshots" in note for note in notes.values() if note)
    return {
        "source": migration.source.account,
        "rules": rules(migration),
        "records": notes if told else {"at": str(staging.tables.path("records", "tickets").stat().st_mtime_ns)},
        "code": code_digest("migration_pipeline.selection", "migration_pipeline.config"),
    }


def _name_records(connection: duckdb.DuckDBPyConnection, staging: Staging) -> None:
    for table, schema in RECORDS.items():
        if table != "rejects":
            connection.execute(f"CREATE VIEW record_{table} AS FROM {staging.tables.scan('records', table, schema)}")


def _name_values(connection: duckdb.DuckDBPyConnection, migration: Migration) -> None:
    """The values of the filters as a table: by setting and part of it, with their place in the file."""
    connection.execute(
        "CREATE TABLE wanted (step VARCHAR, part VARCHAR, spelled VARCHAR, place VARCHAR, value VARCHAR)"
    )
    rows = [(step, part, value, place) for step, part, value, place in _values(migration)]
    if rows:
        connection.executemany(
            "INSERT INTO wanted SELECT $1, lower(trim($2)), $3, $4, lower(trim($3))", [list(row) for row in rows]
        )
    created = migration.filters.created
    if created is not None:
        connection.execute("SET VARIABLE created_first = ?::TIMESTAMPTZ", [created.first])
        connection.execute("SET VARIABLE created_after = ?::TIMESTAMPTZ", [created.after])
    connection.execute(_sql("values"))


def _values(migration: Migration) -> Iterator[tuple[str, str, str | None, str]]:
    """Each value of each filter: setting, part, value, and the way to it with dots."""
    filters = migration.filters
    for key in ("statuses", "kinds", "channels", "brands", "teams", "assignees", "companies", "help_centers"):
        for number, value in enumerate(getattr(filters, key)):
            yield f"filters.{key}", "", value, f"filters.{key}.{number}"
    for part in ("any", "all", "none") if filters.tags else ():
        for number, value in enumerate(getattr(filters.tags, part)):
            yield "filters.tags", part, value, f"filters.tags.{part}.{number}"
    for key, values in filters.fields.items():
        for number, value in enumerate(values):
            yield "filters.fields", key, value, f"filters.fields.{key}.{number}"


def _require_names(connection: duckdb.DuckDBPyConnection, staging: Staging, migration: Migration) -> None:
    """Refuse teams and fields that the source does not have: every run reads these lists whole."""
    for table, query in _NAMELESS.items():
        if not staging.tables.path("records", table).exists():
            continue
        for name, place_of_value in connection.execute(query).fetchall():
            way = _way(place_of_value)
            told = place(migration.path, way if table == "teams" else way[:-1])
            raise SettingsError(f"{told}: the source has none of the name or id {name!r}.")


def _way(place_of_value: str) -> list[str | int]:
    """The keys that lead to a value; the name of a field may hold dots of its own."""
    head, _, number = place_of_value.rpartition(".")
    return [*head.split(".", 2), int(number)]


def _run(connection: duckdb.DuckDBPyConnection, steps: Sequence[Step]) -> list[tuple[Step, int, int]]:
    """Name what each step takes in tables `gone_<entity type>`; each step, what it took, and what was left."""
    told: list[tuple[Step, int, int]] = []
    for entity_type in dict.fromkeys(("tickets", "contacts", "companies", "tags", *ENTITY_TYPES)):
        mine = [step for step in steps if step.entity_type == entity_type]
        if entity_type == "companies":
            connection.execute(
                "CREATE TEMP TABLE referred_companies AS SELECT DISTINCT id FROM ("
                "SELECT company_ref AS id FROM moving_tickets UNION ALL "
                "SELECT unnest(company_refs) FROM record_contacts ANTI JOIN gone_contacts USING (source_id)"
                ") WHERE id IS NOT NULL"
            )
        cases = " ".join(f"WHEN coalesce({step.goes}, false) THEN {number}" for number, step in enumerate(mine))
        rows = _ROWS.get(entity_type, f"record_{entity_type} AS record")
        case = f"CASE {cases} END" if cases else "NULL"
        connection.execute(
            f"CREATE TEMP TABLE gone_{entity_type} AS SELECT source_id, source_url, step FROM "
            f"(SELECT source_id, source_url, {case} AS step FROM {rows}) WHERE step IS NOT NULL"
        )
        if entity_type == "tickets":
            connection.execute(_sql("referred"))
        remaining = _one(connection, f"SELECT count(*) FROM {rows}")
        for number, step in enumerate(mine):
            removed = _one(connection, f"SELECT count(*) FROM gone_{entity_type} WHERE step = {number}")
            remaining -= removed
            told.append((step, removed, remaining))
    return told


def _require_tickets(
    connection: duckdb.DuckDBPyConnection, migration: Migration, told: Sequence[tuple[Step, int, int]]
) -> None:
    """Refuse filters that leave no ticket of those that are there."""
    mine = [(step, removed, left) for step, removed, left in told if step.entity_type == "tickets"]
    if not mine or mine[-1][2] or "tickets" not in migration.entities:
        return
    total = _one(connection, f"SELECT count(*) FROM {_ROWS['tickets']}")
    if total:
        took = ", ".join(f"{step.setting} took {removed}" for step, removed, _ in mine if removed)
        way = mine[0][0].setting.split(".") if len(mine) == 1 else mine[0][0].setting.split(".")[:1]
        raise SettingsError(
            f"{place(migration.path, way)}: 0 of {total} tickets match ({took}). Nothing was written; "
            "widen the filters."
        )


def _unknown(connection: duckdb.DuckDBPyConnection, migration: Migration) -> dict[str, str]:
    """By setting, a note that names the values which no record has."""
    notes: dict[str, list[str]] = {}
    for step, _, spelled, where in connection.execute(_sql("unknown")).fetchall():
        notes.setdefault(str(step), []).append(f"{place(migration.path, _way(where))}: no record has {spelled!r}")
    return {step: "; ".join(found) for step, found in notes.items()}


def _write(
    connection: duckdb.DuckDBPyConnection,
    staging: Staging,
    told: Sequence[tuple[Step, int, int]],
    unknown: dict[str, str],
    note: dict[str, Any],
) -> None:
    connection.execute(
        "CREATE TEMP TABLE steps (position BIGINT, entity_type VARCHAR, step VARCHAR, reason VARCHAR, "
        "number BIGINT, removed BIGINT, remaining BIGINT, note VARCHAR)"
    )
    numbers: dict[str, int] = {}
    for position, (step, removed, remaining) in enumerate(told):
        number = numbers[step.entity_type] = numbers.get(step.entity_type, -1) + 1
        connection.execute(
            "INSERT INTO steps VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                position, step.entity_type, step.setting, step.reason, number, removed, remaining,
                unknown.get(step.setting),
            ],
        )  # fmt: skip
    union = " UNION ALL ".join(
        f"SELECT '{entity_type}' AS entity_type, source_id, source_url, step AS number FROM gone_{entity_type}"
        for entity_type in numbers
    )
    staging.tables.write_query("selection", "steps", SELECTION["steps"], connection, "FROM steps", note)
    staging.tables.write_query(
        "selection",
        "left_out",
        SELECTION["left_out"],
        connection,
        f"SELECT gone.*, reason, steps.step AS detail FROM ({union}) AS gone JOIN steps USING (entity_type, number)",
        note,
    )


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(connection.execute(query).fetchall()[0][0])


def _sql(name: str) -> str:
    return resources.files("migration_pipeline.selection").joinpath(f"{name}.sql").read_text(encoding="utf-8")
