"""Lost answers, broken services, kills and conflicts: everything arrives once, and only once."""

import datetime as dt
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import pytest
import requests

from migration_pipeline.model.errors import RunStopped, ServiceDown
from migration_pipeline.target import reading
from migration_pipeline.target.writer import Patience
from migration_pipeline_tests.target.bench import START, Bench
from migration_pipeline_tests.target.test_loading import everything, verified

THREAD_ROUTES = [
    "POST /conversations",
    "POST /conversations/{id}/reply",
    "POST /conversations/{id}/customers",
    "POST /conversations/{id}/tags",
    "PUT /conversations/{id}",
    "POST /conversations/{id}/parts",
]


def assert_whole(bench: Bench, tickets: int = 1) -> None:
    """Everything that is staged is there once, and the journal has no doubt."""
    assert bench.journal.in_doubt() == []
    for entity_type in ("fields", "tags", "companies", "contacts", "tickets"):
        for batch in bench.journal.records(entity_type):
            assert {row["outcome"] for row in batch.to_pylist()} == {"migrated"}, batch.to_pylist()
        assert verified(bench, entity_type) == {}
    assert len(bench.conversations_of("ann")) == tickets
    names = [row["name"] for row in bench.client.conversation_attributes() if row["name"].startswith(bench.prefix)]
    assert len(names) == len(set(names)) == 2


@pytest.mark.behaviour("B01", "S21")
@pytest.mark.parametrize(
    "kind", ["refuse", "error_before", "error_after_commit", "drop_after_commit", "garbage", "slow"]
)
def test_a_fault_on_each_route_loses_and_doubles_nothing(bench: Bench, kind: str) -> None:
    everything(bench)
    staged = bench.rows["tickets"].pop()
    parts, bench.rows["parts"] = bench.rows["parts"], []
    for route, entity_type in (
        ("POST /conversations/attributes", "fields"),
        ("POST /tags", "tags"),
        ("POST /companies", "companies"),
        ("POST /contacts", "contacts"),
    ):
        bench.control.fault(kind, route)
        bench.load(entity_type)
    bench.contact("cyd", ["acme"])
    bench.control.fault(kind, "POST /contacts/{id}/companies")
    bench.load("contacts")
    for number, route in enumerate(THREAD_ROUTES):
        ticket = bench.id(f"t{number}")
        bench.rows["parts"] += [part | {"ticket_ref": ticket} for part in parts]
        opened = staged["created_at"] - dt.timedelta(hours=number)
        bench.rows["tickets"].append(staged | {"source_id": ticket, "created_at": opened})
        bench.control.fault(kind, route)
        assert bench.load("tickets").migrated == number + 1
    bench.control.post("faults", [])
    assert_whole(bench, len(THREAD_ROUTES))
    sent = bench.control.calls("POST /conversations/{id}/reply")
    committed = kind in ("error_after_commit", "drop_after_commit", "garbage", "slow")
    assert sent == len(THREAD_ROUTES) * 4 + (0 if committed else 1), "only what was not applied is sent again"


@pytest.mark.behaviour("B01")
def test_a_service_that_fails_all_the_time_loses_and_doubles_nothing(bench: Bench) -> None:
    everything(bench)
    kinds = ["refuse", "error_before", "error_after_commit", "drop_after_commit", "garbage"]
    bench.control.post("faults", {"seed": 7, "rate": 0.2, "kinds": kinds, "match": "*"})
    for _ in range(2):
        try:
            bench.load_all()
        except ServiceDown:
            bench.again()
    bench.control.post("faults", [])
    bench.again()
    bench.load_all()
    assert_whole(bench)


def test_who_never_answers_leaves_the_thread_to_the_next_run(bench: Bench) -> None:
    bench.contact("ann")
    bench.ticket("t", "ann", [bench.said("<p>a</p>"), bench.said("<p>b</p>")])
    bench.load("contacts")
    bench.control.fault("error_before", "POST /conversations/{id}/reply", limit=1000)
    assert bench.load("tickets").failed == 1
    assert bench.outcome("tickets", "t")["reason"] == "target_unclear"
    assert [op.op_key.rsplit("/", 2)[1:] for op in bench.journal.in_doubt()] == [["part", "0"]]
    bench.control.post("faults", [])
    bench.again()
    assert bench.load("tickets").migrated == 1
    assert len(list(reading.messages(bench.conversation("t")))) == 2


