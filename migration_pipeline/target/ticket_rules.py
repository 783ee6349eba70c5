"""Which tickets become Intercom tickets, of which type, and in which state: `tickets` in migration.yaml, applied.

Belongs here: the rules as SQL, the state that a status becomes, and the payload rows of the ticket types with the
attributes that their tickets use. Does not belong here: what a thread is like as a ticket (`ticket_form`), or making
types (`loading.definitions`).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from migration_pipeline.config.mapping import KEY_ATTRIBUTE
from migration_pipeline.config.mapping import Mapping as Rules
from migration_pipeline.config.tickets import TicketRule, When
from migration_pipeline.target.directory import field_rules, own_attributes
from migration_pipeline.target.inputs import OWN, Inputs, digest, encoded

MODEL: Final = "ticket_type"
"""The `model` of the payload row of a ticket type, among those of attributes."""

CATEGORIES: Final = ("submitted", "in_progress", "waiting_on_customer", "resolved")
"""Categories of ticket states (Intercom OpenAPI 2.16, ticket_state); each type has a state of each."""

_BY_STATUS: Final[Mapping[str, str]] = {
    "new": "submitted",
    "open": "in_progress",
    "pending": "waiting_on_customer",
    "hold": "in_progress",
    "solved": "resolved",
    "closed": "resolved",
}
_BY_STATE: Final[Mapping[str, str]] = {"open": "in_progress", "snoozed": "waiting_on_customer", "closed": "resolved"}

_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "forms": ("form",),
    "kinds": ("kind",),
    "statuses": ("status", "status_label"),
    "brands": ("brand",),
}
"""The columns of a ticket that each condition looks at."""


def ticket_state(mapping: Rules, status: str | None, state: str) -> str:
    """The category or name of the state that a ticket gets; `state` is open, snoozed or closed."""
    return mapping.ticket_states.get(status or "") or _BY_STATUS.get(status or "") or _BY_STATE[state]


def proposed_states(statuses: Mapping[str, str]) -> dict[str, str]:
    """What each status in use becomes, for mapping.yaml; the values of `statuses` are open, snoozed or closed."""
    return {status: _BY_STATUS.get(status) or _BY_STATE[state] for status, state in statuses.items()}


def copied_attribute(source_name: str) -> str:
    """Name of the ticket attribute that lists people in copy: a ticket has no participants."""
    return f"{source_name} in copy"


def type_sql(rules: Sequence[TicketRule]) -> str:
    """SQL over a row of `record_tickets`: the name of the ticket type, null where a conversation is made."""
    cases = [f"WHEN {_fits(rule.when)} THEN {_quoted(rule.ticket_type)}" for rule in rules]
    return f"CASE {' '.join(cases)} ELSE NULL END::VARCHAR" if cases else "NULL::VARCHAR"


def _fits(when: When) -> str:
    conditions = []
    for name, columns in _COLUMNS.items():
        values: tuple[str | None, ...] = getattr(when, name)
        if values:
            conditions.append(f"({' OR '.join(_one_of(column, values) for column in columns)})")
    if when.tags:
        wanted = ", ".join(_quoted(tag.strip().lower()) for tag in when.tags)
        conditions.append(f"list_has_any(list_transform(coalesce(tags, []), lambda tag: lower(trim(tag))), [{wanted}])")
    return " AND ".join(conditions) or "true"


def _one_of(column: str, values: Sequence[str | None]) -> str:
    named = ", ".join(_quoted(value.strip().lower()) for value in values if value is not None)
    either = [f"coalesce(lower(trim({column})) IN ({named}), false)"] if named else []
    return " OR ".join([*either, *([f"{column} IS NULL"] if None in values else [])])


def _quoted(text: str | None) -> str:
    return "NULL" if text is None else "'" + text.replace("'", "''") + "'"


# The types and their attributes


def type_rows(inputs: Inputs) -> Iterator[dict[str, Any]]:
    """A payload row for each ticket type that a ticket becomes, with the attributes that its tickets use."""
    rules = inputs.migration.tickets
    if not rules:
        return
    typed = f"(SELECT *, {type_sql(rules)} AS ticket_type FROM record_tickets WHERE state <> 'deleted')"
    found = inputs.rows(f"SELECT DISTINCT ticket_type FROM {typed} WHERE ticket_type IS NOT NULL ORDER BY ALL")
    for name in [row["ticket_type"] for row in found]:
        mine = f"(FROM {typed} WHERE ticket_type = {_quoted(name)})"
        body = {
            "name": name,
            "description": f"Migrated from {inputs.source_name}.",
            "category": "Customer",
            "attributes": list(_attributes(inputs, mine)),
        }
        yield {
            "source_id": f"{OWN}{MODEL}:{name}",
            "digest": digest(body),
            "losses": [],
            "model": MODEL,
            "name": name,
            "data_type": "",
            "options": [],
            "body": encoded(body),
        }


def _attributes(inputs: Inputs, mine: str) -> Iterator[dict[str, Any]]:
    """The attributes of a type: the key, own ones and fields that a ticket has a value of; names are one by case."""
    made: set[str] = set()
    for attribute in _wanted(inputs, mine):
        if attribute["name"].casefold() not in made:
            made.add(attribute["name"].casefold())
            yield attribute


def _wanted(inputs: Inputs, mine: str) -> Iterator[dict[str, Any]]:
    yield _attribute(KEY_ATTRIBUTE, "string", "Where it was migrated from.")
    own = {one: name for one, name in own_attributes(inputs).items() if one.model == "conversation" and one.sql}
    counted = ", ".join(f"count({one.sql}) AS {one.key}" for one in own) or "0 AS nothing"
    uses = next(inputs.rows(f"SELECT {counted}, count(*) FILTER (len(cc_refs) > 0) AS in_copy FROM {mine}"))
    for one, name in own.items():
        if uses[one.key]:
            yield _attribute(name, one.data_type, one.description)
    if uses["in_copy"]:
        name = copied_attribute(inputs.source_name)
        yield _attribute(name, "string", "People in copy at the source.", multiline=True)
    used = {
        row["name"]
        for row in inputs.rows(
            f"SELECT DISTINCT unnest(json_keys(attributes)) AS name FROM {mine} WHERE json_valid(attributes)"
        )
    }
    rules = field_rules(inputs, "ticket")
    for name, rule in rules.items():
        if name in used or rule.default is not None:
            same = [one for one in rules.values() if one.attribute == rule.attribute]
            labels = dict.fromkeys(label for one in same for label in (*one.labels.values(), *(one.allowed or ())))
            description = f"{inputs.source_name}: {rule.title}"
            yield _attribute(rule.attribute, rule.data_type, description, list(labels))
    for name, fixed in inputs.mapping.defaults.items():
        if fixed is not None:
            yield _attribute(name, _TYPES.get(type(fixed), "string"), inputs.source_name)


_TYPES: Final[Mapping[type, str]] = {bool: "boolean", int: "integer", float: "decimal"}


def _attribute(
    name: str, data_type: str, description: str, options: Sequence[str] = (), *, multiline: bool = False
) -> dict[str, Any]:
    """An attribute of a ticket type, its options beside.

    A list is text where an option holds a comma: options are given as one text with commas between them (Intercom
    OpenAPI 2.16, createTicketTypeAttribute).
    """
    listed = data_type == "list" and options and not any("," in option for option in options)
    kind = data_type if listed or data_type != "list" else "string"
    return {
        "name": name,
        "data_type": kind,
        "description": description[:255],
        "options": list(options) if listed else [],
        "multiline": multiline,
    }
