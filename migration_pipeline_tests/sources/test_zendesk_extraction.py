"""Reading a whole help desk over HTTP: nothing missing, nothing twice, cheap the second time, and safe to stop."""

import hashlib
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from migration_pipeline.model.errors import RunStopped
from migration_pipeline_tests.sources.conftest import TABLES, Desk, Place, Whole, changed, place, without

AT_REST = 20
"""Calls that a pass over an unchanged help desk may cost: one or two for each list."""


def said(where: Place) -> list[dict[str, Any]]:
    """The comments among what was said."""
    return [row for row in where.records("comments") if row["kind"] in ("text", "voice")]


def listed(where: Place) -> list[dict[str, Any]]:
    """The files that the service lists; recordings and what only texts link to have no number."""
    return [row for row in where.records("attachments") if row["source_id"].isdigit()]


@pytest.mark.behaviour("S03", "S11", "S15")
def test_everything_the_service_has_is_read(desk: Desk, somewhere: Place) -> None:
    tickets, users = desk.tickets(), desk.users()
    moving = {ticket for ticket, record in tickets.items() if record["status"] != "deleted"}
    truth = {ticket: desk.comments(ticket) for ticket in moving}
    talks = {ticket for ticket in moving if tickets[ticket]["via"]["channel"] in ("chat", "native_messaging")}
    sent = {str(file["id"]) for ticket in talks for file in desk.message_files(ticket)}
    desk.advance(61)
    somewhere.extract()
    made = somewhere.normalize()
    records = {ticket["source_id"]: ticket for ticket in somewhere.records("tickets")}
    assert set(records) == {str(ticket) for ticket in tickets}
    assert made["rejects_tickets"] == 0
    assert {ticket for ticket, record in records.items() if record["state"] == "deleted"} == {
        str(ticket) for ticket in tickets.keys() - moving
    }

    comments: dict[str, list[dict[str, Any]]] = {}
    for comment in sorted(said(somewhere), key=lambda row: row["position"]):
        comments.setdefault(comment["ticket_ref"], []).append(comment)
    for ticket, thread in truth.items():
        thread.sort(key=lambda comment: (comment["created_at"], comment["id"]))
        mine = comments[str(ticket)]
        assert [comment["source_id"] for comment in mine] == [str(comment["id"]) for comment in thread]
        assert [comment["position"] for comment in mine] == sorted({comment["position"] for comment in mine})
        assert [comment["visibility"] == "public" for comment in mine] == [comment["public"] for comment in thread]
        assert [comment["author_ref"] for comment in mine] == [
            str(comment["author_id"]) if comment["author_id"] and comment["author_id"] > 0 else None
            for comment in thread
        ]
        spoken = [comment["kind"] == "voice" for comment in mine]
        assert spoken == [comment["type"] == "VoiceComment" for comment in thread]
        assert [comment["body_html"] for comment, voice in zip(mine, spoken, strict=True) if not voice] == [
            comment["html_body"] for comment in thread if comment["type"] != "VoiceComment"
        ]
    assert set(comments) == {str(ticket) for ticket in moving}

    files = {row["source_id"]: row for row in listed(somewhere)}
    expected = [(file, comment) for thread in truth.values() for comment in thread for file in comment["attachments"]]
    assert set(files) == {str(file["id"]) for file, _ in expected} | sent
    for file, comment in expected:
        row = files[str(file["id"])]
        assert row["comment_ref"] == str(comment["id"])
        assert (row["name"], row["size"]) == (file["file_name"].strip(), file["size"])
        if row["missing"] is None:
            content = somewhere.staging.blobs.read(row["sha256"])
            assert hashlib.sha256(content).hexdigest() == row["sha256"]
            assert len(content) == file["size"]
        else:
            assert file["deleted"] or file["malware_scan_result"] == "malware_found"
    assert sum(row["missing"] is None for row in files.values()) > 20

    contacts = {row["source_id"]: row for row in somewhere.records("contacts")}
    end_users = {str(user) for user, record in users.items() if record["role"] == "end-user" and record["active"]}
    assert end_users <= set(contacts)
    requesters = {str(tickets[ticket]["requester_id"]) for ticket in moving if tickets[ticket]["requester_id"]}
    copied = {str(user) for ticket in moving for user in tickets[ticket]["email_cc_ids"]}
    authors = {row["author_ref"] for rows in comments.values() for row in rows if row["author_ref"]}
    agents = {row["source_id"] for row in somewhere.records("agents")}
    assert requesters | copied <= set(contacts)
    assert authors <= set(contacts) | agents
    assert {row["kind"] for row in contacts.values() if row["source_id"] in agents} <= {"agent"}
    placeholders = {row["source_id"] for row in contacts.values() if row["kind"] == "placeholder"}
    assert placeholders.isdisjoint(str(user) for user in users)


