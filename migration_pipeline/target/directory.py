"""What stands before people and threads: agents, teams, fields and tags.

Belongs here: their payload rows, and the look-ups that threads make of them. Does not belong here: people who write to
the help desk (`profiles`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from migration_pipeline.config.mapping import KEY_ATTRIBUTE, MODELS, SECTIONS, AgentEntry, FieldEntry, TeamEntry
from migration_pipeline.target.attributes import (
    OWN_ATTRIBUTES,
    FieldRule,
    OwnAttribute,
    convert,
    is_system,
    option_labels,
)
from migration_pipeline.target.html import plain
from migration_pipeline.target.inputs import OWN, Inputs, Loss, digest, encoded, loss

_SHOWN: Final = 80
"""Characters of a value that a loss shows."""


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent of the source; `admin_id` is None where no admin of the target stands for them."""

    source_id: str
    name: str
    admin_id: str | None


def agents(inputs: Inputs) -> dict[str, Agent]:
    """Every agent by source id, and whoever a person added to mapping.yaml (someone who is an agent no more)."""
    entries = inputs.mapping.agents
    known = {key: Agent(key, entry.name or entry.email or key, entry.target) for key, entry in entries.items()}
    for row in inputs.rows("SELECT source_id, name, email FROM record_agents"):
        key = row["source_id"]
        known[key] = Agent(key, row["name"] or row["email"] or key, entries[key].target if key in entries else None)
    return known


def agent_rows(inputs: Inputs) -> Iterator[dict[str, Any]]:
    """Payload rows of the agents."""
    for row in inputs.rows("SELECT source_id, source_url, name, email FROM record_agents ORDER BY source_id"):
        entry = inputs.mapping.agents.get(row["source_id"]) or AgentEntry(matched_by="nothing")
        detail = f"{row['name'] or row['email'] or row['source_id']}: admin {inputs.mapping.fallback_admin} stands in"
        yield {
            **row,
            **_matched(entry, "no_teammate", detail),
            "digest": digest([row["name"], row["email"], entry.target]),
        }


def team_rows(inputs: Inputs) -> Iterator[dict[str, Any]]:
    """Payload rows of the teams."""
    for row in inputs.rows("SELECT source_id, source_url, name FROM record_teams ORDER BY source_id"):
        entry = inputs.mapping.teams.get(row["source_id"]) or TeamEntry(matched_by="nothing")
        yield {
            **row,
            **_matched(entry, "no_team", row["name"] or row["source_id"]),
            "digest": digest([row["name"], entry.target]),
        }


def _matched(entry: AgentEntry | TeamEntry, reason: str, detail: str) -> dict[str, Any]:
    """What agents and teams have in common: nobody is created, so without a match nothing moves."""
    unmatched = entry.target is None
    return {
        "skip": reason if unmatched else None,
        "skip_detail": detail if unmatched else None,
        "losses": [loss(reason, detail)] if unmatched else [],
        "target_id": entry.target,
        "matched_by": None if unmatched else entry.matched_by,
    }


def field_rules(inputs: Inputs, scope: str) -> dict[str, FieldRule]:
    """How the values of each field of a scope that moves become those of an attribute.

    By the field's name in records: tickets know their fields by id, contacts and companies by key.
    """
    rules: dict[str, FieldRule] = {}
    entries: dict[str, FieldEntry] = getattr(inputs.mapping, SECTIONS[scope])
    for row in inputs.rows(f"SELECT * FROM record_fields WHERE scope = '{scope}' ORDER BY source_id"):
        name = field_name(row)
        entry = entries.get(name)
        if entry is None or entry.target is None or carried(row):
            continue
        rules.setdefault(name, field_rule(row, entry))
    return rules


def field_rule(row: Mapping[str, Any], entry: FieldEntry) -> FieldRule:
    """The rule of one field that moves."""
    labels = option_labels(row["options"]) | {value: label for value, label in entry.options.items() if label}
    left_out = frozenset(value for value, label in entry.options.items() if label is None)
    labels = {value: label for value, label in labels.items() if value not in left_out}
    known = frozenset([*labels.values(), *([entry.default] if isinstance(entry.default, str) else [])])
    # Contacts and companies have no list of one (Intercom OpenAPI 2.16, createDataAttribute).
    listed = entry.type == "list" and (row["scope"] == "ticket" or len(known) > 1)
    return FieldRule(
        title=row["title"] or str(entry.target),
        attribute=str(entry.target),
        data_type=entry.type if listed or entry.type != "list" else "string",
        labels=labels,
        allowed=known if listed else None,
        left_out=left_out,
        default=entry.default,
    )


def field_name(row: Mapping[str, Any]) -> str:
    """What mapping.yaml and the records call a field."""
    return str(row["source_id"] if row["scope"] == "ticket" else row["key"])


