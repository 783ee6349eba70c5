"""Carry many changes into a migrated help desk, and compare the end with a fresh full run of the changed one.

    python -m benchmarks.delta --tickets 300 --changes 200

Ends with 1 where anything differs, a second delta writes, or somebody got a message.
"""

import json
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import click

from migration_pipeline_tests import forks
from migration_pipeline_tests.delta.story import tell


@click.command()
@click.option("--tickets", default=300, show_default=True)
@click.option(
    "--changes", default=200, show_default=True, help="Activities in the help desk between full run and delta."
)
@click.option("--seed", default=3, show_default=True)
def main(tickets: int, changes: int, seed: int) -> None:
    """A full run, changes, a delta, another one, and a fresh full run; figures as JSON on stdout."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_STATE_HOME"] = str(Path(folder) / "state")
        place = forks.sandbox(Path(folder) / "place", "--tickets", tickets, "--seed", seed, search_lag_s=0.2)
        empty = forks.sandbox(Path(folder) / "empty", "--tickets", 1, "--seed", seed, search_lag_s=0.2)
        try:
            story = tell(place, empty, Path(folder), changes=changes, seed=seed)
        finally:
            place.end()
            empty.end()
    found = story.differences()
    figures = {
        "tickets": tickets,
        "changes": dict(Counter(change["kind"] for change in story.changed)),
        "writes_planned": sum(story.delta.planned.values()),
        "writes_of_the_delta": story.delta.writes,
        "writes_of_the_fresh_run": story.fresh.writes,
        "writes_of_a_second_delta": story.again.writes,
        "read_back_differing": len(story.delta.mismatches),
        "conversations_compared": len(story.expected["conversations"]),
        "differences": len(found),
        "messages_to_people": len(story.outbox),
        "seconds": round(time.monotonic() - started, 1),
    }
    click.echo(json.dumps(figures, indent=2))
    for line in (*found[:20], *(str(row) for row in story.delta.mismatches[:20])):
        click.echo(line, err=True)
    sys.exit(1 if found or story.again.writes or story.outbox else 0)


if __name__ == "__main__":
    main()
