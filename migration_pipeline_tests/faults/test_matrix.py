"""Every kind of fault at every endpoint that a run uses: the target ends as if nothing had happened."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from migration_pipeline.model.entities import ENTITY_TYPES
from migration_pipeline.target.loader import load
from migration_pipeline_tests.end_to_end import in_process
from migration_pipeline_tests.faults.world import World, assert_clean

KINDS = ("refuse", "error_before", "error_after_commit", "drop_after_commit", "throttle", "slow", "garbage")
LIMITS = {"throttle": 4, "slow": 40}

WRITES = {
    "fields": "* /*attributes",
    "tags": "* /tags",
    "companies": "* /companies",
    "contacts": "* /contacts*",
    "collections": "* /help_center/*",
    "articles": "* /articles*",
}
"""The endpoints of all but the tickets, reads among them."""

THREADS = {
    "openers": "POST /conversations",
    "threads": "* /conversations/{id}*",  # replies, participants, tags, parts, attributes, and reading threads back
}
"""The endpoints of tickets."""


def loaded(config: Path, sandbox: Any, kind: str, matches: dict[str, str]) -> in_process.Told:
    """Load with a kind of fault at the endpoints that each entity type names."""
    with in_process.bench(config) as (bench, run):
        bench.journal.begin_run(run.run_id, run.mode, bench.client.workspace)
        for entity_type in ENTITY_TYPES:
            if entity_type in matches:
                sandbox.faults("target", kind, match=matches[entity_type], limit=LIMITS.get(kind, 60))
            load(entity_type, bench.staging, bench.journal, bench.client, bench.catalogue, bench.migration, run)
            sandbox.control("target", "faults", [])
        return in_process.write(bench, run)


@pytest.mark.behaviour("B01")
@pytest.mark.parametrize("endpoint", THREADS)
@pytest.mark.parametrize("kind", KINDS)
def test_writes(world: World, tmp_path: Path, kind: str, endpoint: str) -> None:
    with world.target(tmp_path / "target") as (config, sandbox):
        people = WRITES if endpoint == "openers" else {}
        assert_clean(loaded(config, sandbox, kind, {**people, "tickets": THREADS[endpoint]}))
        world.assert_undisturbed(config, sandbox)


Rows = dict[str, list[tuple[Any, ...]]]


def records(config: Path) -> Rows:
    """The canonical records; those of files name the hash of their bytes."""
    with duckdb.connect() as connection:
        return {
            path.name: connection.sql(f"SELECT * FROM '{path}' ORDER BY ALL").fetchall()
            for path in config.parent.glob("data/*/records/*.parquet")
        }


def read(config: Path) -> Rows:
    """The records after a run has read the source."""
    with in_process.bench(config) as (bench, run):
        in_process.extract(bench, run)
        for entity_type in ENTITY_TYPES:
            bench.source.normalize(entity_type, bench.staging)
    return records(config)


@pytest.mark.behaviour("B01")
@pytest.mark.parametrize("kind", KINDS)
def test_source(world: World, tmp_path: Path, kind: str) -> None:
    """Lists, exports, threads, tokens and files: all arrive, but for files that failed again and again.

    Those the next run brings.
    """
    config = world.config(tmp_path / "migration", world.sandbox)
    config.write_text(config.read_text().replace("name: sandbox", "name: faulty"))  # a token of its own
    expected = records(world.planned)
    world.sandbox.faults("source", kind, rate=0.2, limit=LIMITS.get(kind, 100))
    try:
        found = read(config)
    finally:
        world.sandbox.control("source", "faults", [])
    files: Rows = {"attachments.parquet": [], "article_attachments.parquet": []}
    assert {**found, **files} == {**expected, **files}
    again = read(config)
    different = {name: {*map(str, rows)} ^ {*map(str, again[name])} for name, rows in expected.items()}
    assert not {name: rows for name, rows in different.items() if rows}


def test_something_else_is_never_taken_for_a_file_and_asked_for_again(world: World, tmp_path: Path) -> None:
    """An error page that comes with 200, the same every time, for files of a told size and of none."""
    config = world.config(tmp_path / "migration", world.sandbox)
    expected = records(world.planned)
    world.sandbox.faults("source", "garbage", match="GET /hc/*", rate=1.0, limit=100_000)
    try:
        found = read(config)
    finally:
        world.sandbox.control("source", "faults", [])
    lacking = [str(row) for name in ("attachments.parquet", "article_attachments.parquet") for row in found[name]]
    assert sum("file_size_differs" in row for row in lacking) > 3
    assert sum("file_not_recognised" in row for row in lacking) > 0
    assert read(config) == expected
