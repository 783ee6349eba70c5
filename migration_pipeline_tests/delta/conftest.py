"""One help desk that changes after it was moved, and the same help desk moved afresh into an empty workspace."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from migration_pipeline_tests import forks
from migration_pipeline_tests.delta.runs import Done, run
from migration_pipeline_tests.end_to_end.canonical import State, read_target
from migration_pipeline_tests.forks import Sandbox


def act(place: Sandbox, tickets: int, seed: int) -> list[dict[str, Any]]:
    """Change the help desk, and let the minute pass that its exports hide; what was changed."""
    changed: list[dict[str, Any]] = place.control("source", "activity", {"seed": seed, "tickets": tickets})["changed"]
    place.control("source", "clock", {"advance_s": 300})
    return changed


@dataclass(frozen=True)
class Story:
    """A full run, changes, a delta and a second one; and a full run of the changed help desk alone."""

    place: Sandbox
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
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[int, int], Sandbox]]:
    """Start sandboxes; all are stopped at the end of the session."""
    started: list[Sandbox] = []

    def start(tickets: int, seed: int) -> Sandbox:
        folder = tmp_path_factory.mktemp("sandbox")
        started.append(forks.sandbox(folder, "--tickets", tickets, "--seed", seed, search_lag_s=0.2))
        return started[-1]

    yield start
    for sandbox in started:
        sandbox.end()


@pytest.fixture(scope="session")
def story(serve: Callable[[int, int], Sandbox], tmp_path_factory: pytest.TempPathFactory) -> Story:
    place, empty = serve(60, 5), serve(1, 5)
    run(place.config, "full", "full")
    changed = act(place, 40, 3)
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
        outbox=place.control("target", "outbox"),
    )
