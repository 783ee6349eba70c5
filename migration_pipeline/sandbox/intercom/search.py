"""The query language of the three searches, turned into SQL over the state's tables.

Operators, depth and size limits, and the three ways dates are compared. Which fields exist, and the lists around the
results, stand with contacts, conversations and tickets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

from migration_pipeline.sandbox.intercom.errors import fail, invalid
from migration_pipeline.sandbox.intercom.payload import id_number

MAX_FILTERS = 15
MAX_DEPTH = 2

Sql = tuple[str, list[Any]]


class Kind(Enum):
    """How the values of a field compare."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    WORDS = "words"
    MEMBER = "member"


OPERATORS = {
    Kind.TEXT: {"=", "!=", "IN", "NIN", "~", "!~", "^", "$"},
    Kind.NUMBER: {"=", "!=", "IN", "NIN", "<", ">", "<=", ">="},
    Kind.BOOLEAN: {"=", "!="},
    Kind.DATE: {"=", "!=", "IN", "NIN", "<", ">", "<=", ">="},
    Kind.WORDS: {"~", "!~", "=", "!="},
    Kind.MEMBER: {"=", "!=", "IN", "NIN"},
}


@dataclass(frozen=True, slots=True)
class Field:
    """`sql` is an expression over the row `t`; for members a subquery that ends before its comparison.

    `documented`: whether public material says that the field can be searched.
    """

    kind: Kind
    sql: str
    operators: frozenset[str] | None = None
    numeric: bool = False
    documented: bool = True


def never(kind: Kind, *names: str) -> dict[str, Field]:
    """Fields that can be searched and have no value in a workspace that nobody wrote to but a migration."""
    return {name: Field(kind, "NULL") for name in names}


class Dates:
    """How a search compares dates."""

    @staticmethod
    def inclusive(*, lenient: bool) -> Callable[[str, str, list[int]], Sql]:
        """Conversations and tickets: `<` and `>` include the second itself. `lenient` takes `<=` and `>=` as well."""

        def compare(sql: str, operator: str, values: list[int]) -> Sql:
            if operator in ("<=", ">=") and not lenient:
                raise invalid(f"The operator {operator} is not supported for dates", "operator")
            return _compare(sql, {"<": "<=", ">": ">="}.get(operator, operator), list(values))

        return compare

    @staticmethod
    def by_day(zone: ZoneInfo) -> Callable[[str, str, list[int]], Sql]:
        """Contact search: whole calendar days of the workspace's time zone; only `<`, `>` and `=` are known."""

        def compare(sql: str, operator: str, values: list[int]) -> Sql:
            if operator not in ("<", ">", "="):
                raise invalid(f"The operator {operator} is not supported for dates", "operator")
            start, end = day_bounds(values[0], zone)
            if operator == ">":
                return f"{sql} >= ?", [end]
            if operator == "<":
                return f"{sql} < ?", [start]
            return f"({sql} >= ? AND {sql} < ?)", [start, end]

        return compare


def day_bounds(second: int, zone: ZoneInfo) -> tuple[int, int]:
    """The first second of the calendar day in `zone` that holds `second`, and the first of the next day."""
    day = datetime.fromtimestamp(second, zone).date()
    begin = datetime.combine(day, time(), zone)
    end = datetime.combine(day + timedelta(days=1), time(), zone)
    return int(begin.timestamp()), int(end.timestamp())


def compile_query(
    query: Any, find: Callable[[str], Field | None], dates: Callable[[str, str, list[int]], Sql], depth: int = 0
) -> Sql:
    """A query object as a WHERE expression with its parameters. Raises Intercom's 400s."""
    if not isinstance(query, dict):
        raise invalid("query must be an object with field, operator and value", "query")
    operator, value = query.get("operator"), query.get("value")
    if "field" not in query:
        if operator not in ("AND", "OR") or not isinstance(value, list) or not value:
            raise invalid("a query needs field, operator and value, or AND/OR with filters", "query")
        if depth >= MAX_DEPTH:
            raise invalid("queries may be nested two levels deep", "query")
        if len(value) > MAX_FILTERS:
            raise invalid("a group may hold 15 filters", "query")
        parts = [compile_query(item, find, dates, depth + 1) for item in value]
        return "(" + f" {operator} ".join(sql for sql, _ in parts) + ")", [v for _, values in parts for v in values]
    field = find(str(query["field"]))
    if field is None:
        raise fail(400, "invalid_field", f"{query['field']} is not a searchable field", field="field")
    if operator not in (field.operators or OPERATORS[field.kind]):
        raise invalid(f"The operator {operator} is not supported for {query['field']}", "operator")
    return _filter(field, str(operator), value, dates)


def _filter(field: Field, operator: str, value: Any, dates: Callable[[str, str, list[int]], Sql]) -> Sql:
    values = value if isinstance(value, list) else [value]
    if not values or (len(values) > 1 and operator not in ("IN", "NIN")):
        raise invalid(f"the value of {operator} has the wrong shape", "value")
    if field.kind is Kind.MEMBER:
        members = [id_number(v) if field.numeric else str(v) for v in values]
        marks = ", ".join("?" * len(members))
        negation = "NOT " if operator in ("!=", "NIN") else ""
        return f"{negation}{field.sql} IN ({marks}))", members
    if field.kind is Kind.DATE:
        numbers = [id_number(v) for v in values]
        if None in numbers:
            raise invalid("dates are UNIX timestamps in seconds", "value")
        return dates(field.sql, operator, [n for n in numbers if n is not None])
    if field.kind is Kind.BOOLEAN:
        wanted = str(values[0]).lower()
        if wanted not in ("true", "false"):
            raise invalid("the value must be true or false", "value")
        return f"{field.sql} {'=' if operator == '=' else '!='} ?", [wanted == "true"]
    if field.kind is Kind.WORDS:
        sql = f"is_word_of({field.sql}, ?)"
        return (f"NOT {sql}" if operator.startswith("!") else sql), [str(values[0])]
    if field.kind is Kind.NUMBER:
        values = [_number(v) for v in values]
    return _compare(field.sql, operator, values)


def _number(value: Any) -> Any:
    if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return value
    try:
        return float(str(value)) if "." in str(value) else int(str(value))
    except ValueError:
        raise invalid("the value must be a number", "value") from None


def _compare(sql: str, operator: str, values: list[Any]) -> Sql:
    first = values[0]
    if first is None:
        if operator not in ("=", "!="):
            raise invalid("null can only be compared by = and !=", "value")
        return f"{sql} IS {'NOT ' if operator == '!=' else ''}NULL", []
    if operator in ("IN", "NIN"):
        listed = f"{sql} IN ({', '.join('?' * len(values))})"
        return (listed if operator == "IN" else f"({sql} IS NULL OR NOT {listed})"), values
    if operator in ("~", "!~", "^", "$"):
        pattern = _like(str(first))
        pattern = pattern + "%" if operator == "^" else "%" + pattern if operator == "$" else f"%{pattern}%"
        like = rf"{sql} LIKE ? ESCAPE '\'"
        return (f"({sql} IS NULL OR NOT {like})" if operator == "!~" else like), [pattern]
    if operator == "!=":
        return f"({sql} IS NULL OR {sql} != ?)", [first]
    return f"{sql} {operator} ?", [first]


def _like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")


def json_text(column: str, key: str) -> str:
    """The SQL of a JSON column's value under `key`, whatever characters `key` has."""
    path = '$."' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"json_extract(t.{column}, '" + path.replace("'", "''") + "')"
