"""The journal through its public face: states as a table, durability, keys, the id map and the export."""

import itertools
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from migration_pipeline.journal import (
    Event,
    IllegalStep,
    Intent,
    Journal,
    KeyTaken,
    Outcome,
    State,
    after,
    exporting,
)
from migration_pipeline.journal.protocol import STEPS
from migration_pipeline.model.errors import RefusedByGate
from migration_pipeline.model.outcomes import OUTCOMES


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal.open(f"sqlite:///{tmp_path}/deep/journal.sqlite")
    opened.begin_run("run-1", "full", "acme")
    yield opened
    opened.close()


def intent(name: str = "create", source_id: str = "4", **changes: object) -> Intent:
    known: dict[str, object] = {
        "op_key": f"tickets/{source_id}/{name}",
        "entity_type": "tickets",
        "source_id": source_id,
        "kind": "reply",
        "route": "POST /conversations/{id}/reply",
        "target_object": "77",
        "payload_hash": "h",
    }
    return Intent(**(known | changes))  # type: ignore[arg-type]  # the test names fields by keyword


@pytest.mark.parametrize(("state", "event"), list(itertools.product([None, *State], Event)))
def test_only_the_steps_of_the_table_are_taken(journal: Journal, state: State | None, event: Event) -> None:
    ways: dict[State | None, list[Event]] = {
        None: [],
        State.INTENT: [Event.INTEND],
        State.IN_DOUBT: [Event.INTEND, Event.LOST],
        State.REJECTED: [Event.INTEND, Event.REFUSED],
        State.DONE: [Event.INTEND, Event.ACCEPTED],
        State.UNDONE: [Event.INTEND, Event.ACCEPTED, Event.UNDONE],
    }

    def take(step: Event, seen: State | None) -> None:
        if step is Event.INTEND:
            journal.intend(intent(), seen)
        else:
            journal.settle("tickets/4/create", step, target_id="9")

    seen: State | None = None
    for step in ways[state]:
        take(step, seen)
        seen = after(seen, step)
    if (state, event) in STEPS:
        take(event, state)
        assert journal.operations("tickets", "4")["tickets/4/create"].state is STEPS[state, event]
    else:
        with pytest.raises(IllegalStep):
            take(event, state)
        known = journal.operations("tickets", "4")
        assert {op.state for op in known.values()} == ({state} if state else set())


def test_what_is_in_doubt_is_never_sent_before_the_target_was_asked() -> None:
    assert (State.IN_DOUBT, Event.INTEND) not in STEPS
    assert (State.DONE, Event.INTEND) not in STEPS
    assert (State.INTENT, Event.INTEND) not in STEPS


def test_an_intent_is_there_for_another_process_before_the_call(journal: Journal, tmp_path: Path) -> None:
    journal.intend(intent(), None)
    with sqlite3.connect(tmp_path / "deep" / "journal.sqlite") as other:
        assert other.execute("SELECT op_key, state FROM operations").fetchall() == [("tickets/4/create", "intent")]
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.close()


def test_a_restart_puts_unanswered_intents_in_doubt_and_nothing_else(journal: Journal) -> None:
    journal.intend(intent("create"), None)
    journal.settle("tickets/4/create", Event.ACCEPTED, target_id="77")
    journal.intend(intent("part/0"), None)
    journal.intend(intent("part/1", "5"), None)
    journal.settle("tickets/5/part/1", Event.REFUSED, code="x", message="y" * 900)
    assert journal.restart("contacts") == 0
    assert journal.restart("tickets") == 1
    assert [op.op_key for op in journal.in_doubt()] == ["tickets/4/part/0"]
    assert journal.operations("tickets", "4")["tickets/4/create"].target_id == "77"
    assert len(journal.operations("tickets", "5")["tickets/5/part/1"].message) == 500
    assert journal.begun("tickets") == {"4", "5"}


