"""Kill a migration again and again while both services fail at random, and compare the end with an undisturbed run.

    migrate_chaos --kills 200 --tickets 300

Ends with 1 where the final state differs by anything, a record failed, a call is in doubt, or somebody got a message.
"""

import json
import os
import random
import select
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import click
from ruamel.yaml import YAML

from migration_pipeline_tests import forks
from migration_pipeline_tests.end_to_end import canonical, in_process
from migration_pipeline_tests.forks import Sandbox

LAG_S = 0.1
SETTINGS: dict[str, Any] = {"search_wait_s": 0.4, "workers": 6, "patience_s": 30}
FAULTS = ["refuse", "error_before", "error_after_commit", "drop_after_commit", "slow", "garbage"]
POLL_S = 0.001
LIFE_S = 120.0
"""A life that did not come to its share of the calls ends all the same."""


@dataclass
class Figures:
    """What a series of kills came to."""

    tickets: int
    kills_survived: int = 0
    kills_while_reading: int = 0
    kills_while_loading: int = 0
    ended_by_faults: int = 0
    writing_calls_needed: int = 0
    writing_calls_sent: int = 0
    calls_repeated: int = 0
    writes_of_a_further_run: int = 0
    records_failed: int = 0
    calls_in_doubt: int = 0
    messages_to_people: int = 0
    differences: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        """Whether the end is that of an undisturbed run."""
        wrong = (self.writes_of_a_further_run, self.records_failed, self.calls_in_doubt, self.messages_to_people)
        return not self.differences and not any(wrong)


def writing_calls(sandbox: Sandbox) -> int:
    """Calls at the target's writing endpoints so far, refused and unanswered ones among them."""
    requested = sandbox.control("target", "stats")["requests"]
    return sum(n for route, n in requested.items() if not route.startswith("GET ") and "search" not in route)


@contextmanager
def served(folder: Path, tickets: int, seed: int, latency_ms: int) -> Iterator[Sandbox]:
    """A sandbox for as long as the block takes."""
    options = ("--tickets", tickets, "--seed", seed, "--latency-ms", latency_ms)
    started = forks.sandbox(folder, *options, search_lag_s=LAG_S)
    try:
        yield started
    finally:
        started.end()


def migration(folder: Path, source: Sandbox, target: Sandbox) -> Path:
    """A migration.yaml from one sandbox's source to another one's target."""
    document = YAML(typ="safe").load(target.config.read_text())
    document["source"]["base_url"] = source.source["url"]
    document["target"] |= SETTINGS
    folder.mkdir(parents=True)
    path = folder / "migration.yaml"
    with path.open("w") as file:
        YAML(typ="safe").dump(document, file)
    return path


def to_its_end(work: Callable[[], object]) -> int:
    """Do the work in a process of its own; its exit code."""
    _, status = os.waitpid(in_process.forked(work), 0)
    return os.waitstatus_to_exitcode(status)


def killed(work: Callable[[Callable[[], object]], object], within_s: float, then_s: float = 0.0) -> int | None:
    """Do the work in a process of its own and kill it; its exit code where it ended by itself before.

    The work is given a function that says that it is time: the kill comes `then_s` later, or at `within_s`.
    """
    heard, told = os.pipe()
    child = in_process.forked(lambda: work(lambda: os.write(told, b"!")))
    os.close(told)  # so that the end of the process is heard as well
    select.select([heard], [], [], within_s)
    time.sleep(then_s)
    os.close(heard)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return None if os.WIFSIGNALED(status) else os.waitstatus_to_exitcode(status)


def plan(config: Path) -> None:
    """Everything up to the plan."""
    with in_process.bench(config) as (workbench, run):
        in_process.extract(workbench, run)
        in_process.prepare(workbench, run)


def load(config: Path, told: Path | None = None) -> None:
    """Load the plan; `told` gets what became of it."""
    done = in_process.only_load(config)
    if told is not None:
        told.write_text(json.dumps({"failed": done.failed, "in_doubt": len(done.in_doubt)}))


def load_and_say(config: Path, calls: float, say: Callable[[], object]) -> None:
    """Load the plan, and say when so many writing calls were sent."""

    def watch() -> None:
        while workbench.client.usage.writes < calls:
            time.sleep(POLL_S)
        say()

    with in_process.bench(config) as (workbench, run):
        workbench.client.require_workspace()
        threading.Thread(target=watch, daemon=True).start()
        in_process.write(workbench, run)


