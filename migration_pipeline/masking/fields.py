"""Rules for named fields: canonical records without them, as SQL, each row with the rules that struck it.

Belongs here: what a named field is in the records. Does not belong here: patterns in texts (`masker`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import duckdb

from migration_pipeline.config import Migration
from migration_pipeline.config.masking import KNOWN
from migration_pipeline.config.yamlfile import place
from migration_pipeline.model.errors import SettingsError

Rule = Callable[[str], str]
"""From `drop` or `mask` to the SQL of a column."""


@dataclass(frozen=True)
class Column:
    """A field that every record of a kind has: its column, when a record has something there, and what is left."""

    name: str
    filled: str
    left: Mapping[str, str]  # by rule


SCOPES: Final = {"contact": "contacts", "company": "companies", "ticket": "tickets"}
"""The table of the records of each kind."""

_NAME: Final = {"drop": "NULL", "mask": "'[name masked]'"}
_NOTES: Final = Column("notes", "notes IS NOT NULL", {"drop": "NULL", "mask": "'[notes masked]'"})
_COLUMNS: Final = {
    "contact.notes": _NOTES,
    "company.notes": _NOTES,
    # An address of nobody (RFC 2606), by which contacts stay apart.
    "contact.email": Column(
        "emails",
        "len(emails) > 0 OR kind = 'agent'",
        {"drop": "[]", "mask": "['masked+' || source_id || '@example.com']"},
    ),
    # A mark is no number, and nobody is to be called.
    "contact.phone": Column("phones", "len(phones) > 0", {"drop": "[]", "mask": "[]"}),
    "contact.name": Column("name", "name IS NOT NULL OR kind = 'agent'", _NAME),
    "company.name": Column("name", "name IS NOT NULL", _NAME),
    "company.domain": Column("domains", "len(domains) > 0", {"drop": "[]", "mask": "[]"}),
    "ticket.subject": Column("subject", "subject IS NOT NULL", {"drop": "NULL", "mask": "'[subject masked]'"}),
}

_MARK: Final = '"[masked]"'


def masked(scan: str, table: str, migration: Migration, connection: duckdb.DuckDBPyConnection, fields: str) -> str:
    """SQL of a query over the records `scan` of a table, without what the rules name.

    It has a column more, `masked_fields`: the rules that struck the row. `fields` is SQL of the records of fields.

    Raises:
        SettingsError: a rule names a field that the source does not have.
    """
    scope = next((scope for scope, name in SCOPES.items() if name == table), None)
    if table == "ticket_events":
        return _unchanged(scan, migration, connection, fields)
    if scope is None:
        return f"SELECT * FROM {scan}"
    rules = {name: rule for name, rule in migration.masking.fields.items() if name.partition(".")[0] == scope}
    changed: dict[str, str] = {}
    struck: list[str] = []
    attributes = "attributes"
    for name, rule in rules.items():
        if column := _COLUMNS.get(name):
            changed[column.name] = column.left[rule]
            struck.append(f"CASE WHEN {column.filled} THEN {_text(name)} END")
            continue
        for key in _keys(name, migration, connection, fields):
            there = f"json_exists(attributes, {_text(_pointer(key))})"
            patch = _text(f"{{{_json(key)}: {'null' if rule == 'drop' else _MARK}}}")
            attributes = f"CASE WHEN {there} THEN json_merge_patch({attributes}, {patch}) ELSE {attributes} END"
            struck.append(f"CASE WHEN {there} THEN {_text(name)} END")
    if attributes != "attributes":
        changed["attributes"] = attributes
    replaced = ", ".join(f"({sql})::{_TYPES.get(name, 'VARCHAR')} AS {name}" for name, sql in changed.items())
    told = f"list_filter([{', '.join(struck)}]::VARCHAR[], lambda rule: rule IS NOT NULL)"
    return f"SELECT *{f' REPLACE ({replaced})' if replaced else ''}, {told} AS masked_fields FROM {scan}"


def _unchanged(scan: str, migration: Migration, connection: duckdb.DuckDBPyConnection, fields: str) -> str:
    """SQL of the changes of tickets without those of fields that the rules name."""
    names = [name for name in migration.masking.fields if name.partition(".")[0] == "ticket"]
    keys = [
        key
        for name in names
        for key in ([name.partition(".")[2]] if name in _COLUMNS else _keys(name, migration, connection, fields))
    ]
    if not keys:
        return f"SELECT * FROM {scan}"
    struck = ", ".join(_text(key) for key in keys)
    kept = f"list_filter(changes, lambda change: change.field NOT IN ({struck}))"
    return f"SELECT * REPLACE ({kept} AS changes) FROM {scan}"


_TYPES: Final = {"emails": "VARCHAR[]", "phones": "VARCHAR[]", "domains": "VARCHAR[]"}


def _keys(name: str, migration: Migration, connection: duckdb.DuckDBPyConnection, fields: str) -> list[str]:
    """The keys of the field in `attributes`: ids for tickets, the source's own keys for people and companies."""
    scope, _, wanted = name.partition(".")
    column = "source_id" if scope == "ticket" else '"key"'
    total, *_ = connection.execute(f"SELECT count(*) FROM {fields}").fetchall()[0]
    rows = connection.execute(
        f"SELECT DISTINCT {column} FROM {fields} WHERE scope = ? AND (source_id IN ($2, scope || ':' || $2) "
        f'OR lower("key") = lower($2) OR lower(trim(title)) = lower(trim($2))) ORDER BY 1'.replace("?", "$1"),
        [scope, wanted],
    ).fetchall()
    if total and not rows:
        standing = ", ".join(sorted(KNOWN[scope]))
        raise SettingsError(
            f"{place(migration.path, ['masking', 'fields', name])}: the source has no such field of a {scope}; take "
            f"{standing}, or a custom field by id, key or title."
        )
    return [str(row[0]) for row in rows]


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _json(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _pointer(key: str) -> str:
    return "/" + key.replace("~", "~0").replace("/", "~1")