def test_a_second_pass_over_an_unchanged_desk_adds_nothing_and_asks_little(desk: Desk, somewhere: Place) -> None:
    somewhere.extract()
    before = somewhere.rows()
    desk.advance(61)
    desk.asked()
    again = somewhere.again()
    assert again.extract() == 0
    asked = desk.asked()
    assert sum(asked.values()) <= AT_REST
    assert not [route for route in asked if "attachments" in route or "comments" in route]
    assert again.rows() == before


def test_usage_counts_what_the_service_was_asked(desk: Desk, somewhere: Place) -> None:
    desk.asked()
    somewhere.extract()
    asked = desk.asked()
    followed = asked.pop("GET /storage/{token}")
    tokens = asked.pop("POST /oauth/tokens")
    assert followed > 0
    assert tokens == 1
    assert somewhere.source.usage.calls == sum(asked.values())
    assert somewhere.source.usage.writes == 0
    assert desk.control("GET", "stats")["writes"] == 0


@pytest.mark.behaviour("B01")
@pytest.mark.parametrize("stream", ["tickets", "comments", "threads", "files"])
def test_an_extraction_that_is_stopped_within_a_list_goes_on_and_ends_with_the_same_rows(
    desk: Desk, somewhere: Place, whole: Whole, stream: str
) -> None:
    desk.switch(gateway_timeout_over=30)  # every export has several pages
    stop_within(somewhere, stream)
    with pytest.raises(RunStopped):
        somewhere.extract()
    cut = somewhere.staging.snapshots.state(stream)
    assert not cut.complete
    assert cut.rows < len(whole.rows[stream])
    assert stream == "threads" or cut.rows > 0  # this desk is too small for two batches of threads
    resumed = somewhere.again()
    resumed.extract()
    assert resumed.rows() == whole.rows


BEFORE = {"threads": "comments", "files": "threads"}
"""Streams that are read by many calls at once, and the stream that is read before each."""


def stop_within(where: Place, stream: str) -> None:
    """Ask the run to stop while the stream is read: when some of it is stored, or after a few calls for it."""
    count, state = where.source.usage.count, where.staging.snapshots.state
    calls = itertools.count()

    def counted(*, write: bool, waited: float) -> None:
        count(write=write, waited=waited)
        before = BEFORE.get(stream)
        if before is None:
            within = state(stream).rows > 0 and not state(stream).complete
        else:
            within = state(before).complete and next(calls) > 12
        if within:
            where.stop.set()

    where.source.usage.count = counted  # type: ignore[method-assign]  # the one seam that sees every call


def test_what_was_read_before_a_stop_is_not_read_again(desk: Desk, somewhere: Place) -> None:
    somewhere.source.extract("tickets", somewhere.staging, somewhere.run())
    desk.asked()
    resumed = somewhere.again()
    resumed.extract()
    asked = desk.asked()
    assert asked["GET /api/v2/incremental/tickets/cursor"] == 1
    again = [route for route in asked if "attachments" in route or "comments" in route]
    assert not [route for route in again if "article" not in route]


@pytest.mark.parametrize(
    "unknown",
    [
        {"events_of_archived": False, "inline_images_in_events": True, "empty_time_page": "echo"},
        {"events_redacted_text": "redacted", "duplicate_events": 0.3, "events_of_deleted": False},
        {"empty_page_every": 3, "forms": "off", "empty_cursor_page": "echo", "recent_start_time": 400},
        {"private_attachments": "all", "private_attachment_status": 401, "page_size_over_100": "clamp"},
        {"gateway_timeout_over": 200, "refresh_tokens": False, "storage_expiry_s": 5},
    ],
    ids=lambda unknown: "+".join(unknown),
)
def test_what_nobody_knows_of_the_service_changes_nothing(
    desk: Desk, somewhere: Place, whole: Whole, unknown: dict[str, object]
) -> None:
    desk.switch(**unknown)
    somewhere.extract()
    somewhere.normalize()
    mine = somewhere.told(*TABLES)
    if "forms" in unknown:  # without the plan, a form is known by its id only
        assert {ticket["form"] for ticket in mine["tickets"]} != {ticket["form"] for ticket in whole.records["tickets"]}
        assert without(mine.pop("tickets"), "form") == without(whole.records["tickets"], "form")
    usual = dict(whole.records)
    if unknown.get("events_of_archived") is False:  # only events tell that a comment was redacted; its text is right
        mine["comments"] = without(mine["comments"], "redacted")
        usual["comments"] = without(usual["comments"], "redacted")
    assert mine == {table: usual[table] for table in mine}
    deleted = {ticket["source_id"] for ticket in whole.records["tickets"] if ticket["state"] == "deleted"}
    assert deleted, "the desk has a deleted ticket"
    assert deleted.isdisjoint(ticket for ticket, _ in somewhere.rows()["threads"])  # asked in vain: the answer is 404
    desk.advance(61)
    assert somewhere.again().extract() == 0


