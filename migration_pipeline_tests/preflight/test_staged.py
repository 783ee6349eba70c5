"""What is told of staged records before a run: each finding with a count, examples, a risk and a remedy."""

from pathlib import Path
from typing import Any

import pytest

from migration_pipeline.config.tickets import TicketRule
from migration_pipeline.model.run import Check
from migration_pipeline.target.catalogue import Admin, Catalogue, ConversationAttribute, Team
from migration_pipeline.target.payloads import map_entity
from migration_pipeline.target.preflight import Staged, staged
from migration_pipeline.target.preflight.staged import STAGED
from migration_pipeline.target.ticket_types import (
    FILE,
    TicketAttribute,
    TicketState,
    TicketType,
    TicketTypes,
    types_read_last,
)
from migration_pipeline_tests.mapping.desk import RULES, Desk

CATALOGUE = Catalogue(
    workspace="w",
    region="us",
    timezone="UTC",
    me=Admin("900", "Migration", "m@acme.example"),
    teams=(Team("501", "Support"),),
    admins=(Admin("101", "Ann", "ann@acme.example"), Admin("900", "Migration", "m@acme.example")),
)


def found(
    desk: Desk, catalogue: Catalogue = CATALOGUE, rules: Any = RULES, to_come: int = 0, **options: Any
) -> dict[str, Check]:
    staging, migration = desk.write(**options)
    state = Staged(staging, migration, rules, catalogue, to_come)
    return {check.id: check for check in staged(state)}


def test_nothing_staged_is_told_by_name() -> None:
    checks = staged(None)
    assert [check.id for check in checks] == list(STAGED)
    assert {check.status for check in checks} == {"manual"}
    assert all("migrate map" in check.remedy for check in checks)


@pytest.mark.behaviour("S16", "S19", "S27")
def test_people_are_looked_at_one_by_one(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.add("agents", source_id="a3", name="Zoe", email="zoe@acme.example", role="agent", active=True)
    desk.contact("c3", emails=["Cleo@X.example "], phones=["030 1234567"])
    desk.contact("c4", phones=["+49 30 123456", "nonsense"], company_refs=["o1"])
    for number in range(30):
        desk.contact(f"d{number}", phones=[f"extension {number}"], locale="de" if number else "en-US")
    desk.add("companies", source_id="o1", name="Acme")
    desk.add("companies", source_id="o2", name="Nobody Ltd")
    checks = found(desk)
    assert "Zoe <zoe@acme.example>" in checks["teammates"].subject
    assert "Bob" not in checks["teammates"].subject  # who left needs no teammate
    assert checks["teammates"].subject.startswith("1 agents")
    assert checks["phones"].subject.startswith("31 phone numbers")
    assert "030 1234567 (contact c3)" in checks["phones"].subject
    assert "and 11 more" in checks["phones"].subject
    assert "+49 30 123456" not in checks["phones"].subject
    assert "kept as text" in checks["phones"].risk
    assert "contact fails" in found(desk, invalid_phone="fail")["phones"].risk
    assert checks["email_duplicates"].subject == "1 e-mail addresses belong to several contacts: cleo@x.example."
    assert checks["companies_without_contacts"].subject == "1 companies have no contact: Nobody Ltd."
    assert "de (29)" in checks["locales"].subject
    logged = str([check.for_log() for check in checks.values()])
    assert "31 phone numbers are not international ones." in logged
    for somebody in ("Zoe", "zoe@", "030 1234567", "cleo@", "Nobody Ltd"):
        assert somebody not in logged
    assert {name for name, check in checks.items() if check.status == "block"} == set()


def test_a_quiet_help_desk_passes(tmp_path: Path) -> None:
    checks = found(Desk(tmp_path))
    assert {check.status for check in checks.values()} == {"pass"}


@pytest.mark.behaviour("S28", "S29")
def test_what_a_run_would_stumble_over_blocks_it(tmp_path: Path) -> None:
    required = (
        ConversationAttribute("1", "Region", "string", required=True),
        ConversationAttribute("2", "Old", "string", required=True, archived=True),
    )
    catalogue = Catalogue(**{**vars(CATALOGUE), "conversation_attributes": required})
    checks = found(Desk(tmp_path), catalogue)
    assert checks["required_attributes"].status == "block"
    assert "Region" in checks["required_attributes"].subject
    assert "Old" not in checks["required_attributes"].subject
    filled = RULES.model_copy(update={"defaults": {"Region": "EMEA"}})
    assert found(Desk(tmp_path), catalogue, filled)["required_attributes"].status == "pass"
    nobody = RULES.model_copy(update={"fallback_admin": "123"})
    assert found(Desk(tmp_path), rules=nobody)["fields"].status == "block"
    assert found(Desk(tmp_path), to_come=10**18)["disk_space"].status == "block"
    without_seat = Catalogue(**{**vars(CATALOGUE), "admins": (Admin("101", "Ann", None, has_seat=False), CATALOGUE.me)})
    seats = found(Desk(tmp_path), without_seat)["seats"]
    assert "Ann" in seats.subject
    assert "Ann" not in str(seats.for_log())


@pytest.mark.behaviour("S28", "B10")
def test_ticket_types_that_are_there_are_not_made_again(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.ticket("1", {"body_text": "x"}, kind="task", attributes="{}")
    rule = TicketRule.model_validate({"when": {"kinds": ["task"]}, "as": "ticket", "type": "Task"})
    staging, migration = desk.write()
    migration = migration.model_copy(update={"tickets": (rule,)})
    map_entity("fields", staging, RULES, migration)

    def made() -> str:
        state = Staged(staging, migration, RULES, CATALOGUE, types=types_read_last(migration))
        return next(check.subject for check in staged(state) if check.id == "fields")

    assert "makes 4 attributes, 0 options, 1 ticket types and 0 tags" in made()
    there = {"migration_key": TicketAttribute("k", "migration_key", "string", {})}
    kept = TicketTypes(
        {"task": TicketType("t", "Task", "Customer", there)},
        (TicketState("s", "submitted", ("New",), frozenset(["t"])),),
    )
    assert TicketTypes.from_json(kept.to_json()) == kept
    (migration.root / FILE).write_bytes(kept.to_json())
    assert "makes 6 attributes, 0 options, 0 ticket types and 0 tags" in made()  # two that the type lacks