def torment(
    folder: Path, *, tickets: int, kills: int, seed: int, fault_rate: float, latency_ms: int, say: Callable[[str], None]
) -> Figures:
    """Run it all; what it came to."""
    figures = Figures(tickets)
    chance = random.Random(seed)  # noqa: S311 - seeded, so that a series can be repeated
    started = time.monotonic()
    with (
        served(folder / "calm", tickets, seed, 0) as calm,
        served(folder / "wild", tickets, seed, latency_ms) as wild,
    ):
        undisturbed = migration(folder / "undisturbed", calm, calm)
        config = migration(folder / "tormented", calm, wild)
        begun = time.monotonic()
        if to_its_end(partial(plan, undisturbed)):
            raise click.ClickException("The undisturbed run failed.")
        planning_s = time.monotonic() - begun
        if to_its_end(partial(load, undisturbed)):
            raise click.ClickException("The undisturbed run failed.")
        figures.writing_calls_needed = writing_calls(calm)
        expected = canonical.read_target(undisturbed, wait_s=2 * LAG_S)

        calm.control("source", "faults", {"seed": seed, "rate": fault_rate, "kinds": FAULTS})
        for _ in range(kills // 8):
            code = killed(lambda _: plan(config), chance.uniform(0.02, 1.2 * planning_s))
            figures.ended_by_faults += code not in (None, 0)
            figures.kills_while_reading += code is None
        calm.control("source", "faults", [])
        say(f"{figures.kills_while_reading} kills while reading and planning")
        if to_its_end(partial(plan, config)):
            raise click.ClickException("Reading could not be finished after the kills.")

        wild.control("target", "faults", {"seed": seed, "rate": fault_rate, "kinds": FAULTS})
        # Each life may send its share of the calls that are left, by chance none or twice as many: so the last kill
        # comes shortly before everything is loaded.
        for _ in range(2 * kills):
            left = kills - figures.kills_while_reading - figures.kills_while_loading
            if not left:
                break
            sent = writing_calls(wild)
            share = chance.uniform(0, 2) * max(figures.writing_calls_needed - sent, 0) / (left + 1)
            # A small share is often none: such a life ends before its first call.
            within = LIFE_S if share >= 1 else chance.uniform(0, 0.3)
            code = killed(partial(load_and_say, config, share), within, chance.uniform(0, 0.02))
            figures.kills_while_loading += code is None
            figures.ended_by_faults += code not in (None, 0)
            if code is None and figures.kills_while_loading % 25 == 0:
                say(f"{figures.kills_while_loading} kills while loading, {writing_calls(wild)} writing calls")
        figures.kills_survived = figures.kills_while_reading + figures.kills_while_loading
        wild.control("target", "faults", [])

        told = folder / "told.json"
        for _ in range(2):  # a record whose calls were not answered time and again is left to the next run
            if to_its_end(partial(load, config, told)):
                raise click.ClickException("The last run failed.")
        figures.writing_calls_sent = writing_calls(wild)
        figures.calls_repeated = figures.writing_calls_sent - figures.writing_calls_needed
        if to_its_end(partial(in_process.whole_run, config)):
            raise click.ClickException("The further run failed.")
        figures.writes_of_a_further_run = writing_calls(wild) - figures.writing_calls_sent
        ended = json.loads(told.read_text())
        figures.records_failed, figures.calls_in_doubt = len(ended["failed"]), ended["in_doubt"]
        figures.messages_to_people = len(wild.control("target", "outbox"))
        figures.differences = canonical.differences(
            expected, canonical.read_target(config, wait_s=2 * LAG_S), events=False
        )
    figures.seconds = round(time.monotonic() - started, 1)
    return figures


@click.command()
@click.option("--kills", default=200, show_default=True, help="SIGKILLs, an eighth of them before the load.")
@click.option("--tickets", default=300, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--fault-rate", default=0.03, show_default=True, help="Share of calls of either service that fail.")
@click.option("--latency-ms", default=4, show_default=True, help="Of the target that is loaded under fire.")
def main(kills: int, tickets: int, seed: int, fault_rate: float, latency_ms: int) -> None:
    """Kill a migration again and again and compare its end with an undisturbed one; figures as JSON on stdout."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_STATE_HOME"] = str(Path(folder) / "state")
        figures = torment(
            Path(folder), tickets=tickets, kills=kills, seed=seed, fault_rate=fault_rate, latency_ms=latency_ms,
            say=partial(click.echo, err=True),
        )  # fmt: skip
    click.echo(json.dumps(asdict(figures) | {"differences": len(figures.differences)}, indent=2))
    for line in figures.differences[:20]:
        click.echo(line, err=True)
    sys.exit(0 if figures.good else 1)


if __name__ == "__main__":
    main()
