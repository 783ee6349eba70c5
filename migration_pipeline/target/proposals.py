"""Proposals for mapping.yaml: who and what of the source is already there in the target, by address, name or title.

Belongs here: finding matches, and what mapping.yaml still leaves open. Does not belong here: the file itself
(`config.mapping`), or creating what is missing (`loading`).
"""

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from typing import Any, Final, TypedDict, TypeVar, get_args

from migration_pipeline.config import Migration
from migration_pipeline.config.locales import nearest
from migration_pipeline.config.mapping import (
    KEY_ATTRIBUTE,
    MODELS,
    PEOPLE_ATTRIBUTES,
    SECTIONS,
    AgentEntry,
    DataType,
    FieldEntry,
    Mapping,
    MatchedBy,
    Section,
    State,
    TeamEntry,
    is_open,
)
from migration_pipeline.staging import Staging
from migration_pipeline.target.attributes import OWN_ATTRIBUTES, attribute_name, data_type, option_labels
from migration_pipeline.target.catalogue import Admin, Catalogue
from migration_pipeline.target.directory import carried, field_name
from migration_pipeline.target.html import plain
from migration_pipeline.target.inputs import Inputs
from migration_pipeline.target.matching import (
    NEAR,
    Attribute,
    Candidate,
    admins_for,
    attributes_for,
    holds,
    teams_for,
    words,
)
from migration_pipeline.target.ticket_rules import proposed_states

_MIGRATION_ADMIN: Final = "migration"

Entry = TypeVar("Entry", AgentEntry, TeamEntry, FieldEntry)


class _Why(TypedDict):
    score: int | None
    evidence: str | None


def propose(staging: Staging, catalogue: Catalogue, mapping: Mapping | None, migration: Migration) -> Mapping:
    """The mapping with an entry for everything the records hold.

    Entries that are there stay, but for those for which nothing was found: these are looked for again.
    """
    known = mapping or Mapping()
    inputs = Inputs(staging, known, migration)
    agents = _merged(known.agents, _agents(inputs, catalogue))
    own = {**_own_attributes(inputs, catalogue, known), **known.attributes}
    fields = {
        section: _merged(getattr(known, section), proposed)
        for section, proposed in _fields(inputs, catalogue, own, known).items()
    }
    named = {section: {**values, **getattr(known, section)} for section, values in _named_values(inputs).items()}
    return Mapping(
        fallback_admin=known.fallback_admin or _fallback(catalogue, agents).id,
        agents=agents,
        teams=_merged(known.teams, _teams(inputs, catalogue)),
        fields=fields["fields"],
        contact_fields=fields["contact_fields"],
        company_fields=fields["company_fields"],
        statuses={**_statuses(inputs), **known.statuses},
        ticket_states={**(proposed_states(_statuses(inputs)) if migration.tickets else {}), **known.ticket_states},
        priorities=named["priorities"],
        types=named["types"],
        brands=named["brands"],
        locales=named["locales"],
        attributes=own,
        defaults={**_defaults(catalogue, fields["fields"]), **known.defaults},
        tags=known.tags,
        languages={**_languages(inputs), **known.languages},
    )


def missing(staging: Staging, mapping: Mapping, migration: Migration) -> list[str]:
    """What mapping.yaml lacks although records refer to it: its keys, as a person would look for them there.

    Nobody is named: this goes into logs that outlive what is staged.
    """
    inputs = Inputs(staging, mapping, migration)
    lacks = [] if mapping.fallback_admin else ["fallback_admin"]
    for section, table, entries in (
        ("agents", "record_agents", mapping.agents),
        ("teams", "record_teams", mapping.teams),
    ):
        rows = inputs.rows(f"SELECT source_id, name FROM {table} ORDER BY source_id")
        lacking = [row for row in rows if row["source_id"] not in entries]
        titles = [f" ({row['name']})" if section == "teams" else "" for row in lacking]
        lacks += [f"{section}.{row['source_id']}{title}" for row, title in zip(lacking, titles, strict=True)]
    for row in _movable_fields(inputs):
        section = SECTIONS[row["scope"]]
        if field_name(row) not in getattr(mapping, section):
            lacks.append(f"{section}.{field_name(row)} ({row['title']})")
    lacks += [f"statuses.{status}" for status in _statuses(inputs) if status not in mapping.statuses]
    return lacks + [
        f"defaults.{name} (the workspace requires a value of each conversation)"
        for name, value in mapping.defaults.items()
        if value is None
    ]


def _merged(known: dict[str, Entry], proposed: dict[str, Entry]) -> dict[str, Entry]:
    """Known entries first, in their order; those still open take the proposal."""
    kept = {
        key: proposed[key] if key in proposed and is_open(entry.model_dump()) else entry for key, entry in known.items()
    }
    return {**kept, **{key: entry for key, entry in proposed.items() if key not in kept}}


