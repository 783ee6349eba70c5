"""A source that is read once, and as many empty targets as a test wants, with what the undisturbed run leaves there.

Belongs here: sandboxes, settings and the comparison. Does not belong here: what is done to a run.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from migration_pipeline_tests import forks
from migration_pipeline_tests.end_to_end import canonical, in_process
from migration_pipeline_tests.forks import Sandbox

LAG_S = 0.05
SETTINGS: dict[str, Any] = {"search_wait_s": 0.25, "workers": 8, "patience_s": 20}


@contextmanager
def served(folder: Path, *, tickets: int, seed: int = 11, arguments: tuple[str, ...] = ()) -> Iterator[Sandbox]:
    """A sandbox for as long as the block takes."""
    started = forks.sandbox(folder, "--tickets", tickets, "--seed", seed, *arguments, search_lag_s=LAG_S)
    try:
        yield started
    finally:
        started.end()


class World:
    """A source, read and planned once; `target` gives an empty workspace and a migration that is ready to be loaded."""

    def __init__(self, folder: Path, sandbox: Sandbox, tickets: int, seed: int, **settings: Any) -> None:
        self.folder = folder
        self.sandbox = sandbox
        self._tickets = tickets
        self._seed = seed
        self._settings = SETTINGS | settings

    @cached_property
    def planned(self) -> Path:
        """The migration.yaml of a migration whose plan is made and not loaded."""
        config = self.config(self.folder / "planned", self.sandbox)
        with in_process.bench(config) as (workbench, run):
            in_process.extract(workbench, run)
            in_process.prepare(workbench, run)
        return config

    @cached_property
    def undisturbed(self) -> canonical.State:
        """What a run that nothing happens to leaves in the target."""
        with self.target(self.folder / "undisturbed") as (config, sandbox):
            told = in_process.only_load(config)
            assert (told.failed, told.in_doubt) == ((), ())
            self.undisturbed_calls = sandbox.control("target", "stats")
            return canonical.read_target(config, wait_s=2 * LAG_S)

    @contextmanager
    def target(self, folder: Path, **settings: Any) -> Iterator[tuple[Path, Sandbox]]:
        """An empty workspace, and the migration.yaml that leads there; its plan is made."""
        planned = self.planned
        with served(folder, tickets=self._tickets, seed=self._seed) as sandbox:
            config = self.config(folder / "migration", sandbox, **settings)
            shutil.copytree(planned.parent / "data", config.parent / "data")
            shutil.copy(planned.with_name("mapping.yaml"), config.with_name("mapping.yaml"))
            for path in config.parent.glob("data/*/journal.sqlite*"):
                path.unlink()
            yield config, sandbox

    def config(self, folder: Path, sandbox: Sandbox, **settings: Any) -> Path:
        """A migration.yaml from this world's source to the sandbox's target."""
        folder.mkdir(parents=True, exist_ok=True)
        document = YAML(typ="safe").load((sandbox.folder / "migration.yaml").read_text())
        document["source"]["base_url"] = self.sandbox.source["url"]
        document["source"]["patience_s"] = self._settings["patience_s"]
        document["target"] |= self._settings | settings
        path = folder / "migration.yaml"
        with path.open("w") as file:
            YAML(typ="safe").dump(document, file)
        return path

    def assert_undisturbed(self, config: Path, sandbox: Sandbox) -> None:
        """The target holds what it would hold if nothing had happened, and nobody got a message."""
        sandbox.control("target", "faults", [])
        expected = self.undisturbed
        differences = canonical.differences(expected, canonical.read_target(config, wait_s=2 * LAG_S))
        assert not differences, differences
        assert sandbox.control("target", "outbox") == []


def assert_clean(told: in_process.Told) -> None:
    """Nothing failed, nothing is in doubt."""
    assert told.failed == ()
    assert told.in_doubt == ()
