"""Attributes, tags and notes of contacts and companies: made typed, not twice, carried by a delta, spared by people."""

import json
from typing import Any

import pytest

from migration_pipeline.model.run import Run
from migration_pipeline.target.catalogue import read_data_attributes
from migration_pipeline.target.verify import summary, verify
from migration_pipeline_tests.target.bench import Bench, Row

NOTE = "<p>likes tea &amp; cake</p>"
KINDS = {
    "tier": "list",
    "seats": "integer",
    "spent": "decimal",
    "since": "datetime",
    "vip": "boolean",
    "memo": "string",
}
SPELLED = {"list": "options", "decimal": "float", "datetime": "date"}


def prepared(bench: Bench) -> dict[str, str]:
    """Attributes of every type and two tags in the workspace; the attributes' names."""
    names = {}
    for name, kind in KINDS.items():
        title = bench.id(name)
        body: dict[str, Any] = {"name": title, "model": "contact", "data_type": SPELLED.get(kind, kind)}
        options = ["Gold", "Silver"] if kind == "list" else []
        if options:
            body["options"] = [{"value": option} for option in options]
        bench.field(name, kind, options, model="contact", name=title, body=json.dumps(body))
        names[name] = title
    bench.field("sector", model="company", name=bench.id("sector"))
    bench.rows["fields"][-1]["body"] = json.dumps(
        {"name": bench.id("sector"), "model": "company", "data_type": "string"}
    )
    bench.tag("red")
    bench.tag("blue")
    return names


def moved(bench: Bench) -> tuple[Row, Row, dict[str, str]]:
    """A company and a contact with everything; their payload rows, and the attributes' names."""
    names = prepared(bench)
    red = bench.rows["tags"][0]["name"]
    values = {"tier": "Gold", "seats": 3, "spent": 1.5, "since": 1700000000, "vip": False, "memo": "m"}
    given = {names[name]: value for name, value in values.items()}
    company = bench.company("acme", tags=[red], note=NOTE)
    body = json.loads(company["body"]) | {"custom_attributes": {bench.id("sector"): "tea"}}
    company["body"] = json.dumps(body)
    contact = bench.contact("ann", ["acme"], body={"custom_attributes": given}, tags=[red], note=NOTE)
    loaded = bench.load_all()
    assert (loaded["companies"].failed, loaded["contacts"].failed) == (0, 0)
    return company, contact, names


def seen(bench: Bench, kind: str = "contacts", name: str = "ann") -> dict[str, Any]:
    """What the target holds of a contact or company."""
    target_id = str(bench.outcome(kind, name)["target_id"])
    one = {"contacts": "contact", "companies": "company"}[kind]
    found = bench.client.contact(target_id) if kind == "contacts" else bench.client.company(target_id)
    assert found is not None
    tags = (
        bench.client.tags_of(target_id) if kind == "contacts" else {t["id"]: t["name"] for t in found["tags"]["tags"]}
    )
    return {
        "attributes": {key: value for key, value in found["custom_attributes"].items() if value is not None},
        "tags": sorted(tags.values()),
        "notes": sorted(note["body"] for note in bench.client.notes_of(one, target_id)),
    }


def change(bench: Bench, kind: str, row: Row, **changes: Any) -> int:
    """Change a record in the source and carry it; the writing calls."""
    body = json.loads(row["body"])
    for key, value in changes.pop("values", {}).items():
        body["custom_attributes"].pop(key, None)
        body["custom_attributes"] |= {key: value} if value is not None else {}
    row.update(changes, body=json.dumps(body), digest=f"{row['digest']}+")
    done = bench.load(kind, "run-2", **{"acme" if kind == "companies" else "ann": "update"})
    assert done.failed == 0
    return done.writes


