"""The steps of the selection, in order: each says in SQL which records go, and for which setting.

Belongs here: the rules, as a table. Does not belong here: running them (`select`).

A step sees one row at a time: `ticket`, `contact`, `company` or `tag` of the canonical records, and these tables:

| table | holds |
| --- | --- |
| `wanted (step, part, value)` | the values in migration.yaml, in lower case; null stands for none |
| `meant (step, part, ref)` | ids of the records that such a value names, in `part` the id of the field |
| `referred_contacts`, `referred_companies`, `used_tags` `(id)` | what records that move refer to |
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from migration_pipeline.config import Migration
from migration_pipeline.model.entities import ENTITY_TYPES


@dataclass(frozen=True)
class Step:
    """One rule: it is applied where `is_set` says so, and takes the rows for which `goes` is true."""

    entity_type: str
    setting: str  # the key in migration.yaml
    reason: str
    is_set: Callable[[Migration], bool]
    goes: str


def _left_out(entity_type: str) -> Step:
    return Step(
        entity_type, "entities", "entity_left_out", lambda migration: entity_type not in migration.entities, "true"
    )


_HAS: Final = "list_transform(coalesce(ticket.tags, []), lambda tag: lower(trim(tag)))"
_WANTED: Final = "(SELECT coalesce(list(value), []) FROM wanted WHERE step = 'filters.tags' AND part = '{part}')"


def _one_of(setting: str, column: str) -> str:
    """Not one of the values of a setting, which are compared with a column of names."""
    return _not_in(setting, column, f"lower(trim({column})) IN (SELECT value FROM wanted WHERE step = '{setting}')")


def _refers_to(setting: str, column: str) -> str:
    """Not one of the records that the values of a setting name."""
    return _not_in(setting, column, f"{column} IN (SELECT ref FROM meant WHERE step = '{setting}')")


def _not_in(setting: str, column: str, fits: str) -> str:
    """Neither fitting nor, where the setting names null, empty."""
    return (
        f"NOT CASE WHEN {column} IS NULL "
        f"THEN EXISTS (SELECT 1 FROM wanted WHERE step = '{setting}' AND value IS NULL) "
        f"ELSE coalesce({fits}, false) END"
    )


STEPS: Final = (
    _left_out("tickets"),
    Step(
        "tickets",
        "filters.created",
        "filtered_created",
        lambda migration: migration.filters.created is not None,
        "ticket.created_at IS NULL OR ticket.created_at < getvariable('created_first') "
        "OR ticket.created_at >= getvariable('created_after')",
    ),
    Step(
        "tickets",
        "filters.statuses",
        "filtered_status",
        lambda migration: bool(migration.filters.statuses),
        f"{_one_of('filters.statuses', 'ticket.status')} AND {_one_of('filters.statuses', 'ticket.status_label')}",
    ),
    Step(
        "tickets",
        "filters.kinds",
        "filtered_kind",
        lambda migration: bool(migration.filters.kinds),
        _one_of("filters.kinds", "ticket.kind"),
    ),
    Step(
        "tickets",
        "filters.channels",
        "filtered_channel",
        lambda migration: bool(migration.filters.channels),
        _one_of("filters.channels", "ticket.channel"),
    ),
    Step(
        "tickets",
        "filters.brands",
        "filtered_brand",
        lambda migration: bool(migration.filters.brands),
        _one_of("filters.brands", "ticket.brand"),
    ),
    Step(
        "tickets",
        "filters.tags",
        "filtered_tags",
        lambda migration: migration.filters.tags is not None,
        f"(len({_WANTED.format(part='any')}) > 0 AND NOT list_has_any({_HAS}, {_WANTED.format(part='any')})) "
        f"OR NOT list_has_all({_HAS}, {_WANTED.format(part='all')}) "
        f"OR list_has_any({_HAS}, {_WANTED.format(part='none')})",
    ),
    Step(
        "tickets",
        "filters.fields",
        "filtered_fields",
        lambda migration: bool(migration.filters.fields),
        "ticket.source_id IN (SELECT source_id FROM lacking_values)",
    ),
    Step(
        "tickets",
        "filters.teams",
        "filtered_team",
        lambda migration: bool(migration.filters.teams),
        _refers_to("filters.teams", "ticket.team_ref"),
    ),
    Step(
        "tickets",
        "filters.assignees",
        "filtered_assignee",
        lambda migration: bool(migration.filters.assignees),
        _refers_to("filters.assignees", "ticket.assignee_ref"),
    ),
    Step(
        "tickets",
        "filters.companies",
        "filtered_company",
        lambda migration: bool(migration.filters.companies),
        _refers_to("filters.companies", "ticket.company_ref"),
    ),
    Step(
        # No ticket says that it is archived: it is 120 days after it was closed (Zendesk help, "About archived
        # tickets"). Today is the day of the newest change that was read, so that a run can be repeated.
        "tickets",
        "filters.archived",
        "filtered_archived",
        lambda migration: not migration.filters.archived,
        "ticket.status = 'closed' "
        "AND ticket.updated_at < (SELECT max(updated_at) FROM record_tickets) - INTERVAL 120 DAY",
    ),
    Step(
        "tickets",
        "filters.suspended",
        "filtered_suspended",
        lambda migration: not migration.filters.suspended,
        "ticket.requester_ref IN (SELECT source_id FROM record_contacts WHERE suspended)",
    ),
    Step(
        "tickets",
        "options.inactive_people",
        "inactive_requester",
        lambda migration: migration.options.inactive_people == "skip",
        "ticket.requester_ref IN (SELECT source_id FROM record_contacts WHERE NOT active OR kind = 'placeholder')",
    ),
    _left_out("contacts"),
    Step(
        "contacts",
        "options.unreferenced_contacts",
        "unreferenced",
        lambda migration: migration.options.unreferenced_contacts == "skip",
        "contact.source_id NOT IN (SELECT id FROM referred_contacts)",
    ),
    _left_out("companies"),
    Step(
        "companies",
        "options.unreferenced_contacts",
        "unreferenced",
        lambda migration: migration.options.unreferenced_contacts == "skip",
        "company.source_id NOT IN (SELECT id FROM referred_companies)",
    ),
    _left_out("tags"),
    Step(
        "tags",
        "filters",
        "unused_tag",
        lambda migration: leaves_tickets_out(migration),
        "tag.name NOT IN (SELECT id FROM used_tags)",
    ),
    *(
        _left_out(entity_type)
        for entity_type in ENTITY_TYPES
        if entity_type not in ("tickets", "contacts", "companies", "tags")
    ),
    *(
        Step(
            entity_type,
            "filters.help_centers",
            "filtered_help_center",
            lambda migration: bool(migration.filters.help_centers),
            _one_of("filters.help_centers", "record.brand"),
        )
        for entity_type in ("collections", "articles")
    ),
)
"""Tickets first: what else moves may depend on which of them do."""


def steps_of(migration: Migration) -> tuple[Step, ...]:
    """The steps that the settings ask for, in order."""
    return tuple(step for step in STEPS if step.is_set(migration))


def leaves_tickets_out(migration: Migration) -> bool:
    """Whether the settings may leave tickets out."""
    return any(step.entity_type == "tickets" and step.is_set(migration) for step in STEPS)
