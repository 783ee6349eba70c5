"""Workspaces that do not take the dates of the past: everything arrives, once, and each text names the date."""

import datetime as dt
import time
from dataclasses import replace
from typing import Any

import pytest

from migration_pipeline.journal import Operation, State
from migration_pipeline.model.errors import Rejected
from migration_pipeline.target import messages, reading
from migration_pipeline.target.dates import UNDATED, written_at
from migration_pipeline.target.messages import Reply
from migration_pipeline.target.refused_dates import RefusedDates
from migration_pipeline.target.steps import Predates
from migration_pipeline_tests.target import test_volumes
from migration_pipeline_tests.target.bench import START, Bench
from migration_pipeline_tests.target.test_loading import everything, verified
from migration_pipeline_tests.target.test_tickets import everything as a_ticket
from migration_pipeline_tests.target.test_tickets import there

SECOND = "[Written 2024-03-01 09:0{minute}:00 UTC]"

REFUSING: dict[str, dict[str, Any]] = {
    "threads": {"created_at_before_contact": "reject"},
    "threads and parts": {"created_at_before_contact": "reject", "created_at_before_parent": "reject"},
    "everything": {
        "created_at_before_contact": "reject",
        "created_at_before_parent": "reject",
        "created_at_out_of_order": "reject",
        "created_at_in_future": "reject",
        "reply_by_non_participant": "reject",
        "html_normalisation": "mild",
        "contact_reply_html": "escape",
        "html_in_create_body": "strip",
    },
}


def settle_people(bench: Bench) -> None:
    """People first, so that the faults of a test fall on threads alone."""
    for entity_type in ("fields", "tags", "companies", "contacts"):
        if bench.rows[entity_type]:
            assert bench.load(entity_type).failed == 0


@pytest.mark.behaviour("B01", "B09", "S08")
@pytest.mark.parametrize("switches", REFUSING.values(), ids=REFUSING)
def test_what_may_not_have_its_date_arrives_once_and_names_it(bench: Bench, switches: dict[str, Any]) -> None:
    bench.control.post("switches", switches)
    everything(bench)
    later = START + dt.timedelta(minutes=30)
    for name in ("a", "b"):
        same = [bench.said("<p>Same</p>", created_at=later) for _ in range(2)]
        bench.ticket(name, "ann", same, opener="Same words", created_at=later)
    settle_people(bench)
    lost = {"seed": 3, "rate": 0.5, "kinds": ["drop_after_commit"], "match": "POST /conversations*", "limit": 12}
    bench.control.post("faults", lost)
    done = bench.load("tickets")
    bench.control.post("faults", [])
    assert (done.failed, bench.journal.in_doubt()) == (0, [])
    assert len(bench.conversations_of("ann")) == 3
    told = bench.outcome("tickets", "full")
    assert "date_refused" in told["losses"]
    mismatches = verified(bench, "tickets")
    assert {row["reason"] for row in mismatches.values()} == {"date_refused"}
    assert mismatches.keys() == {"created_at"}
    conversation = bench.conversation("full")
    said = list(reading.messages(conversation))
    assert SECOND.format(minute=0) in reading.opener(conversation).body
    assert len(said) == 4
    for minute, message in zip((1, 2, 2, 3), said, strict=True):
        assert (message.created_at < time.time() - 3600) or SECOND.format(minute=minute) in message.body
    bench.again()
    assert bench.load("tickets").writes == 0


@pytest.mark.behaviour("B01", "B09")
def test_an_intercom_ticket_names_its_date_and_a_delta_goes_on(bench: Bench) -> None:
    bench.control.post("switches", REFUSING["everything"])
    a_ticket(bench)
    settle_people(bench)
    bench.control.fault("drop_after_commit", "POST /tickets")
    assert bench.load("tickets").failed == 0
    assert SECOND.format(minute=0) in there(bench)["ticket_attributes"]["_default_description_"]
    assert {row["reason"] for row in verified(bench, "tickets").values()} == {"date_refused"}
    row = bench.rows["tickets"][0]
    row["digest"] = "changed"
    said = len(list(reading.messages(there_as_read(bench))))
    late = bench.said("<p>One more</p>", after=900) | {"ticket_ref": row["source_id"], "position": 5}
    bench.rows["parts"].append(late)
    bench.again()
    assert bench.load("tickets", full="update").failed == 0
    assert len(list(reading.messages(there_as_read(bench)))) == said + 1
    assert {row["reason"] for row in verified(bench, "tickets").values()} == {"date_refused"}


