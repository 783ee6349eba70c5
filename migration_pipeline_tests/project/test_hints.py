"""What the commands name as the next step, and what the tutorial types, are commands that there are."""

import re
from pathlib import Path

import click
import pytest

from migration_pipeline.cli import main
from migration_pipeline.cli.hints import NEXT

TUTORIAL = Path(__file__).parent.parent.parent / "docs" / "tutorial.md"
HINTS = [command for hint in NEXT.values() for command in re.findall(r"`migrate ([^`]+)`", hint)]
TYPED = re.findall(r"(?m)^\$ migrate (.+)$", TUTORIAL.read_text(encoding="utf-8"))


@pytest.mark.parametrize("typed", sorted({*HINTS, *TYPED}))
def test_every_named_command_can_be_typed(typed: str) -> None:
    first, *arguments = typed.split()
    command = main.commands[first]
    if isinstance(command, click.Group):
        command = command.commands[arguments.pop(0)]
    if first != "sandbox":  # which hands its options on
        options = [name for parameter in command.params for name in parameter.opts]
        assert {argument for argument in arguments if argument.startswith("-")} <= set(options)


def test_the_tutorial_ends_with_a_demo() -> None:
    assert [typed.split()[0] for typed in TYPED] == ["sandbox", "check", "connect", "map", "map", "demo", "demo"]
