"""Plan, first pass, second pass and delta of one help desk: what each was to cost, and what it cost.

    python -m benchmarks.passes --tickets 500 --changes 200

Both services' limits are on. Ends with 1 where the calls of a plan (of the first pass, of the delta) are off by more
than 2 % or its seconds by more than 10 %, where a second pass writes or takes more than 5 % of the first's wall time.
"""

import json
import resource
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, Final

import click
import yaml

from migration_pipeline_tests import forks

CALLS_OFF: Final = 0.02
SECONDS_OFF: Final = 0.10
SECOND_PASS: Final = 0.05
SETTLED_S: Final = 65.0
"""Exports leave out the last minute; and a person reads a plan for longer than the windows last that it has used up."""


@dataclass(frozen=True)
class Pass:
    """What a command did, and what it took."""

    name: str
    document: dict[str, Any]
    writes: int
    wall_s: float
    cpu_s: float

    def __str__(self) -> str:
        calls = self.document["calls"]
        return (
            f"{self.name:<14}{calls['source']:>12,}{calls['target']:>11,}{self.writes:>10,}"
            f"{self.wall_s:>9,.0f} s{self.cpu_s:>9,.0f} s"
        )


@click.command()
@click.option("--tickets", type=int, default=500, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--latency-ms", type=int, default=0, show_default=True, help="Of both services.")
@click.option("--limits", type=click.Choice(["on", "off"]), default="on", show_default=True, help="Of both services.")
@click.option("--changes", type=int, default=0, help="Activities before a delta; 0: no delta.")
@click.option("--settings", type=click.File(), help="What migration.yaml says besides.")
@click.option("--dir", "folder", type=click.Path(path_type=Path, file_okay=False), help="Keep everything there.")
def main(
    tickets: int, seed: int, latency_ms: int, limits: str, changes: int, settings: IO[str] | None, folder: Path | None
) -> None:
    """Run all of it and print a line for each."""
    with ExitStack() as stack:
        folder = folder or Path(stack.enter_context(TemporaryDirectory()))
        options = ("--tickets", tickets, "--seed", seed, "--latency-ms", latency_ms, "--limits", limits)
        sandbox = forks.sandbox(folder, *options)
        stack.callback(sandbox.end)
        if settings:
            told = yaml.safe_load(sandbox.config.read_text())
            for name, value in yaml.safe_load(settings).items():
                told[name] = {**told[name], **value} if isinstance(told.get(name), dict) else value
            sandbox.config.write_text(yaml.safe_dump(told))
        plan = migrate("plan", sandbox.config)
        migrate("approve", sandbox.config, "--name", "benchmark", "--sign", "all")
        time.sleep(SETTLED_S)
        first = one_pass("first pass", "full", sandbox)
        right = compare(plan, first)
        second = one_pass("second pass", "full", sandbox)
        passes = [first, second]
        if changes:
            sandbox.control("source", "activity", {"seed": seed, "tickets": changes})
            time.sleep(SETTLED_S)
            plan = migrate("plan", sandbox.config, "--delta")
            passes.append(one_pass("delta", "delta", sandbox))
            right &= compare(plan, passes[-1])
    click.echo(f"{'':<14}{'source calls':>12}{'target':>11}{'writes':>10}{'wall':>11}{'CPU':>11}")
    for done in passes:
        click.echo(str(done))
    share = second.wall_s / first.wall_s
    click.echo(f"second pass: {share:.1%} of the first's wall time")
    sys.exit(not right or bool(second.writes) or share > SECOND_PASS)


def compare(plan: dict[str, Any], done: Pass) -> bool:
    """Print the plan beside the run; whether it holds."""
    rows = [
        (f"{side} calls", sum(entity[f"{side}_calls"] for entity in plan["entities"]), done.document["calls"][side])
        for side in ("source", "target")
    ]
    rows.append(("seconds", plan["seconds"], done.document["seconds"]))
    click.echo(f"{done.name:<14}   estimated   measured       off")
    for name, estimated, measured in rows:
        click.echo(f"{name:<14}{estimated:>12,.0f}{measured:>11,.0f}{off(estimated, measured):>10.1%}")
    return all(
        abs(off(estimated, measured)) <= (SECONDS_OFF if name == "seconds" else CALLS_OFF)
        for name, estimated, measured in rows
    )


def off(estimated: float, measured: float) -> float:
    """By which share the estimate misses."""
    return (estimated - measured) / max(measured, 1)


def one_pass(name: str, command: str, sandbox: forks.Sandbox) -> Pass:
    """Run a command; the CPU is of it and of all that it started, without the sandbox."""
    writes, cpu, started = sandbox.writes, _cpu(), time.monotonic()
    document = migrate(command, sandbox.config)
    return Pass(name, document, sandbox.writes - writes, time.monotonic() - started, _cpu() - cpu)


def migrate(command: str, config: Path, *arguments: str) -> dict[str, Any]:
    """Run a command to its end; its JSON document."""
    done = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "migration_pipeline", command, "--config", str(config), "--json", *arguments],
        stdout=subprocess.PIPE,
        check=True,
    )
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
