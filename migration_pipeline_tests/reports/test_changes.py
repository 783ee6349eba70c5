"""What a report says of settings: steps, masked data, and what a demo changes against the one before."""

import csv
import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from migration_pipeline.config import Masking
from migration_pipeline.model.payloads import PAYLOADS
from migration_pipeline.model.selection import SELECTION
from migration_pipeline.reports import Report, build, differences, read_report
from migration_pipeline.reports.changes import HIDDEN
from migration_pipeline.target.verify import summary
from migration_pipeline_tests.reports.tables import Tables, moved


def demo(tables: Tables, run_id: str, tickets: dict[str, dict[str, Any]], parts: list[dict[str, Any]]) -> Report:
    """The report of a demo with these tickets."""
    tables.plan("tickets", [{"source_id": ticket} for ticket in tickets])
    tables.outcomes([moved("tickets", ticket) for ticket in tickets])
    rows = [{"source_id": ticket, "digest": f"{run_id}{ticket}", **row} for ticket, row in tickets.items()]
    tables.write("payloads", "tickets", PAYLOADS["tickets"], rows)
    tables.write("payloads", "parts", PAYLOADS["parts"], parts)
    return build(tables.staging, run_id, "demo", tables.migration)


def changes(report: Report) -> list[tuple[str, ...]]:
    with (report.folder / "changes.csv").open(encoding="utf-8-sig", newline="") as file:
        return [tuple(row) for row in csv.reader(file)][1:]


def attributes(**values: object) -> str:
    return orjson.dumps(values).decode()


@pytest.mark.behaviour("S49")
def test_a_second_demo_tells_what_changed_field_by_field(tmp_path: Path) -> None:
    tables = Tables(tmp_path)
    part = {"ticket_ref": "1", "position": 0, "comment_ref": "c7", "body": "<p>Hi</p>", "author_kind": "admin"}
    first = demo(
        tables,
        "r1",
        {
            "1": {"title": "Chair", "attributes": attributes(colour="red", size=3), "tags": ["a"]},
            "2": {"title": "Left out later"},
        },
        [part],
    )
    assert first.summary.changes is None
    assert not (first.folder / "changes.csv").exists()
    note = {"ticket_ref": "1", "position": 0, "comment_ref": "pipeline:fields", "body": "<p>Fields</p>"}
    second: dict[str, dict[str, Any]] = {
        "1": {"title": "Chair [#1]", "attributes": attributes(colour="blue", size=3), "tags": ["a"]},
        "3": {"title": "New"},
    }
    report = demo(tables, "r2", second, [note, {**part, "position": 1}])
    expected = [
        ("tickets", "1", "colour", "red", "blue"),
        ("tickets", "1", "message pipeline:fields: body", "", "<p>Fields</p>"),
        ("tickets", "1", "title", "Chair", "Chair [#1]"),
        ("tickets", "2", "in the demo", "yes", ""),
        ("tickets", "3", "in the demo", "", "yes"),
    ]
    assert changes(report) == expected
    assert report.summary.changes == len(expected)
    page = report.page.read_text(encoding="utf-8")
    assert "What is different from the demo before" in page
    assert "Chair [#1]" in page
    # The same run told once more says the same; a third demo without changes says that there are none.
    assert changes(build(tables.staging, "r2", "demo", tables.migration)) == expected
    third = demo(tables, "r3", second, [note, {**part, "position": 1}])
    assert third.summary.changes == 0
    assert read_report(third.folder).summary == third.summary


@pytest.mark.behaviour("B16", "S49")
def test_what_is_masked_by_now_is_not_shown_as_it_was(tmp_path: Path) -> None:
    tables = Tables(tmp_path)
    demo(tables, "r1", {"1": {"title": "4111 1111 1111 1111"}}, [])
    rules = Masking(patterns=("card_number",), fields={"contact.email": "drop"})
    tables.migration = tables.migration.model_copy(update={"masking": rules})
    report = demo(tables, "r2", {"1": {"title": "[card number masked]"}}, [])
    assert changes(report) == [("tickets", "1", "title", HIDDEN, "[card number masked]")]


def test_steps_and_masked_data_are_counted_on_the_page(tmp_path: Path) -> None:
    tables = Tables(tmp_path)
    steps = [
        {"position": 0, "entity_type": "tickets", "step": "filters.created", "reason": "filtered_created",
         "removed": 7, "remaining": 5},
        {"position": 1, "entity_type": "tickets", "step": "filters.tags", "reason": "filtered_tags",
         "removed": 2, "remaining": 3, "note": "line 9: filters.tags.any.0: no record has 'rde'"},
    ]  # fmt: skip
    tables.write("selection", "steps", SELECTION["steps"], steps)
    tables.plan("tickets", [{"source_id": "1"}])
    losses = [{"reason": "masked", "detail": "iban: 3"}, {"reason": "masked", "detail": "ticket.a: b: 1"}]
    tables.outcomes([moved("tickets", "1", losses=losses)])
    tables.staging.snapshots.begin("tickets", 1_700_000_000)
    report = build(tables.staging, "r1", "full", tables.migration)
    assert [(one.step, one.removed, one.remaining) for one in report.summary.filters] == [
        ("filters.created", 7, 5),
        ("filters.tags", 2, 3),
    ]
    assert [(one.rule, one.strikes) for one in report.summary.masked] == [("iban", 3), ("ticket.a: b", 1)]
    page = report.page.read_text(encoding="utf-8")
    assert "last changed before 2023-11-14 22:13 UTC were not read" in page
    assert "no record has &#39;rde&#39;" in page


@pytest.mark.behaviour("B16", "S52")
def test_details_of_earlier_runs_are_masked_too(tmp_path: Path) -> None:
    tables = Tables(tmp_path)
    tables.plan("tickets", [{"source_id": "1", "action": "keep"}])
    losses = [{"reason": "value_dropped", "detail": "Account: 4111 1111 1111 1111"}]
    tables.outcomes([moved("tickets", "1", losses=losses, reason="changed_since", detail="card 4111111111111111")])
    differing = [
        {"source_id": "1", "field": "title", "matched": False, "expected": "a", "actual": "Evelyn Q", "reason": "x"},
        {"source_id": "1", "field": "opener", "matched": False, "expected": "b", "actual": "4111-1111-1111-1111"},
        {"source_id": "1", "field": "attributes", "matched": False, "expected": "{}", "actual": "Nickname: Evelyn"},
    ]
    tables.verification("tickets", [{"target_id": "t1", "digest": "d", **row} for row in differing])
    rules = Masking(
        patterns=("card_number",), fields={"ticket.subject": "drop", "ticket.Nickname": "mask", "ticket.9": "drop"}
    )
    tables.migration = tables.migration.model_copy(update={"masking": rules})
    report = build(tables.staging, "r1", "full", tables.migration)
    told = "".join(path.read_text(encoding="utf-8") for path in report.folder.glob("*.csv"))
    told += report.page.read_text(encoding="utf-8")
    assert "card [card number masked]" in told
    assert "Account: [card number masked]" in told
    assert not re.search(r"4111|Evelyn", told)
    assert [(row["field"], row["actual"]) for row in report.mismatches()] == [
        ("attributes", None),
        ("opener", "[card number masked]"),
        ("title", None),
    ]
    told_at_once = differences(summary(tables.staging)["mismatches"], tables.migration)
    assert {(row["field"], row["actual"]) for row in told_at_once} == {
        ("attributes", None),
        ("opener", "[card number masked]"),
        ("title", None),
    }
