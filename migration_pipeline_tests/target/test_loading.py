"""The main road: what each record type becomes, what is reported, and that a second load writes nothing."""

import datetime as dt
from typing import Any

import orjson
import pytest

from migration_pipeline.model.errors import AccessDenied, RefusedByGate, SettingsError
from migration_pipeline.model.reasons import REASONS
from migration_pipeline.target import reading
from migration_pipeline.target.preflight import asking
from migration_pipeline.target.verify import summary, verify
from migration_pipeline_tests.target.bench import START, Bench, Row


def attributes(values: dict[str, Any]) -> str:
    return orjson.dumps(values).decode()


def verified(bench: Bench, entity_type: str) -> dict[str, Row]:
    """Mismatches by field, after reading everything of a type back."""
    from migration_pipeline.model.run import Run

    verify(entity_type, bench.staging, bench.journal, bench.client, Run("run-1", "full", bench.stop))
    bench.journal.export(bench.staging.tables.path("outcomes", "outcomes"))
    rows = [row for row in summary(bench.staging)["mismatches"] if row["entity_type"] == entity_type]
    assert all(row["reason"] in REASONS for row in rows)
    return {row["field"]: row for row in rows}


def everything(bench: Bench) -> None:
    """One ticket with all that a ticket can have."""
    color, key = bench.field("Color", "list", ["red", "blue"]), bench.field("Key")
    tag = bench.tag("vip")
    bench.company("acme")
    bench.contact("ann", ["acme"])
    bench.contact("bob")
    bench.ticket(
        "full",
        "ann",
        [
            bench.said("<p>Good <b>morning</b></p>"),
            bench.said("<p>Thanks</p>", by="ann", after=120, files=[bench.file("a.txt", b"hello")]),
            bench.said("<p>She is right</p>", note=True, after=120),
            bench.said("<p>Me too</p>", by="bob", after=180),
        ],
        attributes=attributes({color["name"]: "red", key["name"]: "zendesk:full"}),
        company_ref=bench.id("acme"),
        participant_refs=[bench.id("bob")],
        tags=[tag["name"]],
        admin_id=bench.admins[1],
        team_id=bench.teams[0],
        state="closed",
    )


@pytest.mark.behaviour("S07", "S08", "S11", "S12", "S13", "S14", "S15", "S21", "S22", "B05")
def test_a_ticket_arrives_whole_with_the_fewest_calls(bench: Bench) -> None:
    everything(bench)
    done = bench.load_all()
    assert [result.migrated for result in done.values()] == [2, 1, 1, 2, 1]
    # one to open, four parts, one participant, one tag, one update, two assignments, one to close
    assert done["tickets"].writes == 1 + 4 + 1 + 1 + 1 + 2 + 1
    assert (done["companies"].writes, done["contacts"].writes) == (1, 2 + 1)
    for entity_type in done:
        assert verified(bench, entity_type) == {}
    conversation = bench.conversation("full")
    said = list(reading.messages(conversation))
    assert [message.kind for message in said] == ["comment", "comment", "note", "comment"]
    assert [message.created_at - int(START.timestamp()) for message in said] == [60, 120, 120, 180]
    assert reading.state(conversation) == "closed"
    assert bench.outcome("tickets", "full")["target_url"].endswith(conversation["id"])


@pytest.mark.behaviour("B02")
def test_a_second_load_writes_nothing(bench: Bench) -> None:
    everything(bench)
    bench.load_all()
    before = bench.control.get("stats")["writes"]
    bench.again()
    done = bench.load_all()
    assert bench.control.get("stats")["writes"] == before
    assert sum(result.writes for result in done.values()) == 0
    assert sum(result.kept for result in done.values()) == 7


def test_what_was_verified_is_not_read_again(bench: Bench) -> None:
    everything(bench)
    bench.load_all()
    assert verified(bench, "tickets") == {}
    reads = bench.control.calls("GET /conversations/{id}")
    assert verified(bench, "tickets") == {}
    assert bench.control.calls("GET /conversations/{id}") == reads


def test_a_payload_that_changed_since_is_not_taken_for_what_was_written(bench: Bench) -> None:
    everything(bench)
    bench.load_all()
    bench.rows["tickets"][0]["digest"] = "another"
    bench.stage("tickets", full="keep")
    assert verified(bench, "tickets")["payload"]["reason"] == "changed_since"


