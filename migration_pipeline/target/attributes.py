"""Attributes: what a source's field becomes, which attributes the pipeline adds of its own, and how values fit them.

Belongs here: types, names and values. Does not belong here: which field becomes which attribute (`mapping.yaml`), or
creating attributes (`loading`).
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final
from unicodedata import category

from migration_pipeline.config.mapping import DataType

TEXT_LIMIT: Final = 255
"""Characters that a text attribute holds (Intercom help, custom data attributes)."""

SYSTEM_FIELDS: Final = frozenset(
    ["subject", "description", "status", "tickettype", "ticket_type", "priority", "group", "assignee", "custom_status"]
)
"""Field keys and types whose values a ticket carries in columns of its own."""

DATA_TYPES: Final[Mapping[str, DataType]] = {
    "text": "string",
    "multiline": "string",
    "boolean": "boolean",
    "date": "datetime",
    "integer": "integer",
    "decimal": "decimal",
    "option": "list",
    "options": "string",
    "reference": "string",
}
"""What a field of each canonical type becomes; what is not listed becomes a string."""

REUSABLE: Final[Mapping[DataType, frozenset[str]]] = {
    "string": frozenset(["string"]),
    "boolean": frozenset(["boolean", "string"]),
    "datetime": frozenset(["datetime"]),
    "integer": frozenset(["integer", "decimal", "string"]),
    "decimal": frozenset(["decimal", "string"]),
    "list": frozenset(["list", "string"]),
}
"""The types of an attribute that is there already which hold every value of the wanted type."""


@dataclass(frozen=True, slots=True)
class OwnAttribute:
    """An attribute that keeps what a conversation or contact has no place for."""

    key: str
    title: str  # the source's name goes before it
    model: str  # conversation | contact
    data_type: DataType
    sql: str  # its value, over a row of `record_tickets` or `record_contacts`; '' where it is no column of theirs
    description: str


OWN_ATTRIBUTES: Final = (
    OwnAttribute(
        "status", "status", "conversation", "string", "coalesce(status_label, status)", "Status at the source."
    ),
    OwnAttribute("priority", "priority", "conversation", "string", "priority", "Priority at the source."),
    OwnAttribute("type", "type", "conversation", "string", "kind", "Ticket type at the source."),
    OwnAttribute("channel", "channel", "conversation", "string", "channel", "Channel at the source."),
    OwnAttribute("brand", "brand", "conversation", "string", "brand", "Brand at the source."),
    OwnAttribute("form", "form", "conversation", "string", "form", "Ticket form at the source."),
    OwnAttribute("external_id", "external id", "conversation", "string", "external_id", "The source's external id."),
    OwnAttribute(
        "updated_at",
        "updated at",
        "conversation",
        "datetime",
        "epoch(updated_at)::BIGINT",
        "Last update at the source.",
    ),
    OwnAttribute("due_at", "due at", "conversation", "datetime", "epoch(due_at)::BIGINT", "Due date at the source."),
    OwnAttribute(
        "satisfaction",
        "satisfaction",
        "conversation",
        "string",
        "CASE WHEN json_valid(csat) AND csat ->> '$.score' NOT IN ('offered', 'unoffered') "
        "THEN concat_ws(': ', csat ->> '$.score', csat ->> '$.comment') END",
        "Satisfaction rating at the source.",
    ),
    OwnAttribute(
        "links",
        "links",
        "conversation",
        "string",
        "array_to_string(list_transform(links, lambda link: concat_ws(' ', link.type, link.ref)), ', ')",
        "Tickets that this one was merged into, follows up, or belongs to.",
    ),
    OwnAttribute(
        "followers",
        "followers",
        "conversation",
        "string",
        "nullif(array_to_string(follower_refs, ' '), '')",
        "Agents who follow the ticket at the source.",
    ),
    OwnAttribute("phone", "phone", "contact", "string", "", "Phone number as the source spells it."),
    OwnAttribute("locale", "locale", "contact", "string", "locale", "Locale at the source."),
    OwnAttribute("time_zone", "time zone", "contact", "string", "time_zone", "Time zone at the source."),
)
"""The pipeline's own attributes besides `migration_key`; those read from records are made where one has a value."""

NAMED_VALUES: Final[Mapping[str, str]] = {
    "priority": "priorities",
    "type": "types",
    "brand": "brands",
    "locale": "locales",
}
"""Own attributes whose values mapping.yaml names, each in a section of its own."""


@dataclass(frozen=True, slots=True)
class Value:
    """A value that fits its attribute; `value` is None where none does. `loss` is a reason code."""

    value: str | int | float | bool | None
    loss: str | None = None


@dataclass(frozen=True, slots=True)
class FieldRule:
    """How the values of one source field become those of one attribute."""

    title: str
    attribute: str
    data_type: str
    labels: Mapping[str, str]  # option value -> label
    allowed: frozenset[str] | None  # labels that the attribute knows; None: any text
    left_out: frozenset[str] = frozenset()  # option values that a person left out
    default: str | int | float | bool | None = None  # where the source has no value


