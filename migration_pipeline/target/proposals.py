"""Proposals for mapping.yaml: who and what of the source is already there in the target, by address, name or title.

Belongs here: finding matches, and what mapping.yaml still leaves open. Does not belong here: the file itself
(`config.mapping`), or creating what is missing (`loading`).
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeVar, get_args

from migration_pipeline.config import Migration
from migration_pipeline.config.mapping import (
    KEY_ATTRIBUTE,
    AgentEntry,
    DataType,
    FieldEntry,
    Mapping,
    MatchedBy,
    State,
    TeamEntry,
    is_open,
)
from migration_pipeline.staging import Staging
from migration_pipeline.target.attributes import (
    OWN_ATTRIBUTES,
    REUSABLE,
    attribute_name,
    data_type,
    is_system,
    option_labels,
)
from migration_pipeline.target.catalogue import Admin, Catalogue, ConversationAttribute
from migration_pipeline.target.html import plain
from migration_pipeline.target.inputs import Inputs

_MIGRATION_ADMIN: Final = "migration"

Entry = TypeVar("Entry", AgentEntry, TeamEntry, FieldEntry)


def propose(staging: Staging, catalogue: Catalogue, mapping: Mapping | None, migration: Migration) -> Mapping:
    """The mapping with an entry for everything the records hold.

    Entries that are there stay, but for those for which nothing was found: these are looked for again.
    """
    known = mapping or Mapping()
    inputs = Inputs(staging, known, migration)
    agents = _merged(known.agents, _agents(inputs, catalogue))
    own = {**_own_attributes(inputs, catalogue, known.fields), **known.attributes}
    return Mapping(
        fallback_admin=known.fallback_admin or _fallback(catalogue, agents).id,
        agents=agents,
        teams=_merged(known.teams, _teams(inputs, catalogue)),
        fields=_merged(known.fields, _fields(inputs, catalogue, own, known.fields)),
        statuses={**_statuses(inputs), **known.statuses},
        attributes=own,
        tags=known.tags,
    )


def missing(staging: Staging, mapping: Mapping, migration: Migration) -> list[str]:
    """What mapping.yaml lacks although records refer to it: its keys, as a person would look for them there."""
    inputs = Inputs(staging, mapping, migration)
    lacks = [] if mapping.fallback_admin else ["fallback_admin"]
    for section, table, entries in (
        ("agents", "record_agents", mapping.agents),
        ("teams", "record_teams", mapping.teams),
    ):
        rows = inputs.rows(f"SELECT source_id, name FROM {table} ORDER BY source_id")
        lacks += [f"{section}.{row['source_id']} ({row['name']})" for row in rows if row["source_id"] not in entries]
    lacks += [
        f"fields.{row['source_id']} ({row['title']})"
        for row in _ticket_fields(inputs)
        if row["source_id"] not in mapping.fields
    ]
    return lacks + [f"statuses.{status}" for status in _statuses(inputs) if status not in mapping.statuses]


def _merged(known: dict[str, Entry], proposed: dict[str, Entry]) -> dict[str, Entry]:
    """Known entries first, in their order; those still open take the proposal."""
    kept = {
        key: proposed[key] if key in proposed and is_open(entry.model_dump()) else entry for key, entry in known.items()
    }
    return {**kept, **{key: entry for key, entry in proposed.items() if key not in kept}}


def _agents(inputs: Inputs, catalogue: Catalogue) -> dict[str, AgentEntry]:
    """Agents by e-mail, whatever its case; the others by a name that only one agent and only one admin has."""
    rows = list(inputs.rows("SELECT source_id, name, email FROM record_agents ORDER BY len(source_id), source_id"))
    by_email = {admin.email.strip().casefold(): admin for admin in _by_id(catalogue.admins) if admin.email}
    matched = {row["source_id"]: by_email.get((row["email"] or "").strip().casefold()) for row in rows}
    taken = {admin.id for admin in matched.values() if admin}
    by_name = _unambiguous((admin.name, admin.id) for admin in catalogue.admins if admin.id not in taken)
    open_names = _unambiguous((row["name"], row["source_id"]) for row in rows if not matched[row["source_id"]])
    entries = {}
    for row in rows:
        admin, name = matched[row["source_id"]], _line(row["name"])
        target, matched_by = (admin.id, "email") if admin else (None, "nothing")
        if not admin and name in by_name and name in open_names:
            target, matched_by = by_name[name], "name"
        entries[row["source_id"]] = AgentEntry(
            name=name or None, email=_line(row["email"]) or None, target=target, matched_by=_reason(matched_by)
        )
    return entries


def _teams(inputs: Inputs, catalogue: Catalogue) -> dict[str, TeamEntry]:
    """Teams by name, whatever its case, where only one team of the target has it."""
    by_name = _unambiguous((team.name.casefold(), team.id) for team in catalogue.teams)
    entries = {}
    for row in inputs.rows("SELECT source_id, name FROM record_teams ORDER BY len(source_id), source_id"):
        name = _line(row["name"])
        target = by_name.get(name.casefold())
        entries[row["source_id"]] = TeamEntry(
            name=name or None, target=target, matched_by="name" if target else "nothing"
        )
    return entries


def _fallback(catalogue: Catalogue, agents: dict[str, AgentEntry]) -> Admin:
    """An admin made for the migration, who stands for no agent; else the one whose token it is."""
    people = {entry.target for entry in agents.values()}
    made_for_it = (
        admin
        for admin in _by_id(catalogue.admins)
        if admin.id not in people and _MIGRATION_ADMIN in (admin.email or "").casefold()
    )
    return next(made_for_it, catalogue.me)


def _statuses(inputs: Inputs) -> dict[str, State]:
    """What each status in use means to the source itself."""
    rows = inputs.rows(
        "SELECT DISTINCT status, state FROM record_tickets WHERE status IS NOT NULL AND state <> 'deleted' ORDER BY ALL"
    )
    return {row["status"]: row["state"] for row in rows if row["state"] in get_args(State)}


def _own_attributes(inputs: Inputs, catalogue: Catalogue, fields: dict[str, FieldEntry]) -> dict[str, str]:
    """Names for the pipeline's own attributes, apart from those that the workspace or a field uses otherwise."""
    taken = {entry.target.casefold() for entry in fields.values() if entry.target}
    conversation = {attribute.name.casefold(): attribute for attribute in catalogue.conversation_attributes}
    data = {attribute.name.casefold(): attribute for attribute in catalogue.data_attributes}
    names = {}
    for own in OWN_ATTRIBUTES:
        for name in _spellings(attribute_name(f"{inputs.source_name} {own.title}")):
            there = conversation.get(name.casefold()) if own.model == "conversation" else data.get(name.casefold())
            fits = there is not None and not there.archived and there.data_type == own.data_type
            if name.casefold() not in taken and (
                there is None or (fits and getattr(there, "model", own.model) == own.model)
            ):
                names[own.key] = name
                break
    return names