@pytest.mark.behaviour("S14", "S42", "S43", "B02")
def test_details_arrive_typed_and_once_and_a_delta_carries_their_changes(bench: Bench) -> None:
    company, contact, names = moved(bench)
    red, blue = (tag["name"] for tag in bench.rows["tags"])
    assert seen(bench) == {
        "attributes": {
            names["tier"]: "Gold",
            names["seats"]: 3,
            names["spent"]: 1.5,
            names["since"]: 1700000000,
            names["vip"]: False,
            names["memo"]: "m",
        },
        "tags": [red],
        "notes": [NOTE],
    }
    assert seen(bench, "companies", "acme") == {
        "attributes": {bench.id("sector"): "tea"},
        "tags": [red],
        "notes": [NOTE],
    }
    there = {one.name: one.data_type for one in read_data_attributes(bench.client, "contact")}
    there = {name: kind for name, kind in there.items() if name in names.values()}
    assert there == {names[name]: kind for name, kind in KINDS.items()}
    for kind in ("companies", "contacts"):
        verify(kind, bench.staging, bench.journal, bench.client, Run("run-1", "full", bench.stop))
    fields = {(row["entity_type"], row["field"]) for row in summary(bench.staging)["fields"]}
    assert {(kind, name) for kind in ("contacts", "companies") for name in ("attributes", "tags", "note")} <= fields
    assert summary(bench.staging)["mismatches"] == []
    assert sum(done.writes for done in bench.load_all().values()) == 0

    assert change(bench, "contacts", contact) == 0  # nothing that Intercom holds
    new = {names["tier"]: "Silver", names["memo"]: None, names["seats"]: 4}
    assert change(bench, "contacts", contact, values=new, tags=[blue], note="<p>tea no more</p>") == 4
    assert seen(bench) == {
        "attributes": {
            names["tier"]: "Silver",
            names["seats"]: 4,
            names["spent"]: 1.5,
            names["since"]: 1700000000,
            names["vip"]: False,
        },
        "tags": [blue],
        "notes": [NOTE, "<p>tea no more</p>"],
    }
    sector = {bench.id("sector"): "cake"}
    assert change(bench, "companies", company, values=sector, tags=[blue], note=None) == 3
    assert seen(bench, "companies", "acme") == {"attributes": sector, "tags": [blue], "notes": [NOTE]}
    assert change(bench, "contacts", contact, tags=[red]) == 2  # going back is a change of its own
    assert seen(bench)["tags"] == [red]


def test_what_people_set_meanwhile_stays(bench: Bench) -> None:
    _, contact, names = moved(bench)
    target_id = str(bench.outcome("contacts", "ann")["target_id"])
    bench.client.write("PUT", f"/contacts/{target_id}", {"custom_attributes": {names["memo"]: "by hand"}})
    change(bench, "contacts", contact, values={names["memo"]: "n", names["seats"]: 5})
    assert seen(bench)["attributes"][names["memo"]] == "by hand"
    assert seen(bench)["attributes"][names["seats"]] == 5
    assert bench.outcome("contacts", "ann")["losses"]["conflict_kept"] == names["memo"]


def test_a_value_that_the_workspace_does_not_take_is_told_and_the_record_moves(bench: Bench) -> None:
    names = prepared(bench)
    given = {names["tier"]: "Bronze", names["seats"]: 3, "Nowhere": 1}
    bench.contact("ann", body={"custom_attributes": given})
    assert bench.load_all()["contacts"].failed == 0
    assert seen(bench)["attributes"] == {names["seats"]: 3}
    assert set(bench.outcome("contacts", "ann")["losses"]) == {"value_dropped"}


@pytest.mark.behaviour("B01")
def test_an_answer_that_is_lost_leaves_one_note_and_one_tag(bench: Bench) -> None:
    prepared(bench)
    red = bench.rows["tags"][0]["name"]
    bench.load("fields")
    bench.load("tags")
    rows = {
        "companies": bench.company("acme", tags=[red], note=NOTE),
        "contacts": bench.contact("ann", ["acme"], tags=[red], note=NOTE),
    }
    routes = {
        "companies": ("POST /tags", "POST /companies/{id}/notes"),
        "contacts": ("POST /contacts/{id}/tags", "POST /contacts/{id}/notes"),
    }
    blue = bench.rows["tags"][1]["name"]
    for entity_type, name in (("companies", "acme"), ("contacts", "ann")):
        tag, note = routes[entity_type]
        bench.control.fault("drop_after_commit", note)
        assert bench.load(entity_type).failed == 0
        bench.control.fault("error_after_commit", tag)
        change(bench, entity_type, rows[entity_type], tags=[red, blue])
        found = seen(bench, entity_type, name)
        assert (found["notes"], found["tags"]) == ([NOTE], sorted([red, blue]))
        bench.control.fault("drop_after_commit", note)
        change(bench, entity_type, rows[entity_type], note="<p>more</p>")
        assert seen(bench, entity_type, name)["notes"] == [NOTE, "<p>more</p>"]
    assert bench.journal.in_doubt() == []
