"""Payload tables: bodies, attributes, tags, people and states, losses and digests."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migration_pipeline.config.mapping import FieldEntry, Mapping
from migration_pipeline.model.entities import ENTITY_TYPES
from migration_pipeline.model.errors import SettingsError
from migration_pipeline.model.reasons import REASONS
from migration_pipeline.staging import Staging
from migration_pipeline.target.payloads import map_entity
from migration_pipeline_tests.mapping.desk import RULES, START, Desk, Mapped, migration

EPOCH = int(START.timestamp())


def rules(**update: Any) -> Mapping:
    return Mapping.model_validate({**RULES.model_dump(), **update})


def body(mapped: Mapped, table: str, source_id: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(mapped.row(table, source_id)["body"])
    return read


def attributes(mapped: Mapped, ticket: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(mapped.row("tickets", ticket)["attributes"])
    return read


def test_agents_and_teams_take_what_mapping_yaml_says(desk: Desk) -> None:
    mapped = desk.map()
    assert (mapped.row("agents", "a1")["target_id"], mapped.row("agents", "a1")["skip"]) == ("101", None)
    assert (mapped.row("agents", "a2")["target_id"], mapped.row("agents", "a2")["skip"]) == (None, "no_teammate")
    assert "900" in mapped.row("agents", "a2")["skip_detail"]
    assert mapped.reasons("agents", "a2") == ["no_teammate"]
    assert (mapped.row("teams", "t1")["target_id"], mapped.row("teams", "t2")["skip"]) == ("501", "no_team")


@pytest.mark.behaviour("S12", "S20")
@pytest.mark.parametrize(
    ("assignee", "team", "admin_id", "team_id", "reasons"),
    [
        ("a1", "t1", "101", "501", []),
        (None, None, None, None, []),
        ("a2", "t1", None, "501", ["assignee_unmapped"]),
        ("a1", "t2", "101", None, ["no_team"]),
        ("zz", "zz", None, None, ["assignee_unmapped", "no_team"]),
    ],
)
def test_assignment(
    desk: Desk, assignee: str | None, team: str | None, admin_id: str | None, team_id: str | None, reasons: list[str]
) -> None:
    desk.ticket("1", {"body_text": "x"}, assignee_ref=assignee, team_ref=team)
    mapped = desk.map()
    row = mapped.row("tickets", "1")
    assert (row["admin_id"], row["team_id"]) == (admin_id, team_id)
    assert mapped.reasons("tickets", "1") == reasons


@pytest.mark.parametrize(
    ("status", "state", "said", "becomes", "skip"),
    [
        ("new", "open", {}, "open", None),
        ("hold", "snoozed", {}, "snoozed", None),
        ("hold", "snoozed", {"hold": "open"}, "open", None),
        ("solved", "closed", {"hold": "open"}, "closed", None),
        ("deleted", "deleted", {}, None, "deleted_in_source"),
    ],
)
def test_states(
    desk: Desk, status: str, state: str, said: dict[str, str], becomes: str | None, skip: str | None
) -> None:
    desk.ticket("1", {"body_text": "x"}, status=status, state=state)
    row = desk.map(rules(statuses=said)).row("tickets", "1")
    assert (row["state"], row["skip"], row["snoozed_until"]) == (becomes, skip, None)


@pytest.mark.behaviour("S13")
def test_fields_become_attributes_with_values(desk: Desk) -> None:
    options = [{"value": "xl", "label": "Extra large"}, {"value": "s", "label": "Small"}]

    def field(source_id: str, **more: Any) -> None:
        row = {"scope": "ticket", "key": source_id, "title": source_id.upper(), "type": "text", "active": True}
        desk.add("fields", source_id=source_id, **{**row, **more})

    field("f1", type="option", options=options)
    field("f2", type="options", options=options)
    field("f3", type="date")
    field("f4", active=False)
    field("f5", active=False)
    field("f6")
    field("f7", key="subject")
    field("f8", scope="contact")
    field("f9", type="multiline")
    entries = {
        "f1": FieldEntry(target="Size", type="list"),
        "f2": FieldEntry(target="Sizes"),
        "f3": FieldEntry(target="Day", type="datetime"),
        "f4": FieldEntry(target="Old"),
        "f5": FieldEntry(target="Older"),
        "f6": FieldEntry(target=None),
        "f9": FieldEntry(target="Text"),
    }
    values = {"f1": "xl", "f2": ["xl", "s"], "f3": "2024-02-29", "f4": "v", "f6": "v", "f7": "v", "f9": "y" * 300}
    desk.ticket("1", {"body_text": "x"}, attributes=json.dumps(values))
    desk.ticket("2", {"body_text": "x"}, attributes=json.dumps({"f1": "gone", "f3": False}))
    mapped = desk.map(rules(fields={key: entry.model_dump() for key, entry in entries.items()}))

    skips = {row["source_id"]: row["skip"] for row in mapped.rows("fields") if row["source_id"].startswith("f")}
    assert skips == {
        **dict.fromkeys(["f1", "f2", "f3", "f4", "f9"]),
        "f5": "inactive_field",
        "f6": "not_mapped",
        "f7": "system_field",
        "f8": "not_mapped",
    }
    assert body(mapped, "fields", "f1") == {
        "name": "Size",
        "data_type": "list",
        "description": "Zendesk: F1",
        "options": [{"label": "Extra large"}, {"label": "Small"}],
    }
    found = attributes(mapped, "1")
    assert found.pop("Text") == "y" * 254 + "…"
    assert found == {
        "migration_key": "zendesk:1",
        "Zendesk status": "open",
        "Size": "Extra large",
        "Sizes": "Extra large, Small",
        "Day": 1709164800,
        "Old": "v",
    }
    assert mapped.reasons("tickets", "1") == ["value_truncated"]
    assert mapped.row("tickets", "2")["losses"] == [
        {"reason": "value_dropped", "detail": "F1: gone"},
        {"reason": "value_dropped", "detail": "F3: False"},
    ]


def test_two_fields_of_one_attribute_share_its_options(desk: Desk) -> None:
    for source_id, label in (("f1", "A"), ("f2", "B")):
        options = [{"value": label.lower(), "label": label}, {"value": "c", "label": "C"}]
        desk.add(
            "fields", source_id=source_id, scope="ticket", title=source_id, type="option", options=options, active=True
        )
    desk.ticket("1", {"body_text": "x"}, attributes='{"f1": "a", "f2": "b"}')
    entry = FieldEntry(target="Both", type="list").model_dump()
    mapped = desk.map(rules(fields={"f1": entry, "f2": entry}))
    assert mapped.row("fields", "f1")["options"] == mapped.row("fields", "f2")["options"] == ["A", "C", "B"]
    assert attributes(mapped, "1")["Both"] == "A"
    assert mapped.reasons("tickets", "1") == ["value_dropped"]


@pytest.mark.behaviour("B09")
def test_what_a_conversation_has_no_place_for_becomes_attributes(desk: Desk) -> None:
    desk.ticket(
        "1",
        {"body_text": "x"},
        status_label="In progress",
        priority="high",
        kind="problem",
        channel="email",
        updated_at=START + dt.timedelta(days=1),
        csat='{"score": "good", "comment": "Nice"}',
        links=[{"type": "problem", "ref": "7"}, {"type": "follow_up", "ref": "8"}],
    )
    desk.ticket("2", {"body_text": "x"}, csat='{"score": "offered", "comment": null}')
    mapped = desk.map(rules(attributes={"priority": None, "type": "Kind"}))
    assert attributes(mapped, "1") == {
        "migration_key": "zendesk:1",
        "Zendesk status": "In progress",
        "Kind": "problem",
        "Zendesk channel": "email",
        "Zendesk updated at": EPOCH + 86400,
        "Zendesk satisfaction": "good: Nice",
        "Zendesk links": "problem 7, follow_up 8",
    }
    assert attributes(mapped, "2") == {"migration_key": "zendesk:2", "Zendesk status": "open"}
    made = {row["name"]: (row["model"], row["data_type"]) for row in mapped.rows("fields")}
    assert made == {
        "migration_key": ("conversation", "string"),
        "Zendesk status": ("conversation", "string"),
        "Kind": ("conversation", "string"),
        "Zendesk channel": ("conversation", "string"),
        "Zendesk updated at": ("conversation", "datetime"),
        "Zendesk satisfaction": ("conversation", "string"),
        "Zendesk links": ("conversation", "string"),
        "Zendesk phone": ("contact", "string"),
    }
    assert set(attributes(mapped, "1")) <= set(made)


@pytest.mark.behaviour("S30")
def test_tags(desk: Desk) -> None:
    for number, name in enumerate(("vip", "VIP", "old", "gone")):
        desk.add("tags", source_id=f"g{number}", name=name, uses=1)
    desk.ticket("1", {"body_text": "x"}, tags=["vip", "VIP", "old", "gone", "an option's value"])
    mapped = desk.map(rules(tags={"old": "new", "gone": None}))
    assert sorted(mapped.row("tickets", "1")["tags"]) == ["migrated", "new", "vip"]
    assert {row["source_id"]: (row["name"], row["skip"]) for row in mapped.rows("tags")} == {
        "pipeline:migrated": ("migrated", None),
        "g0": ("vip", None),
        "g1": ("VIP", None),
        "g2": ("new", None),
        "g3": (None, "not_mapped"),
    }
    assert "migrated" not in desk.map(migrated_tag=None).row("tickets", "1")["tags"]


@pytest.mark.behaviour("S14", "S42")
def test_fields_of_contacts_and_companies_become_typed_attributes(desk: Desk) -> None:
    options = [{"value": "g", "label": "Gold"}, {"value": "s", "label": "Silver"}]

    def field(key: str, kind: str, scope: str = "contact", **more: Any) -> None:
        row = {"source_id": f"{scope}:{key}", "scope": scope, "key": key, "title": key, "type": kind, "active": True}
        desk.add("fields", **{**row, **more})

    for key, kind in (
        ("num", "integer"),
        ("dec", "decimal"),
        ("yes", "boolean"),
        ("day", "date"),
        ("ref", "reference"),
    ):
        field(key, kind)
    field("tier", "option", options=options)
    field("tiers", "options", options=options)
    field("long", "multiline")
    field("fax", "text", active=False)
    field("status", "text")  # a key that tickets have for something else
    field("seats", "integer", "company")
    values = {"num": "7", "dec": "1.5", "yes": True, "day": "2024-02-29", "ref": "99", "tier": "g", "tiers": ["g", "s"]}
    desk.contact(
        "c3", attributes=json.dumps({**values, "long": "y" * 300, "status": "ok"}), locale="de", time_zone="UTC"
    )
    desk.contact("c4", attributes=json.dumps({"num": "many", "tier": "x"}))
    desk.add("companies", source_id="o1", name="Acorn", attributes='{"seats": 5}')
    kinds = {"num": "integer", "dec": "decimal", "yes": "boolean", "day": "datetime", "tier": "list"}
    entries: dict[str, Any] = {
        key: {"target": f"P {key}", "type": kinds.get(key, "string")} for key in (*values, "long", "fax", "status")
    }
    entries["tier"] |= {"options": {"s": "Argent"}, "default": "None yet"}
    company = {"seats": {"target": "C seats", "type": "integer"}}
    mapped = desk.map(rules(contact_fields=entries, company_fields=company, locales={"de": "German"}))
    assert body(mapped, "contacts", "c3")["custom_attributes"] == {
        "Zendesk locale": "German",
        "Zendesk time zone": "UTC",
        "P num": 7,
        "P dec": 1.5,
        "P yes": True,
        "P day": 1709164800,
        "P ref": "99",
        "P tier": "Gold",
        "P tiers": "Gold, Silver",
        "P long": "y" * 254 + "…",
        "P status": "ok",
    }
    assert mapped.reasons("contacts", "c3") == ["value_truncated"]
    assert "custom_attributes" not in body(mapped, "contacts", "c4")
    assert mapped.reasons("contacts", "c4") == ["value_dropped", "value_dropped"]
    assert body(mapped, "contacts", "c1")["custom_attributes"] == {"P tier": "None yet"}
    assert body(mapped, "companies", "o1")["custom_attributes"] == {"C seats": 5}
    made = {row["name"]: json.loads(row["body"]) for row in mapped.rows("fields") if row["model"] == "contact"}
    assert {name: made[name]["data_type"] for name in ("P num", "P dec", "P yes", "P day", "P tier", "P tiers")} == {
        "P num": "integer",
        "P dec": "float",
        "P yes": "boolean",
        "P day": "date",
        "P tier": "options",
        "P tiers": "string",
    }
    assert made["P tier"]["options"] == [{"value": "Gold"}, {"value": "Argent"}, {"value": "None yet"}]
    assert mapped.row("fields", "contact:fax")["skip"] == "inactive_field"
    assert mapped.row("fields", "company:seats")["model"] == "company"


@pytest.mark.behaviour("S14")
def test_companies(desk: Desk) -> None:
    desk.add("companies", source_id="o1", name="Acorn", domains=["acorn.example", "b.example"], created_at=START)
    desk.add("companies", source_id="o2", name=" ", domains=[], notes="n")
    desk.add("companies", source_id="o3", name="Gone", deleted_at=START)
    desk.contact("c3", company_refs=["o3", "o1"])
    desk.ticket("1", {"body_text": "x"}, company_ref="o1")
    desk.ticket("2", {"body_text": "x"}, company_ref="o3")
    mapped = desk.map()
    assert body(mapped, "companies", "o1") == {
        "company_id": "zendesk:o1",
        "name": "Acorn",
        "remote_created_at": EPOCH,
        "website": "https://acorn.example",
    }
    assert body(mapped, "companies", "o2")["name"] == "Company o2"
    assert {row["source_id"]: (row["has_contacts"], row["skip"]) for row in mapped.rows("companies")} == {
        "o1": (True, None),
        "o2": (False, None),
        "o3": (False, "deleted_in_source"),
    }
    assert (mapped.row("companies", "o2")["losses"], mapped.row("companies", "o2")["note"]) == ([], "<p>n</p>")
    assert mapped.row("contacts", "c3")["company_refs"] == ["o1"]
    assert mapped.row("tickets", "1")["company_ref"] == "o1"
    assert mapped.row("tickets", "2")["company_ref"] is None
    assert mapped.reasons("tickets", "2") == ["not_found_in_source"]


def test_contacts(desk: Desk) -> None:
    desk.add("tags", source_id="t", name="t", uses=1)
    desk.contact(
        "c3", name="Zoë\n Q", emails=["z@x.y", "z2@x.y"], phones=["0049 30 901820"], notes="a <b>\n\nc", tags=["t", "u"]
    )
    desk.contact("c4", emails=["z@x.y"])  # shares the address: external ids tell them apart
    desk.contact("c5", emails=["no address"])
    desk.contact("c6", active=False)
    desk.contact("c7", active=False)
    desk.contact("c8", active=False)
    desk.ticket("1", {"body_text": "x"}, cc_refs=["c6"])
    desk.ticket("2", {"body_text": "x"}, cc_refs=["c7"], state="deleted", status="deleted")
    mapped = desk.map()
    assert body(mapped, "contacts", "c3") == {
        "role": "user",
        "external_id": "zendesk:c3",
        "email": "z@x.y",
        "name": "Zoë Q",
        "phone": "+4930901820",
        "signed_up_at": EPOCH,
    }
    assert mapped.row("contacts", "c3")["losses"] == [
        {"reason": "details_left", "detail": "1 further e-mail addresses"}
    ]
    assert (mapped.row("contacts", "c3")["tags"], mapped.row("contacts", "c3")["note"]) == (
        ["t"],
        "<p>a &lt;b&gt;</p><p>c</p>",
    )
    assert desk.map(profile_notes="leave").row("contacts", "c3")["losses"] == [
        {"reason": "details_left", "detail": "1 further e-mail addresses, notes"}
    ]
    assert body(mapped, "contacts", "c4")["email"] == "z@x.y"
    assert "email" not in body(mapped, "contacts", "c5")
    assert mapped.reasons("contacts", "c5") == ["email_dropped"]
    skips = {row["source_id"]: row["skip"] for row in mapped.rows("contacts")}
    assert (skips["c6"], skips["c7"], skips["c8"], skips["p1"]) == (None, *["inactive_in_source"] * 3)


@pytest.mark.behaviour("S19")
@pytest.mark.parametrize(
    ("policy", "kept", "skip", "reason"),
    [
        ("attribute", {"Zendesk phone": "030 12"}, None, "invalid_phone"),
        ("drop", None, None, "phone_dropped"),
        ("fail", None, "invalid_phone", "invalid_phone"),
    ],
)
def test_invalid_phones(desk: Desk, policy: str, kept: dict[str, str] | None, skip: str | None, reason: str) -> None:
    desk.contact("c3", phones=["030  12"])
    mapped = desk.map(invalid_phone=policy)
    assert body(mapped, "contacts", "c3").get("custom_attributes") == kept
    assert "phone" not in body(mapped, "contacts", "c3")
    assert mapped.row("contacts", "c3")["skip"] == skip
    assert mapped.reasons("contacts", "c3") == [reason]
    assert ("pipeline:phone" in {row["source_id"] for row in mapped.rows("fields")}) == (policy == "attribute")


@pytest.mark.behaviour("S07")
def test_people_in_copy_take_part(desk: Desk) -> None:
    desk.ticket("1", {"body_text": "x"}, cc_refs=["c2", "c1", "a1", "c2", "nobody"])
    mapped = desk.map()
    assert mapped.row("tickets", "1")["participant_refs"] == ["a1", "c2"]
    assert mapped.row("tickets", "1")["losses"] == [{"reason": "not_found_in_source", "detail": "1 people in copy"}]


@pytest.mark.behaviour("B12")
@pytest.mark.parametrize(("comments", "volumes"), [(481, 1), (482, 2), (961, 2), (962, 3)])
def test_a_thread_that_would_not_show_whole_goes_on_in_further_conversations(
    desk: Desk, comments: int, volumes: int
) -> None:
    desk.ticket("1", *({"body_text": "x"} for _ in range(comments)))
    mapped = desk.map()
    parts = mapped.parts("1")
    assert mapped.row("tickets", "1")["volumes"] == volumes
    assert len(parts) == comments - 1
    assert [part["volume"] for part in parts] == [1 + part["position"] // 480 for part in parts]
    assert ("thread_split" in mapped.reasons("tickets", "1")) == (volumes > 1)


@pytest.mark.behaviour("B15")
def test_deleted_spam_merged_and_follow_up_tickets_are_told_apart(desk: Desk) -> None:
    desk.contact("c9", name="Spammer", suspended=True)
    for name, links in (("5", [("merged_into", "1"), ("problem", "3")]), ("6", [("follow_up_of", "2")]), ("7", [])):
        told = [{"type": kind, "ref": ref} for kind, ref in links]
        desk.ticket(name, {"body_text": "x"}, links=told, missing_comments=2 if name == "7" else None, comment_count=3)
    desk.ticket("8", state="deleted", status="deleted", requester_ref="c9")
    desk.ticket("9", state="deleted", status="deleted")
    mapped = desk.map()
    assert [mapped.row("tickets", name)["skip"] for name in "89"] == ["spam_in_source", "deleted_in_source"]
    remarks = [(mapped.row("tickets", name)["remark"], mapped.row("tickets", name)["remark_detail"]) for name in "567"]
    assert remarks == [
        ("merged_in_source", "merged into ticket 1"),
        ("follow_up_in_source", "follows up ticket 2"),
        (None, None),
    ]
    assert {"reason": "comments_missing", "detail": "2 of 3"} in mapped.row("tickets", "7")["losses"]
    assert json.loads(mapped.row("tickets", "5")["attributes"])["Zendesk links"] == "merged_into 1, problem 3"


@pytest.mark.behaviour("S07")
def test_agents_who_follow_are_named_and_contacts_who_follow_take_part(desk: Desk) -> None:
    desk.ticket("1", {"body_text": "x"}, follower_refs=["a1", "c2", "a2"])
    row = desk.map().row("tickets", "1")
    assert row["participant_refs"] == ["c2"]
    assert json.loads(row["attributes"])["Zendesk followers"] == "Ann, Bob"
    assert "not_found_in_source" not in [one["reason"] for one in row["losses"]]


def test_two_runs_agree_and_only_content_counts(desk: Desk, tmp_path: Path) -> None:
    desk.ticket("1", {"body_text": "x", "files": ["a.txt"]}, tags=[], cc_refs=["c2"])
    desk.ticket("2", {"body_text": "x"})
    first = desk.map()
    kept = {table: first.rows(table) for table in (*ENTITY_TYPES, "parts")}
    again = desk.map()
    assert {table: again.rows(table) for table in kept} == kept
    assert again.told["tickets"] == {"tickets": 2, "parts": 1}

    changed = Desk(tmp_path)
    changed.ticket("1", {"body_text": "x", "files": [{"name": "a.txt", "sha256": "f" * 64}]}, tags=[], cc_refs=["c2"])
    changed.ticket("2", {"body_text": "x"}, source_url="https://elsewhere.example/2")
    digests = {row["source_id"]: row["digest"] for row in changed.map().rows("tickets")}
    before = {row["source_id"]: row["digest"] for row in kept["tickets"]}
    assert digests["1"] != before["1"]
    assert digests["2"] == before["2"]


def test_comments_of_no_ticket_and_odd_ids_do_not_shift_threads(desk: Desk) -> None:
    for ticket in ("10", "2", "é", "Z", "1"):
        desk.ticket(ticket, {"body_text": f"opening {ticket}"}, {"author_ref": "a1", "body_text": f"answer {ticket}"})
    for orphan in ("", "11", "zz", "0"):
        desk.add("comments", source_id=f"o{orphan}", ticket_ref=orphan, position=0, body_text="orphan")
    desk.ticket("3")
    mapped = desk.map()
    for ticket in ("10", "2", "é", "Z", "1"):
        assert mapped.row("tickets", ticket)["opener"] == f"opening {ticket}"
        assert [part["body"] for part in mapped.parts(ticket)] == [f"<p>answer {ticket}</p>"]
    assert mapped.row("tickets", "3")["opener"] == "Subject 3"


def test_mapping_needs_its_records_and_a_fallback(desk: Desk, tmp_path: Path) -> None:
    settings = migration(tmp_path)
    with pytest.raises(SettingsError, match="materialize `normalized`"):
        map_entity("tickets", Staging(settings), RULES, settings)
    staging, settings = desk.write()
    with pytest.raises(SettingsError, match=r"mapping\.yaml: fallback_admin"):
        map_entity("tickets", staging, Mapping(), settings)


WILD = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(
    st.fixed_dictionaries(
        {
            "subject": st.one_of(st.none(), WILD),
            "attributes": st.one_of(st.none(), WILD, st.just("[1]"), st.just('{"f1": {"a": [null]}}')),
            "csat": st.one_of(st.none(), WILD, st.just('{"score": {}}'), st.just("[]")),
            "requester_ref": st.sampled_from(["c1", "a1", "a2", "p1", "x", None]),
            "tags": st.one_of(st.none(), st.lists(WILD, max_size=2)),
            "created_at": st.sampled_from([None, START]),
        }
    ),
    st.lists(
        st.fixed_dictionaries(
            {
                "author_ref": st.sampled_from(["c1", "a1", "a2", "p1", "x", None]),
                "visibility": st.sampled_from(["public", "internal", None]),
                "body_html": st.one_of(st.none(), WILD),
                "created_at": st.sampled_from([None, START, START + dt.timedelta(seconds=1)]),
                "files": st.lists(WILD, max_size=7),
            }
        ),
        max_size=3,
    ),
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_the_records_hold_every_row_can_be_sent(
    tmp_path_factory: pytest.TempPathFactory, ticket: dict[str, Any], comments: list[dict[str, Any]]
) -> None:
    desk = Desk(tmp_path_factory.mktemp("wild"))
    desk.add("fields", source_id="f1", scope="ticket", title="F", type="text", active=True)
    desk.ticket("1", *comments, **ticket)
    mapped = desk.map(rules(fields={"f1": {"target": "F", "type": "integer"}}))
    row = mapped.row("tickets", "1")
    parts = mapped.parts("1")
    assert row["opener"].strip()
    assert all(part["body"] for part in parts)
    assert [part["position"] for part in parts] == list(range(row["part_count"]))
    times = [at for at in [row["created_at"], *(part["created_at"] for part in parts)] if at is not None]
    assert times == sorted(times)
    assert {file["name"] for part in parts for file in part["files"]} == {
        " ".join(file["name"].split()) or "file" for part in parts for file in part["files"]
    }
    assert sum(len(part["files"]) for part in parts) == sum(len(comment["files"]) for comment in comments)
    assert {loss["reason"] for loss in row["losses"]} <= REASONS.keys()
