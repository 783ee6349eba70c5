"""A service that goes away during a run pauses it; one that closes its doors stops it; the next run goes on."""

import logging
import threading
import time
from pathlib import Path

import pytest

from migration_pipeline.assets.workbench import Workbench
from migration_pipeline.http import Breaker, CallThreads
from migration_pipeline.http.session import READ_ATTEMPTS
from migration_pipeline.model.errors import AccessDenied, RunStopped, ServiceDown
from migration_pipeline.staging.progress import read_progress
from migration_pipeline_tests.end_to_end import in_process
from migration_pipeline_tests.faults.proxy import Proxy
from migration_pipeline_tests.faults.world import World, assert_clean


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_what_never_answered_is_not_waited_for(clock: Clock) -> None:
    breaker = Breaker("Intercom", 900, threading.Event(), clock=clock)
    breaker.failed()
    assert not breaker.waits("no connection")


def test_an_outage_is_waited_out_up_to_the_patience(clock: Clock) -> None:
    told: list[tuple[str, bool]] = []
    breaker = Breaker(
        "Intercom", 900, threading.Event(), clock=clock, tell=lambda name, since: told.append((name, since is None))
    )
    breaker.answered()
    breaker.failed()
    clock.now += 899
    assert breaker.waits("503")
    assert breaker.is_open
    breaker.answered()
    assert not breaker.is_open
    assert told == [("Intercom", False), ("Intercom", True)]
    breaker.failed()
    clock.now += 901
    assert not breaker.waits("503")


def test_one_call_at_a_time_asks_and_the_others_wait(clock: Clock) -> None:
    stop = threading.Event()
    breaker = Breaker("Intercom", 900, stop, clock=clock)
    breaker.answered()
    breaker.failed()
    assert breaker.waits("503")
    through: list[int] = []
    clock.now += 10

    def call() -> None:
        breaker.hold()
        through.append(1)

    threads = [threading.Thread(target=call, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    assert len(through) == 1
    breaker.answered()
    for thread in threads:
        thread.join(3)
    assert len(through) == 4


def test_a_stop_ends_the_waiting(clock: Clock) -> None:
    stop = threading.Event()
    breaker = Breaker("Intercom", 900, stop, clock=clock)
    breaker.answered()
    breaker.failed()
    assert breaker.waits("503")
    stop.set()
    with pytest.raises(RunStopped):
        breaker.hold()


def test_a_target_that_is_down_pauses_the_load(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    seen: list[dict[str, str]] = []
    with world.target(tmp_path / "target") as (config, sandbox), Proxy(sandbox.target["url"]) as proxy:
        world.config(config.parent, sandbox, base_url=proxy.url)

        def outage() -> None:
            while sandbox.control("target", "stats")["writes"] < 60:
                time.sleep(0.01)
            proxy.away(True)
            path = next(config.parent.glob("data/*/progress.json"))
            while not (waiting := (read_progress(path) or {}).get("waiting")):
                time.sleep(0.01)
            seen.append(waiting)
            proxy.away(False)

        thread = threading.Thread(target=outage)
        thread.start()
        told = in_process.only_load(config)
        thread.join()
        assert_clean(told)
        world.assert_undisturbed(config, sandbox)
        assert list(seen[0]) == ["Intercom"]
        assert (read_progress(next(config.parent.glob("data/*/progress.json"))) or {})["waiting"] == {}
    messages = " ".join(record.getMessage() for record in caplog.records)
    assert "Intercom has not answered since" in messages
    assert "Intercom answers again" in messages


@pytest.mark.parametrize("kind", ["error_before", "garbage"])
def test_a_read_is_asked_again_for_as_long_as_the_patience_lasts(world: World, tmp_path: Path, kind: str) -> None:
    """More answers of no use in a row than a read has attempts."""
    patient, hasty = (
        Workbench(world.config(tmp_path / f"{seconds}", world.sandbox, patience_s=seconds)) for seconds in (60, 1)
    )
    patient.unproved_client.me()
    hasty.unproved_client.me()
    try:
        world.sandbox.faults("target", kind, match="GET /tags", rate=1.0, limit=READ_ATTEMPTS + 1)
        assert patient.unproved_client.tags() == []
        world.sandbox.faults("target", kind, match="GET /tags", rate=1.0, limit=100_000)
        with CallThreads(1, "asking") as threads:
            refused = threads.submit(lambda _: hasty.unproved_client.tags(), None)
            while not refused.done():
                hasty.unproved_client.me()  # others are answered, and wait for nothing
        with pytest.raises(ServiceDown, match=r"Intercom .* does not answer"):
            refused.result()
    finally:
        world.sandbox.control("target", "faults", [])
        for bench in (patient, hasty):
            bench.close()


def test_patience_ends(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with world.target(tmp_path / "target") as (config, sandbox), Proxy(sandbox.target["url"]) as proxy:
        world.config(config.parent, sandbox, base_url=proxy.url, patience_s=1)
        timer = threading.Timer(1.0, proxy.away, (True,))
        timer.start()
        with pytest.raises(ServiceDown, match="Intercom"):
            in_process.only_load(config)
        proxy.away(False)
        assert_clean(in_process.only_load(config))
        world.assert_undisturbed(config, sandbox)


@pytest.mark.parametrize("switches", [{"token_state": "token_revoked"}, {"missing_scopes": ["write_conversations"]}])
def test_a_target_that_refuses_midway_stops_the_run_and_the_next_one_goes_on(
    world: World, tmp_path: Path, switches: dict[str, object]
) -> None:
    normal = {"token_state": "valid", "missing_scopes": []}
    with world.target(tmp_path / "target") as (config, sandbox):

        def refuse() -> None:
            while sandbox.control("target", "stats")["writes"] < 80:
                time.sleep(0.005)
            sandbox.control("target", "switches", switches)

        thread = threading.Thread(target=refuse)
        thread.start()
        with pytest.raises(AccessDenied, match=r"target in migration\.yaml"):
            in_process.only_load(config)
        thread.join()
        sandbox.control("target", "switches", normal)
        assert_clean(in_process.only_load(config))
        world.assert_undisturbed(config, sandbox)


def test_a_token_of_the_source_that_ends_midway_is_renewed(world: World, tmp_path: Path) -> None:
    config = world.config(tmp_path / "migration", world.sandbox)
    config.write_text(config.read_text().replace("name: sandbox", "name: short-lived"))  # a token of its own
    world.sandbox.control("source", "switches", {"token_lifetime_s": 1})
    before = world.sandbox.control("source", "stats")["requests"].get("POST /oauth/tokens", 0)
    try:
        with in_process.bench(config) as (bench, run):
            for entity_type in bench.source.extraction_order:
                bench.source.extract(entity_type, bench.staging, run)
                world.sandbox.control("source", "clock", {"advance_s": 5})
    finally:
        world.sandbox.control("source", "switches", {"token_lifetime_s": 172_800})
    assert world.sandbox.control("source", "stats")["requests"]["POST /oauth/tokens"] > before + 1