def test_a_redacted_text_is_in_no_record_whatever_the_events_still_show(desk: Desk, somewhere: Place) -> None:
    desk.switch(events_redacted_text="original")
    somewhere.extract("tickets")
    somewhere.normalize("tickets")
    flags = dict(somewhere.rows())["comment_flags"]
    redacted = {row_id.split("/")[0] for row_id, _ in flags if row_id.endswith("/redaction")}
    assert redacted, "the desk has a redacted comment"
    for ticket in redacted:
        now = {str(comment["id"]): comment["html_body"] for comment in desk.comments(int(ticket))}
        mine = [row for row in somewhere.records("comments") if row["ticket_ref"] == ticket]
        assert {row["source_id"]: row["body_html"] for row in mine} == now


def test_changes_arrive_with_the_next_pass(busy_desk: Desk, tmp_path: Path) -> None:
    first = place(changed(busy_desk.migration, tmp_path / "delta"))
    first.extract()
    busy_desk.control("POST", "activity", {"seed": 3, "tickets": 25})
    busy_desk.advance(120)
    delta = first.again()
    assert delta.extract() > 0
    delta.normalize()
    busy_desk.advance(61)
    fresh = place(changed(busy_desk.migration, tmp_path / "fresh"))
    fresh.extract()
    fresh.normalize()
    assert delta.told(*TABLES) == fresh.told(*TABLES)
    moving = [ticket for ticket, record in busy_desk.tickets().items() if record["status"] != "deleted"]
    counts: dict[str, int] = {}
    for comment in said(delta):
        counts[comment["ticket_ref"]] = counts.get(comment["ticket_ref"], 0) + 1
    assert counts == {str(ticket): len(busy_desk.comments(ticket)) for ticket in moving}


def test_what_happens_in_the_last_minute_is_not_lost(busy_desk: Desk, tmp_path: Path) -> None:
    busy_desk.reset()
    somewhere = place(changed(busy_desk.migration, tmp_path))
    somewhere.extract()
    busy_desk.control("POST", "activity", {"seed": 11, "tickets": 10})
    hidden = somewhere.again()
    hidden.extract()  # the service does not show the last minute yet
    busy_desk.advance(120)
    shown = somewhere.again()
    shown.extract()
    shown.normalize()
    tickets = busy_desk.tickets()
    records = {ticket["source_id"]: ticket for ticket in shown.records("tickets")}
    assert set(records) == {str(ticket) for ticket in tickets}
    assert {key: row["subject"] for key, row in records.items()} == {
        str(key): (record["subject"] or "").strip() or None for key, record in tickets.items()
    }
    people = {row["source_id"] for row in shown.records("contacts")} | {
        row["source_id"] for row in shown.records("agents")
    }
    users = busy_desk.users()
    assert {str(user) for user, record in users.items() if record["active"]} <= people


@pytest.mark.parametrize("kinds", [["error_before", "throttle"], ["refuse", "garbage"]])
def test_a_service_that_stumbles_is_read_to_the_end(
    desk: Desk, somewhere: Place, whole: Whole, kinds: list[str]
) -> None:
    desk.control("POST", "faults", {"seed": 4, "rate": 0.03, "kinds": kinds, "match": "GET /*"})
    somewhere.extract()
    desk.control("POST", "faults", [])
    somewhere.normalize()
    assert somewhere.told(*TABLES) == whole.records


def test_files_that_cannot_be_had_never_fail_the_run_and_are_tried_again(
    desk: Desk, elsewhere: Callable[..., Place]
) -> None:
    desk.switch(content_host="external")
    refused = elsewhere("files")
    refused.extract("tickets")
    refused.normalize("tickets")
    files = listed(refused)
    assert files
    assert {row["missing"] for row in files if row["size"]} == {"file_missing"}
    told = refused.staging.snapshots.state("files").rows
    desk.advance(61)
    refused.extract("tickets")
    assert refused.staging.snapshots.state("files").rows == told, "what fails as before changes nothing"
    desk.advance(61)
    allowed = elsewhere("files", file_hosts=("localhost",))
    allowed.extract("tickets")
    allowed.normalize("tickets")
    assert sum(row["missing"] is None for row in allowed.records("attachments")) > 20


def test_no_record_carries_the_token_of_a_file(whole: Whole) -> None:
    urls = [row["source_url"] for rows in whole.records.values() for row in rows if row.get("source_url")]
    assert len(urls) > 150
    assert not [url for url in urls if "/token/" in url]


def test_files_over_the_limit_are_left_out_and_fetched_once_the_limit_is_raised(
    desk: Desk, elsewhere: Callable[..., Place]
) -> None:
    small = elsewhere("limited", max_file_bytes=2000)
    small.extract("tickets")
    small.normalize("tickets")
    files = listed(small)
    over = {row["source_id"] for row in files if row["missing"] == "file_too_large"}
    assert over == {row["source_id"] for row in files if row["size"] > 2000}
    assert over
    desk.advance(61)
    desk.asked()
    raised = elsewhere("limited", max_file_bytes=100_000_000)
    raised.extract("tickets")
    raised.normalize("tickets")
    assert not [row for row in listed(raised) if row["missing"] == "file_too_large"]
    assert desk.asked()["GET /attachments/token/{token}"] == len(over)
