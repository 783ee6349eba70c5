"""The commands of `migrate`, their options and their exit codes (0 finished, 1 failed, 2 settings, 3 refused)."""

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.markup import escape

from migration_pipeline.assets.demo import IDS, REDRAW, SAMPLE, SAMPLES
from migration_pipeline.assets.preflight import preflight
from migration_pipeline.assets.sentences import exit_code
from migration_pipeline.assets.workbench import Workbench
from migration_pipeline.cli import editing, jobs, proposal, template
from migration_pipeline.cli.hints import tell_next
from migration_pipeline.cli.output import Told, console, emit, four_columns, show_items
from migration_pipeline.cli.setting import migration_of
from migration_pipeline.config import Migration
from migration_pipeline.gates import checklist, read_approval
from migration_pipeline.model.errors import MigrationError
from migration_pipeline.pages import proposed
from migration_pipeline.reports import Report, differences, open_report
from migration_pipeline.staging.progress import read_progress
from migration_pipeline.target.losses import read_losses
from migration_pipeline.target.verify import summary

Command = TypeVar("Command", bound=Callable[..., Any])


def common(command: Command) -> Command:
    """The options that every command takes."""
    command = click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")(command)
    return click.option(
        "--config", type=click.Path(path_type=Path, dir_okay=False),
        help="migration.yaml to use; default ./migration.yaml, else the embedded sandbox.",
    )(command)  # fmt: skip


