"""What the values of fields will lose under mapping.yaml, counted before anything is written.

Belongs here: the table `mapping.losses`. Does not belong here: the losses of single records, which their payloads carry
(`attributes.convert`).
"""

from collections.abc import Iterator
from importlib import resources
from typing import Any, Final

import pyarrow as pa

from migration_pipeline.config.mapping import MODELS, SECTIONS, FieldEntry, Mapping
from migration_pipeline.model.mapping import LOSSES
from migration_pipeline.staging import Staging
from migration_pipeline.target.attributes import TEXT_LIMIT, FieldRule, data_type, option_labels
from migration_pipeline.target.catalogue import Catalogue
from migration_pipeline.target.directory import carried, field_name, field_rule
from migration_pipeline.target.inputs import Inputs
from migration_pipeline.target.matching import Attribute, option_names
from migration_pipeline.target.preparation import DATA_ATTRIBUTES

_SQL: Final = resources.files(__package__).joinpath("sql")

_TEXTS: Final = pa.list_(pa.string())
_RULES: Final = pa.schema(
    [
        ("section", pa.string()),
        ("scope", pa.string()),
        ("name", pa.string()),
        ("title", pa.string()),
        ("target", pa.string()),
        ("data_type", pa.string()),  # null where the field stays behind
        ("wanted", pa.string()),  # the type that would keep all; `text` for several options
        ("called", pa.map_(pa.string(), pa.string())),
        ("left_out", _TEXTS),
        ("merged", _TEXTS),
        ("known", _TEXTS),
    ]
)


def sql(name: str) -> str:
    """One of the scripts beside this module."""
    return _SQL.joinpath(f"{name}.sql").read_text(encoding="utf-8")


def write_losses(inputs: Inputs, catalogue: Catalogue) -> int:
    """Write the table `mapping.losses`; the number of rows."""
    inputs.execute(sql("field_values"))
    given = pa.Table.from_pylist(list(_rules(inputs, catalogue)), _RULES)
    with inputs.cursor() as connection:
        connection.register("rules", given)
        found = connection.sql(sql("losses")).to_arrow_table().to_pylist()
    labels = inputs.masked_beginnings([row["label"] or "" for row in found])
    told: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row, label in zip(found, labels, strict=True):
        row["detail"] = row["detail"] and row["detail"].replace("{label}", label)
        # Labels that differ in what is masked or cut look the same.
        alike = told.setdefault((row["section"], row["key"], row["reason"], row["detail"]), row | {"records": 0})
        alike["records"] += row["records"]
    return inputs.staging.tables.write(
        "mapping",
        "losses",
        LOSSES,
        [pa.RecordBatch.from_pylist([*told.values(), *_over_the_limit(catalogue, inputs.mapping)], LOSSES)],
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


def _rules(inputs: Inputs, catalogue: Catalogue) -> Iterator[dict[str, Any]]:
    """What the script has to know of each field."""
    there: dict[tuple[str, str], Attribute] = {
        ("conversation", one.name.casefold()): one for one in catalogue.conversation_attributes if not one.archived
    }
    there |= {(one.model, one.name.casefold()): one for one in catalogue.data_attributes if not one.archived}
    for row, entry in _fields(inputs):
        section, labels = SECTIONS[row["scope"]], option_labels(row["options"])
        told: dict[str, Any] = {
            "section": section,
            "scope": row["scope"],
            "name": field_name(row),
            "title": row["title"],
            "wanted": "text" if row["type"] == "options" else data_type(row["type"], labels),
            "called": [],
            "left_out": [],
            "merged": [],
            "known": [],
        }
        if entry is not None and entry.target is not None:
            rule = field_rule(row, entry)
            attribute = there.get((MODELS[section], rule.attribute.casefold()))
            told |= {
                "target": entry.target,
                "data_type": rule.data_type,
                "called": list(rule.labels.items()),
                "left_out": list(rule.left_out),
                "merged": _merged(row, rule, entry),
                "known": _known(rule, MODELS[section], attribute),
            }
        yield told


def _merged(row: dict[str, Any], rule: FieldRule, entry: FieldEntry) -> list[str]:
    """Option values whose label became that of another one, though nobody said so."""
    spelled = {
        option["value"]: " ".join(str(option["label"] or option["value"]).split()) for option in row["options"] or ()
    }
    return [
        value
        for value, label in rule.labels.items()
        if value not in entry.options and label != spelled.get(value, label)[:TEXT_LIMIT].strip()
    ]


def _known(rule: FieldRule, model: str, attribute: Attribute | None) -> list[str]:
    """Labels that a list attribute has, or will have: missing ones are made in conversations alone."""
    labels = rule.allowed or frozenset()
    if attribute is not None and attribute.data_type == "list" and model != "conversation":
        return sorted(labels & set(option_names(attribute)))
    return sorted(labels)


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
