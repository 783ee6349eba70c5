"""The shared machinery of the stand-ins, shown on a toy service of two routes."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests
from ruamel.yaml import YAML

from migration_pipeline.sandbox.clock import Clock
from migration_pipeline.sandbox.faults import FaultPlan, Faults
from migration_pipeline.sandbox.recorder import Recorder
from migration_pipeline.sandbox.service import Service, Shapes
from migration_pipeline.sandbox.state import State
from migration_pipeline.sandbox.switches import Switch, Switches
from migration_pipeline.sandbox.windows import FixedWindow
from migration_pipeline.sandbox.wire import Answer, Call, RefusalError, Route, RouteTable, json_answer
from migration_pipeline_tests.sandbox.conftest import Client, served

SWITCHES = [
    Switch("colour", "red", ("red", "blue"), "a choice"),
    Switch("size", 3, "integer", "a number"),
    Switch("on", False, "boolean", "a flag"),
]


def toy(folder: Path, url: str, *, latency_ms: int = 0, record: Path | None = None) -> Service:
    """A service that keeps notes: GET /notes/{id}, POST /notes, POST /notes/search, GET /files/{rest}."""
    state = State(folder, "CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL)")

    def shape(status: int) -> Answer:
        return json_answer({"error": status}, status)

    def get(call: Call) -> Answer:
        row = state.db.execute("SELECT text FROM notes WHERE id = ?", (call.params["id"],)).fetchone()
        if row is None:
            raise RefusalError(shape(404))
        return json_answer({"text": row[0]})

    def add(call: Call) -> Answer:
        cursor = state.db.execute("INSERT INTO notes (text) VALUES (?)", (call.json["text"],))
        if call.json.get("then") == "refuse":
            return shape(422)
        if call.json.get("then") == "break":
            raise ZeroDivisionError
        return json_answer({"id": cursor.lastrowid})

    async def find(_: Call) -> Answer:
        await asyncio.sleep(0)
        return json_answer([row[0] for row in state.db.execute("SELECT text FROM notes ORDER BY id")])

    return Service(
        kind="toy",
        base_url=url,
        state=state,
        clock=Clock(state.get("clock", 0.0)),
        switches=Switches(SWITCHES, state.get("switches")),
        routes=[
            Route("GET", "/notes/{id}", get),
            Route("POST", "/notes", add),
            Route("POST", "/notes/search", find, writes=False),
            Route("GET", "/files/{rest:path}", lambda call: json_answer(call.params), open=True, recorded=False),
        ],
        shapes=Shapes(
            not_found=lambda _: shape(404),
            malformed=lambda _: shape(400),
            failure=lambda _: shape(500),
            throttled=lambda _: shape(429),
        ),
        admit=lambda call: shape(401) if call.headers.get("authorization") == "wrong" else None,
        extra_headers=lambda _: ((b"x-toy", b"1"),),
        latency_ms=latency_ms,
        recorder=Recorder(record) if record else None,
    )


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with served(lambda url: toy(tmp_path, url, record=tmp_path / "record.jsonl")) as service:
        client = Client(service.base_url)
        yield client
        client.close()


def texts(client: Client) -> object:
    return client.post("/notes/search").json()


def test_answers_below_400_are_kept_and_all_others_undone(client: Client) -> None:
    assert client.post("/notes", {"text": "kept"}).json() == {"id": 1}
    assert client.post("/notes", {"text": "refused", "then": "refuse"}).status_code == 422
    assert client.post("/notes", {"text": "broken", "then": "break"}).status_code == 500
    assert client.get("/notes/99").status_code == 404
    assert texts(client) == ["kept"]


def test_malformed_bodies_and_unknown_routes_get_the_services_own_shapes(client: Client) -> None:
    answer = client.session.post(client.base_url + "/notes", data="{", timeout=5)
    assert (answer.status_code, answer.json()) == (400, {"error": 400})
    assert (client.get("/elsewhere").status_code, client.put("/notes", {}).status_code) == (404, 404)


def test_admission_comes_before_handlers_but_not_before_open_routes(client: Client) -> None:
    wrong = {"authorization": "wrong"}
    assert client.post("/notes", {"text": "x"}, headers=wrong).status_code == 401
    opened = client.get("/files/a/b%20c", headers=wrong)
    assert (opened.status_code, opened.json(), "x-toy" in opened.headers) == (200, {"rest": "a/b c"}, False)
    assert client.post("/notes", {"text": "x"}).headers["x-toy"] == "1"


def test_literal_segments_win_over_parameters() -> None:
    def handler(_: Call) -> Answer:
        return Answer(200)

    table = RouteTable(
        [Route("GET", "/a/{id}", handler), Route("GET", "/a/b", handler), Route("GET", "/{x}/b", handler)]
    )
    found = [table.find("GET", path) for path in ("/a/b", "/a/c", "/z/b", "/a/b%2Fc")]
    assert [f and (f[0].template, f[1]) for f in found] == [
        ("/a/b", {}),
        ("/a/{id}", {"id": "c"}),
        ("/{x}/b", {"x": "z"}),
        ("/a/{id}", {"id": "b/c"}),
    ]
    assert table.find("POST", "/a/b") is None


def test_statistics_count_by_template_and_tell_writes_from_searches(client: Client) -> None:
    client.post("/notes", {"text": "a"})
    client.post("/notes", {"text": "b", "then": "refuse"})
    texts(client)
    client.get("/notes/1")
    client.get("/notes/2")
    stats = client.control("GET", "stats").json()
    assert stats["requests"] == {"POST /notes": 2, "POST /notes/search": 1, "GET /notes/{id}": 2}
    assert (stats["total"], stats["writes"], stats["throttled"], stats["credits"]) == (5, 1, 0, 0)
    assert client.control("DELETE", "stats").json()["total"] == 0


def fault(client: Client, *kinds: str, **more: object) -> None:
    order = {"seed": 1, "rate": 1, "kinds": list(kinds), "match": "POST /notes", **more}
    assert client.control("POST", "faults", order).status_code == 200


@pytest.mark.parametrize(
    ("kind", "outcome", "happened"),
    [
        ("refuse", "cut", False),
        ("error_before", 500, False),
        ("error_after_commit", 500, True),
        ("drop_after_commit", "cut", True),
        ("throttle", 429, False),
        ("slow", 200, True),
        ("garbage", 200, True),
    ],
)
def test_each_fault_strikes_before_or_after_the_effect(
    client: Client, kind: str, outcome: object, happened: bool
) -> None:
    fault(client, kind, limit=1)
    begun = time.monotonic()
    try:
        answer = client.post("/notes", {"text": "x"})
        assert answer.status_code == outcome
        if kind == "garbage":
            with pytest.raises(orjson.JSONDecodeError):
                orjson.loads(answer.content)
    except requests.ConnectionError:
        assert outcome == "cut"
    assert (time.monotonic() - begun > 0.15) == (kind == "slow")
    assert texts(client) == (["x"] if happened else [])
    # The limit of one is used up, and the service has got over it.
    assert client.post("/notes", {"text": "y"}).status_code == 200
    assert client.control("GET", "stats").json()["writes"] == 1 + happened


def test_faults_strike_only_what_matches_and_end_on_demand(client: Client) -> None:
    fault(client, "error_before", match="GET *")
    assert client.post("/notes", {"text": "x"}).status_code == 200
    assert client.get("/notes/1").status_code == 500
    assert client.control("GET", "stats").status_code == 200
    client.control("POST", "faults", [])
    assert client.get("/notes/1").status_code == 200


def test_the_same_seed_gives_the_same_faults() -> None:
    def draws(seed: int) -> list[str | None]:
        faults = Faults()
        faults.start(FaultPlan(seed, 0.5, ("refuse", "throttle"), "POST *"))
        return [faults.draw(route) for route in ("POST /a", "GET /a", "POST /b") * 20]

    assert draws(3) == draws(3) != draws(4)
    assert draws(3)[1::3] == [None] * 20


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("faults", {"kinds": ["explode"]}),
        ("faults", {"kinds": ["refuse"], "rate": 2}),
        ("clock", {"advance_s": -1}),
        ("clock", {}),
        ("switches", {"nothing": 1}),
        ("switches", {"colour": "green"}),
        ("switches", {"size": "3"}),
        ("switches", {"size": -1}),
        ("switches", {"on": 1}),
        ("switches", {"colour": "blue", "size": True}),
    ],
)
def test_control_orders_that_make_no_sense_are_refused_and_change_nothing(
    client: Client, name: str, order: object
) -> None:
    before = client.control("GET", "switches").json()
    assert client.control("POST", name, order).status_code == 400
    assert client.control("GET", "switches").json() == before
    assert client.control("GET", name + "x").status_code == 404


def test_switches_tell_what_they_are(client: Client) -> None:
    assert client.control("POST", "switches", {"colour": "blue"}).json() == {"colour": "blue", "size": 3, "on": False}
    described = client.control("GET", "switches").json()
    assert described["colour"] == {"value": "blue", "allowed": ["red", "blue"], "default": "red", "meaning": "a choice"}


def test_state_clock_switches_and_statistics_survive_a_restart(tmp_path: Path) -> None:
    for expected in ([], ["x"]):
        with served(lambda url: toy(tmp_path, url)) as service:
            client = Client(service.base_url)
            assert texts(client) == expected
            now = client.control("POST", "clock", {"advance_s": 500 if not expected else 0}).json()["now"]
            assert now - time.time() == pytest.approx(500, abs=5)
            assert client.control("GET", "switches").json()["colour"]["value"] == ("blue" if expected else "red")
            if not expected:
                client.control("POST", "switches", {"colour": "blue"})
                client.post("/notes", {"text": "x"})
            else:
                assert client.control("GET", "stats").json()["requests"]["POST /notes"] == 1
            client.close()


def test_exchanges_are_recorded_whole_but_not_files_and_controls(client: Client, tmp_path: Path) -> None:
    client.post("/notes?why=so", {"text": "line\nbreak"})
    client.get("/notes/7")
    client.get("/files/a")
    client.control("GET", "stats")
    fault(client, "drop_after_commit", limit=1)
    with pytest.raises(requests.ConnectionError):
        client.post("/notes", {"text": "dropped"})
    lines = [orjson.loads(line) for line in (tmp_path / "record.jsonl").read_bytes().splitlines()]
    assert [(line["method"], line["path"], line["status"]) for line in lines] == [
        ("POST", "/notes?why=so", 200),
        ("GET", "/notes/7", 404),
        ("POST", "/notes", 200),
    ]
    assert (lines[0]["request"], lines[0]["response"]) == ({"text": "line\nbreak"}, {"id": 1})
    assert lines[1]["request"] is None


def test_latency_delays_every_call_but_controls(tmp_path: Path) -> None:
    with served(lambda url: toy(tmp_path, url, latency_ms=120)) as service:
        client = Client(service.base_url)
        waits = []
        for path in ("/notes/1", "/_sandbox/stats"):
            begun = time.monotonic()
            client.get(path)
            waits.append(time.monotonic() - begun)
        client.close()
    assert waits[0] > 0.12 > waits[1]


def test_a_window_grants_its_limit_and_begins_anew() -> None:
    clock = Clock()
    clock.advance(10 - clock.now() % 10)
    window = FixedWindow(10, clock)
    taken = [window.take("app", 2) for _ in range(3)]
    assert [(t.granted, t.remaining) for t in taken] == [(True, 1), (True, 0), (False, 0)]
    assert 0 < taken[0].reset_at - clock.now() <= 10
    assert window.take("other", 2).granted
    clock.advance(10)
    assert window.take("app", 2).granted


@contextlib.contextmanager
def command(folder: Path, *more: str) -> Iterator[tuple[subprocess.Popen[str], Any]]:
    """The command with a target alone, and what it says once it answers; killed if a test leaves it running."""
    ready = folder / "sandbox.json"
    before = ready.stat().st_mtime_ns if ready.exists() else None
    arguments = [sys.executable, "-m", "migration_pipeline.sandbox", "--source", "none", "--dir", str(folder), *more]
    with subprocess.Popen(arguments, text=True, stderr=subprocess.PIPE) as process:
        try:
            deadline = time.monotonic() + 20
            while not ready.exists() or ready.stat().st_mtime_ns == before:
                assert process.poll() is None, process.communicate()[1]
                assert time.monotonic() < deadline, "the command did not become ready"
                time.sleep(0.02)
            yield process, orjson.loads(ready.read_bytes())
        finally:
            if process.poll() is None:
                process.kill()


def stop(process: subprocess.Popen[str], number: signal.Signals) -> float:
    begun = time.monotonic()
    process.send_signal(number)
    errors = process.communicate(timeout=10)[1]
    assert (process.returncode, errors) == (0, "")
    return time.monotonic() - begun


def test_the_command_serves_until_told_to_stop_and_keeps_its_state(tmp_path: Path) -> None:
    record = tmp_path / "record.jsonl"
    with command(tmp_path, "--seed", "3", "--record", str(record)) as (process, told):
        config = YAML(typ="safe").load(tmp_path / "migration.yaml")
        target, url = config["target"], config["target"]["base_url"]
        assert (config["name"], config["data_dir"]) == ("sandbox-none-3", "data")
        assert told == {
            "target": {"kind": "intercom", "url": url, "control": url + "/_sandbox"},
            "config": str(tmp_path / "migration.yaml"),
        }
        client = Client(url, {"Authorization": f"Bearer {target['token']}"})
        assert client.get("/me").json()["app"]["id_code"] == target["workspace"]
        assert client.post("/tags", {"name": "kept"}).status_code == 200
        # A connection that stays open must not hold the command back.
        assert stop(process, signal.SIGTERM) < 2
        client.close()
    assert len(record.read_text().splitlines()) == 2

    turned = ("--switch", "region=EU", "--switch", "target.search_lag_s=0.5")
    with command(tmp_path, "--seed", "3", *turned) as (process, again):
        assert again == told, "a migration.yaml must stay true over a restart"
        client = Client(url, {"Authorization": f"Bearer {target['token']}"})
        assert [tag["name"] for tag in client.get("/tags").json()["data"]] == ["kept"]
        switches = client.control("GET", "switches").json()
        assert (switches["region"]["value"], switches["search_lag_s"]["value"]) == ("EU", 0.5)
        client.close()
        assert stop(process, signal.SIGINT) < 2


def test_the_command_leaves_a_foreign_configuration_alone_and_refuses_unknown_plans(tmp_path: Path) -> None:
    config = tmp_path / "migration.yaml"
    config.write_text("name: mine\n")
    with command(tmp_path) as (process, _):
        stop(process, signal.SIGTERM)
    assert config.read_text() == "name: mine\n"
    arguments = [sys.executable, "-m", "migration_pipeline.sandbox", "--source", "none", "--dir", str(tmp_path)]
    wrong = {
        "intercom-1000": ("--plan", "intercom-many"),
        "no switch is called 'source.region'": ("--switch", "source.region=eu"),
        "a switch is set by NAME=VALUE, not by 'region'": ("--switch", "region"),
    }
    for told, more in wrong.items():
        outcome = subprocess.run([*arguments, *more], capture_output=True, text=True, check=False)
        assert outcome.returncode == 2
        assert told in outcome.stderr
