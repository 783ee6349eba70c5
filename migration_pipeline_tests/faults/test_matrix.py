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
}
"""The endpoints of what comes before the tickets, reads among them."""

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


def digests(config: Path) -> dict[str, list[tuple[str, str]]]:
    """What is planned for every record; the digest of a payload covers the hashes of its files."""
    with duckdb.connect() as connection:
        return {
            path.name: connection.sql(f"SELECT source_id, action, digest FROM '{path}' ORDER BY ALL").fetchall()
            for path in config.parent.glob("data/*/plan/*.parquet")
        }


def test_downloads(world: World, tmp_path: Path) -> None:
    """Files arrive whole, whatever happens to their downloads."""
    config = world.config(tmp_path / "migration", world.sandbox)
    world.sandbox.faults("source", *KINDS, match="GET /*storage*", rate=0.4)
    try:
        with in_process.bench(config) as (bench, run):
            in_process.extract(bench, run)
            world.sandbox.control("source", "faults", [])
            in_process.prepare(bench, run)
    finally:
        world.sandbox.control("source", "faults", [])
    assert digests(config) == digests(world.planned)
