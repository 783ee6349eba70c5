"""Runs that nobody watches: one whose process is gone, two at once, and the schedule of deltas."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
from ruamel.yaml import YAML

from migration_pipeline import schedules, sensors
from migration_pipeline.assets.lock import WorkspaceLock
from migration_pipeline.config import load_migration
from migration_pipeline_tests.approval import approved
from migration_pipeline_tests.end_to_end.conftest import Sandbox, migrate


@pytest.fixture(scope="module")
def sandbox(serve: Callable[..., Sandbox]) -> Sandbox:
    started = serve(tickets=60, seed=21, arguments=("--latency-ms", "60"))
    approved(started.config)
    return started


@pytest.fixture
def started(sandbox: Sandbox, tmp_path: Path) -> subprocess.Popen[bytes]:
    """A full run in its own process, at work."""
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    environment = {**os.environ, "DAGSTER_HOME": str(tmp_path), "MIGRATION_CONFIG": str(sandbox.config)}
    command = [sys.executable, "-m", "dagster", "job", "execute", "-m", "migration_pipeline.definitions"]
    process = subprocess.Popen(
        [*command, "-j", "full_migration"],
        env=environment, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not list(sandbox.folder.glob("data/*/progress.json")):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return process


def test_a_second_run_is_refused_and_a_dead_one_is_told(
    sandbox: Sandbox, started: subprocess.Popen[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATION_CONFIG", str(sandbox.config))
    monkeypatch.setattr(sensors, "GRACE_SECONDS", 0.0)
    second = migrate("full", "--config", sandbox.config)
    assert second.code == 3
    assert "is at work on workspace" in second.err
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        sensors.runs_without_a_process(dg.build_sensor_context(instance))
        assert [run.status for run in instance.get_runs()] == [dg.DagsterRunStatus.STARTED]
        os.killpg(started.pid, signal.SIGKILL)
        started.wait(10)
        assert [run.status for run in instance.get_runs()] == [dg.DagsterRunStatus.STARTED]
        sensors.runs_without_a_process(dg.build_sensor_context(instance))
        assert [run.status for run in instance.get_runs()] == [dg.DagsterRunStatus.FAILURE]
    assert WorkspaceLock(load_migration(sandbox.config).target).holder() is None


@pytest.mark.behaviour("S60")
def test_the_schedule_is_off_and_takes_its_times_from_the_settings(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = YAML(typ="safe").load(sandbox.config.read_text())
    document["delta"] = {"cron": "30 4 * * 1-5", "time_zone": "Europe/Berlin"}
    path = tmp_path / "migration.yaml"
    YAML().dump(document, path)
    monkeypatch.setenv("MIGRATION_CONFIG", str(path))
    made = schedules.delta_schedule()
    assert (made.cron_schedule, made.execution_timezone) == ("30 4 * * 1-5", "Europe/Berlin")
    assert made.default_status == dg.DefaultScheduleStatus.STOPPED
    asked = made.evaluate_tick(dg.build_schedule_context()).run_requests
    assert asked is not None
    assert asked[0].tags["dagster/asset_partition_range_start"] == "agents"


def test_wrong_times_are_told(sandbox: Sandbox, tmp_path: Path) -> None:
    document = YAML(typ="safe").load(sandbox.config.read_text())
    document["delta"] = {"time_zone": "Middle/Earth"}
    path = tmp_path / "migration.yaml"
    YAML().dump(document, path)
    done = migrate("check", "--config", path)
    assert done.code == 2
    assert "delta.time_zone" in done.err
