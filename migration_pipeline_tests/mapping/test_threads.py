"""Who says what in a conversation, in which order, with which files."""

import datetime as dt
import hashlib
from typing import Any

import pytest

from migration_pipeline.config.mapping import AgentEntry
from migration_pipeline_tests.mapping.desk import RULES, START, Desk

MINUTE = dt.timedelta(minutes=1)
SECOND = dt.timedelta(seconds=1)


def names(count: int) -> list[str]:
    return [f"f{number}.txt" for number in range(count)]


def spoken(part: dict[str, Any]) -> tuple[str, str | None, str]:
    return part["author_kind"], part["admin_id"] or part["contact_ref"], part["message_type"]


@pytest.mark.behaviour("S11")
def test_comments_keep_order_authors_times_and_visibility(desk: Desk) -> None:
    desk.ticket(
        "1",
        {"body_html": "<p>Help</p>"},
        {"body_html": "<p>Sure</p>", "author_ref": "a1"},
        {"body_html": "<p>Psst</p>", "author_ref": "a1", "visibility": "internal"},
        {"body_html": "<p>Me too</p>", "author_ref": "c2"},
    )
    mapped = desk.map()
    ticket = mapped.row("tickets", "1")
    assert (ticket["opener"], ticket["opener_comment_ref"], ticket["requester_ref"]) == ("Help", "1-0", "c1")
    assert ticket["created_at"] == START
    assert [(part["position"], *spoken(part), part["body"], part["created_at"]) for part in mapped.parts("1")] == [
        (0, "admin", "101", "comment", "<p>Sure</p>", START + MINUTE),
        (1, "admin", "101", "note", "<p>Psst</p>", START + 2 * MINUTE),
        (2, "contact", "c2", "comment", "<p>Me too</p>", START + 3 * MINUTE),
    ]
    assert ticket["part_count"] == 3
    assert ticket["losses"] == []


@pytest.mark.parametrize(
    ("author", "visibility", "voice", "lead", "reason"),
    [
        ("a1", "public", ("admin", "101", "comment"), "", None),
        ("a1", "internal", ("admin", "101", "note"), "", None),
        ("a2", "public", ("admin", "900", "comment"), "<p><b>Bob</b> (Zendesk)</p>", ("author_replaced", "Bob")),
        ("a2", "internal", ("admin", "900", "note"), "<p><b>Bob</b> (Zendesk)</p>", ("author_replaced", "Bob")),
        ("c2", "public", ("contact", "c2", "comment"), "", None),
        ("c2", "internal", ("admin", "900", "note"), "<p><b>Dan</b> (Zendesk)</p>", ("contact_note", "Dan")),
        (None, "public", ("admin", "900", "note"), "<p><b>Zendesk</b></p>", None),
        (None, "internal", ("admin", "900", "note"), "<p><b>Zendesk</b></p>", None),
        ("p1", "public", ("contact", "p1", "comment"), "", ("author_unknown", "Unknown (p1)")),
        (
            "p1",
            "internal",
            ("admin", "900", "note"),
            "<p><b>Unknown (p1)</b> (Zendesk)</p>",
            ("author_unknown", "Unknown (p1)"),
        ),
        (
            "x9",
            "public",
            ("contact", "pipeline:unknown", "comment"),
            "<p><b>Unknown (x9)</b> (Zendesk)</p>",
            ("author_unknown", "Unknown (x9)"),
        ),
        (
            "x9",
            "internal",
            ("admin", "900", "note"),
            "<p><b>Unknown (x9)</b> (Zendesk)</p>",
            ("author_unknown", "Unknown (x9)"),
        ),
    ],
)
def test_who_speaks_for_whom(
    desk: Desk,
    author: str | None,
    visibility: str,
    voice: tuple[str, str, str],
    lead: str,
    reason: tuple[str, str] | None,
) -> None:
    desk.ticket("1", {"body_text": "hi"}, {"body_html": "<p>x</p>", "author_ref": author, "visibility": visibility})
    mapped = desk.map()
    (part,) = mapped.parts("1")
    assert spoken(part) == voice
    assert part["body"] == f"{lead}<p>x</p>"
    assert mapped.row("tickets", "1")["losses"] == ([{"reason": reason[0], "detail": reason[1]}] if reason else [])
    known = {row["source_id"] for row in mapped.rows("contacts")}
    assert part["contact_ref"] is None or part["contact_ref"] in known


