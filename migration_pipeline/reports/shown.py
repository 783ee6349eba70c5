"""What of texts a report may show: nothing that `masking` names, also of records that moved before there was a rule.

Belongs here: names for the SQL of the lists, and rows that are shown without a list. Does not belong here: the
patterns (`masking`), or the lists.
"""

from collections.abc import Iterable
from typing import Any, Final

import duckdb
import pyarrow as pa
from duckdb.func import FunctionNullHandling, PythonUDFType

from migration_pipeline.config import Migration
from migration_pipeline.masking.documents import Text
from migration_pipeline.masking.masker import Masker

_COMPARED: Final = {
    "contact.name": ("contacts", "name"),
    "contact.notes": ("contacts", "note"),
    "company.notes": ("companies", "note"),
    "contact.email": ("contacts", "email"),
    "contact.phone": ("contacts", "phone"),
    "company.name": ("companies", "name"),
    "company.domain": ("companies", "website"),
    "ticket.subject": ("tickets", "title"),
}
"""Fields of the verification that rules for named fields mean."""

_ATTRIBUTES: Final = {"contact": "contacts", "company": "companies", "ticket": "tickets"}
"""Custom fields are compared as one field, `attributes`: where a rule names one of them, none is shown."""


def name(connection: duckdb.DuckDBPyConnection, migration: Migration) -> None:
    """Name `shown(text)`, and a table `hidden` (entity_type, field) of compared fields whose values stay unsaid."""
    masker = Masker(migration.masking)
    if masker.idle:
        connection.execute("CREATE TEMP MACRO shown(text) AS text")
    else:
        connection.create_function(
            "shown",
            lambda texts: _shown(masker, texts),
            ["VARCHAR"],
            "VARCHAR",
            type=PythonUDFType.ARROW,
            null_handling=FunctionNullHandling.SPECIAL,
        )
    connection.execute("CREATE TEMP TABLE hidden (entity_type VARCHAR, field VARCHAR)")
    for entity_type, field in {_meant(rule) for rule in migration.masking.fields}:
        connection.execute("INSERT INTO hidden VALUES (?, ?)", [entity_type, field])


def differences(rows: Iterable[dict[str, Any]], migration: Migration) -> list[dict[str, Any]]:
    """Differences that a verification found (entity_type, field, expected, actual, …), as a report would show them."""
    masker, hidden = Masker(migration.masking), {_meant(rule) for rule in migration.masking.fields}
    told = [
        {**row, "expected": None, "actual": None} if (row["entity_type"], row["field"]) in hidden else row
        for row in rows
    ]
    texts = [Text(row[side] or "") for row in told for side in ("expected", "actual")]
    found, _ = masker.mask(texts)
    return [
        {
            **row,
            "expected": row["expected"] if expected is None else expected,
            "actual": row["actual"] if actual is None else actual,
        }
        for row, expected, actual in zip(told, found[::2], found[1::2], strict=True)
    ]


def _meant(rule: str) -> tuple[str, str]:
    """Entity type and field of the verification that a rule for a named field means."""
    return _COMPARED.get(rule) or (_ATTRIBUTES[rule.partition(".")[0]], "attributes")


def _shown(masker: Masker, texts: Any) -> Any:
    values: list[str | None] = texts.to_pylist()
    found, _ = masker.mask([Text(value or "") for value in values])
    shown = [value if masked is None else masked for value, masked in zip(values, found, strict=True)]
    return pa.array(shown, pa.string())
