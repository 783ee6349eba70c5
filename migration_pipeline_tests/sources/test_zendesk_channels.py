"""What was said beside the comments, and texts that were taken back: from snapshots to records, and over HTTP."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migration_pipeline.sources.zendesk import changes, channels
from migration_pipeline.staging.snapshots import Row
from migration_pipeline_tests.sources.test_zendesk_records import COMMENT, TICKET, Bench, anything, mangled

AT = dt.datetime(2024, 3, 1, 11, tzinfo=dt.UTC)
SIDE: dict[str, Any] = {
    "id": "e-1",
    "side_conversation_id": "s-1",
    "ticket_id": 7,
    "type": "create",
    "actor": {"user_id": 22, "name": "Ann", "email": "ann@acme.example"},
    "message": {
        "subject": "Parts & <more>",
        "to": [{"email": "sue@parts.example", "name": "Sue"}],
        "body": "Please ship",
        "html_body": "<p>Please ship</p>",
        "attachments": [
            {"id": 91, "file_name": "order.pdf", "content_url": "https://x/attachments/token/S/", "size": 4}
        ],
    },
    "created_at": "2024-03-01T11:00:00.123Z",
}
ANSWER = {
    **SIDE,
    "id": "e-2",
    "type": "reply",
    "actor": {"user_id": None, "name": None, "email": None},
    "message": {"from": {"name": "Sue", "email": "sue@parts.example"}, "body": "Shipped <today>", "to": []},
    "created_at": 1709294460000,
}
CLOSED = {**SIDE, "id": "e-3", "type": "update", "message": None, "updates": {"state": "closed"}}


def put(bench: Bench, stream: str, *rows: tuple[str, Any]) -> None:
    told = [Row(name, AT, payload) for name, payload in rows]
    bench.staging.snapshots.append(stream, told, cursor=None, complete=True)


def said(bench: Bench, kind: str) -> list[dict[str, Any]]:
    rows = [row for row in bench.place.records("comments") if row["kind"] == kind]
    return sorted(rows, key=lambda row: row["position"])


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.add("tickets", TICKET)
    bench.add("comments", COMMENT, prefix="7/")
    return bench


@pytest.mark.behaviour("B14")
def test_side_conversations_become_internal_notes_with_their_files(bench: Bench) -> None:
    rows = [channels._side_row(event) for event in (ANSWER, SIDE, CLOSED)]
    bench.staging.snapshots.append("side_events", rows, cursor=None, complete=True)
    bench.normalize()
    notes = said(bench, "side")
    assert [note["source_id"] for note in notes] == ["side:e-1", "side:e-3", "side:e-2"]
    assert {note["visibility"] for note in notes} == {"internal"}
    assert [(note["author_ref"], note["author_name"]) for note in notes] == [
        ("22", "Ann"),
        ("22", "Ann"),
        (None, "Sue"),
    ]
    assert notes[0]["body_html"] == (
        "<p><i>Side conversation: Parts &amp; &lt;more&gt; (to Sue &lt;sue@parts.example&gt;)</i></p><p>Please ship</p>"
    )
    assert "(now closed)" in notes[1]["body_html"]
    assert notes[2]["body_html"].endswith("<p>Shipped &lt;today&gt;</p>")
    assert notes[2]["created_at"].timestamp() == 1709294460
    files = {row["source_id"]: row["comment_ref"] for row in bench.place.records("attachments")}
    assert files == {"81": "71", "91": "side:e-1"}
    assert {row["source_id"]: row["kind"] for row in bench.place.records("contacts")}["22"] == "placeholder"


@pytest.mark.behaviour("B14")
def test_a_log_tells_the_whole_talk_and_repeats_no_comment(bench: Bench) -> None:
    author = {"type": "user", "zen:support:user_id": "21"}
    events = {
        "7/71": {"type": "Comment", "author": author, "content": {"type": "html", "body": "<p>Hallo</p>"}},
        "7/m1": {"type": "Messaging::ConversationMessage", "author": {"type": "bot"},
                 "content": {"type": "text", "text": "Hi <you>", "actions": [{"text": "Yes"}, {"text": "No"}]}},
        "7/m2": {"type": "Messaging::ConversationMessage", "author": author,
                 "attachments": [{"id": 92, "file_name": "p.png"}], "content": {"type": "image", "altText": "a photo"}},
        "7/old": {"type": "Messaging::ConversationMessage", "content": {"type": "text", "text": "gone"}},
    }  # fmt: skip
    put(bench, "log_events", *events.items())
    put(bench, "logs", ("7", {"status": 200, "events": ["7/71", "7/m1", "7/m2"]}))
    put(bench, "chats", ("7/c", {"history": [{"message": "told twice"}]}))
    bench.normalize("tickets")
    assert len(said(bench, "text")) == 1
    notes = said(bench, "chat")
    assert [note["body_text"] for note in notes] == ["Chat message\nHi <you>\n[Yes] [No]", "Chat message\na photo"]
    assert [(note["author_ref"], note["author_name"]) for note in notes] == [(None, "Bot"), ("21", None)]
    assert "92" in {row["source_id"] for row in bench.place.records("attachments")}


@pytest.mark.parametrize(("flagged", "shown"), [(False, ["Chat message\nfirst", "Chat message\nsecond"]), (True, [])])
def test_without_a_log_a_chat_tells_itself_unless_something_was_taken_out_of_the_ticket(
    bench: Bench, flagged: bool, shown: list[str]
) -> None:
    history = [
        {"timestamp": 1709294400000, "actor_id": 21, "actor_name": "Zoë", "message": "first"},
        {"timestamp": 1709294401000, "actor_id": -1, "actor_name": "Bot", "message": "second"},
        {"type": "ChatJoin"},
        None,
    ]
    put(bench, "chats", ("7/c", {"history": history}))
    put(bench, "logs", ("7", {"status": 404, "events": []}))
    if flagged:
        put(bench, "comment_flags", ("7/99/redaction", {"kind": "redaction", "comment_id": 71}))
    bench.normalize("tickets")
    assert [note["body_text"] for note in said(bench, "chat")] == shown


@pytest.mark.behaviour("S05")
def test_images_that_only_a_text_shows_are_files_once_and_none_after_something_was_taken_out(bench: Bench) -> None:
    shown = "http://127.0.0.1:9/attachments/token/Unlisted/?name=plan%20b.png&amp;x=1"
    html = (
        f'<p><img src="{shown}"> <img src="https://x/attachments/token/T/?name=a"> <img src="https://else/b.png"></p>'
    )
    for number, text in ((71, html), (72, html), (73, html.replace("Unlisted", "Secret"))):
        files = COMMENT["attachments"][: number % 2]
        bench.add("comments", COMMENT | {"id": number, "html_body": text, "attachments": files}, prefix="7/")
    put(bench, "comment_flags", ("7/99/attachment_redaction", {"kind": "attachment_redaction", "comment_id": 73}))
    bench.normalize("tickets")
    derived = [row for row in bench.place.records("attachments") if row["source_id"].startswith("address-")]
    assert [(row["comment_ref"], row["name"], row["content_type"], row["inline"]) for row in derived] == [
        ("71", "plan b.png", "image/png", True)
    ]


@pytest.mark.behaviour("B14")
def test_a_recording_is_a_file_and_a_rating_a_note_with_its_time(bench: Bench) -> None:
    call = {"recording_url": "https://rec.example/9", "call_id": 9, "call_duration": 61, "transcription_text": "Hello?"}
    bench.add("comments", COMMENT | {"id": 72, "type": "VoiceComment", "data": call}, prefix="7/")
    rating = {"id": 5, "ticket_id": 7, "score": "bad", "comment": "Slow & rude", "reason": "Time", "requester_id": 21}
    put(bench, "ratings", ("5", rating), ("6", {"told": {"score": "good"}}))
    bench.normalize("tickets")
    files = {row["name"]: row for row in bench.place.records("attachments")}
    assert (files["call-9.mp3"]["comment_ref"], files["call-9.mp3"]["content_type"]) == ("72", "audio/mpeg")
    [spoken] = said(bench, "voice")
    assert "<li>Transcript: Hello?</li>" in spoken["body_html"]
    assert "rec.example" not in spoken["body_html"] + spoken["body_text"]
    [rated] = said(bench, "rating")
    assert (rated["created_at"], rated["author_ref"], rated["visibility"]) == (AT, "21", "internal")
    assert rated["body_html"] == ("<p><i>Satisfaction rating: bad</i></p><p>Slow &amp; rude<br>Reason: Time</p>")


@pytest.mark.behaviour("S11")
def test_what_a_whole_thread_no_longer_has_does_not_come_in_by_the_export(bench: Bench) -> None:
    bench.add("comments", COMMENT | {"id": 72, "html_body": "<p>secret</p>"}, prefix="7/")
    put(bench, "threads", ("7", {"status": 200, "comments": ["7/71"]}))
    bench.add("thread_comments", COMMENT, prefix="7/")
    bench.add("comments", COMMENT | {"id": 73}, prefix="7/")
    bench.normalize("tickets")
    assert [row["source_id"] for row in said(bench, "text")] == ["71", "73"]


def test_comments_that_the_source_counts_and_does_not_hand_out_are_counted(bench: Bench) -> None:
    bench.add(
        "tickets", TICKET | {"id": 8, "comment_count": 4}, TICKET | {"id": 9, "status": "deleted", "comment_count": 4}
    )
    bench.add("comments", COMMENT, prefix="8/")
    put(bench, "threads", ("8", {"status": 200, "comments": ["8/71"]}))
    bench.add("thread_comments", COMMENT, prefix="8/")
    bench.normalize("tickets")
    told = {row["source_id"]: row["missing_comments"] for row in bench.place.records("tickets")}
    assert told == {"7": None, "8": 3, "9": None}


@pytest.mark.behaviour("S39")
def test_both_roads_tell_the_same_changes_and_no_text_of_a_message(bench: Bench) -> None:
    export = {
        "id": 5, "ticket_id": 7, "updater_id": 22, "created_at": "2024-03-01T12:00:00Z", "child_events": [
            {"event_type": "Create", "description": "secret", "status": "new"},
            {"event_type": "Change", "status": "open", "previous_value": "new"},
            {"event_type": "Change", "assignee_id": 22, "previous_value": None},
            {"event_type": "Change", "type": "task", "previous_value": "question"},
            {"event_type": "Change", "custom_ticket_fields": {"61": ["a", "b"]}, "previous_value": None},
            {"event_type": "Change", "tags": ["b", "a"], "previous_value": ["a"], "added_tags": ["b"]},
            {"event_type": "Change", "description": "secret", "previous_value": "x"},
            {"event_type": "Notification", "body": "secret"},
            {"event_type": "Comment", "type": "Comment", "body": "secret"},
            {"event_type": "MacroReference", "macro_title": "Close"},
        ],
    }  # fmt: skip
    audit = {
        "id": 5, "ticket_id": 7, "author_id": 22, "created_at": "2024-03-01T12:00:00Z", "events": [
            {"type": "Change", "field_name": "status", "value": "open", "previous_value": "new"},
            {"type": "Change", "field_name": "assignee_id", "value": "22", "previous_value": None},
            {"type": "Change", "field_name": "type", "value": "task", "previous_value": "question"},
            {"type": "Change", "field_name": "61", "value": ["a", "b"], "previous_value": ""},
            {"type": "Change", "field_name": "tags", "value": "b a", "previous_value": "a"},
            {"type": "Change", "field_name": "description", "value": "secret", "previous_value": "x"},
            {"type": "Comment", "body": "secret"},
            {"type": "MacroReference", "macro_title": "Close"},
        ],
    }  # fmt: skip
    [by_export], [by_audit] = changes.changes_of([export]), changes.changes_of([audit])
    assert by_export == by_audit
    assert "secret" not in repr(by_export)
    bench.staging.snapshots.append("ticket_events", [by_export], cursor=None, complete=True)
    bench.normalize("tickets")
    event = bench.one("ticket_events")
    assert (event["source_id"], event["ticket_ref"], event["author_ref"]) == ("5", "7", "22")
    assert [change["field"] for change in event["changes"]] == ["status", "assignee_id", "type", "61", "tags", "macro"]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(mangled(SIDE), max_size=3),
    st.lists(anything(), max_size=3),
    st.lists(mangled({"id": 5, "ticket_id": 7, "events": [anything], "child_events": []}), max_size=3),
)
def test_whatever_comes_nothing_raises(tmp_path: Path, side: list[Any], logged: list[Any], updates: list[Any]) -> None:
    bench = Bench(tmp_path)
    bench.add("tickets", TICKET)
    bench.staging.snapshots.append("side_events", [channels._side_row(one) for one in side], cursor=None, complete=True)
    put(bench, "log_events", *((f"7/{number}", one) for number, one in enumerate(logged)))
    put(bench, "logs", ("7", {"status": 200, "events": [f"7/{number}" for number in range(len(logged))]}))
    put(bench, "chats", *((f"7/{number}", {"history": [one]}) for number, one in enumerate(logged)))
    put(bench, "ratings", *((str(number), one) for number, one in enumerate(logged)))
    bench.staging.snapshots.append("ticket_events", changes.changes_of(updates), cursor=None, complete=True)
    changes.chats_of(updates)
    bench.normalize("tickets", "contacts")
