"""Canonical records from snapshots that hold anything: what is required, what is optional, and nothing that raises."""

import copy
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import HttpUrl, SecretStr

from migration_pipeline.config import Migration, Source, Target, ZendeskAuth
from migration_pipeline.credentials import TokenFile
from migration_pipeline.model.entities import ENTITY_TYPES
from migration_pipeline.sources.zendesk import ZendeskSource, shapes
from migration_pipeline.staging import Staging
from migration_pipeline_tests.sources.conftest import Desk, Place

TICKET: dict[str, Any] = {
    "id": 7,
    "external_id": "x-1",
    "subject": "Kaffee 😀",
    "status": "open",
    "priority": "high",
    "type": "question",
    "created_at": "2024-03-01T10:00:00Z",
    "updated_at": "2024-03-02T10:00:00Z",
    "requester_id": 21,
    "assignee_id": 22,
    "organization_id": 31,
    "group_id": 41,
    "brand_id": 51,
    "email_cc_ids": [23, 21],
    "follower_ids": [],
    "tags": ["vip", "red", "checked", "vip"],
    "custom_fields": [
        {"id": 61, "value": "red"},
        {"id": 62, "value": True},
        {"id": 63, "value": None},
        {"id": 64, "value": ["a", "b"]},
        {"id": 65, "value": "  "},
        {"id": 66, "value": 0},
        {"id": 67, "value": False},
    ],
    "via": {"channel": "email", "source": {"from": {"ticket_id": 3}, "to": {}, "rel": "follow_up"}},
    "satisfaction_rating": {"score": "good", "comment": "Danke"},
    "problem_id": 5,
    "followup_ids": [9],
    "comment_count": 1,
}
USER: dict[str, Any] = {
    "id": 21,
    "name": "Zoë",
    "email": "zoe@example.com",
    "phone": "+49 30 1",
    "role": "end-user",
    "active": True,
    "organization_id": 31,
    "tags": ["gold"],
    "user_fields": {"tier": "gold", "empty": None, "a/b~c": 1},
    "identities": [
        {"id": 2, "type": "email", "value": "second@example.com", "primary": False},
        {"id": 1, "type": "email", "value": "ZOE@example.com", "primary": True},
        {"id": 3, "type": "phone_number", "value": "+49 30 2", "primary": False},
        {"id": 4, "type": "twitter", "value": "@zoe"},
    ],
    "created_at": "2024-01-01T00:00:00Z",
    "updated_at": "2024-01-01T00:00:00Z",
}
ORGANIZATION: dict[str, Any] = {
    "id": 31,
    "name": "Acme",
    "domain_names": ["acme.example"],
    "organization_fields": {"seats": 3},
    "created_at": "2024-01-01T00:00:00Z",
}
FIELDS: list[dict[str, Any]] = [
    {"id": 61, "type": "tagger", "title": "Colour", "custom_field_options": [{"name": "A::Red", "value": "red"}]},
    {"id": 62, "type": "checkbox", "title": "Checked", "tag": "checked"},
]
COMMENT: dict[str, Any] = {
    "id": 71,
    "type": "Comment",
    "author_id": 21,
    "html_body": "<p>Hallo</p>",
    "plain_body": "Hallo",
    "public": True,
    "via": "Web form",
    "created_at": "2024-03-01T10:00:00Z",
    "attachments": [
        {"id": 81, "file_name": "a.txt", "content_url": "https://x/attachments/token/T/?name=a", "size": 3}
    ],
}


def anything() -> st.SearchStrategy[Any]:
    """Arbitrary JSON, with the kinds of values that trip parsers."""
    odd = st.sampled_from(
        [
            "",
            " ",
            "\x00",
            "0",
            "-1",
            "007",
            "12",
            "null",
            "infinity",
            "2024-13-01",
            "9999-12-31T23:59:59Z",
            "{}",
            "'; --",
            "‮",
        ]
    )
    numbers = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    leaves = st.none() | st.booleans() | numbers | odd | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["id", "value", "name", "type", "channel", "x\x00", "a/b~", "'"]), inner, max_size=3
            )
        ),
        max_leaves=6,
    )


