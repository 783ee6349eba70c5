"""What Dagster loads: which assets, jobs and checks there are, and that each says what it is."""

from typing import Any

import dagster as dg
import pytest

from migration_pipeline.definitions import build_defs
from migration_pipeline.model.entities import ENTITY_TYPES, NEEDS
from migration_pipeline.partitions import entity_types

PARTITIONED = {"extracted", "normalized", "mapped", "load_plan", "loaded", "verified"}
UNPARTITIONED = {"target_catalogue", "mapping", "inventory", "estimated", "rehearsed", "report", "staging_database"}


@pytest.fixture(scope="module")
def graph() -> Any:
    defs = build_defs()
    dg.Definitions.validate_loadable(defs)
    return defs.resolve_asset_graph()


def test_the_set_of_assets(graph: Any) -> None:
    keys = {key.to_user_string() for key in graph.get_all_asset_keys()}
    assert keys == PARTITIONED | UNPARTITIONED


def test_the_set_of_jobs() -> None:
    jobs = {job.name for job in build_defs().resolve_all_job_defs()} - {"__ASSET_JOB"}
    assert jobs == {
        "demo_migration",
        "full_migration",
        "delta_migration",
        "mapping_proposal",
        "plan_delta",
        "plan_migration",
        "demo_dry_run",
        "full_dry_run",
        "delta_dry_run",
        "verification",
        "rollback",
        "archiving",
    }


def test_the_set_of_checks(graph: Any) -> None:
    assert {key.name for key in graph.asset_check_keys} == {
        "nothing_unmapped",
        "nothing_in_the_way",
        "every_record_accounted_for",
    }


@pytest.mark.parametrize("name", sorted(PARTITIONED | UNPARTITIONED))
def test_every_asset_says_what_it_is(graph: Any, name: str) -> None:
    node = graph.get(dg.AssetKey(name))
    assert node.description
    assert node.group_name != "default"
    assert node.kinds
    assert node.owners
    assert (node.partitions_def == entity_types) == (name in PARTITIONED)
    if name in PARTITIONED:
        assert node.backfill_policy == dg.BackfillPolicy.single_run()


def test_every_job_says_what_it_does_and_runs_in_one_process() -> None:
    for job in build_defs().resolve_all_job_defs():
        if job.name != "__ASSET_JOB":
            assert job.description
            assert job.executor_def is dg.in_process_executor
            assert job.tags["dagster/asset_partition_range_start"] == ENTITY_TYPES[0]
            assert job.tags["dagster/asset_partition_range_end"] == ENTITY_TYPES[-1]


def test_partition_keys_stand_in_load_order() -> None:
    keys = list(entity_types.get_partition_keys())
    assert keys == list(ENTITY_TYPES)
    for position, key in enumerate(keys):
        assert set(NEEDS[key]) <= set(keys[:position])
