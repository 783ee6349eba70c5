"""One help desk that changes after it was moved, and the same help desk moved afresh into an empty workspace."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from migration_pipeline_tests.delta.runs import Done, control, run
from migration_pipeline_tests.end_to_end.canonical import State, read_target


@dataclass(frozen=True)
class Place:
    """A sandbox that is being served from `folder`."""

    folder: Path
    source: dict[str, str]
    target: dict[str, str]

    @property
    def config(self) -> Path:
        return self.folder / "migration.yaml"

    def act(self, tickets: int, seed: int) -> list[dict[str, Any]]:
        """Change the help desk, and let the minute pass that its exports hide; what was changed."""
        changed: list[dict[str, Any]] = control(self.source, "activity", {"seed": seed, "tickets": tickets})["changed"]
        control(self.source, "clock", {"advance_s": 300})
        return changed


@dataclass(frozen=True)
class Story:
    """A full run, changes, a delta and a second one; and a full run of the changed help desk alone."""

    place: Place
    changed: list[dict[str, Any]]
    delta: Done
    again: Done
    fresh: Done
    carried: State
    expected: State
    outbox: list[Any]

    def tickets(self, kind: str) -> set[str]:
        """Tickets that were changed in one way and not deleted."""
        deleted = {change["ticket_id"] for change in self.changed if change["kind"] == "delete"}
        return {str(c["ticket_id"]) for c in self.changed if c["kind"] == kind and c["ticket_id"] not in deleted}


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[int, int], Place]]:
    """Start sandboxes; all are stopped at the end of the session."""
    processes: list[subprocess.Popen[bytes]] = []

    def start(tickets: int, seed: int) -> Place:
        folder = tmp_path_factory.mktemp("sandbox")
        options = ["--source", "zendesk", "--tickets", str(tickets), "--seed", str(seed), "--dir", str(folder)]
        processes.append(subprocess.Popen([sys.executable, "-m", "migration_pipeline.sandbox", *options]))
        deadline = time.monotonic() + 60
        while not (folder / "sandbox.json").exists():
            assert processes[-1].poll() is None, "the sandbox did not start"
            assert time.monotonic() < deadline, "the sandbox did not start in time"
            time.sleep(0.05)
        document = json.loads((folder / "sandbox.json").read_text())
        place = Place(folder, document["source"], document["target"])
        control(place.target, "switches", {"search_lag_s": 0.2})
        return place

    yield start
    for process in processes:
        process.send_signal(signal.SIGTERM)
    for process in processes:
        process.wait(10)


@pytest.fixture(scope="session")
def story(serve: Callable[[int, int], Place], tmp_path_factory: pytest.TempPathFactory) -> Story:
    place, empty = serve(60, 5), serve(1, 5)
    run(place.config, "full", "full")
    changed = place.act(40, 3)
    delta = run(place.config, "delta", "delta")
    again = run(place.config, "delta", "again")
    text = place.config.read_text().replace(place.target["url"], empty.target["url"])
    other = tmp_path_factory.mktemp("fresh") / "migration.yaml"
    other.write_text(re.sub(r"(?m)^name: .*$", "name: fresh", text))
    fresh = run(other, "full", "fresh")
    return Story(
        place=place,
        changed=changed,
        delta=delta,
        again=again,
        fresh=fresh,
        carried=read_target(place.config, wait_s=0.5),
        expected=read_target(other, wait_s=0.5),
        outbox=control(place.target, "outbox"),
    )
