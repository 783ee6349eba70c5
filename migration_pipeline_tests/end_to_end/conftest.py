"""Sandboxes and the command line, as a user has them."""

from collections.abc import Callable, Iterator

import pytest

from migration_pipeline_tests import forks
from migration_pipeline_tests.end_to_end.command import Done, migrate
from migration_pipeline_tests.forks import Sandbox

__all__ = ["Done", "Sandbox", "migrate"]


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Sandbox]]:
    """Start sandboxes; all are stopped at the end of the session."""
    started: list[Sandbox] = []

    def start(*, tickets: int, seed: int = 1, arguments: tuple[str, ...] = ()) -> Sandbox:
        folder = tmp_path_factory.mktemp("sandbox")
        started.append(forks.sandbox(folder, "--tickets", tickets, "--seed", seed, *arguments))
        return started[-1]

    yield start
    for sandbox in started:
        sandbox.end()
