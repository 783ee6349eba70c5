"""`proposals.json`: for each entry of mapping.yaml what a person needs to decide it, in one file for tools and pages.

Belongs here: collecting samples, candidates and losses by entry. Does not belong here: which match is taken
(`proposals`), or how well two things fit (`matching`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, Final

from migration_pipeline.config.mapping import MODELS, SECTIONS
from migration_pipeline.staging.atomic import write_json
from migration_pipeline.target.attributes import data_type, option_labels
from migration_pipeline.target.catalogue import Catalogue
from migration_pipeline.target.directory import carried, field_name
from migration_pipeline.target.inputs import Inputs
from migration_pipeline.target.losses import read_losses, sql
from migration_pipeline.target.matching import Attribute, Candidate, admins_for, attributes_for, teams_for
from migration_pipeline.target.plain_entries import as_rows, plain_entries

FILE: Final = "proposals.json"

Entry = dict[str, Any]
"""section, key, title, type, options, samples, candidates, losses, and the entry of mapping.yaml under `entry`.

Entries of one word have `records`, too: how many they concern, null where nobody knows.
"""


def write_candidates(inputs: Inputs, catalogue: Catalogue) -> int:
    """Write `proposals.json` into the migration's folder, with the losses that `mapping.losses` holds; its entries."""
    entries = [*_people(inputs, catalogue), *_fields(inputs, catalogue), *_plain(inputs, catalogue)]
    losses: dict[tuple[str, str], list[Entry]] = {}
    for row in read_losses(inputs.staging):
        told = {name: row[name] for name in ("reason", "detail", "records")}
        losses.setdefault((row["section"], row["key"]), []).append(told)
    for entry in entries:
        entry.setdefault("losses", losses.get((entry["section"], entry["key"]), []))
    write_json(inputs.migration.root / FILE, {"workspace": catalogue.workspace, "entries": entries})
    return len(entries)


def _people(inputs: Inputs, catalogue: Catalogue) -> Iterable[Entry]:
    for row in inputs.rows("SELECT source_id, name, email FROM record_agents ORDER BY len(source_id), source_id"):
        samples = [row["email"]] if row["email"] else []
        found = admins_for(row["name"], row["email"], catalogue.admins)
        yield _entry(inputs, "agents", row["source_id"], row["name"], "agent", samples, found)
    for row in inputs.rows("SELECT source_id, name FROM record_teams ORDER BY len(source_id), source_id"):
        yield _entry(
            inputs, "teams", row["source_id"], row["name"], "team", [], teams_for(row["name"], catalogue.teams)
        )


def _fields(inputs: Inputs, catalogue: Catalogue) -> Iterable[Entry]:
    inputs.execute(sql("field_values"))
    samples = {(row["scope"], row["name"]): row["samples"] for row in inputs.rows(sql("field_samples"))}
    for row in inputs.rows("SELECT * FROM record_fields ORDER BY scope DESC, len(source_id), source_id"):
        if carried(row):
            continue
        section, name = SECTIONS[row["scope"]], field_name(row)
        labels = option_labels(row["options"])
        there: Sequence[Attribute] = (
            catalogue.conversation_attributes
            if section == "fields"
            else [one for one in catalogue.data_attributes if one.model == MODELS[section] and one.custom]
        )
        alive = [one for one in there if not one.archived]
        found = attributes_for(row["title"] or "", row["key"], data_type(row["type"], labels), labels.values(), alive)
        entry = _entry(inputs, section, name, row["title"], row["type"], samples.get((row["scope"], name), []), found)
        yield entry | {"options": labels}


def _plain(inputs: Inputs, catalogue: Catalogue) -> Iterable[Entry]:
    for one in plain_entries(inputs, catalogue):
        entry = _entry(inputs, one.section, one.key, one.title, one.kind, one.samples, one.candidates)
        yield entry | {"records": one.records, "losses": as_rows(one.losses)}


def _entry(
    inputs: Inputs,
    section: str,
    key: str,
    title: str | None,
    kind: str | None,
    samples: Sequence[str],
    candidates: Sequence[Candidate],
) -> Entry:
    decided = getattr(inputs.mapping, section).get(key)
    return {
        "section": section,
        "key": key,
        "title": title,
        "type": kind,
        "options": {},
        "samples": inputs.masked_beginnings(samples),
        "candidates": [
            {name: value for name, value in asdict(one).items() if name != "likeness"} for one in candidates
        ],
        "entry": decided.model_dump(mode="json") if hasattr(decided, "model_dump") else decided,
    }
