"""Where a command works: its migration.yaml, or an embedded sandbox for as long as the command takes; its instance."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from migration_pipeline.cli.output import Told, console
from migration_pipeline.config import Migration, load_migration
from migration_pipeline.model.errors import SettingsError

EMBEDDED = Path("data") / "sandbox"
EMBEDDED_TICKETS = 500
START_SECONDS = 60.0


@contextlib.contextmanager
def migration_of(config: Path | None) -> Iterator[Migration]:
    """The settings to work with: `config`, else ./migration.yaml, else an embedded sandbox started for the duration.

    Raises:
        Told: the settings are wrong, or the sandbox does not start.
    """
    if config is None and not Path("migration.yaml").exists():
        with _embedded_sandbox() as started:
            yield _loaded(started)
    else:
        yield _loaded(config or Path("migration.yaml"))


def instance_environment(migration: Migration) -> dict[str, str]:
    """The environment of a Dagster process that works on the migration, with the instance of its data folder."""
    home = Path(os.environ.get("DAGSTER_HOME") or migration.root.parent / "dagster_home").resolve()
    home.mkdir(parents=True, exist_ok=True)
    if not (home / "dagster.yaml").exists():
        shutil.copyfile(Path(__file__).parent.parent / "dagster.yaml", home / "dagster.yaml")
    return {**os.environ, "DAGSTER_HOME": str(home), "MIGRATION_CONFIG": str(migration.path)}


def _loaded(path: Path) -> Migration:
    try:
        return load_migration(path)
    except SettingsError as error:
        raise Told(str(error), 2) from None


@contextlib.contextmanager
def _embedded_sandbox() -> Iterator[Path]:
    EMBEDDED.mkdir(parents=True, exist_ok=True)
    told = EMBEDDED / "sandbox.json"
    before = told.stat().st_mtime_ns if told.exists() else 0
    command = [sys.executable, "-m", "migration_pipeline.sandbox", "--source", "zendesk", "--dir", str(EMBEDDED)]
    with (EMBEDDED / "sandbox.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own module
            [*command, "--tickets", str(EMBEDDED_TICKETS), "--seed", "1"],
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    console.print(f"No migration.yaml here: working against the embedded sandbox ({EMBEDDED}).")
    try:
        deadline = time.monotonic() + START_SECONDS
        while not told.exists() or told.stat().st_mtime_ns == before:
            if process.poll() is not None or time.monotonic() > deadline:
                raise Told(f"The embedded sandbox did not start; {EMBEDDED / 'sandbox.log'} says why.", 1)
            time.sleep(0.05)
        yield Path(json.loads(told.read_text())["config"])
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
