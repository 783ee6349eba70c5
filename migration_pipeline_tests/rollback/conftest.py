"""Sandboxes for roll-backs: small ones, a fresh workspace for each test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from migration_pipeline_tests import forks
from migration_pipeline_tests.forks import Sandbox
from migration_pipeline_tests.rollback.kit import Target, edit


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[str], Target]]:
    """Start a sandbox of twelve tickets; a demo moves four of them."""
    started: list[Sandbox] = []

    def start(name: str) -> Target:
        served = forks.sandbox(tmp_path / name, "--tickets", 12, "--seed", 5, search_lag_s=0.1)
        started.append(served)
        edit(served.config, demo={"size": 4}, target={"search_wait_s": 0.5})
        return Target(served.config, served.target["control"])

    yield start
    for sandbox in started:
        sandbox.end()