def fits(value: object, data_type: str) -> bool:
    """Whether a value that a person wrote down is one of an attribute of the type; times are Unix seconds."""
    kinds: dict[str, tuple[type, ...]] = {
        "boolean": (bool,),
        "integer": (int,),
        "decimal": (int, float),
        "datetime": (int,),
    }
    wanted = kinds.get(data_type, (str,))
    return isinstance(value, wanted) and (bool in wanted or not isinstance(value, bool))


def option_labels(options: Iterable[Mapping[str, str | None]] | None) -> dict[str, str]:
    """The label of each option value, as an attribute can hold it: short enough, and no two labels alike but for case.

    Options with the same label share it; `Size` and `size` become one.
    """
    labels: dict[str, str] = {}
    spelled: dict[str, str] = {}
    for option in options or ():
        value = option.get("value")
        if value is None:
            continue
        label = _line(option.get("label") or value)[:TEXT_LIMIT].strip() or value[:TEXT_LIMIT]
        labels[value] = spelled.setdefault(label.casefold(), label)
    return labels


def data_type(field_type: str | None, labels: Mapping[str, str]) -> DataType:
    """The type of the attribute that a field becomes. A list needs two options at least (createDataAttribute)."""
    wanted = DATA_TYPES.get(field_type or "", "string")
    return "string" if wanted == "list" and len(set(labels.values())) < 2 else wanted


def is_system(key: str | None, field_type: str | None) -> bool:
    """Whether the conversation itself carries what the field says."""
    return field_type == "system" or field_type in SYSTEM_FIELDS or key in SYSTEM_FIELDS


def attribute_name(title: str) -> str:
    """The title as an attribute's name: letters, digits, spaces, hyphens and underscores; never empty, 100 at most."""
    # Many scripts write vowels as marks of their own (category M), without which a word is another word.
    name = "".join(mark if mark.isalnum() or mark in "-_" or category(mark)[0] == "M" else " " for mark in title)
    return re.sub(r" +", " ", name).strip(" -_")[:100].strip() or "Field"


def convert(raw: Any, rule: FieldRule) -> Value:
    """The source's value as the attribute takes it; an empty one becomes the default without a loss."""
    if raw is None or raw == "" or raw == []:
        return Value(rule.default)
    if rule.left_out:
        items = [item for item in (raw if isinstance(raw, list) else [raw]) if str(item) not in rule.left_out]
        if not items:
            return Value(rule.default)
        raw = items if isinstance(raw, list) else items[0]
    return _CONVERTERS.get(rule.data_type, _text)(raw, rule)


def text_value(text: str) -> Value:
    """The text, cut to what a text attribute holds."""
    text = text.strip()
    if len(text) <= TEXT_LIMIT:
        return Value(text or None)
    return Value(text[: TEXT_LIMIT - 1] + "…", "value_truncated")


def _line(text: str) -> str:
    return " ".join(text.split())


def _label(raw: Any, rule: FieldRule) -> str:
    if isinstance(raw, bool):
        return "true" if raw else "false"
    return rule.labels.get(str(raw), str(raw))


def _text(raw: Any, rule: FieldRule) -> Value:
    if isinstance(raw, list):
        return text_value(", ".join(_label(item, rule) for item in raw if item is not None))
    return text_value(_label(raw, rule))


def _list(raw: Any, rule: FieldRule) -> Value:
    items = raw if isinstance(raw, list) else [raw]
    label = _label(items[0], rule)
    if rule.allowed is not None and label not in rule.allowed:
        return Value(None, "value_dropped")
    return Value(label, "value_dropped" if len(items) > 1 else None)


def _boolean(raw: Any, rule: FieldRule) -> Value:
    del rule
    known = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(str(raw).lower())
    return Value(known, None if known is not None else "value_dropped")


def _integer(raw: Any, rule: FieldRule) -> Value:
    number = _decimal(raw, rule).value
    if not isinstance(number, int | float) or number != int(number):
        return Value(None, "value_dropped")
    exact = str(raw).strip()
    return Value(int(exact) if re.fullmatch(r"[+-]?[0-9]{1,18}", exact) else int(number))


def _decimal(raw: Any, rule: FieldRule) -> Value:
    del rule
    try:
        number = float(raw) if not isinstance(raw, bool | list | dict) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    return Value(number) if math.isfinite(number) and abs(number) < 1e15 else Value(None, "value_dropped")


def _datetime(raw: Any, rule: FieldRule) -> Value:
    """Unix seconds, UTC; a day becomes its first second."""
    del rule
    text = str(raw).strip()
    try:
        moment = datetime.fromisoformat(text)
        if len(text) <= 10:
            day = date.fromisoformat(text)
            moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
        elif moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return Value(int(moment.timestamp()))
    except (ValueError, OverflowError):
        return Value(None, "value_dropped")


_CONVERTERS: Final[Mapping[str, Callable[[Any, FieldRule], Value]]] = {
    "string": _text,
    "list": _list,
    "boolean": _boolean,
    "integer": _integer,
    "decimal": _decimal,
    "datetime": _datetime,
}