@pytest.mark.behaviour("B05")
def test_verification_names_what_somebody_changed(bench: Bench) -> None:
    everything(bench)
    bench.load_all()
    conversation = bench.conversation("full")["id"]
    write = bench.client.write
    write("PUT", f"/conversations/{conversation}", {"title": "Another"})
    reply = {"message_type": "note", "type": "admin", "admin_id": bench.admins[0], "body": "<p>by the way</p>"}
    write("POST", f"/conversations/{conversation}/reply", reply)  # today: somebody is at work, nothing is wrong
    found = verified(bench, "tickets")
    assert set(found) == {"title"}
    assert (found["title"]["expected"], found["title"]["actual"]) == ("Ticket full", "Another")
    doubled = reply | {"created_at": int(START.timestamp()) + 60, "message_type": "comment", "skip_notifications": True}
    write("POST", f"/conversations/{conversation}/reply", doubled)  # in the past: a comment that nobody meant
    assert verified(bench, "tickets")["comments"]["actual"] == "6"


def test_verification_tells_what_is_gone(bench: Bench) -> None:
    bench.contact("ann")
    bench.load("contacts")
    bench.client.write("POST", f"/contacts/{bench.outcome('contacts', 'ann')['target_id']}/archive", {})
    assert verified(bench, "contacts")["exists"]["reason"] == "missing_in_target"


def test_the_plan_decides_what_is_recorded(bench: Bench) -> None:
    for name in ("moves", "deleted", "wrong", "there"):
        bench.contact(name)
    done = bench.load("contacts", deleted="skip:deleted_in_source", wrong="fail:malformed_record", there="keep")
    assert (done.migrated, done.failed, done.skipped, done.kept, done.writes) == (2, 1, 1, 1, 1)
    assert bench.outcome("contacts", "deleted")["reason"] == "deleted_in_source"
    assert bench.outcome("contacts", "wrong")["outcome"] == "failed"
    with pytest.raises(AssertionError, match="no outcome"):
        bench.outcome("contacts", "there")


def test_a_plan_of_other_payloads_is_refused(bench: Bench) -> None:
    bench.contact("ann")
    bench.stage("contacts")
    bench.rows["contacts"][0]["digest"] = "changed"
    bench._write("payloads", "contacts", bench_schema("contacts"), bench.rows["contacts"])
    with pytest.raises(SettingsError, match="load_plan"):
        bench.load_staged("contacts")
    assert bench.control.get("stats")["writes"] == 0


def bench_schema(table: str) -> Any:
    from migration_pipeline.model.payloads import PAYLOADS

    return PAYLOADS[table]


def test_agents_and_teams_are_matched_and_never_made(bench: Bench) -> None:
    bench._add("agents", "known", {"target_id": bench.admins[0], "name": "A", "email": "a@example.com"})
    bench._add("agents", "unknown", {"name": "B", "email": "b@example.com"})
    bench._add("agents", "mistyped", {"target_id": "1", "name": "C", "email": "c@example.com"})
    bench._add("teams", "known", {"target_id": bench.teams[0], "name": "A"})
    bench._add("teams", "unknown", {"name": "B"})
    done = bench.load_all()
    assert (done["agents"].migrated, done["agents"].skipped, done["agents"].failed) == (1, 1, 1)
    assert (done["teams"].migrated, done["teams"].skipped) == (1, 1)
    assert bench.outcome("agents", "unknown")["reason"] == "no_teammate"
    assert bench.outcome("teams", "unknown")["reason"] == "no_team"
    assert bench.control.get("stats")["writes"] == 0
    assert verified(bench, "agents") == {}


@pytest.mark.behaviour("S16")
def test_a_company_without_contacts_has_a_reason_of_its_own(bench: Bench) -> None:
    bench.company("empty", has_contacts=False)
    bench.company("full")
    bench.load("companies")
    assert bench.outcome("companies", "empty")["reason"] == "company_without_contacts"
    assert bench.outcome("companies", "empty")["outcome"] == "migrated"
    assert bench.outcome("companies", "full")["reason"] is None
    assert verified(bench, "companies") == {}


def test_tags_are_one_whatever_their_case(bench: Bench) -> None:
    bench.tag("vip", name=f"{bench.prefix} VIP")
    bench.tag("vip2", name=f"{bench.prefix} vip")
    bench.load("tags")
    assert bench.outcome("tags", "vip")["target_id"] == bench.outcome("tags", "vip2")["target_id"]