def test_absence_is_concluded_only_after_the_search_has_caught_up(bench: Bench) -> None:
    bench.contact("ann")
    bench.ticket("t", "ann")
    bench.load("contacts")
    bench.control.post("switches", {"search_lag_s": 1.5})
    bench.control.fault("drop_after_commit", "POST /conversations")
    bench.stage("tickets")
    assert bench.load_staged("tickets", patience=Patience(search=5, direct=0.05)).migrated == 1
    assert bench.control.calls("POST /conversations") == 1
    assert len(bench.conversations_of("ann")) == 1


def test_an_unreachable_target_ends_the_run_with_nothing_in_doubt(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("migration_pipeline.http.session.READ_ATTEMPTS", 2)
    bench.contact("ann")
    bench.stage("contacts")
    before = bench.client.write

    def unplugged(method: str, path: str, json: Any) -> Any:
        bench.client._session.base_url = "http://127.0.0.1:9"
        return before(method, path, json)

    monkeypatch.setattr(bench.client, "write", unplugged)
    with pytest.raises(ServiceDown, match="target"):
        bench.load_staged("contacts")
    assert bench.journal.in_doubt() == []
    bench.again()
    assert bench.load_staged("contacts").migrated == 1


# Stops and kills


def many(bench: Bench, tickets: int = 8) -> None:
    bench.contact("ann")
    bench.contact("bob")
    for number in range(tickets):
        said = [
            bench.said(f"<p>{number} a</p>"),
            bench.said(f"<p>{number} b</p>", by="ann", after=61),
            bench.said(f"<p>{number} c</p>", note=True, after=62),
        ]
        bench.ticket(f"t{number}", "ann", said, participant_refs=[bench.id("bob")], state="closed")


def assert_all(bench: Bench, tickets: int = 8) -> None:
    assert bench.journal.in_doubt() == []
    assert len(bench.conversations_of("ann")) == tickets
    for number in range(tickets):
        conversation = bench.conversation(f"t{number}")
        said = [message.body for message in reading.messages(conversation)]
        assert said == [f"<p>{number} a</p>", f"<p>{number} b</p>", f"<p>{number} c</p>"]
        assert reading.state(conversation) == "closed"


@pytest.mark.behaviour("B01")
def test_a_stopped_load_ends_soon_and_the_next_one_goes_on(bench: Bench) -> None:
    many(bench)
    bench.load("contacts")
    bench.stage("tickets")
    bench.control.post("faults", {"seed": 1, "rate": 1.0, "kinds": ["slow"], "match": "POST *"})
    timer = threading.Timer(1.0, bench.stop.set)
    timer.start()
    started = time.monotonic()
    with pytest.raises(RunStopped):
        bench.load_staged("tickets")
    assert time.monotonic() - started < 6
    bench.control.post("faults", [])
    bench.again()
    assert bench.load_staged("tickets").migrated == 8
    assert_all(bench)


def test_an_interrupt_in_the_main_thread_never_falls_between_call_and_outcome(bench: Bench) -> None:
    class Interrupted(BaseException):
        pass

    def interrupt(*_: Any) -> None:
        raise Interrupted

    many(bench)
    bench.load("contacts")
    bench.stage("tickets")
    bench.control.post("faults", {"seed": 1, "rate": 1.0, "kinds": ["slow"], "match": "POST *"})
    previous = signal.signal(signal.SIGUSR1, interrupt)
    timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGUSR1))
    timer.start()
    try:
        with pytest.raises(Interrupted):
            bench.load_staged("tickets")
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, previous)
    bench.control.post("faults", [])
    assert bench.stop.is_set()
    bench.again()
    assert bench.journal.in_doubt() == []
    assert bench.journal.restart("tickets") == 0
    bench.load_staged("tickets")
    assert_all(bench)