def mangled(record: dict[str, Any]) -> st.SearchStrategy[Any]:
    """The record with arbitrary JSON in place of some fields, with some missing, or something else altogether."""

    def mangle(changes: dict[str, Any], missing: set[str]) -> dict[str, Any]:
        return {key: value for key, value in ({**record, **changes}).items() if key not in missing}

    keys = st.sampled_from(sorted(record))
    return st.builds(mangle, st.dictionaries(keys, anything(), max_size=5), st.sets(keys, max_size=2)) | anything()


class Bench:
    """A folder whose snapshots a test fills by hand."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        source = Source(
            kind="zendesk",
            base_url=HttpUrl("http://127.0.0.1:9"),
            auth=ZendeskAuth(client_id="c", client_secret=SecretStr("s")),
            **settings,
        )
        migration = Migration(
            name="bench",
            data_dir=folder,
            source=source,
            target=Target(token=SecretStr("t"), workspace="w"),
            path=folder / "migration.yaml",
        )
        self.staging = Staging(migration)
        source_of = ZendeskSource(source, tokens=TokenFile(folder / "token.json"), stop=threading.Event())
        self.place = Place(self.staging, source_of, migration)

    def add(self, stream: str, *records: Any, prefix: str = "") -> None:
        rows = [shapes.row(record, prefix=prefix) for record in records]
        self.staging.snapshots.append(stream, rows, cursor=None, complete=True)

    def normalize(self, *entity_types: str) -> dict[str, int]:
        made: dict[str, int] = {}
        for entity_type in entity_types or ENTITY_TYPES:
            made |= self.place.source.normalize(entity_type, self.staging)
        return made

    def one(self, table: str) -> dict[str, Any]:
        [row] = self.place.records(table)
        return row


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_nothing_at_all_makes_empty_tables(bench: Bench) -> None:
    assert set(bench.normalize().values()) == {0}


@pytest.mark.parametrize(("rule", "told"), [("list", [("suspended:5", "Detected as spam: Win")]), ("leave", [])])
def test_messages_that_the_source_holds_back_are_listed_as_set(
    tmp_path: Path, rule: str, told: list[tuple[str, str]]
) -> None:
    bench = Bench(tmp_path, suspended_tickets=rule)
    bench.add("suspended_tickets", {"id": 5, "cause": "Detected as spam", "subject": "Win"})
    bench.normalize()
    rejected = bench.place.records("rejects_tickets")
    assert [(row["source_id"], row["detail"]) for row in rejected] == told
    assert {row["reason"] for row in rejected} <= {"suspended_in_source"}


def test_a_ticket_with_all_that_belongs_to_it(bench: Bench) -> None:
    bench.add("ticket_fields", *FIELDS)
    bench.add("organizations", ORGANIZATION)
    bench.add("users", USER)
    bench.add("brands", {"id": 51, "name": "Acme"})
    bench.add("tickets", TICKET)
    bench.add("comments", COMMENT, prefix="7/")
    bench.normalize()
    ticket = bench.one("tickets")
    assert (ticket["source_id"], ticket["source_url"]) == ("7", "http://127.0.0.1:9/agent/tickets/7")
    assert (ticket["state"], ticket["status"], ticket["status_label"]) == ("open", "open", "open")
    assert ticket["subject"] == "Kaffee 😀"
    assert ticket["tags"] == ["vip"]  # the others only mirror field values
    assert json.loads(ticket["attributes"]) == {"61": "red", "62": True, "64": ["a", "b"], "66": 0, "67": False}
    assert ticket["cc_refs"] == ["23", "21"]
    assert (ticket["company_ref"], ticket["brand"], ticket["channel"]) == ("31", "Acme", "email")
    assert json.loads(ticket["csat"])["score"] == "good"
    assert {(link["type"], link["ref"]) for link in ticket["links"]} == {
        ("problem", "5"),
        ("follow_up", "9"),
        ("follow_up_of", "3"),
    }
    comment = bench.one("comments")
    assert (comment["source_id"], comment["position"], comment["visibility"]) == ("71", 0, "public")
    assert (comment["channel"], comment["kind"]) == ("web", "text")
    file = bench.one("attachments")
    assert (file["source_id"], file["comment_ref"], file["missing"]) == ("81", "71", "file_missing")
    contacts = {row["source_id"]: row for row in bench.place.records("contacts")}
    assert contacts["21"]["emails"] == ["zoe@example.com", "second@example.com"]
    assert contacts["21"]["phones"] == ["+49 30 1", "+49 30 2"]
    assert contacts["21"]["company_refs"] == ["31"]
    assert json.loads(contacts["21"]["attributes"]) == {"a/b~c": 1, "tier": "gold"}
    assert contacts["23"]["kind"] == "placeholder"
    fields = {row["source_id"]: row for row in bench.place.records("fields")}
    assert fields["61"]["options"] == [{"value": "red", "label": "A::Red"}]
    assert [row["name"] for row in bench.place.records("tags")] == ["gold", "vip"]  # people carry tags too


@pytest.mark.behaviour("B13")
@pytest.mark.behaviour("B13")
def test_a_ticket_without_what_it_must_have_is_rejected_with_the_reason(bench: Bench) -> None:
    wrong: list[tuple[str, Any]] = [
        *(("id", value) for value in ("seven", None, -7, 7.5, True, [7], "007")),
        *(("created_at", value) for value in (12, "yesterday", "infinity", None, "0001-01-01", "9999-01-01T00:00:00Z")),
        *(("status", value) for value in ({"x": 1}, "gone", None, 2)),
    ]
    bench.add(
        "tickets", *(TICKET | {"id": number} | {field: value} for number, (field, value) in enumerate(wrong, start=1))
    )
    made = bench.normalize("tickets")
    assert (made["tickets"], made["rejects_tickets"]) == (0, len(wrong))
    rejects = bench.place.records("rejects_tickets")
    assert {row["reason"] for row in rejects} == {"malformed_record"}
    named = sorted(row["detail"].split()[0] for row in rejects)
    assert named == sorted(field for field, _ in wrong)


def test_an_optional_field_of_another_type_counts_as_missing_and_loses_no_ticket(bench: Bench) -> None:
    odd: list[Any] = [{"x": [1]}, "text", 3, ["a", {"b": None}], True, None, -1.5]
    optional = sorted(TICKET.keys() - {"id", "created_at", "status"})
    changes = [{field: value} for field in optional for value in odd]
    bench.add("tickets", *(TICKET | change | {"id": number} for number, change in enumerate(changes, start=1)))
    made = bench.normalize("tickets")
    assert (made["tickets"], made["rejects_tickets"]) == (len(changes), 0)
    rows = {int(row["source_id"]): row for row in bench.place.records("tickets")}
    for number, change in enumerate(changes, start=1):
        for field, column in (("subject", "subject"), ("priority", "priority"), ("external_id", "external_id")):
            if field in change:
                assert rows[number][column] == (change[field] if isinstance(change[field], str) else None)


STREAMS = {
    "tickets": TICKET,
    "users": USER,
    "organizations": ORGANIZATION,
    "groups": {"id": 41, "name": "Support", "deleted": False},
    "ticket_fields": FIELDS[0],
    "user_fields": {"id": 91, "key": "tier", "type": "dropdown", "title": "Tier"},
    "organization_fields": {"id": 92, "key": "seats", "type": "integer", "title": "Seats"},
    "organization_memberships": {"id": 93, "user_id": 21, "organization_id": 31, "default": True},
    "brands": {"id": 51, "name": "Acme"},
    "ticket_forms": {"id": 52, "name": "Form"},
    "custom_statuses": {"id": 53, "status_category": "open", "agent_label": "Open"},
    "comments": COMMENT,
    "thread_comments": COMMENT,
    "comment_flags": {"id": 72, "kind": "privacy", "comment_id": 71, "public": False},
    "files": {"id": 81, "sha256": "00", "reason": None},
    "threads": {"id": 7, "status": 200, "comments": ["7/71"]},
}


@pytest.mark.behaviour("B13")
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_the_service_sends_nothing_raises_and_nothing_disappears(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    bench = Bench(tmp_path_factory.mktemp("any"))
    sent: dict[str, list[Any]] = {}
    for stream, record in STREAMS.items():
        sent[stream] = data.draw(st.lists(mangled(record), min_size=2, max_size=12), label=stream)
        prefix = "7/" if "comment" in stream else ""
        bench.add(stream, *copy.deepcopy(sent[stream]), prefix=prefix)
    made = bench.normalize()

    def rows(stream: str) -> int:
        return len({shapes.row(record).id for record in sent[stream]})

    assert made["tickets"] + made["rejects_tickets"] == rows("tickets")
    assert made["companies"] + made["rejects_companies"] == rows("organizations")
    assert made["teams"] + made["rejects_teams"] == rows("groups")
    fields = rows("ticket_fields") + rows("user_fields") + rows("organization_fields")
    assert made["fields"] + made["rejects_fields"] == fields
    newest = {shapes.row(user).id: user for user in sent["users"]}
    unusable = sum(user_id.startswith(shapes.NO_ID) for user_id in newest)
    assert made["rejects_contacts"] + made["rejects_agents"] == unusable
    told = {row["source_id"] for table in ("contacts", "agents") for row in bench.place.records(table)}
    active = {
        key for key, user in newest.items() if shapes.field(user, "active") is not False and not key.startswith("?")
    }
    assert active <= told


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        anything() | mangled({"ticket_id": 7, "id": 70, "timestamp": 1_700_000_000, "child_events": [COMMENT]}),
        max_size=4,
    )
)
def test_any_event_can_be_taken_apart(events: list[Any]) -> None:
    comments, flags = shapes.comments_of(events)
    assert len({row.id for row in comments}) == len(comments)
    assert all(row.id.split("/")[0].isdigit() for row in comments + flags)


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [
        ({}, set()),
        ({"type": "VoiceComment"}, {"voice"}),
        ({"html_body": '<img src="https://x/attachments/token/T/?name=a">'}, set()),
        ({"html_body": '<img alt="" SRC=https://x/attachments/token/OTHER/?name=b>'}, {"inline_image"}),
        ({"html_body": '<img src="cid:part1@mail">'}, {"inline_image"}),
        ({"html_body": '<img src="https://elsewhere.example/logo.png">'}, set()),
        ({"html_body": '<img src="data:image/png;base64,AA">'}, set()),
        ({"via": {"channel": "native_messaging"}}, {"messaging"}),
        ({"via": 19}, {"merge"}),
        ({"via": "Web form", "body": "Request #3 was closed and merged into this request"}, {"merge"}),
        ({"id": None}, {"malformed"}),
        ({"type": "CommentRedactionEvent", "event_type": "CommentRedactionEvent"}, {"redaction"}),
        ({"type": None, "event_type": "CommentPrivacyChange"}, {"privacy"}),
        ({"type": None, "event_type": "AttachmentRedactionEvent"}, {"attachment_redaction"}),
        ({"type": None, "event_type": "Change"}, set()),
    ],
)
def test_what_calls_for_another_look_at_the_thread(changes: dict[str, Any], kinds: set[str]) -> None:
    event = {"id": 70, "ticket_id": 7, "created_at": "2024-03-01T10:00:00Z", "child_events": [COMMENT | changes]}
    _, flags = shapes.comments_of([event])
    assert {row.payload["kind"] for row in flags} == kinds


def test_a_change_that_no_thread_was_read_for_leaks_nothing(bench: Bench) -> None:
    """Between an event and the reading of its thread, what was hidden stays hidden."""
    bench.add("tickets", TICKET | {"comment_count": 3})
    for number in (71, 72, 73):
        attachment = [{"id": number + 10, "file_name": "secret.pdf", "content_url": "https://x/1", "size": 1}]
        comment = COMMENT | {
            "id": number,
            "plain_body": "card 4111",
            "html_body": "<p>card 4111</p>",
            "attachments": attachment,
        }
        bench.add("comments", comment, prefix="7/")
        bench.add("files", {"id": number + 10, "sha256": "ab"})
    bench.add("comment_flags", {"id": 1, "kind": "redaction", "comment_id": 71}, prefix="7/")
    bench.add("comment_flags", {"id": 2, "kind": "privacy", "comment_id": 72, "public": False}, prefix="7/")
    bench.add(
        "comment_flags", {"id": 3, "kind": "attachment_redaction", "comment_id": 73, "attachment_id": 83}, prefix="7/"
    )
    bench.normalize("tickets")
    comments = {row["source_id"]: row for row in bench.place.records("comments")}
    assert "4111" not in comments["71"]["body_html"] + comments["71"]["body_text"]
    assert (comments["71"]["visibility"], comments["72"]["visibility"]) == ("public", "internal")
    assert "4111" in comments["72"]["body_text"]
    files = {row["source_id"]: row["sha256"] for row in bench.place.records("attachments")}
    assert files == {"81": "ab", "82": "ab", "83": None}


@pytest.mark.parametrize("times", [("2024-03-02T00:00:00Z", "2024-03-03T00:00:00Z"), (None, None), ("odd", "odd")])
def test_of_several_privacy_changes_the_last_one_counts(bench: Bench, times: tuple[str | None, str | None]) -> None:
    children = [
        {"id": 100 + number, "event_type": "CommentPrivacyChange", "comment_id": 71, "public": public}
        for number, public in enumerate([True, False])
    ]
    events = [
        {"id": 90 + number, "ticket_id": 7, "created_at": at, "child_events": [child]}
        for number, (at, child) in enumerate(zip(times, children, strict=True))
    ]
    _, flags = shapes.comments_of(events)
    bench.add("tickets", TICKET)
    bench.add("comments", COMMENT, prefix="7/")
    bench.staging.snapshots.append("comment_flags", flags, cursor=None, complete=True)
    bench.normalize("tickets")
    assert bench.one("comments")["visibility"] == "internal"


def test_a_comment_is_internal_unless_the_service_says_it_is_public(bench: Bench) -> None:
    bench.add("tickets", TICKET)
    for number, public in enumerate([True, False, None, "true", 1], start=71):
        bench.add("comments", COMMENT | {"id": number, "public": public}, prefix="7/")
    bench.normalize("tickets")
    seen = {row["source_id"]: row["visibility"] for row in bench.place.records("comments")}
    assert seen == {"71": "public", "72": "internal", "73": "internal", "74": "internal", "75": "internal"}


def test_comments_are_in_order_of_time_and_number(bench: Bench) -> None:
    bench.add("tickets", TICKET)
    times = {100: "2024-03-01T10:00:02Z", 9: "2024-03-01T10:00:01Z", 30: "2024-03-01T10:00:01Z", 8: "no time"}
    for number, created_at in times.items():
        bench.add("comments", COMMENT | {"id": number, "created_at": created_at}, prefix="7/")
    bench.normalize("tickets")
    rows = sorted(bench.place.records("comments"), key=lambda row: row["position"])
    assert [row["source_id"] for row in rows] == ["8", "9", "30", "100"]
    assert all(row["created_at"] is not None for row in rows)


def test_a_ticket_whose_comments_cannot_be_had_at_all_fails_and_one_with_some_moves(bench: Bench) -> None:
    bench.add("tickets", TICKET | {"id": 7, "comment_count": 4}, TICKET | {"id": 8, "comment_count": 4})
    bench.add("comments", COMMENT, prefix="7/")
    bench.add("threads", {"id": 7, "status": 404, "comments": []}, {"id": 8, "status": 404, "comments": []})
    bench.normalize("tickets")
    ticket = bench.one("tickets")
    assert (ticket["source_id"], ticket["comment_count"]) == ("7", 4)
    reject = bench.one("rejects_tickets")
    assert (reject["source_id"], reject["reason"]) == ("8", "comments_missing")


def test_a_channel_has_one_name_however_it_is_spelled(bench: Bench) -> None:
    spellings: dict[str, list[Any]] = {
        "web": [0, "Web form", {"channel": "web"}],
        "email": [4, "Mail", {"channel": "email"}],
        "api": [5, "Web service", {"channel": "api"}],
        "mobile_sdk": ["Mobile SDK", {"channel": "mobile_sdk"}],
    }
    bench.add("tickets", TICKET)
    expected = {}
    for number, (name, via) in enumerate(((name, via) for name, vias in spellings.items() for via in vias), start=71):
        bench.add("comments", COMMENT | {"id": number, "via": via}, prefix="7/")
        expected[str(number)] = name
    bench.normalize("tickets")
    assert {row["source_id"]: row["channel"] for row in bench.place.records("comments")} == expected


@pytest.mark.parametrize(
    ("person", "kind"),
    [
        ({"role": "end-user"}, "end_user"),
        ({"role": "end-user", "active": False}, "end_user"),  # a ticket refers to them
        ({"role": "agent"}, "agent"),
        ({"role": "admin", "suspended": True}, "agent"),
        ({"role": 7}, "end_user"),
    ],
)
@pytest.mark.behaviour("S18")
def test_whoever_asks_is_a_contact(bench: Bench, person: dict[str, Any], kind: str) -> None:
    bench.add("tickets", TICKET | {"email_cc_ids": []})
    bench.add("users", USER | person)
    bench.normalize("agents", "contacts")
    assert bench.one("contacts")["kind"] == kind
    assert len(bench.place.records("agents")) == (kind == "agent")


def test_who_is_inactive_and_unmentioned_and_agents_who_only_answer_are_no_contacts(bench: Bench) -> None:
    bench.add("tickets", TICKET | {"email_cc_ids": []})
    bench.add("comments", COMMENT | {"author_id": 22}, prefix="7/")
    bench.add("users", USER, USER | {"id": 22, "role": "agent"}, USER | {"id": 25, "active": False})
    bench.normalize("agents", "contacts")
    assert bench.one("contacts")["source_id"] == "21"
    assert bench.one("agents")["source_id"] == "22"


def test_deleted_tickets_make_no_placeholders_and_bring_no_comments(bench: Bench) -> None:
    bench.add("tickets", TICKET | {"status": "deleted"})
    bench.add("comments", COMMENT | {"author_id": 99}, prefix="7/")
    made = bench.normalize("tickets", "contacts")
    assert (made["tickets"], made["comments"], made["contacts"]) == (1, 0, 0)
    assert bench.one("tickets")["state"] == "deleted"


def test_the_same_snapshots_make_the_same_tables(bench: Bench) -> None:
    bench.add("tickets", *(TICKET | {"id": number, "tags": [f"t{number % 3}"]} for number in range(1, 200)))
    bench.add("users", *(USER | {"id": number} for number in range(1, 50)))
    bench.normalize("tickets", "tags", "contacts")
    tables = ("tickets", "tags", "contacts")
    first = {table: bench.place.records(table) for table in tables}
    bench.normalize("tickets", "tags", "contacts")
    assert {table: bench.place.records(table) for table in tables} == first


@pytest.mark.behaviour("B13")
def test_malformed_records_of_a_desk_are_rejected_or_read_but_never_lost(desk: Desk, somewhere: Place) -> None:
    desk.switch(malformed_records=0.3)
    rows = 0
    params: dict[str, str | int] = {"start_time": 0}
    while True:
        page = desk.get("incremental/tickets/cursor", support_type_scope="all", per_page=1000, **params).json()
        rows += len(page["tickets"])
        if page["end_of_stream"]:
            break
        params = {"cursor": page["after_cursor"]}
    desk.advance(61)
    somewhere.extract()
    made = somewhere.normalize()
    assert made["tickets"] + made["rejects_tickets"] == rows
    assert made["rejects_tickets"] > 0
    assert {row["reason"] for row in somewhere.records("rejects_tickets")} == {"malformed_record"}
    assert all(row["detail"] for row in somewhere.records("rejects_tickets"))
