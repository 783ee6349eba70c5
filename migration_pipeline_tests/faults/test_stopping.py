"""A run that is stopped by hand ends within ten seconds, whatever its calls are doing, and the next one goes on."""

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from migration_pipeline.http import CallThreads, under_way
from migration_pipeline.journal import Journal
from migration_pipeline.model.errors import RefusedByGate
from migration_pipeline_tests.approval import approved
from migration_pipeline_tests.end_to_end import in_process
from migration_pipeline_tests.faults.proxy import Proxy
from migration_pipeline_tests.faults.world import World, assert_clean

LIMIT_S = 10.0


@pytest.mark.behaviour("B01")
def test_a_call_that_hangs_does_not_hold_up_a_stop(world: World, tmp_path: Path) -> None:
    with (
        world.target(tmp_path / "target") as (config, sandbox),
        Proxy(sandbox.target["url"]) as proxy,
    ):
        approved(world.config(config.parent, sandbox, base_url=proxy.url))
        proxy.hang_after("/reply", 5)
        command = [sys.executable, "-m", "migration_pipeline", "full", "--config", str(config)]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert proxy.hanging.wait(60), "no call was made"
        time.sleep(0.5)
        asked = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=40)
        assert time.monotonic() - asked < LIMIT_S
        assert process.returncode == 1, err
        assert "stopped" in err
        assert "Traceback" not in err
        proxy.release()
        journal = Journal.open(f"sqlite:///{next(config.parent.glob('data/*/journal.sqlite'))}")
        assert journal.restart("tickets") > 0, "the calls that hang are in doubt"
        journal.close()
        assert_clean(in_process.whole_run(config))
        world.assert_undisturbed(config, sandbox)


def test_the_lock_is_held_while_a_call_may_still_write(world: World, tmp_path: Path) -> None:
    config = world.config(tmp_path / "migration", world.sandbox)
    ended = threading.Event()
    with in_process.bench(config):
        threads = CallThreads(1, "hanging")
        threads.submit(ended.wait, 30.0)
    with pytest.raises(RefusedByGate, match="at work on workspace"), in_process.bench(config, "second"):
        pass
    ended.set()
    threads.end()
    for _ in range(50):
        if not under_way():
            break
        time.sleep(0.1)
    time.sleep(0.5)
    with in_process.bench(config, "third"):
        pass
