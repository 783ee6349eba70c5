"""Hold a plan's calls and seconds against the run that follows it, on a sandbox with the services' limits on.

    python -m benchmarks.estimate --tickets 500

Ends with 1 where calls are off by more than 2 %, or seconds by more than 10 %.
"""

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import click

from migration_pipeline_tests import forks

CALLS_OFF: Final = 0.02
SECONDS_OFF: Final = 0.10


@click.command()
@click.option("--tickets", type=int, default=500, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--latency-ms", type=int, default=0, show_default=True, help="Of both services.")
@click.option("--dir", "folder", type=click.Path(path_type=Path, file_okay=False), help="Keep everything there.")
def main(tickets: int, seed: int, latency_ms: int, folder: Path | None) -> None:
    """Plan, approve, run, compare."""
    with ExitStack() as stack:
        folder = folder or Path(stack.enter_context(TemporaryDirectory()))
        options = ("--tickets", tickets, "--seed", seed, "--latency-ms", latency_ms, "--limits", "on")
        sandbox = forks.sandbox(folder, *options)
        stack.callback(sandbox.end)
        config = sandbox.config
        plan = migrate("plan", config)
        migrate("approve", config, "--name", "benchmark", "--sign", "all")
        done = migrate("full", config)
    rows = [
        (f"{side} calls", sum(entity[f"{side}_calls"] for entity in plan["entities"]), done["calls"][side], CALLS_OFF)
        for side in ("source", "target")
    ]
    rows.append(("seconds", plan["seconds"], done["seconds"], SECONDS_OFF))
    click.echo(f"{tickets} tickets     estimated   measured       off")
    for name, estimated, measured, _ in rows:
        click.echo(f"{name:<14}{estimated:>12,.0f}{measured:>11,.0f}{off(estimated, measured):>10.1%}")
    sys.exit(any(abs(off(estimated, measured)) > allowed for _, estimated, measured, allowed in rows))


def off(estimated: float, measured: float) -> float:
    """By which share the estimate misses."""
    return (estimated - measured) / measured


def migrate(command: str, config: Path, *arguments: str) -> dict[str, Any]:
    """Run a command to its end; its JSON document."""
    done = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "migration_pipeline", command, "--config", str(config), "--json", *arguments],
        stdout=subprocess.PIPE,
        check=True,
    )
    document: dict[str, Any] = json.loads(done.stdout)
    return document


if __name__ == "__main__":
    main()
