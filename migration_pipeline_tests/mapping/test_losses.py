"""What values of fields will lose, and what a person is given to decide by."""

import json
from typing import Any

import pytest

from migration_pipeline.cli.proposal import tell, to_review, without_teammate
from migration_pipeline.config import Masking
from migration_pipeline.config.mapping import AgentEntry, Mapping
from migration_pipeline.target.candidates import write_candidates
from migration_pipeline.target.catalogue import Admin, Catalogue, ConversationAttribute, DataAttribute, Option
from migration_pipeline.target.inputs import Inputs
from migration_pipeline.target.losses import read_losses, write_losses
from migration_pipeline.target.proposals import missing, propose
from migration_pipeline_tests.mapping.desk import Desk, Mapped

ME = Admin("1", "Owner", "owner@target.example")
OPTIONS = [{"value": "a", "label": "Alpha"}, {"value": "b", "label": "Beta"}, {"value": "b2", "label": "BETA"}]


def workspace(**more: Any) -> Catalogue:
    return Catalogue(**{"workspace": "w", "region": "us", "timezone": "UTC", "me": ME, "admins": (ME,), **more})


def field(desk: Desk, name: str, kind: str, scope: str = "ticket", **more: Any) -> None:
    source_id = name if scope == "ticket" else f"{scope}:{name}"
    row = {"source_id": source_id, "scope": scope, "key": name, "title": name.title(), "type": kind, "active": True}
    desk.add("fields", **{**row, **more})


@pytest.mark.behaviour("B20")
def test_losses_are_counted_before_anything_is_written(desk: Desk) -> None:
    for name, kind in (("long", "multiline"), ("num", "text"), ("day", "text"), ("yes", "text"), ("gone", "text")):
        field(desk, name, kind)
    field(desk, "many", "options", options=OPTIONS)
    field(desk, "one", "option", options=OPTIONS)
    field(desk, "loose", "option", options=OPTIONS)
    field(desk, "tier", "option", "contact", options=OPTIONS)
    given: list[dict[str, Any]] = [
        {
            "long": "y" * 256,
            "num": "7",
            "day": "2024-01-01",
            "yes": "true",
            "many": ["a", "b"],
            "one": "a",
            "loose": "a",
        },
        {"long": "y" * 255, "num": "7.5", "day": "soon", "yes": "maybe", "many": ["a"], "one": "zzz", "gone": "x"},
        {"long": "short", "num": "many", "one": "b2", "gone": "y", "many": []},
    ]
    for number, values in enumerate(given):
        desk.ticket(str(number), {"body_text": "x"}, attributes=json.dumps(values))
    desk.ticket("9", state="deleted", status="deleted", attributes=json.dumps(given[0]))
    desk.contact("c3", attributes='{"tier": "a"}')
    desk.contact("c4", attributes='{"tier": "b"}')
    kinds = {"num": "integer", "day": "datetime", "yes": "boolean", "one": "list"}
    fields = {name: {"target": name, "type": kinds.get(name, "string")} for name in ("long", "many", "loose", *kinds)}
    rules = Mapping.model_validate(
        {
            "fallback_admin": "1",
            "fields": {**fields, "gone": {"target": None}},
            "contact_fields": {"tier": {"target": "Tier", "type": "list", "options": {"b": "B"}}},
        }
    )
    tier = DataAttribute("9", "Tier", "contact", "list", ("Alpha", "Gamma"))
    staging, settings = desk.write()
    inputs = Inputs(staging, rules, settings)
    write_losses(inputs, workspace(data_attributes=(tier,)))
    rows = read_losses(staging)
    assert {(row["key"], row["reason"], row["detail"]): row["records"] for row in rows} == {
        ("long", "value_truncated", None): 1,
        ("num", "value_dropped", "some values are no numbers"): 1,
        ("num", "value_dropped", "some values are no whole numbers"): 1,
        ("day", "value_dropped", "some values are no dates"): 1,
        ("yes", "value_dropped", "some values are neither true nor false"): 1,
        ("gone", "not_mapped", None): 2,
        ("many", "values_joined", None): 1,
        ("one", "value_dropped", "zzz is no option"): 1,
        ("one", "options_merged", "Beta"): 1,
        ("loose", "type_loosened", "list becomes string"): 1,
        ("tier", "value_dropped", "B is no option"): 1,
    }
    mapped = Mapped(staging, settings, rules)  # the records themselves agree
    dropped = [name for number in "012" for name in mapped.reasons("tickets", number)]
    assert (dropped.count("value_truncated"), dropped.count("value_dropped")) == (1, 5)

    crowd = tuple(DataAttribute(str(n), f"A{n}", "contact", "string") for n in range(250))
    write_losses(inputs, workspace(data_attributes=crowd))
    assert [row["key"] for row in read_losses(staging) if row["reason"] == "attribute_limit"] == ["tier"]