def test_whoever_is_assigned_was_an_agent_once(desk: Desk) -> None:
    """A downgraded agent is an end user for Zendesk, but spoke for the help desk."""
    desk.ticket("1", {}, {"author_ref": "c2", "body_text": "Fixed"}, assignee_ref="c2")
    mapped = desk.map()
    assert spoken(mapped.parts("1")[0]) == ("admin", "900", "comment")
    assert mapped.row("tickets", "1")["losses"] == [
        {"reason": "author_replaced", "detail": "Dan"},
        {"reason": "assignee_unmapped", "detail": "Dan"},
    ]
    by_hand = RULES.model_copy(update={"agents": {**RULES.agents, "c2": AgentEntry(name="Dan", target="102")}})
    mapped = desk.map(by_hand)
    assert spoken(mapped.parts("1")[0]) == ("admin", "102", "comment")
    assert mapped.row("tickets", "1")["admin_id"] == "102"


@pytest.mark.behaviour("S18")
def test_an_agent_who_asks_is_a_contact_and_who_answers_a_teammate(desk: Desk) -> None:
    desk.ticket(
        "1", {"author_ref": "a1", "body_html": "<p>My screen</p>"}, {"author_ref": "a1", "body_html": "<p>Solved</p>"},
        requester_ref="a1",
    )  # fmt: skip
    mapped = desk.map()
    ticket = mapped.row("tickets", "1")
    assert (ticket["requester_ref"], ticket["opener"], ticket["opener_comment_ref"]) == ("a1", "My screen", "1-0")
    assert spoken(mapped.parts("1")[0]) == ("admin", "101", "comment")
    assert '"email":"ann@acme.example"' in mapped.row("contacts", "a1")["body"]


@pytest.mark.parametrize(
    ("comments", "subject", "opener", "parts"),
    [
        ([{"author_ref": "a1", "body_text": "Calling you"}], "  Your\n order ", "Your order", 1),
        ([{"visibility": "internal", "body_text": "x"}], "S", "S", 1),
        ([{"author_ref": "c2", "body_text": "x"}], "S", "S", 1),
        ([{"author_ref": None, "body_text": "x"}], None, "(no subject)", 1),
        ([], "S", "S", 0),
    ],
)
def test_a_line_opens_where_the_requester_does_not(
    desk: Desk, comments: list[dict[str, Any]], subject: str | None, opener: str, parts: int
) -> None:
    desk.ticket("1", *comments, subject=subject)
    mapped = desk.map()
    ticket = mapped.row("tickets", "1")
    assert (ticket["opener"], ticket["opener_comment_ref"], ticket["part_count"]) == (opener, None, parts)
    assert "opener_stub" in mapped.reasons("tickets", "1")
    assert ticket["title"] == (" ".join(subject.split()) if subject else None)


def test_nobody_as_requester_becomes_a_placeholder(desk: Desk) -> None:
    desk.ticket("1", {"body_text": "x"}, requester_ref=None)
    desk.ticket("2", {"author_ref": "gone", "body_text": "x"}, requester_ref="gone")
    mapped = desk.map()
    for ticket in ("1", "2"):
        assert mapped.row("tickets", ticket)["requester_ref"] == "pipeline:unknown"
        assert {"author_unknown", "opener_stub"} <= set(mapped.reasons("tickets", ticket))
    assert '"external_id":"zendesk:unknown"' in mapped.row("contacts", "pipeline:unknown")["body"]