def _fields(
    inputs: Inputs, catalogue: Catalogue, own: dict[str, str | None], known: dict[str, FieldEntry]
) -> dict[str, FieldEntry]:
    """Fields by title: an attribute that holds all their values is used again, else a new name is found."""
    there = {attribute.name.casefold(): attribute for attribute in catalogue.conversation_attributes}
    taken = {KEY_ATTRIBUTE, *(name.casefold() for name in own.values() if name)}
    taken |= {entry.target.casefold() for entry in known.values() if entry.target}
    entries = {}
    for row in _ticket_fields(inputs):
        if row["source_id"] in known:
            continue
        labels = option_labels(row["options"])
        wanted = data_type(row["type"], labels)
        title = _line(row["title"])
        same = there.get(title.casefold()) or there.get(attribute_name(title).casefold())
        if same and same.name.casefold() not in taken and _holds(same, wanted, labels.values()):
            kept_type = next(kind for kind in get_args(DataType) if kind == same.data_type)
            entry = FieldEntry(title=title or None, target=same.name, type=kept_type, matched_by="title")
        else:
            plain_name = attribute_name(title)
            names = (name for name in _spellings(plain_name, f"{inputs.source_name} {plain_name}"))
            name = next(name for name in names if name.casefold() not in taken and name.casefold() not in there)
            entry = FieldEntry(title=title or None, target=name, type=wanted, matched_by="new")
        taken.add(str(entry.target).casefold())
        entries[row["source_id"]] = entry
    return entries


def _ticket_fields(inputs: Inputs) -> Iterator[dict[str, Any]]:
    """The ticket fields that may become attributes."""
    rows = inputs.rows("SELECT * FROM record_fields WHERE scope = 'ticket' ORDER BY len(source_id), source_id")
    return (row for row in rows if not is_system(row["key"], row["type"]))


def _holds(attribute: ConversationAttribute, wanted: DataType, labels: Iterable[str]) -> bool:
    """Whether the attribute takes every value as it is."""
    if (
        attribute.archived
        or attribute.data_type not in REUSABLE[wanted]
        or any(mark in attribute.name for mark in ".$")
    ):
        return False
    options = {option.label for option in attribute.options}
    return attribute.data_type != "list" or set(labels) <= options


def _spellings(*names: str) -> Iterator[str]:
    """The names, then the last one with numbers, without end."""
    yield from names
    number = 1
    while True:
        number += 1
        yield f"{names[-1][:96]} {number}"


def _unambiguous(pairs: Iterable[tuple[str | None, str]]) -> dict[str, str]:
    """Names that exactly one id has."""
    named = [(_line(name), key) for name, key in pairs]
    uses = Counter(name for name, _ in named)
    return {name: key for name, key in named if name and uses[name] == 1}


def _by_id(admins: Iterable[Admin]) -> list[Admin]:
    return sorted(admins, key=lambda admin: (len(admin.id), admin.id))


def _reason(name: str) -> MatchedBy:
    return next(reason for reason in get_args(MatchedBy) if reason == name)


def _line(text: str | None) -> str:
    return " ".join(plain(text or "").split())