def there_as_read(bench: Bench) -> dict[str, Any]:
    return reading.of_ticket(there(bench), None)


@pytest.mark.behaviour("B03", "B09")
def test_a_delta_adds_to_a_thread_without_its_dates(bench: Bench) -> None:
    bench.control.post("switches", REFUSING["everything"])
    everything(bench)
    bench.load_all()
    row = bench.rows["tickets"][0]
    row["digest"] = "changed"
    late = bench.said("<p>One more</p>", by="bob", after=900) | {"ticket_ref": row["source_id"], "position": 4}
    bench.rows["parts"].append(late)
    bench.again()
    assert bench.load("tickets", full="update").failed == 0
    said = [message.body for message in reading.messages(bench.conversation("full"))]
    assert len(said) == 5
    assert "2024-03-01 09:15:00" in said[-1]
    assert {row["reason"] for row in verified(bench, "tickets").values()} == {"date_refused"}
    bench.again()
    assert bench.load("tickets", full="update").writes == 0


@pytest.mark.behaviour("B01", "B12")
def test_notes_that_lead_through_a_long_thread_name_no_date(bench: Bench) -> None:
    bench.control.post("switches", REFUSING["everything"])
    bench.document["options"] = {"max_parts": test_volumes.ROOM}
    bench.write_config()
    bench.contact("ann")
    row = bench.ticket("t", "ann", [])
    test_volumes.grow(bench, row, 0, 2 * test_volumes.ROOM)
    settle_people(bench)
    lost = {"seed": 4, "rate": 0.4, "kinds": ["drop_after_commit"], "match": "POST /conversations/*/reply", "limit": 12}
    bench.control.post("faults", lost)
    assert bench.load("tickets").failed == 0
    bench.control.post("faults", [])
    assert bench.journal.in_doubt() == []
    made = test_volumes.conversations(bench)
    said = [text for one in made for text in test_volumes.messages(one)]
    links = [text for text in said if "This thread" in text]
    assert (len(made), len(links), len(said)) == (2, 2, 2 * test_volumes.ROOM + 2)
    assert [text for text in links if "Written" in text] == []
    assert sum("Written" in text for text in said) == 2 * test_volumes.ROOM
    told = [row for batch in bench.journal.records("tickets") for row in batch.to_pylist()]
    [losses] = [row["losses"] for row in told if row["source_id"] == bench.id("t")]
    messages_told = {loss["detail"].partition(":")[0] for loss in losses if loss["reason"] == "date_refused"}
    assert messages_told == {"the opening message", *(f"message {n + 1}" for n in range(2 * test_volumes.ROOM))}


def test_a_ticket_fails_for_its_date_where_that_is_set(bench: Bench) -> None:
    bench.control.post("switches", {"created_at_before_contact": "reject"})
    bench.document["options"] = {"refused_dates": "fail"}
    bench.write_config()
    bench.contact("ann")
    bench.ticket("t", "ann", [])
    bench.load_all()
    told = bench.outcome("tickets", "t")
    assert (told["outcome"], told["reason"]) == ("failed", "rejected_by_target")
    assert "created_at" in told["detail"]


def test_dates_that_are_taken_stay_as_they_were(bench: Bench) -> None:
    """A refusal for another reason costs no date: without it, the call is refused just the same."""
    bench.contact("ann")
    bench.ticket("t", "ann", [bench.said("<p>x</p>", admin_id="0"), bench.said("<p>y</p>", after=90)])
    bench.load_all()
    conversation = bench.conversation("t")
    assert bench.outcome("tickets", "t")["losses"] == {}
    assert [message.created_at for message in reading.messages(conversation)] == [int(START.timestamp()) + 90]


@pytest.mark.behaviour("B07", "B09")
@pytest.mark.parametrize("parts", ["accept", "reject"])
def test_what_is_refused_is_learnt_once_and_not_by_each_thread(bench: Bench, parts: str) -> None:
    bench.control.post("switches", {"created_at_before_contact": "reject", "created_at_before_parent": parts})
    for number in range(6):
        bench.contact(f"c{number}")
        said = [bench.said("<p>x</p>", by=f"c{number}", after=60), bench.said("<p>y</p>", after=90)]
        bench.ticket(f"t{number}", f"c{number}", said, created_at=START + dt.timedelta(days=number))
    settle_people(bench)
    before = {route: bench.control.calls(route) for route in ("POST /conversations", "POST /conversations/{id}/reply")}
    assert bench.load("tickets").failed == 0
    opened, replied = (bench.control.calls(route) - calls for route, calls in before.items())
    assert (opened, replied) == (7, 13 if parts == "reject" else 12)
    for number in range(6):
        assert "date_refused" in bench.outcome("tickets", f"t{number}")["losses"]
        for message in reading.messages(bench.conversation(f"t{number}")):
            dated_back = message.created_at < time.time() - 3600
            assert dated_back == (parts == "accept")
            assert dated_back or "[Written 2024-03-0" in message.body
    assert {row["reason"] for row in verified(bench, "tickets").values()} == {"date_refused"}