def test_no_placeholder_where_everybody_is_known(desk: Desk) -> None:
    desk.ticket("1", {"body_text": "x"})
    assert not [row for row in desk.map().rows("contacts") if row["source_id"].startswith("pipeline:")]


@pytest.mark.behaviour("S17")
@pytest.mark.parametrize(
    ("files", "cap", "chunks"),
    [(0, 5, [0]), (5, 5, [5]), (6, 5, [5, 1]), (11, 5, [5, 5, 1]), (11, 10, [10, 1]), (2, 1, [1, 1])],
)
def test_more_files_than_a_part_takes_become_further_parts(desk: Desk, files: int, cap: int, chunks: list[int]) -> None:
    desk.ticket(
        "1",
        {"body_text": "x"},
        {"author_ref": "a1", "body_html": "<p>See</p>", "files": names(files)},
        {"body_text": "thanks"},
    )
    parts = desk.map(files_per_part=cap).parts("1")
    said = [part for part in parts if part["comment_ref"] == "1-1"]
    assert [len(part["files"]) for part in said] == chunks
    assert [file["name"] for part in said for file in part["files"]] == names(files)
    assert {spoken(part) for part in said} == {("admin", "101", "comment")}
    times = [part["created_at"] for part in said]
    assert times == [START + MINUTE + number * SECOND for number in range(len(chunks))]
    assert said[0]["body"] == "<p>See</p>"
    for part in said[1:]:
        assert all(file["name"] in part["body"] for file in part["files"])
    assert parts[-1]["created_at"] == START + 2 * MINUTE


@pytest.mark.behaviour("S17")
@pytest.mark.parametrize(("files", "chunks"), [(0, []), (5, [5]), (6, [5, 1]), (11, [5, 5, 1])])
def test_files_of_the_opener_follow_it(desk: Desk, files: int, chunks: list[int]) -> None:
    desk.ticket("1", {"body_text": "See", "files": names(files)}, {"author_ref": "a1", "body_text": "ok"})
    mapped = desk.map()
    said = [part for part in mapped.parts("1") if part["comment_ref"] == "1-0"]
    assert mapped.row("tickets", "1")["opener"] == "See"
    assert [len(part["files"]) for part in said] == chunks
    assert {spoken(part) for part in said} <= {("contact", "c1", "comment")}
    assert [part["created_at"] for part in said] == [START + (n + 1) * SECOND for n in range(len(chunks))]


def test_files_never_push_the_next_comment(desk: Desk) -> None:
    soon = START + MINUTE + SECOND
    desk.ticket(
        "1",
        {"body_text": "x"},
        {"author_ref": "a1", "body_text": "x", "files": names(20)},
        {"body_text": "y", "created_at": soon},
    )
    mapped = desk.map()
    times = [part["created_at"] for part in mapped.parts("1")]
    assert times == [START + MINUTE, soon, soon, soon, soon]
    assert mapped.reasons("tickets", "1") == []


def test_times_never_run_backwards(desk: Desk) -> None:
    desk.ticket(
        "1",
        {"body_text": "a", "created_at": START + MINUTE},
        {"author_ref": "a1", "body_text": "b", "created_at": START - MINUTE},
        {"author_ref": "a1", "body_text": "c", "created_at": None},
    )
    mapped = desk.map()
    assert mapped.row("tickets", "1")["created_at"] == START
    assert [part["created_at"] for part in mapped.parts("1")] == [START, START]
    assert [loss["detail"] for loss in mapped.row("tickets", "1")["losses"]] == [
        "comment 1-0: 60 s earlier, with its ticket",
        "comment 1-1: 60 s later, to keep the order",
    ]


def test_a_comment_older_than_its_ticket_opens_at_its_own_time(desk: Desk) -> None:
    desk.ticket("1", {"body_text": "a", "created_at": START - MINUTE})
    assert desk.map().row("tickets", "1")["created_at"] == START - MINUTE


