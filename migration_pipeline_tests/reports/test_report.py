"""The numbers and lists of a report: every record in scope counted once, with its reason and its links."""

import csv
import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from migration_pipeline.model.errors import SettingsError
from migration_pipeline.model.reasons import REASONS
from migration_pipeline.reports import InconsistentReport, Report, build, four_columns_markdown, open_report
from migration_pipeline.reports.page import percent
from migration_pipeline.reports.report import RECORD_KEYS
from migration_pipeline_tests.reports.tables import Tables, moved

START = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)


def made(tables: Tables, mode: str = "full", run_id: str = "r1", **more: Any) -> Report:
    return build(
        tables.staging,
        run_id,
        mode,
        tables.migration,
        started_at=START,
        finished_at=START + dt.timedelta(minutes=61),
        **more,
    )


def row(report: Report, source_id: str | None, entity_type: str = "tickets") -> dict[str, str | None]:
    (found,) = [one for one in report.records() if (one["entity_type"], one["source_id"]) == (entity_type, source_id)]
    return found


def column(report: Report, entity_type: str) -> tuple[int, ...]:
    (counts,) = [one for one in report.entities if one["entity_type"] == entity_type]
    return tuple(counts[name] for name in ("available", "migrated", "failed", "skipped"))


def read_csv(report: Report, name: str) -> list[dict[str, str]]:
    with (report.folder / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def mixed(tables: Tables) -> Tables:
    """One ticket of each fate, and what surrounds them."""
    tables.plan("fields", [{"source_id": "5"}, {"source_id": "pipeline:migration_key"}])
    tables.plan("companies", [{"source_id": "1"}])
    tables.plan(
        "tickets",
        [
            {"source_id": "10"},
            {"source_id": "2"},
            {"source_id": "3"},
            {"source_id": "4", "action": "skip", "reason": "deleted_in_source"},
            {"source_id": "5", "action": "fail", "reason": "comments_missing", "detail": "612 comments"},
            {"source_id": "6", "action": "fail", "reason": "malformed_record", "digest": None},
            {"source_id": "7", "action": "keep", "reason": "changed_since"},
            {"source_id": "8", "action": "keep"},
        ],
    )
    tables.rejects("tickets", [{"source_id": "6"}])
    losses = [{"reason": "file_missing", "detail": "a.pdf"}, {"reason": "opener_formatting", "detail": None}]
    nowhere = {"target_id": None, "target_url": None}
    tables.outcomes(
        [
            moved("fields", "5"),
            moved("fields", "pipeline:migration_key"),
            moved("companies", "1", reason="company_without_contacts"),
            moved("tickets", "2", losses=losses),
            moved(
                "tickets", "3", outcome="failed", reason="parent_failed", detail="contact 9", losses=losses, **nowhere
            ),
            moved("tickets", "4", outcome="skipped", reason="deleted_in_source", **nowhere),
            moved("tickets", "5", outcome="failed", reason="comments_missing", detail="612 comments", **nowhere),
            moved("tickets", "7", run_id="r0"),
            moved("tickets", "8", run_id="r0"),
            moved("tickets", "99", run_id="r0"),
        ]
    )
    return tables


@pytest.mark.behaviour("S51")
def test_four_columns_add_up_and_count_only_what_is_in_scope(mixed: Tables) -> None:
    report = made(mixed)
    assert column(report, "tickets") == (8, 3, 4, 1)
    assert column(report, "fields") == (1, 1, 0, 0)
    assert column(report, "companies") == (1, 1, 0, 0)
    assert column(report, "contacts") == (0, 0, 0, 0)
    assert [one["entity_type"] for one in report.entities] == [
        "agents", "teams", "fields", "tags", "companies", "contacts", "tickets", "collections", "articles",
    ]  # fmt: skip
    assert all(one["available"] == one["migrated"] + one["failed"] + one["skipped"] for one in report.entities)


def test_each_record_has_its_outcome_and_reason(mixed: Tables) -> None:
    report = made(mixed)
    told = {
        one["source_id"]: (one["outcome"], one["reason"], one["detail"])
        for one in report.records()
        if one["entity_type"] == "tickets"
    }
    assert told == {
        "2": ("migrated", None, None),
        "3": ("failed", "parent_failed", "contact 9"),
        "4": ("skipped", "deleted_in_source", None),
        "5": ("failed", "comments_missing", "612 comments"),
        "6": ("failed", "malformed_record", None),
        "7": ("migrated", "changed_since", None),
        "8": ("migrated", None, None),
        "10": ("failed", "interrupted", None),
    }
    assert list(told) == ["2", "3", "4", "5", "6", "7", "8", "10"], "numbers are sorted as numbers"
    assert report.interrupted == 1
    assert report.summary.problems == ()


@pytest.mark.behaviour("S16")
def test_a_company_without_contacts_is_no_plain_success(mixed: Tables) -> None:
    report = made(mixed)
    (reason,) = [one for one in report.summary.reasons if one.entity_type == "companies"]
    assert (reason.outcome, reason.reason, reason.records) == ("migrated", "company_without_contacts", 1)
    assert [one["remarked"] for one in report.entities if one["entity_type"] == "companies"] == [1]
    assert REASONS["company_without_contacts"] in report.page.read_text(encoding="utf-8")


@pytest.mark.behaviour("S52")
def test_lists_can_be_handed_on(mixed: Tables) -> None:
    report = made(mixed)
    for name in ("records", "migrated", "failed", "skipped"):
        rows = read_csv(report, name)
        table = pq.read_table(report.folder / f"{name}.parquet").to_pylist()
        assert [one["source_id"] for one in rows] == [one["source_id"] for one in table]
        assert {one["outcome"] for one in rows} == ({name} if name != "records" else {"migrated", "failed", "skipped"})
    (failed,) = [one for one in read_csv(report, "failed") if one["source_id"] == "3"]
    assert failed["reason"] == "parent_failed"
    assert failed["sentence"] == REASONS["parent_failed"]
    (there,) = [one for one in read_csv(report, "migrated") if one["source_id"] == "2"]
    assert (there["source_url"], there["target_id"], there["target_url"], there["losses"]) == (
        "https://acme.example/tickets/2", "t2", "https://app.example/tickets/t2", "2",
    )  # fmt: skip
    assert {tuple(one) for one in report.records()} == {RECORD_KEYS}


@pytest.mark.behaviour("S63")
def test_a_row_links_to_both_records(mixed: Tables) -> None:
    mixed.outcomes([moved("tickets", "2", target_url=None), moved("tickets", "8")])
    report = made(mixed, target_links={"tickets": "https://intercom.example/conversations/{id}"})
    assert row(report, "2")["target_url"] == "https://intercom.example/conversations/t2"
    assert row(report, "8")["target_url"] == "https://app.example/tickets/t8"
    assert row(report, "10")["target_url"] is None
    assert all(one["source_url"] for one in report.records())


def test_only_what_moved_can_have_lost_something(mixed: Tables) -> None:
    report = made(mixed)
    assert [(one["source_id"], one["reason"], one["detail"]) for one in read_csv(report, "losses")] == [
        ("2", "file_missing", "a.pdf"),
        ("2", "opener_formatting", ""),
    ]
    assert {(one.reason, one.losses, one.records) for one in report.summary.losses} == {
        ("file_missing", 1, 1),
        ("opener_formatting", 1, 1),
    }


@pytest.mark.parametrize(("mode", "available"), [("full", 3), ("demo", 1)])
def test_rejects_without_an_id_count_where_everything_is_in_scope(tables: Tables, mode: str, available: int) -> None:
    tables.plan("tickets", [{"source_id": "1", "action": "fail", "reason": "malformed_record", "digest": None}])
    tables.rejects("tickets", [{"source_id": "1"}, {"source_id": None, "detail": "x"}, {"source_id": None}])
    report = made(tables, mode)
    assert column(report, "tickets") == (available, 0, available, 0)
    assert {one["reason"] for one in report.records()} == {"malformed_record"}


def test_a_record_that_is_both_readable_and_rejected_is_one_record(tables: Tables) -> None:
    reject = {"source_id": "1", "action": "fail", "reason": "malformed_record", "digest": None}
    tables.plan("tickets", [reject, {"source_id": "1"}, reject])
    tables.outcomes([moved("tickets", "1")])
    assert column(made(tables), "tickets") == (1, 1, 0, 0)


@pytest.mark.behaviour("S10")
def test_demo_and_full_tell_the_same_reason(mixed: Tables) -> None:
    full = {(one["entity_type"], one["source_id"]): one for one in made(mixed, "full", "r2").records()}
    plan = pq.read_table(mixed.staging.tables.path("plan", "tickets")).to_pylist()
    mixed.plan("tickets", [one for one in plan if one["source_id"] in {"2", "3", "4", "5", "6"}])
    demo = made(mixed, "demo", "r1").records()
    assert len([one for one in demo if one["entity_type"] == "tickets"]) == 5
    assert all(one == full[one["entity_type"], one["source_id"]] for one in demo)


@pytest.mark.parametrize(
    "outcomes",
    [[moved("tickets", "1", outcome="lost")], [moved("tickets", "1"), moved("tickets", "1")]],
    ids=["an outcome that is none of the three", "a record with two outcomes"],
)
def test_no_report_is_better_than_a_wrong_one(tables: Tables, outcomes: list[dict[str, Any]]) -> None:
    tables.plan("tickets", [{"source_id": "1"}])
    tables.outcomes(outcomes)
    with pytest.raises(InconsistentReport, match="tickets: 1 available"):
        made(tables)
    with pytest.raises(SettingsError):
        open_report(tables.staging.root)


def test_what_cannot_be_explained_is_told_as_a_defect(tables: Tables) -> None:
    tables.plan("tickets", [{"source_id": "1"}, {"source_id": "2"}])
    tables.outcomes(
        [moved("tickets", "1", outcome="failed", reason="gremlins"), moved("tickets", "2", outcome="skipped")]
    )
    report = made(tables)
    assert report.summary.problems == (
        "1 tickets are skipped without a reason.",
        "The reason code gremlins has no sentence.",
    )
    page = report.page.read_text(encoding="utf-8")
    assert all(problem in page for problem in report.summary.problems)


@pytest.mark.behaviour("B05")
def test_verification_tells_a_share_per_entity_and_field_and_each_difference(mixed: Tables) -> None:
    mixed.verification(
        "tickets",
        [
            {"source_id": "2", "field": "title", "matched": True},
            {"source_id": "2", "field": "state", "matched": False, "expected": "closed", "actual": "open",
             "reason": "rejected_by_target"},
            {"source_id": "8", "field": "title", "matched": True},
            {"source_id": "8", "field": "state", "matched": True},
            {"source_id": "99", "field": "state", "matched": False},
        ],
    )  # fmt: skip
    report = made(mixed)
    assert [(one.entity_type, one.compared, one.matched) for one in report.summary.verified] == [("tickets", 2, 1)]
    assert [(one.field, one.compared, one.matched) for one in report.summary.fields] == [
        ("state", 2, 1),
        ("title", 2, 2),
    ]
    (difference,) = report.mismatches()
    assert (difference["source_id"], difference["field"], difference["expected"], difference["actual"]) == (
        "2", "state", "closed", "open",
    )  # fmt: skip
    assert difference["reason"] == "rejected_by_target"
    assert difference["source_url"] == "https://acme.example/tickets/2"
    assert difference["target_url"] == "https://app.example/tickets/t2"


@pytest.mark.parametrize(
    ("matched", "compared", "text"),
    [(0, 0, "\N{EN DASH}"), (0, 3, "0 %"), (2, 3, "66.6 %"), (99_999, 100_000, "99.9 %"), (7, 7, "100 %")],
)
def test_only_all_is_a_hundred_percent(matched: int, compared: int, text: str) -> None:
    assert percent(matched, compared) == text


def test_a_report_reads_back_as_it_was_made(mixed: Tables) -> None:
    report = made(mixed, calls={"source": 12, "target": 34})
    assert open_report(mixed.staging.root, "r1") == report
    assert report.calls == {"source": 12, "target": 34}
    assert report.summary.seconds == 3660
    assert report.to_json()["entities"] == report.entities
    assert report.summary.built_from["tickets"] == {"run_id": "r1"}
    assert all(
        "very-secret" not in file.read_text(encoding="utf-8", errors="ignore") for file in report.folder.iterdir()
    )


def test_making_it_again_gives_the_same_files(mixed: Tables) -> None:
    report = made(mixed)
    before = {file.name: file.read_bytes() for file in report.folder.iterdir() if file.suffix != ".parquet"}
    again = made(mixed)
    assert {file.name: file.read_bytes() for file in again.folder.iterdir() if file.suffix != ".parquet"} == before


def test_the_newest_report_is_shown_where_none_is_named(mixed: Tables) -> None:
    root = mixed.staging.root
    with pytest.raises(SettingsError, match="No run has made a report"):
        open_report(root)
    made(mixed, run_id="z-first")
    made(mixed, run_id="a-second")
    assert open_report(root).run_id == "a-second"
    with pytest.raises(SettingsError, match="There is no report"):
        open_report(root, "other")


@pytest.mark.parametrize("run_id", ["", "..", "../r1", "/etc", "a\\b", ".hidden"])
def test_a_run_id_never_leads_out_of_the_folder(tables: Tables, run_id: str) -> None:
    with pytest.raises(SettingsError):
        made(tables, run_id=run_id)
    with pytest.raises(SettingsError):
        open_report(tables.staging.root, run_id)


def test_times_come_from_the_progress_of_the_run(mixed: Tables, tmp_path: Path) -> None:
    del tmp_path
    (mixed.staging.root / "progress.json").write_text('{"run_id": "r1", "started": 1767323045.0}', encoding="utf-8")
    assert build(mixed.staging, "r1", "full", mixed.migration).summary.started_at == START
    assert build(mixed.staging, "r2", "full", mixed.migration).summary.started_at is None


def test_markdown_shows_the_four_columns_and_the_reasons(mixed: Tables) -> None:
    text = four_columns_markdown(made(mixed))
    assert "| entity type | available | migrated | failed | skipped |" in text
    assert "| tickets | 8 | 3 | 4 | 1 |" in text
    assert "| **all** | **10** | **5** | **4** | **1** |" in text
    assert "- 1 tickets failed: `interrupted`" in text


def test_a_report_that_could_not_be_finished_is_none(mixed: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    made(mixed)
    monkeypatch.setattr("migration_pipeline.reports.page.write", full_disk)
    with pytest.raises(OSError, match="No space left"):
        made(mixed)
    with pytest.raises(SettingsError, match="There is no report"):
        open_report(mixed.staging.root, "r1")