def learning(dates: RefusedDates, second: int, answer: Rejected | None, *, predates: bool = True) -> bool:
    """Whether a message is sent with its date; if it is, the service answers so."""
    with dates.asking("/conversations", Predates("contact", lambda: predates), lambda: None) as asked:
        start = asked.start({"created_at": second})
        if UNDATED not in start:
            asked.taken({**start, UNDATED: True} if answer else start, answer)
        return UNDATED not in start


def test_a_date_that_may_be_taken_is_sent() -> None:
    named = Rejected(422, "parameter_invalid", "created_at must not be before the contact's")
    bare = Rejected(422, "parameter_invalid", "created_at is invalid")
    unnamed = RefusedDates()
    assert learning(unnamed, 100, bare)
    assert not learning(unnamed, 90, bare)  # nothing older
    assert learning(unnamed, 110, bare)  # it may be an age that counts
    assert learning(unnamed, 90, None, predates=False)  # a contact that was there before
    assert learning(unnamed, 120, None)
    assert not learning(unnamed, 105, bare)
    assert learning(unnamed, 115, None)
    all_of_them = RefusedDates()
    assert learning(all_of_them, 100, named)
    sent = [second for second in range(101, 301) if learning(all_of_them, second, named)]
    assert len(sent) == 2
    assert learning(all_of_them, 400, named) is False
    changed = next(second for second in range(401, 601) if learning(all_of_them, second, None))
    assert learning(all_of_them, changed + 1, named)  # taken once: what is newer is tried
    no_age = RefusedDates()
    assert learning(no_age, 100, bare)
    assert learning(no_age, 120, None)
    assert learning(no_age, 130, named)
    assert learning(no_age, 90, None)  # older than what was taken, and refused: it is not the age
    assert not any(learning(RefusedDates(told=False), second, named) is False for second in (1, 1))


def test_nobody_waits_in_line_for_answers_that_teach_nothing() -> None:
    dates, bare = RefusedDates(), Rejected(400, "parameter_invalid", "no")
    assert learning(dates, 100, bare)
    predates = Predates("contact", lambda: True)
    with dates.asking("/conversations", predates, lambda: None):
        started = time.monotonic()
        assert learning(dates, 90, bare)
    assert time.monotonic() - started < 5  # of the ten seconds that others wait for a first answer


def test_a_refusal_that_names_nothing_is_tried_without_the_date_once() -> None:
    unnamed, now = Rejected(400, "parameter_invalid", "no"), int(time.time())
    part = Reply(2, "comment", "admin", "9", "<p>x</p>", 1_700_000_000, (), "7.0")
    opener = messages.create_conversation("c1", "Hello", 1_700_000_000)
    for step in (opener, messages.reply("1", part, 0, lambda _: b"", lambda _: {"created_at": now - 10**6})):
        other = step.adapt(unnamed, step.start)
        assert other is not None
        sent = step.request(other)
        assert "created_at" not in sent
        assert "[Written 2023-11-14 22:13:20 UTC]" in sent["body"]
        assert step.adapt(unnamed, other) is None
        assert [reason for reason, _ in step.losses(other)] == ["date_refused"]
        assert step.adapt(Rejected(403, "forbidden", "no"), step.start) is None
    late = messages.reply("1", part, 1_700_000_030, lambda _: b"", lambda _: None, now)
    assert "created_at" not in late.request(late.start)  # one without a date stands before it


def test_a_message_that_was_refused_takes_no_date_from_those_that_follow() -> None:
    known = Operation(
        op_key="k", entity_type="tickets", source_id="1", kind="reply", route="", target_object="1", payload_hash="",
        identity=None, adapted={"created_at": 5, UNDATED: True}, state=State.REJECTED, target_id=None, code="",
        message="", run_id="r", attempts=1, started_at=START, finished_at=START,
    )  # fmt: skip
    assert written_at(known) == 0
    assert written_at(replace(known, state=State.DONE)) == int(START.timestamp())