@pytest.mark.behaviour("S28")
def test_attributes_of_the_workspace_are_used_and_completed(bench: Bench) -> None:
    name = f"{bench.prefix} Size"
    body = {"name": name, "data_type": "list", "options": [{"label": "S"}, {"label": "M"}]}
    made = bench.client.write("POST", "/conversations/attributes", body)
    bench.field("Size", "list", ["S", "M", "XL"], name=name.upper())
    bench.field("Phone", model="contact")
    bench.load("fields")
    assert bench.outcome("fields", "Size")["target_id"] == str(made["id"])
    assert bench.control.calls("POST /conversations/attributes") == 1
    rows = {row["name"]: row for row in bench.client.conversation_attributes()}
    assert {option["label"] for option in rows[name]["options"]} == {"S", "M", "XL"}
    assert bench.outcome("fields", "Phone")["outcome"] == "migrated"


def test_children_of_failed_parents_wait_for_the_next_run(bench: Bench) -> None:
    bench.company("acme")
    bench.contact("ann", ["acme"])
    bench.ticket("waits", "ann")
    bench.load("contacts")
    bench.load("tickets")
    assert bench.outcome("contacts", "ann")["reason"] == "parent_failed"
    assert bench.outcome("tickets", "waits")["reason"] == "parent_failed"
    assert bench.control.get("stats")["writes"] == 0
    bench.load_all()
    assert bench.outcome("contacts", "ann")["outcome"] == "migrated"
    assert bench.outcome("tickets", "waits")["outcome"] == "migrated"


def test_who_does_not_move_by_rule_is_left_out_and_told(bench: Bench) -> None:
    bench.company("gone")
    bench.contact("ann", ["gone"])
    bench.contact("ghost")
    bench.ticket("t", "ann", participant_refs=[bench.id("ghost")], company_ref=bench.id("gone"))
    bench.load("companies", gone="skip:deleted_in_source")
    bench.load("contacts", ghost="skip:inactive_in_source")
    bench.load("tickets")
    assert "reference_skipped" in bench.outcome("contacts", "ann")["losses"]
    assert "reference_skipped" in bench.outcome("tickets", "t")["losses"]
    assert bench.outcome("tickets", "t")["outcome"] == "migrated"


def test_two_tickets_of_one_contact_in_one_second_stay_two(bench: Bench) -> None:
    bench.contact("ann")
    for name in ("a", "b", "c"):
        bench.ticket(name, "ann", [bench.said(f"<p>{name}</p>", after=0)], opener="Same words", title=name)
    bench.load_all()
    found = {name: bench.conversation(name) for name in ("a", "b", "c")}
    assert sorted(row["created_at"] - int(START.timestamp()) for row in found.values()) == [0, 1, 2]
    assert len({row["id"] for row in found.values()}) == 3
    moved = [name for name in found if "date_bumped" in bench.outcome("tickets", name)["losses"]]
    assert len(moved) == 2
    for row in found.values():
        assert all(message.created_at >= row["created_at"] for message in reading.messages(row))
    assert verified(bench, "tickets")["created_at"]["reason"] == "date_bumped"


@pytest.mark.behaviour("S17")
@pytest.mark.parametrize("sizes", [(5,), (5, 1), (5, 5, 1), (10,)])
def test_files_arrive_byte_equal(bench: Bench, sizes: tuple[int, ...]) -> None:
    bench.contact("ann")
    parts = [
        bench.said(
            f"<p>part {number}</p>",
            by="ann",
            after=60 + number,
            files=[bench.file(f"{number}-{file}.bin", bytes([number, file]) * 3000) for file in range(size)],
        )
        for number, size in enumerate(sizes)
    ]
    bench.ticket("files", "ann", parts)
    bench.load_all()
    assert bench.outcome("tickets", "files")["losses"] == {}
    said = list(reading.messages(bench.conversation("files")))
    assert [len(message.files) for message in said] == list(sizes)
    assert verified(bench, "tickets") == {}


def test_a_file_that_is_no_longer_staged_fails_its_ticket_only(bench: Bench) -> None:
    bench.contact("ann")
    file = bench.file("a.txt", f"only here {bench.prefix}".encode())
    bench.ticket("broken", "ann", [bench.said("<p>see</p>", files=[file])])
    bench.ticket("whole", "ann", created_at=START + dt.timedelta(hours=1))
    bench.staging.blobs.path(file["sha256"]).unlink()
    done = bench.load_all()["tickets"]
    assert (done.migrated, done.failed) == (1, 1)
    assert bench.outcome("tickets", "broken")["reason"] == "file_missing"


