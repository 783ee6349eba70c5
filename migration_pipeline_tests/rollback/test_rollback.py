"""Taking a run back: what goes, what stays and why, after a kill too, and what a later run makes of it."""

from collections.abc import Callable

import pytest
from ruamel.yaml import YAML

from migration_pipeline.assets.demo import IDS, REDRAW, SAMPLE, Wish, wish_of
from migration_pipeline.model.errors import MigrationError, RefusedByGate, SettingsError
from migration_pipeline.target import steps
from migration_pipeline.target.loading.work import Work
from migration_pipeline.target.rollback import mark
from migration_pipeline.target.writer import Patience, Writer
from migration_pipeline_tests.end_to_end.canonical import differences, read_target
from migration_pipeline_tests.rollback.kit import Target, bench, change_source, edit, migrate, take_back


@pytest.mark.behaviour("B04", "S49")
def test_taken_back_and_moved_again_is_as_if_moved_once(serve: Callable[[str], Target]) -> None:
    target, other = serve("one"), serve("other")
    migrate(target.config, "demo", "r1")
    assert len(target.conversations()) == 4
    done = take_back(target.config, "r1", "r2")
    assert done.removed["tickets"] == 4
    assert {left.reason for left in done.spared} == {"definition_kept"}
    left = read_target(target.config, wait_s=0.3)
    assert not left["conversations"]
    assert not left["contacts"]
    assert not left["companies"]
    with bench(target.config, "look", "full") as (workbench, _):
        assert workbench.journal.known("tickets", workbench.sample(_).ids) == {}
    # A demo, other settings, and the full run: as a full run alone with these settings.
    migrate(target.config, "demo", "r3")
    edit(target.config, options={"files_per_part": 1, "migrated_tag": "moved"})
    assert migrate(target.config, "demo", "r4") > 0
    assert len(target.conversations()) == 4
    assert migrate(target.config, "demo", "r5") == 0
    migrate(target.config, "full", "r6")
    settings = YAML(typ="safe").load(target.config.read_text())
    edit(other.config, source={"base_url": settings["source"]["base_url"]}, options=settings["options"])
    migrate(other.config, "full", "r1")
    expected, actual = read_target(other.config, wait_s=0.3), read_target(target.config)
    assert len(expected["conversations"]) > 8
    assert differences(expected, actual) == []
    assert target.told("outbox") == []


@pytest.mark.behaviour("B04", "S49")
def test_what_people_touched_stays_and_is_listed(serve: Callable[[str], Target]) -> None:
    target = serve("touched")
    migrate(target.config, "demo", "r1")
    (talked, _), (renamed, contact_of), *_rest = (
        (key, row["contacts"]["contacts"][0]["id"]) for key, row in target.conversations().items()
    )
    ids = {key: row["id"] for key, row in target.conversations().items()}
    admin = target.call("GET", "/me")["id"]
    target.call(
        "POST", f"/conversations/{ids[talked]}/reply", message_type="note", type="admin", admin_id=admin, body="mine"
    )
    target.told("clock", {"advance_s": 60})
    target.call("PUT", f"/conversations/{ids[renamed]}", title="By hand")
    # Answers are lost after the removal: what was removed is found to be gone, and nothing is forgotten.
    target.told("faults", {"seed": 1, "rate": 1, "kinds": ["drop_after_commit"], "limit": 3, "match": "DELETE *"})
    done = take_back(target.config, "r1", "r2")
    reasons = {(left.entity_type, left.source_id): left.reason for left in done.spared}
    assert reasons["tickets", talked] == reasons["tickets", renamed] == "touched_since"
    assert set(target.conversations()) == {talked, renamed}
    assert done.removed["tickets"] == 2
    kept = target.call("GET", f"/contacts/{contact_of}")["external_id"].rpartition(":")[2]
    assert reasons["contacts", kept] == "in_use"
    assert migrate(target.config, "demo", "r3") > 0
    assert len(target.conversations()) == 4
    assert migrate(target.config, "demo", "r4") == 0