@pytest.mark.behaviour("B13")
@pytest.mark.parametrize(
    ("comment", "body"),
    [
        ({}, "<p>(no text)</p>"),
        ({"body_html": "<div><br></div>"}, "<p>(no text)</p>"),
        ({"body_html": "", "body_text": "a & b"}, "<p>a &amp; b</p>"),
        ({"files": ["a.txt"]}, "<p>[file: a.txt]</p>"),
        ({"files": ["a.txt", "b <c>.txt"]}, "<p>[files: a.txt, b &lt;c&gt;.txt]</p>"),
    ],
)
def test_a_body_is_never_empty(desk: Desk, comment: dict[str, Any], body: str) -> None:
    desk.ticket("1", {"body_text": "x"}, {"author_ref": "a1", **comment})
    desk.ticket("2", comment)
    mapped = desk.map()
    assert mapped.parts("1")[0]["body"] == body
    assert mapped.row("tickets", "2")["opener"]


@pytest.mark.parametrize(
    ("missing", "reason"),
    [("file_malware", "file_malware"), (None, "file_missing"), ("no such code", "file_missing")],
)
def test_a_missing_file_is_named(desk: Desk, missing: str | None, reason: str) -> None:
    gone = {"name": "virus.exe", "sha256": None, "missing": missing}
    desk.ticket("1", {"body_text": "x", "files": [gone]}, {"author_ref": "a1", "body_text": "y", "files": [gone]})
    mapped = desk.map()
    (part,) = mapped.parts("1")
    assert mapped.row("tickets", "1")["opener"] == "x\n\n[file not available: virus.exe]"
    assert part["body"] == "<p>y</p><p>[file not available: virus.exe]</p>"
    assert part["files"] == []
    assert mapped.row("tickets", "1")["losses"] == [
        {"reason": reason, "detail": "virus.exe (attachment 1-0-f00)"},
        {"reason": reason, "detail": "virus.exe (attachment 1-1-f00)"},
    ]


@pytest.mark.behaviour("S05")
def test_images_in_the_text_are_carried_as_files(desk: Desk) -> None:
    own = '<img src="https://acme.zendesk.com/attachments/token/T/?name=a.png">'
    embedded = '<img src="data:image/png;base64,aGk=">'
    desk.ticket(
        "1",
        {"body_html": f"<p>{embedded}</p>"},
        {"author_ref": "a1", "body_html": f"<p>x {own}{embedded}</p>", "files": ["a.png"]},
    )
    mapped = desk.map()
    first, second = mapped.parts("1")
    sha256 = hashlib.sha256(b"hi").hexdigest()
    assert mapped.staging.blobs.read(sha256) == b"hi"
    assert [(file["name"], file["sha256"], file["size"]) for file in first["files"]] == [("image-1.png", sha256, 2)]
    assert second["body"] == "<p>x [image: a.png][image: image-1.png]</p>"
    assert [file["name"] for file in second["files"]] == ["a.png", "image-1.png"]


def test_an_embedded_image_that_cannot_be_read_is_told(desk: Desk) -> None:
    desk.ticket("1", {"body_html": 'x <img src="data:image/png;base64,@">'})
    assert desk.map().reasons("tickets", "1") == ["opener_formatting", "file_missing"]


def test_formatting_of_the_opener_is_told(desk: Desk) -> None:
    desk.ticket("1", {"body_html": "<p>Say <b>it</b></p><ul><li>once</li></ul>"})
    desk.ticket("2", {"body_html": "<p>plain</p>"})
    mapped = desk.map()
    assert mapped.row("tickets", "1")["opener"] == "Say it\n\n- once"
    assert mapped.row("tickets", "1")["losses"] == [{"reason": "opener_formatting", "detail": "comment 1-0"}]
    assert mapped.row("tickets", "2")["losses"] == []
