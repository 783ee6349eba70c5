"""One source for all tests of this folder."""

from collections.abc import Iterator

import pytest

from migration_pipeline_tests.faults.world import World, served

TICKETS, SEED = 14, 11


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    with served(folder / "source", tickets=TICKETS, seed=SEED) as sandbox:
        yield World(folder, sandbox, TICKETS, SEED)