@pytest.mark.behaviour("B20", "S13", "S27", "S29", "S42")
def test_fields_of_all_kinds_are_proposed_with_score_and_evidence(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    field(desk, "size", "option", options=OPTIONS[:2])
    field(desk, "reference number", "text")
    field(desk, "tier", "option", "contact", options=OPTIONS[:2])
    field(desk, "email", "text", "contact")
    field(desk, "seats", "integer", "company")
    field(desk, "tier", "text", "company")
    desk.ticket("1", {"body_text": "x"}, priority="high", brand="Acme", kind="task", attributes='{"size": "a"}')
    desk.contact("c3", locale="de", attributes='{"tier": "b"}')
    there = (
        ConversationAttribute("1", "SIZE", "list", (Option("i", "Alpha"), Option("j", "Beta"))),
        ConversationAttribute("2", "Reference numbers", "string"),
        ConversationAttribute("3", "Reason", "list", (Option("i", "Bug"),), required=True),
    )
    data = (
        DataAttribute("", "email", "contact", "string", custom=False),
        DataAttribute("8", "Seats", "contact", "integer"),
        DataAttribute("9", "Tier", "contact", "list", ("Alpha",)),
    )
    catalogue = workspace(conversation_attributes=there, data_attributes=data)
    staging, settings = desk.write()
    found = propose(staging, catalogue, None, settings)
    told = {
        (section, key): (entry.target, entry.type, entry.matched_by, entry.score, entry.evidence)
        for section in ("fields", "contact_fields", "company_fields")
        for key, entry in getattr(found, section).items()
    }
    assert told == {
        ("fields", "size"): ("SIZE", "list", "title", 100, "title 100 %, type equal, 2 of 2 options"),
        ("fields", "reference number"): ("Reference numbers", "string", "near", 97, "title 96 %, type equal"),
        # Beta is no option of theirs, and the name is taken.
        ("contact_fields", "tier"): (
            "Zendesk Tier", "list", "new", 90, "nearest: Tier (title 100 %, type equal, 1 of 2 options)",
        ),
        ("contact_fields", "email"): ("Zendesk Email", "string", "new", None, None),
        # Contacts and companies share one set of names.
        ("company_fields", "seats"): ("Zendesk Seats", "integer", "new", None, None),
        ("company_fields", "tier"): ("Zendesk Tier 2", "string", "new", None, None),
    }  # fmt: skip
    assert (found.priorities, found.brands, found.types) == ({"high": "high"}, {"Acme": "Acme"}, {"task": "task"})
    assert found.locales == {"de": "de"}
    (look,) = to_review(found)
    assert (look["entry"], look["target"]) == ("fields.reference number", "Reference numbers")
    assert without_teammate(found) == ["Ann", "Bob"]
    assert found.defaults == {"Reason": None}
    assert missing(staging, found, settings) == [
        "defaults.Reason (the workspace requires a value of each conversation)"
    ]
    assert propose(staging, catalogue, found, settings) == found
    decided = found.model_copy(update={"defaults": {"Reason": "Bug"}})
    assert missing(staging, decided, settings) == []
    row = Mapped(staging, settings, decided).row("tickets", "1")
    assert json.loads(row["attributes"]) | {"Reason": "Bug", "SIZE": "Alpha"} == json.loads(row["attributes"])

    inputs = Inputs(staging, found, settings)
    write_losses(inputs, catalogue)
    write_candidates(inputs, catalogue)
    document = json.loads((settings.root / "proposals.json").read_text())
    entries = {(one["section"], one["key"]): one for one in document["entries"]}
    tell(found, read_losses(staging))
    printed = capsys.readouterr().err
    assert "fields.reference number becomes Reference numbers: look at it (title 96 %, type equal)" in printed
    assert "admin 1 stands in for 2 agents without a teammate: Ann, Bob" in printed
    assert "by name alone" not in printed
    same_name = AgentEntry(name="Ann [1]", target="1", matched_by="name", score=90)
    tell(found.model_copy(update={"agents": {**found.agents, "a1": same_name}}), [])
    printed = capsys.readouterr().err
    assert "stands in for 1 agent without a teammate: Bob" in printed
    assert "1 agent matched by name alone: Ann [1]" in printed
    assert "`matched_by: name` in mapping.yaml" in printed
    tier = entries["contact_fields", "tier"]
    assert (tier["samples"], tier["options"], tier["type"]) == (["b"], {"a": "Alpha", "b": "Beta"}, "option")
    assert tier["candidates"][0] == {
        "target": "Tier", "name": "Tier", "score": 90, "evidence": "title 100 %, type equal, 1 of 2 options",
    }  # fmt: skip
    assert tier["entry"]["target"] == "Zendesk Tier"
    assert entries["agents", "a1"]["samples"] == ["ann@acme.example"]
    assert entries["statuses", "open"]["candidates"][0]["evidence"] == "the source's own meaning"


@pytest.mark.behaviour("B16")
def test_samples_do_not_show_what_is_masked(desk: Desk) -> None:
    field(desk, "note", "option", options=OPTIONS[:2])
    desk.ticket("1", {"body_text": "x"}, attributes='{"note": "card 4111 1111 1111 1111"}')
    desk.ticket("2", {"body_text": "x"}, attributes='{"note": "card 5500 0000 0000 0004"}')
    staging, settings = desk.write()
    settings = settings.model_copy(update={"masking": Masking(patterns=("card_number",))})
    rules = Mapping.model_validate({"fields": {"note": {"target": "Note", "type": "list"}}})
    inputs = Inputs(staging, rules, settings)
    write_losses(inputs, workspace())
    write_candidates(inputs, workspace())
    (loss,) = read_losses(staging)
    assert (loss["detail"], loss["records"]) == ("card [card number masked] is no option", 2)
    shown = (settings.root / "proposals.json").read_text() + str(loss)
    assert shown.count("[card number masked]") == 4
    assert "4111" not in shown
    assert "5500" not in shown
