"""What the values of fields will lose under mapping.yaml, counted before anything is written.

Belongs here: the table `mapping.losses`. Does not belong here: the losses of single records, which their payloads carry
(`attributes.convert`).
"""

from collections.abc import Iterable, Iterator
from importlib import resources
from typing import Any, Final

import pyarrow as pa

from migration_pipeline.config import Migration
from migration_pipeline.config.mapping import MODELS, SECTIONS, FieldEntry, Mapping
from migration_pipeline.model.mapping import LOSSES
from migration_pipeline.staging import Staging
from migration_pipeline.target.attributes import TEXT_LIMIT, data_type, option_labels
from migration_pipeline.target.catalogue import Catalogue
from migration_pipeline.target.directory import carried, field_name, field_rule
from migration_pipeline.target.inputs import Inputs
from migration_pipeline.target.matching import Attribute, option_names
from migration_pipeline.target.preparation import DATA_ATTRIBUTES

_SQL: Final = resources.files(__package__).joinpath("sql")

_RULES: Final = pa.schema(
    [(name, pa.string()) for name in ("section", "scope", "name", "title", "target", "data_type", "wanted")]
)
_LABELS: Final = pa.schema(
    [
        ("scope", pa.string()),
        ("name", pa.string()),
        ("value", pa.string()),
        ("label", pa.string()),
        ("left_out", pa.bool_()),
        ("merged", pa.bool_()),
    ]
)
_KNOWN: Final = pa.schema([(name, pa.string()) for name in ("scope", "name", "label")])


def sql(name: str) -> str:
    """One of the scripts beside this module."""
    return _SQL.joinpath(f"{name}.sql").read_text(encoding="utf-8")


def write_losses(staging: Staging, catalogue: Catalogue, mapping: Mapping, migration: Migration) -> int:
    """Write the table `mapping.losses`; the number of rows."""
    inputs = Inputs(staging, mapping, migration)
    inputs.execute(sql("field_values"))
    with inputs.cursor() as connection:
        for name, schema, rows in (
            ("rules", _RULES, _rules(inputs)),
            ("labels", _LABELS, _labels(inputs)),
            ("known", _KNOWN, _known(inputs, catalogue)),
        ):
            table = pa.Table.from_pylist(list(rows), schema)
            connection.register(f"{name}_given", table)
            connection.execute(f"CREATE TEMP TABLE {name} AS FROM {name}_given")
        found = connection.sql(sql("losses")).to_arrow_table().to_pylist()
    return staging.tables.write(
        "mapping",
        "losses",
        LOSSES,
        [pa.RecordBatch.from_pylist([*found, *_over_the_limit(catalogue, mapping)], LOSSES)],
        inputs.built_from(),
    )


def read_losses(staging: Staging) -> list[dict[str, Any]]:
    """The rows of `mapping.losses`, most records first; none where it was never written."""
    with staging.connect() as connection:
        losses = staging.tables.scan("mapping", "losses", LOSSES)
        table = connection.sql(f"FROM {losses} ORDER BY records DESC, section, key, reason, detail")
        return list(table.to_arrow_table().to_pylist())


def _fields(inputs: Inputs) -> Iterator[tuple[dict[str, Any], FieldEntry | None]]:
    """Each field of the source that may move, once, with its entry."""
    seen: set[tuple[str, str]] = set()
    for row in inputs.rows("SELECT * FROM record_fields ORDER BY source_id"):
        name = (row["scope"], field_name(row))
        if carried(row) or name in seen:
            continue
        seen.add(name)
        entries: dict[str, FieldEntry] = getattr(inputs.mapping, SECTIONS[row["scope"]])
        yield row, entries.get(name[1])


def _rules(inputs: Inputs) -> Iterator[dict[str, Any]]:
    for row, entry in _fields(inputs):
        labels = option_labels(row["options"])
        wanted = "text" if row["type"] == "options" else data_type(row["type"], labels)
        moves = entry is not None and entry.target is not None
        yield {
            "section": SECTIONS[row["scope"]],
            "scope": row["scope"],
            "name": field_name(row),
            "title": row["title"],
            "target": entry.target if entry else None,
            "data_type": field_rule(row, entry).data_type if entry and moves else None,
            "wanted": wanted,
        }


def _labels(inputs: Inputs) -> Iterator[dict[str, Any]]:
    """Option values with their labels; `merged` where another option of the field has the same label by now."""
    for row, entry in _fields(inputs):
        if entry is None or entry.target is None:
            continue
        rule = field_rule(row, entry)
        chosen = {value: label for value, label in entry.options.items() if label}
        spelled = {option["value"]: option["label"] or option["value"] for option in row["options"] or ()}
        for value in dict.fromkeys([*rule.labels, *rule.left_out]):
            label = rule.labels.get(value, value)
            given = " ".join(str(spelled.get(value, label)).split())
            merged = value not in chosen and given != label and len(given) <= TEXT_LIMIT
            out = value in rule.left_out
            yield {
                "scope": row["scope"], "name": field_name(row), "value": value, "label": label, "left_out": out,
                "merged": merged,
            }  # fmt: skip


def _known(inputs: Inputs, catalogue: Catalogue) -> Iterator[dict[str, Any]]:
    """Labels that list attributes have, or will have: missing ones are made in conversations alone."""
    there: dict[tuple[str, str], Attribute] = {
        ("conversation", one.name.casefold()): one for one in catalogue.conversation_attributes if not one.archived
    }
    there |= {(one.model, one.name.casefold()): one for one in catalogue.data_attributes if not one.archived}
    for row, entry in _fields(inputs):
        if entry is None or entry.target is None:
            continue
        rule = field_rule(row, entry)
        model = MODELS[SECTIONS[row["scope"]]]
        attribute = there.get((model, rule.attribute.casefold()))
        labels: Iterable[str] = rule.allowed or ()
        if attribute is not None and attribute.data_type == "list" and model != "conversation":
            labels = set(labels) & set(option_names(attribute))
        for label in labels:
            yield {"scope": row["scope"], "name": field_name(row), "label": label}


def _over_the_limit(catalogue: Catalogue, mapping: Mapping) -> Iterator[dict[str, Any]]:
    """Attributes of contacts and companies that a workspace has no room for."""
    there = {one.name.casefold() for one in catalogue.data_attributes if one.custom and not one.archived}
    entries = [
        (section, key, entry)
        for section in ("contact_fields", "company_fields")
        for key, entry in getattr(mapping, section).items()
        if entry.target is not None and entry.target.casefold() not in there
    ]
    for section, key, entry in entries[max(DATA_ATTRIBUTES - len(there), 0) :]:
        yield {
            "section": section, "key": key, "title": entry.title, "target": entry.target, "reason": "attribute_limit",
            "detail": f"a workspace has {DATA_ATTRIBUTES} attributes of contacts and companies", "records": 0,
        }  # fmt: skip
