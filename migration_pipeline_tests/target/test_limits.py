"""Rate windows, against a sandbox that enforces them."""

import time
from pathlib import Path

import pytest

from migration_pipeline_tests.target.bench import Bench
from migration_pipeline_tests.target.conftest import running


@pytest.mark.behaviour("S26")
def test_a_rate_window_is_waited_out_and_not_run_into(tmp_path: Path) -> None:
    with running(tmp_path / "sandbox", "--limits", "on") as control:
        bench = Bench(tmp_path / "sandbox" / "migration.yaml", tmp_path, control)
        control.post("switches", {"rate_per_minute": 120})  # 20 in ten seconds
        # Of which four are left: enough for 20 calls, and soon over.
        control.post("clock", {"advance_s": (6 - time.time()) % 10})
        control.fault("throttle", "POST /contacts")
        for number in range(24):
            bench.contact(f"c{number}")
        assert bench.load("contacts").migrated == 24
        throttled = control.get("stats")["throttled"]
        assert control.calls("POST /contacts") == 24 + throttled
        # One by the fault; when a window opens, as many as are at work may find it full before its header is read.
        assert 1 <= throttled <= 1 + bench.migration.target.workers
        attempts = [bench.journal.operations("contacts", bench.id(f"c{number}")) for number in range(24)]
        assert {op.attempts for known in attempts for op in known.values()} == {1}, "a throttled call was never applied"
        assert bench.client.usage.throttled_seconds > 0
        bench.close()
