"""One help desk that changes after it was moved, and the same help desk moved afresh into an empty workspace."""

from collections.abc import Callable, Iterator

import pytest

from migration_pipeline_tests import forks
from migration_pipeline_tests.delta.story import Story, tell
from migration_pipeline_tests.forks import Sandbox


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[int, int], Sandbox]]:
    """Start sandboxes; all are stopped at the end of the session."""
    started: list[Sandbox] = []

    def start(tickets: int, seed: int) -> Sandbox:
        folder = tmp_path_factory.mktemp("sandbox")
        started.append(forks.sandbox(folder, "--tickets", tickets, "--seed", seed, search_lag_s=0.2))
        return started[-1]

    yield start
    for sandbox in started:
        sandbox.end()


@pytest.fixture(scope="session")
def story(serve: Callable[[int, int], Sandbox], tmp_path_factory: pytest.TempPathFactory) -> Story:
    return tell(serve(60, 5), serve(1, 5), tmp_path_factory.mktemp("fresh"), changes=40, seed=3)