@pytest.mark.behaviour("B01")
def test_a_load_that_is_killed_again_and_again_ends_as_if_it_never_was(bench: Bench) -> None:
    many(bench, 16)
    bench.load("contacts")
    bench.stage("tickets")
    bench.control.post("faults", {"seed": 1, "rate": 0.3, "kinds": ["slow"], "match": "POST *"})
    script = f"""
import threading, pathlib
from migration_pipeline.config import load_migration
from migration_pipeline.journal import Journal
from migration_pipeline.model.run import Run
from migration_pipeline.staging import Staging
from migration_pipeline.target.catalogue import read_catalogue
from migration_pipeline.target.client import connect
from migration_pipeline.target.loader import load
from migration_pipeline.target.writer import Patience
migration = load_migration(pathlib.Path({str(bench.migration.path)!r}))
stop = threading.Event()
client = connect(migration.target, stop)
journal = Journal.open({bench.journal_url!r})
journal.begin_run("run-k", "full", migration.target.workspace)
load("tickets", Staging(migration), journal, client, read_catalogue(client), migration, Run("run-k", "full", stop),
     patience=Patience(search=0.8, direct=0.05, longest_pause=0.2))
"""
    for writes in (8, 25, 45):
        process = subprocess.Popen([sys.executable, "-c", script])
        while bench.control.get("stats")["writes"] < writes + 2:
            assert process.poll() is None, "the load ended before it was killed"
            time.sleep(0.01)
        process.kill()
        process.wait()
    bench.control.post("faults", [])
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
    assert_all(bench, 16)
    assert bench.control.calls("POST /conversations") <= 16 + 3 * 4


# Contacts that are there already


def http(bench: Bench, method: str, path: str, body: Any = None) -> Any:
    """A call of somebody else."""
    headers = {"Authorization": f"Bearer {bench.token}", "Intercom-Version": "2.16"}
    answer = requests.request(method, bench.migration.target.url + path, json=body, headers=headers, timeout=10)
    assert answer.ok, answer.text
    return answer.json()


@pytest.mark.parametrize("archived", [False, True])
def test_a_contact_with_our_external_id_is_ours(bench: Bench, archived: bool) -> None:
    there = http(bench, "POST", "/contacts", {"role": "user", "external_id": f"zendesk:{bench.id('ann')}"})
    if archived:
        http(bench, "POST", f"/contacts/{there['id']}/archive", {})
    bench.contact("ann")
    assert bench.load("contacts").migrated == 1
    assert bench.outcome("contacts", "ann")["target_id"] == there["id"]
    assert bench.client.contact(there["id"]) is not None


@pytest.mark.parametrize("archived", [False, True])
def test_a_contact_known_by_its_address_only_becomes_ours(bench: Bench, archived: bool) -> None:
    bench.control.post("switches", {"email_with_new_external_id": "conflict"})
    there = http(bench, "POST", "/contacts", {"role": "user", "email": f"{bench.id('ann')}@example.com"})
    if archived:
        http(bench, "POST", f"/contacts/{there['id']}/archive", {})
    bench.contact("ann")
    bench.load("contacts")
    told = bench.outcome("contacts", "ann")
    assert (told["outcome"], told["target_id"]) == ("migrated", there["id"])
    assert "shared_contact" in told["losses"]
    found = bench.client.contact(there["id"])
    assert found is not None
    assert found["external_id"] == f"zendesk:{bench.id('ann')}"


def test_a_contact_that_cannot_come_back_fails_with_the_services_words(bench: Bench) -> None:
    there = http(bench, "POST", "/contacts", {"role": "user", "external_id": f"zendesk:{bench.id('ann')}"})
    http(bench, "DELETE", f"/contacts/{there['id']}")
    bench.contact("ann")
    bench.load("contacts")
    assert bench.outcome("contacts", "ann")["reason"] == "rejected_by_target"


def test_an_address_that_is_none_does_not_cost_the_contact(bench: Bench) -> None:
    bench.contact("ann", body={"email": "not an address"})
    bench.load("contacts")
    assert bench.outcome("contacts", "ann")["outcome"] == "migrated"
    assert "email_dropped" in bench.outcome("contacts", "ann")["losses"]


# Facts about the service that nobody has written down

