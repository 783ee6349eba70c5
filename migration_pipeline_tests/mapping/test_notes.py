"""What was said beside the comments, texts and files that do not fit, and names that cannot be kept."""

import datetime as dt
import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration_pipeline.target.html import clean, readable, split, split_text
from migration_pipeline.target.naming import LONGEST, file_name, media_type
from migration_pipeline_tests.mapping.desk import START, Desk

SECOND = dt.timedelta(seconds=1)


def reasons(row: dict[str, Any]) -> list[str]:
    return [loss["reason"] for loss in row["losses"]]


@pytest.mark.behaviour("B14")
def test_side_channels_arrive_as_private_notes_with_their_authors(desk: Desk) -> None:
    desk.ticket(
        "1",
        {"body_text": "I called", "kind": "voice", "body_html": "<p>Call from 1 to 2</p>"},
        {"author_ref": "a1", "kind": "side", "body_html": "<p><i>Side conversation: Parts</i></p>"},
        {"author_ref": None, "author_name": "Sue <s@x.example>", "kind": "side", "body_html": "<p>Shipped</p>"},
        {"author_ref": None, "author_name": "Bot", "kind": "chat", "body_html": "<p>Hi!</p>"},
        {"author_ref": "c1", "kind": "rating", "body_html": "<p>Satisfaction rating: good</p>"},
    )
    mapped = desk.map()
    ticket, parts = mapped.row("tickets", "1"), mapped.parts("1")
    assert (ticket["opener"], ticket["opener_comment_ref"]) == ("Subject 1", None)
    assert {part["message_type"] for part in parts} == {"note"}
    assert [part["admin_id"] for part in parts] == ["900", "101", "900", "900", "900"]
    leads = ["<b>Cleo</b>", "<i>Side", "<b>Sue &lt;s@x.example&gt;</b>", "<b>Bot</b>", "<b>Cleo</b>"]
    assert [lead in part["body"] for lead, part in zip(leads, parts, strict=True)] == [True] * 5
    assert reasons(ticket) == ["opener_stub"]


@pytest.mark.behaviour("S39")
def test_ticket_events_are_notes_where_the_settings_ask_for_them(desk: Desk) -> None:
    desk.add("fields", source_id="61", scope="ticket", key="colour", title="Colour", type="option",
             options=[{"value": "red", "label": "Red"}], active=True)  # fmt: skip
    desk.ticket("1", {"body_text": "x"}, {"body_text": "y", "author_ref": "a1"})
    at = START + dt.timedelta(minutes=1)
    changes = [
        {"field": "status", "before": ["new"], "after": ["open"]},
        {"field": "custom_status_id", "before": ["1"], "after": ["2"]},
        {"field": "assignee_id", "before": [], "after": ["a2"]},
        {"field": "group_id", "before": ["t2"], "after": ["t1"]},
        {"field": "61", "before": [], "after": ["red"]},
        {"field": "tags", "before": ["a", "b"], "after": ["b", "c&d"]},
    ]
    desk.add("ticket_events", source_id="9", ticket_ref="1", author_ref="a1", created_at=at, changes=changes)
    assert len(desk.map().parts("1")) == 1
    parts = desk.map(ticket_events=True).parts("1")
    assert [part["comment_ref"] for part in parts] == ["1-1", "event:9"]
    note = parts[1]
    assert (note["message_type"], note["admin_id"], note["created_at"]) == ("note", "101", at)
    assert readable(note["body"]).text.split("\n\n") == [
        "Status: new → open", "Assignee: \u2013 → Bob", "Team: Old → Support", "Colour: \u2013 → Red", "Tags: +c&d -a",
    ]  # fmt: skip


