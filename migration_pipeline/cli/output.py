"""What the command line says: people's text on stderr, one JSON document on stdout where asked for."""

import sys
from collections.abc import Iterable
from typing import Any

import click
import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table

console = Console(stderr=True, highlight=False)


def emit(document: Any, *, as_json: bool) -> None:
    """Print the command's one JSON document, if it was asked for."""
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")
        sys.stdout.flush()


class Told(click.ClickException):
    """A failure told in one sentence, with the exit code of its kind (1 run failed, 2 settings, 3 refused)."""

    def __init__(self, sentence: str, exit_code: int) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code  # type: ignore[misc]  # click reads it from the instance

    def show(self, file: Any = None) -> None:
        """Print the sentence, and nothing else, on stderr."""
        del file
        console.print(f"[bold red]✗[/] {escape(self.message)}", soft_wrap=True)


def four_columns(entities: Iterable[dict[str, Any]], title: str) -> None:
    """Show available, migrated, failed and skipped records per entity type."""
    table = Table(title=title, title_justify="left")
    table.add_column("entity type")
    for name in ("available", "migrated", "failed", "skipped"):
        table.add_column(name, justify="right")
    for entity in entities:
        table.add_row(
            entity["entity_type"], *(str(entity[name]) for name in ("available", "migrated", "failed", "skipped"))
        )
    console.print(table)


def show_items(items: list[dict[str, Any]], when: str, title: str) -> None:
    """Print the items of one side of the run."""
    console.print(f"[bold]{title}[/]")
    for item in (item for item in items if item["when"] == when):
        sign = "[green]✓[/]" if item["signed"] else "[blue]?[/]"
        console.print(f"{sign} {item['id']}: {item['what']} ({escape(item['owner'])})", soft_wrap=True)
        console.print(f"    where: {item['where']}\n    if left out: {item['risk']}", soft_wrap=True, markup=False)