SWITCHES: dict[str, dict[str, Any]] = {
    "shapes": {
        "companies_by_company_id": "object",
        "pages_next": "object",
        "contact_companies_key": "companies",
        "contact_without_email": "absent",
        "lists_lag": False,
        "default_version": "2.14",
    },
    "values": {"conversation_list_attribute": "id", "unknown_custom_attribute": "ignore"},
    "texts": {
        "html_in_create_body": "strip",
        "plain_text_newlines": "paragraphs",
        "contact_reply_html": "escape",
        "html_normalisation": "mild",
    },
    "repeats": {"part_order": "insertion", "tag_idempotence": "error", "repeated_state": "reject"},
    "dates": {"created_at_in_future": "reject", "created_at_before_parent": "reject"},
    "people": {"reply_by_non_participant": "reject", "new_contact_delay_s": 1.5},
}


@pytest.mark.parametrize("switches", SWITCHES.values(), ids=SWITCHES)
def test_either_way_the_service_may_be_everything_arrives(bench: Bench, switches: dict[str, Any]) -> None:
    """Answers are lost on top of it: what was sent is recognized however the service spells it."""
    bench.control.post("switches", switches)
    everything(bench)
    bench.rows["tickets"][0]["opener"] = "First <b>line</b>\n\nsecond & third < fourth"
    for entity_type in ("fields", "tags", "companies", "contacts"):
        bench.load(entity_type)
    lost = {"seed": 3, "rate": 0.5, "kinds": ["drop_after_commit"], "match": "POST /conversations*", "limit": 8}
    bench.control.post("faults", lost)
    bench.load("tickets")
    bench.control.post("faults", [])
    assert_whole(bench)


def test_files_the_service_does_not_take_are_named_in_the_message(bench: Bench) -> None:
    bench.control.post("switches", {"attachment_max_bytes": 1000, "empty_files": "reject"})
    bench.contact("ann")
    files = [bench.file("big.bin", b"x" * 2000), bench.file("small.bin", b"y" * 10), bench.file("empty.bin", b"")]
    bench.ticket("t", "ann", [bench.said("<p>see</p>", by="ann", files=files)])
    bench.load_all()
    (message,) = reading.messages(bench.conversation("t"))
    assert [file.name for file in message.files] == ["small.bin"]
    assert "big.bin" in message.body
    assert "file_rejected" in bench.outcome("tickets", "t")["losses"]
    assert verified(bench, "tickets")["files"]["reason"] == "file_rejected"


def test_texts_the_service_does_not_take_arrive_as_files(bench: Bench) -> None:
    bench.control.post("switches", {"max_body_length": 700})
    bench.contact("ann")
    long = "word " * 1000
    bench.ticket("t", "ann", [bench.said(f"<p>{long}</p>", by="ann"), bench.said(f"<p>{long}</p>")], opener=long)
    bench.load_all()
    told = bench.outcome("tickets", "t")
    assert (told["outcome"], "body_clipped" in told["losses"]) == ("migrated", True)
    said = list(reading.messages(bench.conversation("t")))
    assert [[file.name for file in message.files] for message in said] == [
        ["message.txt"],
        ["message.html"],
        ["message.html"],
    ]
    assert b"".join(bench.client.file(said[0].files[0].url, 10_000)) == long.encode()
    assert verified(bench, "tickets")["body"]["reason"] == "body_clipped"


def test_dates_of_the_future_are_brought_to_now(bench: Bench) -> None:
    bench.control.post("switches", {"created_at_in_future": "reject"})
    bench.contact("ann")
    future = START.replace(year=2040)
    bench.ticket("t", "ann", [bench.said("<p>a</p>", created_at=future)], created_at=future)
    bench.load_all()
    told = bench.outcome("tickets", "t")
    assert (told["outcome"], "date_bumped" in told["losses"]) == ("migrated", True)


def test_no_texts_and_no_secrets_in_the_journal(bench: Bench) -> None:
    everything(bench)
    bench.load_all()
    bench.journal.close()
    kept = b"".join(path.read_bytes() for path in bench.migration.root.glob("journal.sqlite*"))
    for secret in (b"morning", b"Thanks", b"Hello from", b"a.txt", b"ann@example", b"She is right"):
        assert secret not in kept
    assert bench.token.encode() not in kept