@pytest.mark.behaviour("S20")
@pytest.mark.parametrize("state", ["open", "snoozed", "closed"])
def test_state_comes_last_and_nobody_is_assigned_unasked(bench: Bench, state: str) -> None:
    bench.contact("ann")
    past = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    bench.ticket("t", "ann", [bench.said("<p>x</p>", by="ann")], state=state, snoozed_until=past)
    bench.load_all()
    conversation = bench.conversation("t")
    assert reading.state(conversation) == state
    assert reading.assignee(conversation, "admin") is None
    assert reading.assignee(conversation, "team") is None
    if state == "snoozed":
        days = (conversation["snoozed_until"] - dt.datetime.now(dt.UTC).timestamp()) / 86_400
        assert days == pytest.approx(bench.migration.options.snooze_days, abs=0.2)


def test_values_of_attributes_that_could_not_be_made_are_lost_and_told(bench: Bench) -> None:
    bench.contact("ann", body={"custom_attributes": {"nowhere": "x"}})
    bench.ticket("t", "ann", attributes=attributes({f"{bench.prefix} nowhere": "x"}))
    bench.load_all()
    assert "value_dropped" in bench.outcome("contacts", "ann")["losses"]
    assert "value_dropped" in bench.outcome("tickets", "t")["losses"]
    assert verified(bench, "tickets")["attributes"]["reason"] == "value_dropped"


def test_one_refused_value_costs_only_itself(bench: Bench) -> None:
    number, text = bench.field("Number", "integer"), bench.field("Text")
    bench.contact("ann")
    bench.ticket("t", "ann", attributes=attributes({number["name"]: "not a number", text["name"]: "kept"}))
    bench.load_all()
    assert reading.attributes(bench.conversation("t"))[text["name"]] == "kept"
    assert bench.conversation("t")["title"] == "Ticket t"
    assert bench.outcome("tickets", "t")["outcome"] == "migrated"
    assert number["name"] in bench.outcome("tickets", "t")["losses"]["value_dropped"]


def test_a_refused_part_is_reported_and_the_rest_goes_on(bench: Bench) -> None:
    bench.contact("ann")
    parts = [bench.said("<p>a</p>", admin_id="999"), bench.said("<p>b</p>")]
    bench.ticket("t", "ann", parts, state="closed")
    assert bench.load_all()["tickets"].failed == 1
    told = bench.outcome("tickets", "t")
    assert (told["reason"], told["target_id"] is not None) == ("rejected_by_target", True)
    assert "part/0" in told["detail"]
    assert [message.body for message in reading.messages(bench.conversation("t"))] == ["<p>b</p>"]
    # What was refused is tried again, nothing else is, and the conversation is left as it should be.
    bench.rows["parts"][0]["admin_id"] = bench.admins[0]
    bench.again()
    assert bench.load("tickets").migrated == 1
    assert len(list(reading.messages(bench.conversation("t")))) == 2
    assert reading.state(bench.conversation("t")) == "closed"
    assert len(bench.conversations_of("ann")) == 1


@pytest.mark.behaviour("S47")
def test_another_workspace_is_refused_before_any_write(bench: Bench) -> None:
    bench.contact("ann")
    bench.stage("contacts")
    bench.document["target"]["workspace"] = "another"
    bench.write_config()
    bench.client = bench.connected()
    with pytest.raises(RefusedByGate, match=r"target\.workspace"):
        bench.load_staged("contacts")
    with pytest.raises(RefusedByGate):
        bench.client.write("POST", "/tags", {"name": "x"})
    assert bench.control.get("stats")["writes"] == 0
    assert {check.id: check.status for check in asking(bench.client)}["target_workspace"] == "block"


def test_preflight_names_what_to_mend(bench: Bench) -> None:
    assert {check.status for check in asking(bench.client)} == {"pass", "manual"}
    bench.control.post("switches", {"missing_scopes": ["read_tags"]})
    assert {check.id: check.status for check in asking(bench.client)}["target_tags"] == "block"
    bench.control.post("switches", {"token_state": "token_revoked"})
    assert {check.id: check.status for check in asking(bench.client)}["target_credentials"] == "block"
    bench.document["target"]["base_url"] = "http://127.0.0.1:9"
    bench.write_config()


def test_a_revoked_token_ends_the_run_and_the_next_one_goes_on(bench: Bench) -> None:
    bench.contact("ann")
    bench.ticket("t", "ann", [bench.said("<p>a</p>")])
    bench.load("contacts")
    bench.stage("tickets")
    bench.control.post("switches", {"missing_scopes": ["write_conversations"]})
    with pytest.raises(AccessDenied):
        bench.load_staged("tickets")
    assert bench.journal.in_doubt() == []
    bench.control.post("switches", {"missing_scopes": []})
    bench.again()
    assert bench.load_staged("tickets").migrated == 1
    assert len(bench.conversations_of("ann")) == 1