def test_a_second_attempt_is_counted_and_forgets_the_first_ones_answer(journal: Journal) -> None:
    journal.intend(intent(), None)
    journal.settle("tickets/4/create", Event.REFUSED, code="parameter_invalid", message="no")
    journal.intend(intent(payload_hash="h2", adapted={"created_at": 5}), State.REJECTED)
    known = journal.operations("tickets", "4")["tickets/4/create"]
    assert (known.attempts, known.payload_hash, known.code, known.adapted) == (2, "h2", "", {"created_at": 5})


def test_a_reserved_key_belongs_to_one_operation_for_ever(journal: Journal) -> None:
    journal.intend(intent(source_id="1", reserves="conversation:c:100"), None)
    with pytest.raises(KeyTaken):
        journal.intend(intent(source_id="2", reserves="conversation:c:100"), None)
    assert journal.operations("tickets", "2") == {}
    journal.settle("tickets/1/create", Event.REFUSED)
    journal.intend(intent(source_id="1", reserves="conversation:c:100"), State.REJECTED)


def test_many_threads_share_commits_and_each_gets_its_own_error(journal: Journal) -> None:
    refused: list[str] = []

    def work(number: int) -> None:
        for step in range(20):
            try:
                journal.intend(intent(f"part/{step}", "shared" if step == 7 else str(number)), None)
            except IllegalStep:
                refused.append(f"{number}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 7
    assert all(len(journal.operations("tickets", str(number))) == 19 for number in range(8))


def test_what_has_arrived_stays_known(journal: Journal) -> None:
    journal.record([Outcome("contacts", "1", "failed", reason="rejected_by_target", target_id="c1")])
    assert journal.target_id("contacts", "1") is None
    journal.record([Outcome("contacts", "1", "migrated", digest="d", losses=(("date_bumped", "1 s"),))])
    assert journal.target_id("contacts", "1") == "c1"
    journal.record([Outcome("contacts", "1", "skipped", reason="not_mapped")])
    assert journal.known("contacts", ["1", "2"])["1"].outcome == "migrated"
    assert "2" not in journal.known("contacts", ["1", "2"])


def test_the_export_holds_every_outcome_and_grows_while_a_run_goes_on(journal: Journal, tmp_path: Path) -> None:
    path = tmp_path / "outcomes.parquet"
    with exporting(journal, path, interval=0.01):
        assert pq.read_table(path).num_rows == 0
        journal.record(Outcome("tags", str(number), "skipped", reason="not_mapped") for number in range(25_000))
        for _ in range(500):
            if pq.read_metadata(path).num_rows == 25_000:
                break
            threading.Event().wait(0.01)
        else:
            pytest.fail("the export did not grow")
    table = pq.read_table(path)
    assert table.schema.equals(OUTCOMES)
    assert table.num_rows == 25_000
    assert table.column("run_id").unique().to_pylist() == ["run-1"]


def test_a_journal_belongs_to_one_workspace(journal: Journal) -> None:
    journal.end_run("run-1", "finished")
    journal.begin_run("run-2", "full", "acme")
    with pytest.raises(RefusedByGate, match="workspace acme"):
        journal.begin_run("run-3", "full", "another")
    assert [(run.run_id, run.status) for run in journal.runs()] == [("run-1", "finished"), ("run-2", "running")]


@pytest.mark.behaviour("B01")
def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/journal.sqlite"
    script = f"""
import itertools, sys
from migration_pipeline.journal import Intent, Journal
journal = Journal.open({url!r})
for number in itertools.count():
    journal.intend(Intent(f"tickets/{{number}}/create", "tickets", str(number), "k", "r", None, "h"), None)
    print(number, flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        last = next(line for line in process.stdout if int(line) >= 50)
        process.kill()
        acknowledged = max([int(last), *(int(line) for line in process.stdout if line.endswith("\n"))])
    journal = Journal.open(url)
    assert journal.restart("tickets") >= acknowledged + 1
    journal.close()