dry_run_option = click.option("--dry-run", is_flag=True, help="Stage and plan everything, and write nothing.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="migration-pipeline")
def main() -> None:
    """Move a whole help desk into Intercom, and prove that nothing was lost."""
    # Who is terminated ends what it started, as after Ctrl-C; commands that start a run forward both to it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@main.command(context_settings={"ignore_unknown_options": True}, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def sandbox(arguments: tuple[str, ...]) -> None:
    """Serve a stand-in help desk and a stand-in Intercom on loopback, until stopped."""
    os.execv(sys.executable, [sys.executable, "-m", "migration_pipeline.sandbox", *arguments])  # noqa: S606 - our own module


@main.command()
@click.option("--source", "kind", type=click.Choice(["zendesk"]), default="zendesk", show_default=True)
@click.option("--subdomain", prompt="Zendesk subdomain (acme for acme.zendesk.com)", help="Of the source account.")
@click.option(
    "--region", type=click.Choice(["us", "eu", "au"]), default="us", show_default=True, help="Of the workspace."
)
@click.option("--workspace", prompt="Intercom workspace (id_code, in the URL after /a/apps/)", help="The only target.")
@common
def init(config: Path | None, as_json: bool, kind: str, subdomain: str, region: str, workspace: str) -> None:
    """Write a migration.yaml with comments; secrets stay in the environment or in .env."""
    path = config or Path("migration.yaml")
    if path.exists():
        raise Told(f"{path} exists already; edit it, or name another file with --config.", 2)
    path.write_text(template.render(kind, subdomain, region, workspace), encoding="utf-8")
    console.print(f"Wrote {path}.")
    tell_next("init", config)
    emit({"config": str(path)}, as_json=as_json)


@main.command()
@common
def check(config: Path | None, as_json: bool) -> None:
    """Preflight: both services, what is staged, and what only people can see; writes nothing."""
    with migration_of(config) as migration, command_workbench(migration) as workbench:
        checks = preflight(workbench)
    signs = {"pass": "[green]✓[/]", "warn": "[yellow]![/]", "block": "[red]✗[/]", "manual": "[blue]?[/]"}
    for item in checks:
        console.print(f"{signs[item.status]} {item.id}: {escape(item.subject)}", soft_wrap=True)
        if item.status != "pass":
            risk = f"    risk: {item.risk}\n" if item.risk else ""
            console.print(f"{risk}    remedy: {item.remedy}\n    owner: {item.owner}", soft_wrap=True, markup=False)
    emit({"checks": [vars(item) for item in checks]}, as_json=as_json)
    if any(item.status == "block" for item in checks):
        raise Told("A run would fail: mend what is marked ✗ first.", 3)
    tell_next("check_mapped" if migration.mapping_path.exists() else "check", config)


@main.command("map")
@click.option(
    "--edit", is_flag=True, help="Decide what was proposed on a page in the browser; proposes first if need be."
)
@click.option("--no-browser", is_flag=True, help="With --edit: print the page's address, and open nothing.")
@common
def map_(config: Path | None, as_json: bool, edit: bool, no_browser: bool) -> None:
    """Propose what becomes what, in mapping.yaml beside migration.yaml; what a person wrote there stays."""
    with migration_of(config) as migration:
        if edit:
            if not proposed(migration):
                jobs.run_job("mapping_proposal", migration)
            editing.edit(migration, browser=not no_browser, as_json=as_json)
            return
        ended = jobs.run_job("mapping_proposal", migration)
        with command_workbench(migration) as workbench:
            told = workbench.mapping.summary()
            rules, losses = workbench.mapping, read_losses(workbench.staging)
    console.print(f"{migration.mapping_path}: " + ", ".join(f"{name} {count}" for name, count in told.items()))
    proposal.tell(rules, losses)
    tell_next("map", config)
    made = {"run_id": ended.run_id, "mapping": str(migration.mapping_path), **told}
    lists = {
        "review": proposal.to_review(rules),
        "without_teammate": proposal.without_teammate(rules),
        "matched_by_name": proposal.by_name(rules),
        "losses": losses,
    }
    emit({**made, **lists}, as_json=as_json)


@main.command()
@click.option("--redraw", is_flag=True, help="Other tickets than before, drawn anew.")
@click.option("--ids", help="These tickets: 1,2,3.")
@click.option("--sample", type=click.Choice(SAMPLES), help="By chance, or difficult ones: long, old, many listeners.")
@dry_run_option
@common
def demo(config: Path | None, as_json: bool, dry_run: bool, redraw: bool, ids: str | None, sample: str | None) -> None:
    """Move 20 tickets, drawn by chance from all, with everything that belongs to them.

    Again: the same tickets. What an earlier demo wrote and this one would write otherwise is taken back first.
    """
    wish = {REDRAW: "yes" if redraw else "", IDS: ids or "", SAMPLE: sample or ""}
    tags = {name: value for name, value in wish.items() if value}
    _migrate("demo", config, as_json=as_json, dry_run=dry_run, tags=tags)


@main.command()
@dry_run_option
@common
def full(config: Path | None, as_json: bool, dry_run: bool) -> None:
    """Move the whole help desk; what is there already stays as it is."""
    _migrate("full", config, as_json=as_json, dry_run=dry_run)


@main.command()
@dry_run_option
@common
def delta(config: Path | None, as_json: bool, dry_run: bool) -> None:
    """Move what changed in the source since the full run, and nothing else."""
    _migrate("delta", config, as_json=as_json, dry_run=dry_run)


@main.command()
@click.option("--watch", is_flag=True, help="Go on until the run ends.")
@common
def status(config: Path | None, as_json: bool, watch: bool) -> None:
    """Tell how far the newest run is."""
    with migration_of(config) as migration:
        path = migration.root / "progress.json"
        document = read_progress(path)
        while watch and document and document["status"] == "running":
            _tell_progress(document)
            time.sleep(2)
            document = read_progress(path)
    if document is None:
        raise Told("No run yet: start with `migrate demo`.", 1)
    _tell_progress(document)
    emit(document, as_json=as_json)


@main.command()
@click.option("--run", "run_id", help="Default: the newest run that made a report.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Copy the lists and the page there.")
@common
def report(config: Path | None, as_json: bool, run_id: str | None, out: Path | None) -> None:
    """Show the report of a run: the four columns, the lists, the page."""
    with migration_of(config) as migration:
        made = _report(migration, run_id)
        if out:
            shutil.copytree(made.folder, out, dirs_exist_ok=True)
        _tell_report(made, out or made.folder)
        emit({"run_id": made.run_id, "entities": made.entities, "records": made.records()}, as_json=as_json)


@main.command()
@click.option("--run", "run_id", help="Only what this run wrote. Default: everything that was migrated.")
@common
def verify(config: Path | None, as_json: bool, run_id: str | None) -> None:
    """Read the target back and compare it with what was meant, field by field."""
    with migration_of(config) as migration:
        ended = jobs.run_job("verification", migration)
        with command_workbench(migration) as workbench:
            told = summary(workbench.staging, run_id)
        told["mismatches"] = differences(told["mismatches"], migration)
    for field in told["fields"]:
        share = field["matched"] / field["compared"] if field["compared"] else 1.0
        console.print(f"{field['entity_type']:<10} {field['field']:<16} {share:7.2%} of {field['compared']}")
    emit({"run_id": run_id or ended.run_id, **told}, as_json=as_json)


@contextmanager
def command_workbench(migration: Migration) -> Iterator[Workbench]:
    """A workbench for a command that runs no job; its errors become the command's own."""
    bench = Workbench(migration.path)
    try:
        yield bench
    except MigrationError as error:
        raise Told(str(error), exit_code(error)) from None
    finally:
        bench.close()


def _migrate(
    mode: str, config: Path | None, *, as_json: bool, dry_run: bool, tags: Mapping[str, str] | None = None
) -> None:
    job = f"{mode}_dry_run" if dry_run else f"{mode}_migration"
    with migration_of(config) as migration:
        ended = jobs.run_job(job, migration, tags)
        made = _report(migration, ended.run_id)
        _tell_report(made, made.folder)
        if mode == "full" and not dry_run:
            show_items(checklist(migration, read_approval(migration.root).signed), "after", "To do now")
        console.print(f"DuckDB file: {migration.root / 'staging.duckdb'}", soft_wrap=True)
        tell_next(f"{mode}_dry" if dry_run else mode, config)
        emit(
            {
                "run_id": ended.run_id,
                "mode": made.mode,
                "dry_run": dry_run,
                "status": "finished",
                "entities": made.entities,
                "calls": made.calls,
                "seconds": ended.seconds,
                "report": str(made.folder / "report.html"),
                "database": str(migration.root / "staging.duckdb"),
            },
            as_json=as_json,
        )


def _report(migration: Migration, run_id: str | None) -> Report:
    try:
        return open_report(migration.root, run_id)
    except MigrationError as error:
        raise Told(str(error), 2) from None


def _tell_report(made: Report, folder: Path) -> None:
    four_columns(made.entities, f"{made.mode} {'dry ' if made.summary.dry_run else ''}run {made.run_id}")
    for note in dict.fromkeys(step.note for step in made.summary.filters if step.note):
        console.print(f"[yellow]![/] {escape(note)}", soft_wrap=True)
    if made.summary.changes is not None:
        console.print(f"Against the demo before, {made.summary.changes} fields differ (changes.csv).")
    console.print(f"Report: {folder / 'report.html'}", soft_wrap=True)


def _tell_progress(document: dict[str, Any]) -> None:
    console.print(f"{document['mode']} run {document['run_id']}: {document['status']}")
    for entry in document["stages"]:
        total = "?" if entry["total"] is None else entry["total"]
        console.print(f"  {entry['stage']:<10} {entry['entity_type']:<10} {entry['done']} of {total}")
