"""SIGKILL at random moments: the end is that of a run that nothing happened to, and nothing is there twice."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from migration_pipeline_tests.approval import approved
from migration_pipeline_tests.end_to_end.conftest import migrate
from migration_pipeline_tests.faults.world import World

KILLS = 50


@pytest.mark.behaviour("B01", "B02")
def test_kills_between_reading_and_the_last_call(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.chaos", "--kills", str(KILLS), "--tickets", "12", "--seed", "3"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=170, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["kills_survived"] == KILLS, told
    assert told["kills_while_reading"] > 0, told
    assert told["differences"] == told["writes_of_a_further_run"] == told["messages_to_people"] == 0


@pytest.mark.behaviour("B01")
def test_the_command_line_is_killed_and_goes_on(world: World, tmp_path: Path) -> None:
    """The command and its run are killed together, as by a loss of power."""
    with world.target(tmp_path / "target") as (config, sandbox):
        approved(config)
        for writes in (20, 90):
            command = [sys.executable, "-m", "migration_pipeline", "full", "--config", str(config)]
            process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
            deadline = time.monotonic() + 120
            while sandbox.control("target", "stats")["writes"] < writes:
                assert process.poll() is None, "the run ended before it was killed"
                assert time.monotonic() < deadline
                time.sleep(0.005)
            for child in children(process.pid):
                os.kill(child, signal.SIGKILL)
            process.kill()
            process.wait()
        document = migrate("full", "--config", config, "--json").json
        assert all(entity["failed"] == 0 for entity in document["entities"])
        world.assert_undisturbed(config, sandbox)


def children(pid: int) -> list[int]:
    """The processes that a process started."""
    return [int(child) for path in Path(f"/proc/{pid}/task").glob("*/children") for child in path.read_text().split()]