def _agents(inputs: Inputs, catalogue: Catalogue) -> dict[str, AgentEntry]:
    """Agents by e-mail, whatever its case; the others by a name that only one agent and only one admin has.

    A name that differs in case, accents or the order of its words is `near`; one that is only like another is no match,
    because words must not be put into somebody else's mouth.
    """
    rows = list(inputs.rows("SELECT source_id, name, email FROM record_agents ORDER BY len(source_id), source_id"))
    by_email = {admin.email.strip().casefold(): admin for admin in _by_id(catalogue.admins) if admin.email}
    matched = {row["source_id"]: by_email.get((row["email"] or "").strip().casefold()) for row in rows}
    taken = {admin.id for admin in matched.values() if admin}
    free = [admin for admin in _by_id(catalogue.admins) if admin.id not in taken]
    by_name = _unambiguous((admin.name, admin.id) for admin in free)
    by_words = _unambiguous((words(admin.name), admin.id) for admin in free)
    unmatched = [row for row in rows if not matched[row["source_id"]]]
    open_names = _unambiguous((row["name"], row["source_id"]) for row in unmatched)
    open_words = _unambiguous((words(row["name"]), row["source_id"]) for row in unmatched)
    entries = {}
    for row in rows:
        admin, name = matched[row["source_id"]], _line(row["name"])
        target, matched_by = (admin.id, "email") if admin else (None, "nothing")
        if not admin and name in by_name and name in open_names:
            target, matched_by = by_name[name], "name"
        elif not admin and words(name) in by_words and words(name) in open_words:
            target, matched_by = by_words[words(name)], "near"
        candidates = admins_for(name, row["email"], catalogue.admins if admin else free)
        entries[row["source_id"]] = AgentEntry(
            name=name or None,
            email=_line(row["email"]) or None,
            target=target,
            matched_by=_reason(matched_by),
            **_why(target, candidates),
        )
    return entries


def _teams(inputs: Inputs, catalogue: Catalogue) -> dict[str, TeamEntry]:
    """Teams by name, whatever its case, where only one team of the target has it; a much like name is `near`."""
    by_name = _unambiguous((team.name.casefold(), team.id) for team in catalogue.teams)
    rows = list(inputs.rows("SELECT source_id, name FROM record_teams ORDER BY len(source_id), source_id"))
    taken = {by_name[name] for row in rows if (name := _line(row["name"]).casefold()) in by_name}
    free = [team for team in catalogue.teams if team.id not in taken]
    entries = {}
    for row in rows:
        name = _line(row["name"])
        target, matched_by = by_name.get(name.casefold()), "name"
        candidates = teams_for(name, catalogue.teams if target else free)
        if target is None:
            target, matched_by = _near(candidates, {team.id for team in free}), "near"
        entries[row["source_id"]] = TeamEntry(
            name=name or None,
            target=target,
            matched_by=_reason(matched_by if target else "nothing"),
            **_why(target, candidates),
        )
    return entries


def _near(candidates: Sequence[Candidate], allowed: Container[str]) -> str | None:
    """The one candidate whose name is the same but for a slip; None where there is none, or more than one."""
    close = [one for one in candidates if one.likeness >= NEAR]
    return close[0].target if len(close) == 1 and close[0].target in allowed else None


def _why(target: str | None, candidates: Sequence[Candidate]) -> _Why:
    """Score and evidence of what was taken; where nothing was, those of the nearest, which is named."""
    chosen = next((one for one in candidates if one.target == target), None)
    if chosen is not None:
        return {"score": chosen.score, "evidence": chosen.evidence}
    if not candidates:
        return {"score": None, "evidence": None}
    nearest = candidates[0]
    return {"score": nearest.score, "evidence": f"nearest: {_line(nearest.name)} ({nearest.evidence})"}


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


def _named_values(inputs: Inputs) -> dict[str, dict[str, str | None]]:
    """Priorities, types, brands and locales in use, each called as the source calls it."""
    columns = {
        "priorities": ("priority", "record_tickets"),
        "types": ("kind", "record_tickets"),
        "brands": ("brand", "record_tickets"),
        "locales": ("locale", "record_contacts"),
    }
    return {
        section: {
            str(row["value"]): str(row["value"])
            for row in inputs.rows(f"SELECT DISTINCT {column} AS value FROM {table} ORDER BY 1")
            if row["value"] and _line(row["value"]) == row["value"]
        }
        for section, (column, table) in columns.items()
    }


def _defaults(catalogue: Catalogue, fields: dict[str, FieldEntry]) -> dict[str, bool | int | float | str | None]:
    """What the workspace requires of each conversation, and no field surely fills: for a person to fill in."""
    filled = {entry.target.casefold() for entry in fields.values() if entry.target and entry.default is not None}
    return {
        one.name: None
        for one in catalogue.conversation_attributes
        if one.required and not one.archived and one.name.casefold() not in filled and _usable(one.name)
    }


def _languages(inputs: Inputs) -> dict[str, str | None]:
    """What each language of the help centre is in Intercom."""
    rows = inputs.rows(
        "SELECT locale FROM record_article_translations UNION SELECT name.locale FROM "
        "(SELECT unnest(names) AS name FROM record_collections) ORDER BY locale"
    )
    return {row["locale"]: nearest(row["locale"]) for row in rows if row["locale"]}


