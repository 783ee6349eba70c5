"""docs/fidelity.md is what the tables say, speaks of every field, and what it says of a field is what mapping does."""

import datetime as dt
import json
from typing import Any

import pytest

from migration_pipeline.config.mapping import FieldEntry, Mapping
from migration_pipeline.model.entities import RECORDS
from migration_pipeline.target.fidelity import PAGE, fates, page
from migration_pipeline_tests.mapping.desk import RULES, START, Desk, Mapped

LATER = START + dt.timedelta(days=400)
CARRIED = ("kept", "stored as attribute", "note")
SKIPPED = {"source_id", "source_url", "ticket_ref", "comment_ref", "position", "size"}
"""Who a row is, and what follows from the rows around it."""

COMPANY: dict[str, Any] = {
    "external_id": "x", "name": "Acme", "domains": ["acme.example"], "notes": "big", "tags": ["vip"],
    "attributes": '{"f2": "gold"}', "created_at": START, "updated_at": START,
}  # fmt: skip
OTHER_COMPANY: dict[str, Any] = {
    "external_id": "y", "name": "Bcme", "domains": ["bcme.example"], "notes": "small", "tags": ["old"],
    "attributes": '{"f2": "iron"}', "created_at": LATER, "updated_at": LATER,
}  # fmt: skip
CONTACT: dict[str, Any] = {
    "external_id": "x", "name": "Eve", "emails": ["eve@x.example"], "phones": ["+49 30 901820"], "suspended": False,
    "company_refs": ["o1"], "tags": ["vip"], "attributes": '{"f3": "gold"}', "locale": "de", "time_zone": "Berlin",
    "notes": "kind", "avatar_url": "https://acme.example/1.png", "created_at": START, "updated_at": START,
}  # fmt: skip
OTHER_CONTACT: dict[str, Any] = {
    "external_id": "y", "name": "Eva", "emails": ["eva@x.example"], "phones": ["+49 30 901821"], "suspended": True,
    "company_refs": ["o2"], "tags": ["old"], "attributes": '{"f3": "iron"}', "locale": "fr", "time_zone": "Paris",
    "notes": "rude", "avatar_url": "https://acme.example/2.png", "created_at": LATER, "updated_at": LATER,
}  # fmt: skip
TICKET: dict[str, Any] = {
    "external_id": "x", "subject": "Help", "state": "open", "status": "open", "status_label": "Open",
    "priority": "low", "kind": "question", "tags": ["vip"], "brand": "Acme", "form": "Short", "team_ref": "t1",
    "requester_ref": "c1", "submitter_ref": "c1", "assignee_ref": "a1", "company_ref": "o1", "cc_refs": ["c2"],
    "follower_refs": ["a1"], "channel": "email", "attributes": '{"f1": "one"}',
    "csat": '{"score": "good"}', "links": [{"type": "follow_up", "ref": "7"}], "created_at": START,
    "updated_at": START, "due_at": START,
}  # fmt: skip
OTHER_TICKET: dict[str, Any] = {
    "external_id": "y", "subject": "Halp", "state": "closed", "status_label": "Open too",
    "priority": "high", "kind": "incident", "tags": ["old"], "brand": "Bcme", "form": "Long", "team_ref": None,
    "requester_ref": "c2", "submitter_ref": "a1", "assignee_ref": None, "company_ref": "o2", "cc_refs": [],
    "follower_refs": ["a2"], "channel": "web", "attributes": '{"f1": "two"}',
    "csat": '{"score": "bad"}', "links": [{"type": "follow_up", "ref": "8"}],
    "created_at": START - dt.timedelta(days=3), "updated_at": LATER, "due_at": LATER,
}  # fmt: skip
COMMENT: dict[str, Any] = {
    "author_ref": "c1", "author_name": None, "visibility": "public", "channel": "email", "body_html": "<p>one</p>",
    "created_at": START + dt.timedelta(hours=1),
}  # fmt: skip
OTHER_COMMENT: dict[str, Any] = {
    "author_ref": "a1", "visibility": "internal", "channel": "web", "body_html": "<p>two</p>",
    "created_at": START + dt.timedelta(hours=2),
}  # fmt: skip
FILE: dict[str, Any] = {"name": "a.txt", "content_type": "text/plain", "inline": False, "sha256": "1" * 64}
OTHER_FILE: dict[str, Any] = {"name": "b.txt", "content_type": "text/html", "inline": True, "sha256": "2" * 64}