@pytest.mark.behaviour("B04")
def test_a_cut_roll_back_goes_on_and_nothing_is_moved_in_between(serve: Callable[[str], Target]) -> None:
    target = serve("cut")
    migrate(target.config, "demo", "r1")
    # The answer to the removal is lost as well.
    target.told("faults", {"seed": 1, "rate": 1, "kinds": ["error_after_commit"], "limit": 1})
    with bench(target.config, "r2", "rollback") as (workbench, run):
        journal = workbench.journal
        journal.begin_run("r2", "rollback", workbench.client.workspace)
        ticket = next(journal.undoing.live(["create_conversation"]))
        # As a process that dies between the removal and the journal's letting go.
        writer = Writer(workbench.client, journal, run, Patience(0.5, 0.1))
        work = Work("tickets", ticket.source_id, journal.operations("tickets", ticket.source_id))
        writer.perform(work, steps.delete_conversation(str(ticket.target_id), mark(ticket)))
    target.told("faults", [])
    with pytest.raises(MigrationError, match="migrate rollback r1"):
        migrate(target.config, "full", "r3")
    assert take_back(target.config, "r1", "r4").removed["tickets"] == 4
    assert target.conversations() == {}
    migrate(target.config, "full", "r5")
    assert len(target.conversations()) > 8


@pytest.mark.behaviour("B04")
def test_of_a_delta_goes_what_it_made_and_what_it_changed_is_listed(serve: Callable[[str], Target]) -> None:
    target = serve("delta")
    migrate(target.config, "full", "r1")
    before = target.conversations()
    change_source(target.config, tickets=16, seed=3)
    migrate(target.config, "delta", "r2")
    carried = read_target(target.config, wait_s=0.3)["conversations"]
    made = {key.rpartition(":")[2] for key in carried} - before.keys()
    assert made
    done = take_back(target.config, "r2", "r3")
    assert done.removed["tickets"] == len(made)
    left = read_target(target.config, wait_s=0.3)["conversations"]
    assert left == {key: thread for key, thread in carried.items() if key.rpartition(":")[2] in before}
    spared = {left.source_id: left for left in done.spared if left.entity_type == "tickets"}
    assert spared.keys() <= before.keys()
    assert {left.reason for left in spared.values()} == {"change_kept"}
    assert any("reply" in left.detail for left in spared.values())
    assert "companies" not in done.removed
    assert migrate(target.config, "delta", "r4") > 0
    assert read_target(target.config, wait_s=0.3)["conversations"].keys() == carried.keys()


@pytest.mark.behaviour("S49")
def test_a_launch_may_wish_for_other_tickets(serve: Callable[[str], Target]) -> None:
    target = serve("wishes")

    def sample(run_id: str, tags: dict[str, str]) -> tuple[str, ...]:
        with bench(target.config, run_id, "demo") as (workbench, run):
            return workbench.sample(run, wish_of(tags)).ids

    first = sample("r1", {})
    assert sample("r2", {}) == first
    others = sample("r3", {REDRAW: "yes"})
    assert others != first
    assert sample("r3", {REDRAW: "yes"}) == sample("r4", {}) == others
    assert sample("r5", {IDS: ",".join(first[:2])}) == first[:2]
    assert sample("r6", {SAMPLE: "random"}) == first
    difficult = sample("r7", {SAMPLE: "difficult"})
    assert len(set(difficult)) == 4
    with pytest.raises(SettingsError, match="no ticket 99999999"):
        sample("r8", {IDS: "99999999"})
    assert sample("r9", {}) == difficult


@pytest.mark.parametrize("tags", [{IDS: "1,x"}, {SAMPLE: "easy"}, {IDS: "1", REDRAW: "yes"}])
def test_a_wish_that_makes_no_sense_is_refused(tags: dict[str, str]) -> None:
    with pytest.raises(SettingsError):
        wish_of(tags)
    assert wish_of({}) == Wish()


@pytest.mark.behaviour("B04")
def test_another_workspace_is_refused(serve: Callable[[str], Target]) -> None:
    target = serve("gate")
    migrate(target.config, "demo", "r1")
    edit(target.config, target={"workspace": "another"})
    with pytest.raises(RefusedByGate):
        take_back(target.config, "r1", "r2")
    assert len(target.conversations()) == 4
