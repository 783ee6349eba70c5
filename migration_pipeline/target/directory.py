"""What stands before people and threads: agents, teams, fields and tags.

Belongs here: their payload rows, and the look-ups that threads make of them. Does not belong here: people who write to
the help desk (`profiles`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from migration_pipeline.config.mapping import KEY_ATTRIBUTE, AgentEntry, FieldEntry, TeamEntry
from migration_pipeline.target.attributes import OWN_ATTRIBUTES, FieldRule, OwnAttribute, is_system, option_labels
from migration_pipeline.target.inputs import OWN, Inputs, digest, encoded, loss


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


def field_rules(inputs: Inputs) -> dict[str, FieldRule]:
    """How the values of each ticket field that moves become those of an attribute, by the field's source id."""
    rules = {}
    for row in inputs.rows("SELECT * FROM record_fields WHERE scope = 'ticket' ORDER BY source_id"):
        entry = inputs.mapping.fields.get(row["source_id"])
        if entry is None or entry.target is None or is_system(row["key"], row["type"]):
            continue
        labels = option_labels(row["options"])
        rules[row["source_id"]] = FieldRule(
            title=row["title"] or entry.target,
            attribute=entry.target,
            data_type=entry.type,
            labels=labels,
            allowed=frozenset(labels.values()) if entry.type == "list" else None,
        )
    return rules


def own_attributes(inputs: Inputs) -> dict[OwnAttribute, str]:
    """The pipeline's own attributes that mapping.yaml keeps, each with its name."""
    names = {own.key: f"{inputs.source_name} {own.title}" for own in OWN_ATTRIBUTES} | inputs.mapping.attributes
    return {own: name for own in OWN_ATTRIBUTES if (name := names[own.key]) is not None}


def field_rows(inputs: Inputs) -> Iterator[dict[str, Any]]:
    """Payload rows of the source's fields, and of the attributes that the pipeline adds."""
    used = {
        row["id"]
        for row in inputs.rows(
            "SELECT DISTINCT unnest(json_keys(attributes)) AS id FROM record_tickets "
            "WHERE json_valid(attributes) AND state <> 'deleted'"
        )
    }
    rules = field_rules(inputs)
    options: dict[str, dict[str, None]] = {}
    for rule in rules.values():
        if rule.data_type == "list":  # several fields may share one attribute, and so its options
            options.setdefault(rule.attribute, {}).update(dict.fromkeys(rule.labels.values()))
    yield _attribute_row(
        f"{OWN}{KEY_ATTRIBUTE}", "conversation", KEY_ATTRIBUTE, "string", "Where it was migrated from."
    )
    yield from _own_rows(inputs)
    for row in inputs.rows("SELECT * FROM record_fields ORDER BY source_id"):
        entry = inputs.mapping.fields.get(row["source_id"]) or FieldEntry(matched_by="nothing")
        skip = _field_skip(row, entry, used)
        head = {"source_id": row["source_id"], "source_url": row["source_url"]}
        if skip or entry.target is None:
            yield {**head, "digest": digest(None), "skip": skip, "skip_detail": row["title"], "losses": []}
            continue
        labels = list(options.get(entry.target, ()))
        description = row["description"] or f"{inputs.source_name}: {row['title'] or row['source_id']}"
        yield {
            **_attribute_row(row["source_id"], "conversation", entry.target, entry.type, description, labels),
            **head,
        }


def _field_skip(row: Mapping[str, Any], entry: FieldEntry, used: set[str]) -> str | None:
    """Why a field does not become an attribute."""
    if row["scope"] != "ticket":
        return "field_scope"
    if is_system(row["key"], row["type"]):
        return "system_field"
    if not row["active"] and row["source_id"] not in used:
        return "inactive_field"
    return "not_mapped" if entry.target is None else None


def _own_rows(inputs: Inputs) -> Iterator[dict[str, Any]]:
    """The pipeline's own attributes, as far as a ticket has something to put into them."""
    kept = own_attributes(inputs)
    counted = ", ".join(f"count({own.sql}) AS {own.key}" for own in kept if own.sql) or "0 AS nothing"
    uses = next(inputs.rows(f"SELECT {counted} FROM record_tickets WHERE state <> 'deleted'"))
    for own, name in kept.items():
        needed = uses[own.key] if own.sql else inputs.options.invalid_phone == "attribute"
        if needed:
            yield _attribute_row(f"{OWN}{own.key}", own.model, name, own.data_type, own.description)


def _attribute_row(
    source_id: str, model: str, name: str, data_type: str, description: str, options: list[str] | None = None
) -> dict[str, Any]:
    """The row of an attribute with the body of its create call.

    Intercom OpenAPI 2.16: createConversationAttribute takes no `model` and options by label; createDataAttribute names
    the model.
    """
    body: dict[str, Any] = {"name": name, "data_type": data_type, "description": description[:255]}
    if model != "conversation":
        body["model"] = model
    elif data_type == "list":
        body["options"] = [{"label": label} for label in options or ()]
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


def tag_names(inputs: Inputs) -> dict[str, str]:
    """The target's name of each source tag that moves; names alike but for case are one tag there."""
    rows = inputs.rows("SELECT name FROM record_tags WHERE name IS NOT NULL")
    return {row["name"]: name for row in rows if (name := _tag_name(inputs, row["name"]))}


def _tag_name(inputs: Inputs, name: str) -> str:
    """The tag after renaming; '' where it is left out."""
    return " ".join((inputs.mapping.tags.get(name, name) or "").split())


def tag_rows(inputs: Inputs) -> Iterator[dict[str, Any]]:
    """Payload rows of the tags, and of the tag that marks what was migrated."""
    if name := inputs.options.migrated_tag:
        yield {"source_id": f"{OWN}{name}", "digest": digest(name), "losses": [], "name": name}
    names = tag_names(inputs)
    for row in inputs.rows("SELECT source_id, name FROM record_tags ORDER BY source_id"):
        becomes = names.get(row["name"])
        yield {
            "source_id": row["source_id"],
            "digest": digest(becomes),
            "skip": None if becomes else "not_mapped",
            "skip_detail": None if becomes else row["name"],
            "losses": [],
            "name": becomes,
        }
