"""One help desk that changes after it was moved, and the same help desk moved afresh into an empty workspace.

Belongs here: telling that story, for the tests and for `benchmarks/delta.py`. Does not belong here: what has to hold.
"""

import re
from collections import Counter
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from migration_pipeline.planning import Plan
from migration_pipeline_tests.delta.runs import Done, plan, run
from migration_pipeline_tests.end_to_end.canonical import State, differences, read_target
from migration_pipeline_tests.forks import Sandbox

_FILES = re.compile(r"GET /(files|storage|i|hc)/")

TOMBSTONE = "<p><i>This message was deleted</i></p>"
"""What Intercom leaves of a redacted message; it can be made unreadable, and not be taken away."""


@dataclass(frozen=True)
class Story:
    """A full run, changes, a delta and a second one; and a full run of the changed help desk alone."""

    changed: list[dict[str, Any]]
    planned: Plan
    plan_wrote: int
    asked: dict[str, Counter[str]]  # what the delta asked each service for, by route
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

    @property
    def deleted(self) -> set[str]:
        """Keys of the tickets that were deleted, whose conversations stay by rule."""
        return {f"zendesk:{change['ticket_id']}" for change in self.changed if change["kind"] == "delete"}

    def differences(self) -> list[str]:
        """What the delta left otherwise than the fresh run, but for what Intercom's API cannot do."""
        threads = {key: row for key, row in self.carried["conversations"].items() if key not in self.deleted}
        expected = dict(self.expected["conversations"])
        for key, thread in expected.items():
            made_up = f"<p>{escape(thread['title'] or '', quote=False)}</p>"
            if key not in threads or thread["messages"][0]["text"] != made_up:
                continue
            # Nobody wrote this line: it was made of the subject, and a conversation's opener cannot be changed.
            opener, *rest = threads[key]["messages"]
            if opener["text"] == TOMBSTONE:  # what stood there is no longer public
                expected[key] = {**thread, "messages": thread["messages"][1:]}
            else:
                threads[key] = {**threads[key], "messages": [{**opener, "text": made_up}, *rest]}
        carried = _without_tombstones({**self.carried, "conversations": threads})
        return differences({**self.expected, "conversations": expected}, carried, events=False)


def tell(place: Sandbox, empty: Sandbox, folder: Path, *, changes: int, seed: int) -> Story:
    """Move the help desk of `place`, change it, carry the changes, and move it afresh into `empty`."""
    run(place.config, "full", "full")
    changed: list[dict[str, Any]] = place.control("source", "activity", {"seed": seed, "tickets": changes})["changed"]
    place.control("source", "clock", {"advance_s": 300})  # its exports hide the newest minute
    written = place.writes
    planned = plan(place.config)
    plan_wrote = place.writes - written
    before = _asked(place)
    delta = run(place.config, "delta", "delta")
    asked = {side: calls - before[side] for side, calls in _asked(place).items()}
    again = run(place.config, "delta", "again")
    other = folder / "migration.yaml"
    text = place.config.read_text().replace(place.target["url"], empty.target["url"])
    other.write_text(re.sub(r"(?m)^name: .*$", "name: fresh", text))
    fresh = run(other, "full", "fresh")
    carried, expected = read_target(place.config, wait_s=0.5), read_target(other, wait_s=0.5)
    return Story(
        changed, planned, plan_wrote, asked, delta, again, fresh, carried, expected, place.control("target", "outbox")
    )


def _asked(place: Sandbox) -> dict[str, Counter[str]]:
    """Calls so far by side and route, without the bytes of files, which file stores answer."""
    stats = {side: place.control(side, "stats")["requests"] for side in ("source", "target")}
    return {
        side: Counter({route: calls for route, calls in routes.items() if not _FILES.search(route)})
        for side, routes in stats.items()
    }


def _without_tombstones(state: State) -> State:
    threads = {
        key: {**thread, "messages": [message for message in thread["messages"] if message["text"] != TOMBSTONE]}
        for key, thread in state["conversations"].items()
    }
    return {**state, "conversations": threads}