def _own_attributes(inputs: Inputs, catalogue: Catalogue, known: Mapping) -> dict[str, str]:
    """Names for the pipeline's own attributes, apart from those that the workspace or a field uses otherwise."""
    taken = {
        kind: {
            entry.target.casefold()
            for section, model in MODELS.items()
            for entry in getattr(known, section).values()
            if entry.target and (model == "conversation") == (kind == "conversation")
        }
        for kind in ("conversation", "contact")
    }
    conversation = {attribute.name.casefold(): attribute for attribute in catalogue.conversation_attributes}
    data = {attribute.name.casefold(): attribute for attribute in catalogue.data_attributes}
    names = {}
    for own in OWN_ATTRIBUTES:
        for name in _spellings(attribute_name(f"{inputs.source_name} {own.title}")):
            there = conversation.get(name.casefold()) if own.model == "conversation" else data.get(name.casefold())
            fits = there is not None and not there.archived and there.data_type == own.data_type
            if name.casefold() not in taken[own.model] and (
                there is None or (fits and getattr(there, "model", own.model) == own.model)
            ):
                names[own.key] = name
                taken[own.model].add(name.casefold())
                break
    return names


def _fields(
    inputs: Inputs, catalogue: Catalogue, own: dict[str, str | None], known: Mapping
) -> dict[Section, dict[str, FieldEntry]]:
    """Fields by title, key, type and options: an attribute that holds all their values is used again, else a new name.

    Attributes of contacts and companies share one set of names (Intercom OpenAPI 2.16, createDataAttribute).
    """
    proposed: dict[Section, dict[str, FieldEntry]] = {section: {} for section in MODELS}
    own_names = {key: name.casefold() for key, name in own.items() if name}
    taken: dict[bool, set[str]] = {True: {KEY_ATTRIBUTE}, False: set()}
    for key, name in own_names.items():
        taken[key not in PEOPLE_ATTRIBUTES].add(name)
    for section, model in MODELS.items():
        entries: dict[str, FieldEntry] = getattr(known, section)
        taken[model == "conversation"] |= {entry.target.casefold() for entry in entries.values() if entry.target}
    for row in _movable_fields(inputs):
        section = SECTIONS[row["scope"]]
        name = field_name(row)
        if name in getattr(known, section) or name in proposed[section]:
            continue
        model = MODELS[section]
        there: Sequence[Attribute] = (
            catalogue.conversation_attributes if model == "conversation" else catalogue.data_attributes
        )
        used = taken[model == "conversation"]
        mine = [one for one in there if getattr(one, "model", model) == model and getattr(one, "custom", True)]
        entry = _field(row, inputs.source_name, mine, {one.name.casefold() for one in there}, used)
        used.add(str(entry.target).casefold())
        proposed[section][name] = entry
    return proposed


def _field(
    row: dict[str, Any], source_name: str, attributes: Sequence[Attribute], names: set[str], taken: set[str]
) -> FieldEntry:
    """The entry of one field; `names` are those that the workspace uses, `taken` those that mapping.yaml does."""
    labels = option_labels(row["options"])
    wanted = data_type(row["type"], labels)
    title = _line(row["title"])
    alive = Counter(one.name.casefold() for one in attributes if not one.archived)
    usable = {
        one.name: one
        for one in attributes
        # A name that several attributes bear cannot be written to: Intercom does not say which is meant.
        if one.name.casefold() not in taken and alive[one.name.casefold()] < 2 and holds(one, wanted, labels.values())
    }
    candidates = attributes_for(title, row["key"], wanted, labels.values(), attributes)
    spelled = {title.casefold(), attribute_name(title).casefold()}
    same = next((one for one in usable.values() if one.name.casefold() in spelled), None)
    near = usable.get(_near(candidates, usable) or "")
    chosen = same or near
    if chosen is not None:
        why = _why(chosen.name, attributes_for(title, row["key"], wanted, labels.values(), [chosen]))
        kept_type = next(kind for kind in get_args(DataType) if kind == chosen.data_type)
        return FieldEntry(
            title=title or None, target=chosen.name, type=kept_type, matched_by="title" if same else "near", **why
        )
    plain_name = attribute_name(title)
    spellings = (name for name in _spellings(plain_name, f"{source_name} {plain_name}"))
    name = next(name for name in spellings if name.casefold() not in taken and name.casefold() not in names)
    return FieldEntry(title=title or None, target=name, type=wanted, matched_by="new", **_why(None, candidates))


def _movable_fields(inputs: Inputs) -> Iterator[dict[str, Any]]:
    """The fields that may become attributes."""
    rows = inputs.rows("SELECT * FROM record_fields ORDER BY scope DESC, len(source_id), source_id")
    return (row for row in rows if not carried(row))


def _usable(name: str) -> bool:
    return not any(mark in name for mark in ".$")


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