def test_a_text_over_the_limit_becomes_several_messages_a_second_apart(desk: Desk) -> None:
    long = "".join(f"<p>{number:03} {'word ' * 18}</p>" for number in range(20))
    desk.ticket(
        "1",
        {"body_text": "Opening. " * 120},
        {"body_html": long, "author_ref": "a1", "files": [f"f{n}" for n in range(7)]},
        {"body_text": "last", "created_at": START + dt.timedelta(seconds=90)},
    )
    mapped = desk.map(max_body_chars=500)
    ticket, parts = mapped.row("tickets", "1"), mapped.parts("1")
    by_comment = {ref: [part for part in parts if part["comment_ref"] == ref] for ref in ("1-0", "1-1", "1-2")}
    whole = " ".join([ticket["opener"], *(readable(part["body"]).text for part in by_comment["1-0"])])
    assert whole.split() == ("Opening. " * 120).split()
    texts = [part for part in by_comment["1-1"] if "[file" not in part["body"]]
    assert "".join(part["body"] for part in texts) == clean(long).html
    assert len(texts) > 3
    assert all(len(part["body"]) <= 500 for part in parts)
    assert [len(part["files"]) for part in by_comment["1-1"]] == [5, *[0] * (len(texts) - 1), 2]
    times = [part["created_at"] for part in parts]
    assert times == sorted(times)
    for said in (by_comment["1-0"], by_comment["1-1"]):
        seconds = [part["created_at"] for part in said]
        assert all(later - earlier <= SECOND for earlier, later in itertools.pairwise(seconds))
    assert reasons(ticket).count("body_split") == 2


@given(st.text(max_size=400), st.integers(30, 120))
def test_splitting_loses_no_word(text: str, limit: int) -> None:
    document = clean(f"<p>{text}</p><ul><li>{text}</li></ul><p>{text[:20]}</p>").html
    pieces = split(document, limit)
    assert all(len(piece) <= limit for piece in pieces) or pieces == [document]
    letters = [mark for mark in readable(document).text if mark.isalnum()]
    assert [mark for piece in pieces for mark in readable(piece).text if mark.isalnum()] == letters
    cut = split_text(text, limit)
    assert "".join("".join(cut).split()) == "".join(text.split())
    assert all(len(piece) <= limit for piece in cut)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("plan.pdf", "plan.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\x\\a  b.txt", "a b.txt"),
        ("ev\x00il\x1b\u202egpj.exe", "evilgpj.exe"),
        ("..", "file"),
        (" / ", "file"),
        (None, "file"),
        ("con.txt", "_con.txt"),
        ("trailing dot. ", "trailing dot"),
        ("a" * 300 + ".jpeg", "a" * (LONGEST - 5) + ".jpeg"),
        ("فاتورة.pdf", "فاتورة.pdf"),
    ],
)
def test_names_of_files_are_made_safe(given: str | None, kept: str) -> None:
    assert file_name(given) == kept


@given(st.text(max_size=400))
def test_no_name_is_dangerous(text: str) -> None:
    name = file_name(text)
    assert name
    assert len(name.encode()) <= LONGEST
    assert not set(name) & set("/\\\x00\n")
    assert name not in (".", "..")


def test_types_that_are_none_are_those_of_any_bytes() -> None:
    assert media_type("Text/HTML; charset=x") == "text/html"
    for wrong in (None, "", "text", "a/b/c", "text/\x00", "x" * 200 + "/y"):
        assert media_type(wrong) == "application/octet-stream"


@pytest.mark.behaviour("S15")
def test_files_that_cannot_go_along_are_named_and_told_and_the_others_go(desk: Desk) -> None:
    files = [
        {"name": "../big.bin", "sha256": "b" * 64, "size": 5000},
        {"name": "bad.exe", "missing": "file_malware"},
        {"name": "empty.txt", "sha256": "e" * 64, "size": 0, "content_type": "no type"},
        {"name": "image001.png", "sha256": "c" * 64, "size": 10, "inline": True},
    ]
    html = '<p>See <img src="cid:image001.png@01D"> and <img src="cid:gone.png@01D"></p>'
    desk.ticket("1", {"body_text": "x"}, {"body_html": html, "author_ref": "a1", "files": files})
    mapped = desk.map(max_file_bytes=4000)
    part = mapped.parts("1")[0]
    assert [(file["name"], file["content_type"]) for file in part["files"]] == [
        ("empty.txt", "application/octet-stream"),
        ("image001.png", "text/plain"),
    ]
    told = {(loss["reason"], loss["detail"]) for loss in mapped.row("tickets", "1")["losses"]}
    assert told == {
        ("file_renamed", "big.bin: '../big.bin'"),
        ("file_too_large", f"big.bin (5000 bytes; staged as {'b' * 64})"),
        ("file_malware", "bad.exe (attachment 1-1-f01)"),
        ("file_missing", "gone.png (embedded in comment 1-1)"),
    }
    assert "[file not available: big.bin]" in part["body"]
