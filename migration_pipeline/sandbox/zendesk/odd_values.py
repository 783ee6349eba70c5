"""Values of fields as trouble: options that were removed, fields that are gone, dates and numbers beyond reason.

Here: which records have them, where the switch `odd_values` is on. Not here: ordinary values (``world.threads``).
"""

from collections.abc import Callable
from typing import Any

from migration_pipeline.sandbox.zendesk.world import catalogue, ids, seeds

SHARE = 0.3
GONE_FIELD = ids.FIELD + 900 * ids.STEP

_Row = dict[str, Any]
# What may stand in a field of a type, though nothing allows it any more.
VALUES: dict[str, tuple[Any, ...]] = {
    "tagger": ("prod_removed", "", "Kitchen::Coffee::Brewmaster 300"),
    "multiselect": (["topic_removed", "topic_refund"], [], ["topic_refund", "topic_refund"]),
    "dropdown": ("platinum", ""),
    "date": ("0001-01-01", "2026-02-30", "9999-12-31", ""),
    "integer": (10**18, -(10**12), "12", 3.0),
    "decimal": ("1e308", "-0.0", "12,50", ""),
    "checkbox": (None, "true"),
    "text": ("\x00\x07\ud7ff", "x" * 20_000, "{{ticket.id}}", ""),
    "textarea": ("=cmd|' /C calc'!A0", "\r\n" * 50),
    "regexp": ("does not match",),
    "partialcreditcard": ("4111", ""),
    "lookup": (str(ids.user(900_000)), "not a number"),
}


def _odd(kind: str, number: int) -> Any:
    return VALUES[kind][seeds.mix(number, 52) % len(VALUES[kind])]


def _changed(number: int, place: int) -> bool:
    return seeds.mix(number, 53, place) % 3 == 0


def _ticket(row: _Row) -> _Row:
    kinds = {catalogue.field_id(k): catalogue.TICKET_FIELDS[k].type for k in catalogue.CUSTOM_FIELDS}
    number = int(row["id"])
    fields = [
        {**f, "value": _odd(kinds[f["id"]], number + k)} if _changed(number, k) else f
        for k, f in enumerate(row["custom_fields"])
    ]
    fields.append({"id": GONE_FIELD, "value": "of a field that was deleted"})
    return {**row, "custom_fields": fields, **({"fields": fields} if "fields" in row else {})}


def _keyed(name: str, definitions: tuple[catalogue.Field, ...]) -> Callable[[_Row], _Row]:
    def odd(row: _Row) -> _Row:
        number = int(row["id"])
        values = {
            f.key: _odd(f.type, number + k) if _changed(number, k) else row[name].get(f.key)
            for k, f in enumerate(definitions)
        }
        return {**row, name: {**values, "gone_key": "of a field that was deleted"}}

    return odd


_KINDS: dict[str, Callable[[_Row], _Row]] = {
    "custom_fields": _ticket,
    "user_fields": _keyed("user_fields", catalogue.USER_FIELDS),
    "organization_fields": _keyed("organization_fields", catalogue.ORGANIZATION_FIELDS),
}


def with_odd_values(record: _Row) -> _Row:
    """A ticket, user or organization, a share of them with odd values in a third of their fields."""
    if seeds.share(int(record["id"]), 51, 1) >= SHARE:
        return record
    return next((make(record) for name, make in _KINDS.items() if record.get(name)), record)