def carried(row: Mapping[str, Any]) -> bool:
    """Whether the conversation itself carries what a ticket field says."""
    return row["scope"] == "ticket" and is_system(row["key"], row["type"])


def values_of(
    inputs: Inputs, given: Mapping[str, Any], rules: Mapping[str, FieldRule], losses: list[Loss]
) -> dict[str, Any]:
    """The values of attributes by name, from a record's fields by name; what is lost of them goes to `losses`."""
    values: dict[str, Any] = {}
    for name in sorted(rules):
        rule = rules[name]
        raw = given.get(name)
        if isinstance(raw, str) and len(raw) > _SHOWN and raw not in rule.labels:
            raw = inputs.masked_before_cut(raw, losses)
        fitted = convert(raw, rule)
        if fitted.loss:
            losses.append(loss(fitted.loss, f"{rule.title}: {_shortened(raw)}"))
        if fitted.value is None:
            continue
        if rule.attribute in values:
            if given.get(name) not in (None, "", []):
                losses.append(loss("value_dropped", f"{rule.title}: another field fills {rule.attribute}"))
            continue
        values[rule.attribute] = plain(fitted.value) if isinstance(fitted.value, str) else fitted.value
    return values


def fields_of(attributes: str | None) -> dict[str, Any]:
    """A record's field values by name; none where the text is no JSON object."""
    try:
        given = orjson.loads(attributes or "{}")
    except orjson.JSONDecodeError:
        return {}
    return given if isinstance(given, dict) else {}


def _shortened(raw: object) -> str:
    text = plain(str(raw))
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def own_attributes(inputs: Inputs) -> dict[OwnAttribute, str]:
    """The pipeline's own attributes that mapping.yaml keeps, each with its name."""
    names = {own.key: f"{inputs.source_name} {own.title}" for own in OWN_ATTRIBUTES} | inputs.mapping.attributes
    return {own: name for own in OWN_ATTRIBUTES if (name := names[own.key]) is not None}


def field_rows(inputs: Inputs) -> Iterator[dict[str, Any]]:
    """Payload rows of the source's fields, and of the attributes that the pipeline adds."""
    used = {(row["scope"], row["name"]) for row in inputs.rows(USED_FIELDS)}
    options: dict[tuple[str, str], dict[str, None]] = {}
    rules = {(scope, name): rule for scope in SECTIONS for name, rule in field_rules(inputs, scope).items()}
    for (scope, _), rule in rules.items():
        if rule.data_type == "list":  # several fields may share one attribute, and so its options
            labels = [*rule.labels.values(), *(rule.allowed or ())]
            options.setdefault((scope, rule.attribute), {}).update(dict.fromkeys(labels))
    yield _attribute_row(
        f"{OWN}{KEY_ATTRIBUTE}", "conversation", KEY_ATTRIBUTE, "string", "Where it was migrated from."
    )
    yield from _own_rows(inputs)
    for row in inputs.rows("SELECT * FROM record_fields ORDER BY source_id"):
        scope, name = row["scope"], field_name(row)
        head = {"source_id": row["source_id"], "source_url": row["source_url"]}
        found = rules.get((scope, name))
        skip = _field_skip(row, found, used)
        if skip or found is None:
            yield {**head, "digest": digest(None), "skip": skip, "skip_detail": row["title"], "losses": []}
            continue
        labels = list(options.get((scope, found.attribute), ()))
        description = row["description"] or f"{inputs.source_name}: {row['title'] or row['source_id']}"
        model = MODELS[SECTIONS[scope]]
        yield {
            **_attribute_row(row["source_id"], model, found.attribute, found.data_type, description, labels),
            **head,
        }


USED_FIELDS: Final = """
    SELECT DISTINCT 'ticket' AS scope, unnest(json_keys(attributes)) AS name FROM record_tickets
    WHERE json_valid(attributes) AND state <> 'deleted'
    UNION SELECT 'contact', unnest(json_keys(attributes)) FROM record_contacts WHERE json_valid(attributes)
    UNION SELECT 'company', unnest(json_keys(attributes)) FROM record_companies
    WHERE json_valid(attributes) AND deleted_at IS NULL
"""
"""The fields that any record has a value of, by scope and name."""


def _field_skip(row: Mapping[str, Any], rule: FieldRule | None, used: set[tuple[str, str]]) -> str | None:
    """Why a field does not become an attribute."""
    if carried(row):
        return "system_field"
    if not row["active"] and (row["scope"], field_name(row)) not in used:
        return "inactive_field"
    return "not_mapped" if rule is None else None


