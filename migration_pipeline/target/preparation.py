"""What a run is going to make in the workspace before the first record: attributes, options, tags; and what hinders it.

Belongs here: the list, from payloads and the workspace's catalogue. Does not belong here: making them
(`loading.definitions`), or records.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import orjson

from migration_pipeline.config.mapping import Mapping
from migration_pipeline.model.payloads import PAYLOADS, PLAN
from migration_pipeline.staging import Staging
from migration_pipeline.target.catalogue import Catalogue
from migration_pipeline.target.conflicts import Conflict, conflicts
from migration_pipeline.target.rows import rows
from migration_pipeline.target.ticket_rules import MODEL
from migration_pipeline.target.ticket_types import NO_TYPES, TicketTypes

DATA_ATTRIBUTES: Final = 250
"""Custom attributes of contacts and companies together that a workspace may have (Intercom help, "CDA limits")."""

_MADE_BY_PEOPLE: Final = {
    "agents": ("teammate", "Intercom: Settings > Workspace > Teammates > Invite teammates"),
    "teams": ("team", "Intercom: Settings > Workspace > Teammates > Teams > New team"),
}
"""What Intercom's API does not create, by entity type, and where a person does."""


@dataclass(frozen=True)
class NewAttribute:
    """An attribute that will be made."""

    model: str  # conversation | contact | company; ticket_type: a whole type; `ticket type`: what one of them lacks
    name: str
    data_type: str
    options: tuple[str, ...]
    description: str


@dataclass(frozen=True)
class NewOption:
    """A value that a list attribute of conversations will get."""

    attribute: str
    label: str


@dataclass(frozen=True)
class Preparation:
    """What will be made, and the entries of mapping.yaml that have to change first."""

    attributes: tuple[NewAttribute, ...]
    options: tuple[NewOption, ...]
    tags: tuple[str, ...]
    conflicts: tuple[Conflict, ...]
    calls: int = 0  # that making the attributes and options takes


def prepare(staging: Staging, catalogue: Catalogue, mapping: Mapping, types: TicketTypes = NO_TYPES) -> Preparation:
    """What the workspace lacks of that which the payloads need; only what the newest plan makes, where there is one.

    `types` are the workspace's ticket types; without them, all that the payloads need are taken for missing.
    """
    attributes, options, calls = _attributes(staging, catalogue, types)
    found = conflicts(mapping, catalogue)
    there = sum(1 for one in catalogue.data_attributes if one.custom and not one.archived)
    more = sum(1 for one in attributes if one.model in ("contact", "company"))
    if there + more > DATA_ATTRIBUTES and more:
        told = (
            f"the workspace has {there} attributes of contacts and companies, and {more} more are over the "
            f"{DATA_ATTRIBUTES} that Intercom allows; set the target of some to null"
        )
        found.append(Conflict(("contact_fields",), told))
    return Preparation(attributes, options, _tags(staging, catalogue), tuple(found), calls)


def _attributes(
    staging: Staging, catalogue: Catalogue, types: TicketTypes
) -> tuple[tuple[NewAttribute, ...], tuple[NewOption, ...], int]:
    conversation = {one.name.casefold(): one for one in catalogue.conversation_attributes if not one.archived}
    people = {(one.model, one.name.casefold()) for one in catalogue.data_attributes if not one.archived}
    made: dict[tuple[str, str], NewAttribute] = {}
    options: dict[NewOption, None] = {}
    calls = 0  # beyond one for each attribute and option
    for row in _needed(staging, "fields"):
        name = row["name"].casefold()
        if row["model"] == MODEL:
            wanted = orjson.loads(row["body"])["attributes"]
            if (type_ := types.by_name.get(name)) is None:
                made.setdefault((MODEL, name), NewAttribute(MODEL, row["name"], "", (), ""))
                calls += len(wanted)
                continue
            for one in wanted:
                held = type_.attributes.get(one["name"].casefold())
                if held is None:
                    of = NewAttribute("ticket type", one["name"], one["data_type"], tuple(one["options"]), type_.name)
                    made[f"{MODEL} {name}", one["name"].casefold()] = of
                elif held.data_type == "list" and (lacking := [o for o in one["options"] if o not in held.options]):
                    options |= dict.fromkeys(NewOption(f"{type_.name}: {held.name}", label) for label in lacking)
                    calls += 1 - len(lacking)  # all in one
        elif row["model"] == "conversation" and (there := conversation.get(name)):
            known = {option.label for option in there.options}
            labels = (row["options"] or ()) if there.data_type == "list" else ()
            options |= dict.fromkeys(NewOption(there.name, label) for label in labels if label not in known)
        elif (row["model"], name) not in people:
            description = str(orjson.loads(row["body"]).get("description", ""))
            attribute = NewAttribute(
                row["model"], row["name"], row["data_type"], tuple(row["options"] or ()), description
            )
            made.setdefault((row["model"], name), attribute)
    return tuple(made.values()), tuple(options), len(made) + len(options) + calls


def _tags(staging: Staging, catalogue: Catalogue) -> tuple[str, ...]:
    known = {tag.name.casefold() for tag in catalogue.tags}
    wanted = {row["name"].casefold(): row["name"] for row in _needed(staging, "tags")}
    return tuple(name for folded, name in sorted(wanted.items()) if folded not in known)


def _needed(staging: Staging, table: str) -> Iterator[dict[str, Any]]:
    """Payload rows that move, by source id."""
    tables = staging.tables
    planned = ""
    if tables.path("plan", table).exists():
        planned = f"SEMI JOIN (FROM {tables.scan('plan', table, PLAN)} WHERE action = 'create') USING (source_id)"
    payload = tables.scan("payloads", table, PAYLOADS[table])
    with staging.connect() as connection:
        yield from rows(connection.sql(f"FROM {payload} AS payload {planned} WHERE skip IS NULL ORDER BY source_id"))


def by_hand(staging: Staging) -> list[dict[str, str]]:
    """Teammates and teams that nobody but a person can make, for agents and teams of the source without any."""
    return [
        {"kind": kind, "name": row["name"] or row["source_id"], "where": place}
        for entity_type, (kind, place) in _MADE_BY_PEOPLE.items()
        for row in _unmatched(staging, entity_type)
    ]


def _unmatched(staging: Staging, entity_type: str) -> Iterator[dict[str, Any]]:
    payload = staging.tables.scan("payloads", entity_type, PAYLOADS[entity_type])
    with staging.connect() as connection:
        yield from rows(
            connection.sql(
                f"SELECT source_id, name FROM {payload} WHERE target_id IS NULL AND skip IS NOT NULL ORDER BY name"
            )
        )