MAPPED = Mapping.model_validate(
    {
        **RULES.model_dump(),
        "statuses": {},
        "fields": {"f1": FieldEntry(title="Order", target="Order", type="string", matched_by="hand")},
        "company_fields": {"f2": FieldEntry(title="Level", target="Level", type="string", matched_by="hand")},
        "contact_fields": {"f3": FieldEntry(title="Rank", target="Rank", type="string", matched_by="hand")},
        "attributes": {
            key: f"old {key}" for key in (
                "status", "priority", "type", "channel", "brand", "form", "external_id", "updated_at", "due_at",
                "satisfaction", "links", "followers", "phone", "locale", "time_zone",
            )
        },
        "tags": {"vip": "vip", "old": "old"},
    }
)  # fmt: skip


def test_the_page_in_docs_is_what_the_tables_say() -> None:
    """Where this fails: python -m migration_pipeline.target.fidelity"""
    assert PAGE.read_text(encoding="utf-8") == page()


@pytest.mark.behaviour("S08", "B09")
def test_every_field_has_an_answer_and_what_is_lost_has_a_reason() -> None:
    for table in RECORDS.keys() - {"rejects"}:
        for column, fate in fates(table):
            assert fate.why if fate.how == "lost" else fate.where, (table, column)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Mapped:
    """One record more for each field, which differs in that field alone."""
    desk = Desk(tmp_path_factory.mktemp("desk"))
    for field, scope in (("f1", "ticket"), ("f2", "company"), ("f3", "contact")):
        desk.add("fields", source_id=field, scope=scope, key=field, title=field, type="text", active=True)
    for tag in ("vip", "old"):
        desk.add("tags", source_id=tag, name=tag, uses=1)
    for name in ("o1", "o2"):
        desk.add("companies", source_id=name, name=name)
    for column, change in _variants(COMPANY, OTHER_COMPANY):
        desk.add("companies", source_id=f"v-{column}", **{**COMPANY, **change})
    for column, change in _variants(CONTACT, OTHER_CONTACT):
        desk.contact(f"v-{column}", **{**CONTACT, **change})
    for column, change in _variants(TICKET, OTHER_TICKET):
        desk.ticket(f"v-{column}", {"author_ref": "c1", "body_text": "x"}, **{**TICKET, **change})
    for column, change in _variants(COMMENT, OTHER_COMMENT):
        desk.ticket(f"s-{column}", {"body_text": "x"}, {**COMMENT, **change}, assignee_ref="a1")
    for column, change in _variants(FILE, OTHER_FILE):
        desk.ticket(f"f-{column}", {"body_text": "x"}, {"body_text": "y", "files": [{**FILE, **change}]})
    return desk.map(MAPPED, profile_notes="note")


@pytest.mark.behaviour("S08", "B09")
@pytest.mark.parametrize(
    ("table", "payloads", "mark", "changed"),
    [
        ("companies", ("companies",), "v", OTHER_COMPANY),
        ("contacts", ("contacts",), "v", OTHER_CONTACT),
        ("tickets", ("tickets", "parts"), "v", OTHER_TICKET),
        ("comments", ("tickets", "parts"), "s", OTHER_COMMENT),
        ("attachments", ("tickets", "parts"), "f", OTHER_FILE),
    ],
)
def test_a_changed_field_changes_the_payload_where_the_page_says_it_is_kept(
    told: Mapped, table: str, payloads: tuple[str, ...], mark: str, changed: dict[str, Any]
) -> None:
    plain = _content(told, payloads, f"{mark}-nothing")
    known = dict(fates(table))
    wrong = []
    for column in changed.keys() - SKIPPED:
        differs = _content(told, payloads, f"{mark}-{column}") != plain
        if differs != (known[column].how in CARRIED):
            wrong.append(f"{column}: {known[column].how}")
    assert not wrong


def _variants(row: dict[str, Any], other: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        ("nothing", {}),
        *((column, {column: value}) for column, value in other.items() if value != row.get(column)),
    ]


def _content(told: Mapped, payloads: tuple[str, ...], record: str) -> str:
    """What the target would hold of a record, without what names the record and what the report says of it."""
    rows = []
    for table in payloads:
        key = "ticket_ref" if table == "parts" else "source_id"
        for row in told.rows(table):
            if row[key] == record:
                about = {"digest", "losses", "source_url"}
                rows.append({name: value for name, value in row.items() if name not in about})
    assert rows
    return json.dumps(rows, default=str, sort_keys=True).replace(record, "?")