def _own_rows(inputs: Inputs) -> Iterator[dict[str, Any]]:
    """The pipeline's own attributes, as far as a record has something to put into them."""
    kept = own_attributes(inputs)
    uses: dict[str, int] = {}
    for model, table in OWN_TABLES.items():
        counted = ", ".join(f"count({own.sql}) AS {own.key}" for own in kept if own.sql and own.model == model)
        uses.update(next(inputs.rows(f"SELECT {counted or '0 AS nothing'} FROM {table}")))
    for own, name in kept.items():
        needed = uses[own.key] if own.sql else inputs.options.invalid_phone == "attribute"
        if needed:
            yield _attribute_row(f"{OWN}{own.key}", own.model, name, own.data_type, own.description)


OWN_TABLES: Final = {
    "conversation": "(FROM record_tickets WHERE state <> 'deleted')",
    "contact": "record_contacts",
}
"""The records that own attributes of a model are read from."""


def _attribute_row(
    source_id: str, model: str, name: str, data_type: str, description: str, options: list[str] | None = None
) -> dict[str, Any]:
    """The row of an attribute with the body of its create call.

    Intercom OpenAPI 2.16: createConversationAttribute takes no `model` and options by label; createDataAttribute names
    the model, has words of its own for the types, and takes options by value.
    """
    body: dict[str, Any] = {"name": name, "data_type": data_type, "description": description[:255]}
    if model != "conversation":
        body |= {"model": model, "data_type": _PEOPLE_TYPES.get(data_type, data_type)}
    if data_type == "list":
        body["options"] = [{"label" if model == "conversation" else "value": label} for label in options or ()]
    return {
        "source_id": source_id,
        "digest": digest(body),
        "losses": [],
        "model": model,
        "name": name,
        "data_type": data_type,
        "options": options or [],
        "body": encoded(body),
    }


_PEOPLE_TYPES: Final = {"list": "options", "decimal": "float", "datetime": "date"}
"""Types of data attributes that have another name there; a time is called a date and holds Unix seconds."""


def tag_names(inputs: Inputs) -> dict[str, str]:
    """The target's name of each source tag that moves; names alike but for case are one tag there."""
    rows = inputs.rows("SELECT name FROM record_tags WHERE name IS NOT NULL")
    return {row["name"]: name for row in rows if (name := _tag_name(inputs, row["name"]))}


def label_names(inputs: Inputs) -> dict[str, str]:
    """The target's tag for each label and content tag of an article that moves."""
    labels = label_sql(inputs)
    rows = inputs.rows(f"SELECT DISTINCT name FROM ({labels}) ORDER BY name") if labels else ()
    return {row["name"]: name for row in rows if (name := _tag_name(inputs, row["name"]))}


def label_sql(inputs: Inputs) -> str:
    """SQL of the labels and content tags that become tags, `name` once for each article that has it; '' for none."""
    settings = inputs.migration.help_center
    kept = [
        column
        for column, becomes in (("tags", settings.labels), ("content_tags", settings.content_tags))
        if becomes == "tags"
    ]
    return " UNION ALL ".join(f"SELECT unnest({column}) AS name FROM record_articles WHERE active" for column in kept)


def _tag_name(inputs: Inputs, name: str) -> str:
    """The tag after renaming; '' where it is left out."""
    return " ".join((inputs.mapping.tags.get(name, name) or "").split())


def tag_rows(inputs: Inputs) -> Iterator[dict[str, Any]]:
    """Payload rows of the tags, and of the tag that marks what was migrated."""
    if name := inputs.options.migrated_tag:
        yield {"source_id": f"{OWN}{name}", "digest": digest(name), "losses": [], "name": name}
    names = tag_names(inputs)
    moved = set()
    for row in inputs.rows(_TAGS):
        becomes = names.get(row["name"]) if row["used"] else None
        if becomes:
            moved.add(row["name"])
        unused = "not_mapped" if row["used"] else "unused_tag"
        yield {
            "source_id": row["source_id"],
            "digest": digest(becomes),
            "skip": None if becomes else unused,
            "skip_detail": None if becomes else row["name"],
            "losses": [],
            "name": becomes,
        }
    for label, name in label_names(inputs).items():
        if label not in moved:
            yield {"source_id": f"label:{label}", "digest": digest(name), "losses": [], "name": name}


_TAGS: Final = """
    WITH used AS (
        SELECT unnest(tags) AS name FROM record_tickets WHERE state <> 'deleted'
        UNION SELECT unnest(tags) FROM record_contacts
        UNION SELECT unnest(tags) FROM record_companies WHERE deleted_at IS NULL
    )
    SELECT tag.source_id, tag.name, used.name IS NOT NULL AS used
    FROM record_tags AS tag LEFT JOIN used ON used.name = tag.name
    ORDER BY tag.source_id
"""
