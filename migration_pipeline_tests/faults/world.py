"""A source that is read once, and as many empty targets as a test wants, with what the undisturbed run leaves there.

Belongs here: sandboxes, settings and the comparison. Does not belong here: what is done to a run.
"""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import requests
from ruamel.yaml import YAML

from migration_pipeline_tests.end_to_end import canonical, in_process

LAG_S = 0.2
SETTINGS: dict[str, Any] = {"search_wait_s": 0.6, "workers": 8, "patience_s": 20}


@dataclass(frozen=True)
class Sandbox:
    """A sandbox that is being served from `folder`."""

    folder: Path
    source: dict[str, str]
    target: dict[str, str]

    def control(self, side: str, name: str, body: Any = None) -> Any:
        url = f"{getattr(self, side)['control']}/{name}"
        answer = requests.get(url, timeout=30) if body is None else requests.post(url, json=body, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def faults(
        self, side: str, *kinds: str, match: str = "*", rate: float = 0.3, limit: int = 60, seed: int = 7
    ) -> None:
        self.control(side, "faults", {"seed": seed, "rate": rate, "kinds": kinds, "match": match, "limit": limit})


@contextmanager
def served(folder: Path, *, tickets: int, seed: int = 11, arguments: tuple[str, ...] = ()) -> Iterator[Sandbox]:
    """A sandbox for as long as the block takes."""
    command = [sys.executable, "-m", "migration_pipeline.sandbox", "--source", "zendesk", "--dir", str(folder)]
    process = subprocess.Popen([*command, "--tickets", str(tickets), "--seed", str(seed), *arguments])
    told = folder / "sandbox.json"
    deadline = time.monotonic() + 60
    try:
        while not told.exists():
            assert process.poll() is None, "the sandbox did not start"
            assert time.monotonic() < deadline, "the sandbox did not start in time"
            time.sleep(0.02)
        document = json.loads(told.read_text())
        sandbox = Sandbox(folder, document["source"], document["target"])
        sandbox.control("target", "switches", {"search_lag_s": LAG_S})
        yield sandbox
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


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
    def target(self, folder: Path, *, loaded_from_plan: bool = True, **settings: Any) -> Iterator[tuple[Path, Sandbox]]:
        """An empty workspace, and the migration.yaml that leads there; its plan is made, if so asked."""
        planned = self.planned if loaded_from_plan else None
        with served(folder, tickets=self._tickets, seed=self._seed) as sandbox:
            config = self.config(folder / "migration", sandbox, **settings)
            if planned is not None:
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
        assert canonical.differences(expected, canonical.read_target(config, wait_s=2 * LAG_S)) == []
        assert sandbox.control("target", "outbox") == []


def assert_clean(told: in_process.Told) -> None:
    """Nothing failed, nothing is in doubt."""
    assert told.failed == ()
    assert told.in_doubt == ()
