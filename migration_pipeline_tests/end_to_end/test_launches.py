"""Ways to start a run other than the command line: each does the same, or refuses with a sentence."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from migration_pipeline.definitions import build_defs
from migration_pipeline.model.entities import ENTITY_TYPES
from migration_pipeline.partitions import WHOLE_RANGE
from migration_pipeline_tests.approval import approved
from migration_pipeline_tests.end_to_end.conftest import Sandbox, migrate

START, END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


@pytest.fixture(scope="module")
def sandbox(serve: Callable[..., Sandbox]) -> Sandbox:
    return serve(tickets=40, seed=11)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def launch(
    sandbox: Sandbox, instance: dg.DagsterInstance, job: str, tags: dict[str, str], assets: tuple[str, ...] = ()
) -> Any:
    """Launch a job; of some of its assets alone where any are named."""
    resources = {"resources": {"workbench": {"config": {"config": str(sandbox.config)}}}}
    return build_defs().resolve_job_def(job).execute_in_process(
        run_config=resources, instance=instance, tags=tags, raise_on_error=False,
        asset_selection=[dg.AssetKey(name) for name in assets] or None,
    )  # fmt: skip


def failures(result: Any) -> list[str]:
    data = (event.step_failure_data for event in result.all_events if event.is_step_failure)
    return [str(failure.user_failure_data.description) for failure in data if failure.user_failure_data]


def test_a_reversed_range_is_refused(sandbox: Sandbox, instance: dg.DagsterInstance) -> None:
    approved(sandbox.config)
    result = launch(sandbox, instance, "full_migration", {START: "tickets", END: "agents"})
    assert not result.success
    assert "The run covers no entity type" in failures(result)[0]
    assert sandbox.writes == 0


@pytest.mark.behaviour("S61")
@pytest.mark.parametrize(
    ("job", "why"), [("full_migration", "none is approved yet"), ("delta_migration", "start `migrate full` first")]
)
def test_a_launch_without_approval_is_refused_before_anything_is_read(
    serve: Callable[..., Sandbox], instance: dg.DagsterInstance, job: str, why: str
) -> None:
    sandbox = serve(tickets=5, seed=13)
    result = launch(sandbox, instance, job, {})
    assert not result.success
    assert any(why in sentence for sentence in failures(result))
    assert sandbox.control("source", "stats")["requests"] == {}
    assert sandbox.writes == 0


def test_a_launch_from_an_asset_page_stages_and_does_not_load(sandbox: Sandbox, instance: dg.DagsterInstance) -> None:
    """Backfills and materializations of chosen assets run under Dagster's own job name."""
    result = launch(sandbox, instance, "__ASSET_JOB", {START: ENTITY_TYPES[0], END: ENTITY_TYPES[-1]})
    assert not result.success
    assert any("Loading is started by a job" in sentence for sentence in failures(result))
    assert sandbox.writes == 0
    records = next(sandbox.folder.glob("data/*/records"))
    assert (records / "tickets.parquet").exists()


def test_tickets_alone_wait_for_what_they_refer_to(sandbox: Sandbox, instance: dg.DagsterInstance) -> None:
    """A partition by itself neither crashes nor loses anything: its records say that their parents are not there."""
    staged = launch(sandbox, instance, "full_dry_run", {})
    assert staged.success, failures(staged)
    assert sandbox.writes == 0
    assert newest_summary(sandbox)["dry_run"]
    # A demo needs no approval: what a dry run planned of everything must not go through its gate.
    chosen = launch(sandbox, instance, "demo_migration", WHOLE_RANGE, ("loaded",))
    assert not chosen.success
    assert "launch the whole job demo_migration" in failures(chosen)[0]
    assert sandbox.writes == 0
    result = launch(sandbox, instance, "demo_migration", {START: "tickets", END: "tickets"})
    assert result.success, failures(result)
    records = migrate("report", "--config", sandbox.config, "--json").json["records"]
    tickets = [row for row in records if row["entity_type"] == "tickets"]
    assert len(tickets) == 20
    assert {(row["outcome"], row["reason"]) for row in tickets} == {("failed", "parent_failed")}


@pytest.mark.behaviour("S51")
def test_the_dagster_command_does_what_migrate_does(sandbox: Sandbox, tmp_path: Path) -> None:
    environment = {**os.environ, "DAGSTER_HOME": str(tmp_path), "MIGRATION_CONFIG": str(sandbox.config)}
    command = [sys.executable, "-m", "dagster", "job", "execute", "-m", "migration_pipeline.definitions"]
    done = subprocess.run(
        [*command, "-j", "demo_migration"], env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    summary = newest_summary(sandbox)
    assert summary["mode"] == "demo"
    by_hand = summary["entities"]
    again = migrate("demo", "--config", sandbox.config, "--json").json
    assert again["entities"] == by_hand
    assert next(e for e in by_hand if e["entity_type"] == "tickets")["migrated"] == 20


def newest_summary(sandbox: Sandbox) -> dict[str, Any]:
    paths = sandbox.folder.glob("data/*/reports/*/summary.json")
    document: dict[str, Any] = json.loads(max(paths, key=lambda path: path.stat().st_mtime).read_text())
    return document


@pytest.mark.behaviour("S27", "S45")
def test_a_mapping_is_proposed_before_anything_is_written(serve: Callable[..., Sandbox]) -> None:
    sandbox = serve(tickets=40, seed=12)
    told = migrate("map", "--config", sandbox.config, "--json").json
    assert Path(told["mapping"]).exists()
    assert told["agents"] > told["agents_mapped"] > 0
    assert sandbox.writes == 0


def test_init_writes_a_file_that_check_understands(tmp_path: Path) -> None:
    path = tmp_path / "migration.yaml"
    arguments = ["--config", path, "--subdomain", "acme", "--workspace", "abc123"]
    assert migrate("init", *arguments, "--json").json["config"] == str(path)
    again = migrate("init", *arguments)
    assert again.code == 2
    assert "exists already" in again.err
    asked = migrate("check", "--config", path)
    assert asked.code == 2
    assert "ZENDESK_CLIENT_ID" in asked.err
