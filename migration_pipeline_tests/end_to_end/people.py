"""An independent proof for contacts and companies: typed fields, tags and notes, by plain loops over both APIs.

Knows nothing of the pipeline. An attribute is looked for by its field's title, with or without the source's name.
"""

import datetime as dt
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from migration_pipeline_tests.end_to_end.readback import Findings, Intercom, Json, Zendesk, words


def compare_people(folder: Path) -> tuple[Findings, dict[str, int]]:
    """What differs, and how many values of each type, tags and notes were found right."""
    config = YAML(typ="safe").load((folder / "migration.yaml").read_text())
    source, target = Zendesk(config["source"]), Intercom(config["target"])
    findings, right = Findings(), dict.fromkeys(("tags", "notes"), 0)
    users = {f"zendesk:{user['id']}": user for user in source.users().values()}
    fields = source.get("user_fields", **{"page[size]": 100})["user_fields"]
    with ThreadPoolExecutor(8) as pool:
        contacts = [row for row in target.pages("contacts", "data") if row["external_id"] in users]
        read = list(pool.map(lambda row: _described(target, "contacts", row["id"]), contacts))
        for row, (tags, notes) in zip(contacts, read, strict=True):
            user = users[row["external_id"]]
            texts = [user["details"] or "", user["notes"] or ""]
            _one(findings, right, f"user {user['id']}", user, fields, user["user_fields"], texts, row, tags, notes)
        fields = source.get("organization_fields", **{"page[size]": 100})["organization_fields"]
        for organization in source.get("organizations", **{"page[size]": 100})["organizations"]:
            found = target.get("companies", company_id=f"zendesk:{organization['id']}")
            row = found if found.get("type") == "company" else found["data"][0]
            tags, notes = _described(target, "companies", row["id"])
            texts, name = [organization["details"] or "", organization["notes"] or ""], f"company {organization['id']}"
            values = organization["organization_fields"]
            _one(findings, right, name, organization, fields, values, texts, row, tags, notes)
    return findings, right


def _described(target: Intercom, folder: str, object_id: str) -> tuple[set[str], list[str]]:
    notes = [note["body"] for note in target.get(f"{folder}/{object_id}/notes")["data"]]
    if folder == "companies":
        return {tag["name"].lower() for tag in target.get(f"companies/{object_id}")["tags"]["tags"]}, notes
    return {tag["name"].lower() for tag in target.get(f"contacts/{object_id}/tags")["data"]}, notes


def _one(
    findings: Findings, right: dict[str, int], name: str, record: Json, fields: list[Json], values: Json,
    texts: list[str], row: Json, tags: set[str], notes: list[str],
) -> None:  # fmt: skip
    held = {key.lower(): value for key, value in row["custom_attributes"].items()}
    for field in fields:
        raw = values.get(field["key"])
        if raw in (None, "", []) or str(raw).strip() == "":
            continue
        meant = list(_meant(field, raw))
        titles = (f"{before}{field['title']}{after}".lower() for before in ("", "zendesk ") for after in ("", " 2"))
        found = [held[title] for title in titles if title in held]
        if not any(type(one) is type(value) and one == value for one in found for value in meant):
            findings.wrong.append(f"{name}: {field['title']} is {found}, not {meant}")
        right[field["type"]] = right.get(field["type"], 0) + 1
    lacking = {tag.lower() for tag in record["tags"]} - tags
    if lacking:
        findings.wrong.append(f"{name}: lacks the tags {sorted(lacking)}")
    right["tags"] += len(record["tags"])
    if said := words(" ".join(texts)):
        right["notes"] += 1
        if sorted(said) not in [sorted(words(note)) for note in notes]:
            findings.wrong.append(f"{name}: no note says {said}")


def _meant(field: Json, raw: Any) -> Iterator[Any]:
    """The values that may stand for one of the source."""
    labels = {option["value"]: option["name"] for option in field.get("custom_field_options") or []}
    match field["type"]:
        case "dropdown":
            yield labels.get(raw, raw)
        case "date":
            day = dt.date.fromisoformat(str(raw)[:10])
            yield int(dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC).timestamp())
        case "checkbox":
            yield bool(raw)
        case "integer":
            yield int(raw)
        case "decimal":
            yield float(raw)
            yield int(float(raw))
        case _:
            text = str(raw).strip()
            yield text if len(text) <= 255 else f"{text[:254]}…"
