"""A help desk whose incidents and problems become Intercom tickets, moved, changed, and carried by a delta."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
from ruamel.yaml import YAML

from migration_pipeline_tests import forks
from migration_pipeline_tests.delta.runs import Done, run
from migration_pipeline_tests.tickets.runs import Intercom, Json, with_rules

ENTITIES = ["agents", "teams", "fields", "tags", "companies", "contacts", "tickets"]
RULES: list[Json] = [
    {"when": {"tags": ["vip"]}, "as": "conversation"},
    {"when": {"kinds": ["incident", "problem"]}, "as": "ticket", "type": "Incident"},
    {"when": {"statuses": ["closed"]}, "as": "ticket", "type": "Archive"},
]


@dataclass(frozen=True)
class Story:
    """A full run, changes, a delta; and the tickets after each run."""

    root: Path
    full: Done
    moved: dict[str, Json]
    conversations: int
    delta: Done
    carried: dict[str, Json]
    outbox: list[Any]

    def records(self, columns: str) -> Iterator[tuple[Any, ...]]:
        """Columns of the source's tickets, as they are after the changes."""
        yield from duckdb.execute(f"SELECT {columns} FROM '{self.root}/**/records/tickets.parquet'").fetchall()


def parts(ticket: Json) -> list[str]:
    return [part["id"] for part in ticket["ticket_parts"]["ticket_parts"]]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("tickets")
    place = forks.sandbox(folder, "--tickets", 24, "--seed", 5, search_lag_s=0.1)
    try:
        document = YAML(typ="safe").load(place.config.read_text())
        document["entities"] = ENTITIES
        with place.config.open("w") as file:
            YAML(typ="safe").dump(document, file)
        with_rules(place.config, *RULES)
        target = Intercom(place.config)
        full = run(place.config, "full", "full")
        moved = target.tickets()
        conversations = sum(1 for row in target.rows() if not row.get("ticket"))
        place.control("source", "activity", {"seed": 3, "tickets": 20})
        place.control("source", "clock", {"advance_s": 300})  # the minute that exports hide
        delta = run(place.config, "delta", "delta")
        carried = target.tickets()
        outbox = place.control("target", "outbox")
        yield Story(folder, full, moved, conversations, delta, carried, outbox)
    finally:
        place.end()


@pytest.mark.behaviour("B05", "B10")
def test_what_is_read_back_is_what_was_meant(story: Story) -> None:
    assert (story.full.mismatches, story.delta.mismatches) == ((), ())
    assert [row for row in story.full.rows if row["outcome"] == "failed"] == []
    assert len(story.moved) > 10
    assert story.conversations


@pytest.mark.behaviour("B10", "S08", "S11", "S12")
def test_the_rules_decide_and_titles_tags_and_states_arrive(story: Story) -> None:
    columns = "source_id, kind, status, list_contains(tags, 'vip'), subject, len(tags), state"
    for ref, kind, status, vip, subject, tags, state in story.records(columns):
        wanted = None if vip else "Incident" if kind in ("incident", "problem") else None
        wanted = wanted or (None if vip or status != "closed" else "Archive")
        ticket = story.carried.get(ref)
        if ref in story.moved:  # it stays what it was made as
            assert ticket is not None
        elif state != "deleted" and ref in story.delta.reasons("tickets"):
            assert (ticket["ticket_type"]["name"] if ticket else None) == wanted or ref in story.full.reasons("tickets")
        if ticket is None or state == "deleted":
            continue
        assert ticket["ticket_attributes"]["_default_title_"] == " ".join(subject.split())
        assert len(ticket["row"]["tags"]["tags"]) <= tags + 1
        resolved = status in ("solved", "closed")
        assert (ticket["ticket_state"]["category"] == "resolved", ticket["open"]) == (resolved, not resolved)


@pytest.mark.behaviour("B10")
def test_the_plan_counts_the_calls_that_tickets_take(story: Story) -> None:
    assert story.full.loaded["tickets"].writes == story.full.planned["tickets"]
    foreseen = story.delta.planned["tickets"]
    assert abs(story.delta.loaded["tickets"].writes - foreseen) <= max(2, foreseen // 50)


@pytest.mark.behaviour("B03", "S54")
def test_a_delta_carries_changes(story: Story) -> None:
    changed = {ref for ref in story.moved if parts(story.moved[ref]) != parts(story.carried[ref])}
    assert changed
    assert changed <= story.delta.reasons("tickets").keys()


@pytest.mark.behaviour("S21", "S22")
def test_nobody_gets_a_message(story: Story) -> None:
    assert story.outbox == []
