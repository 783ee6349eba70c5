"""The shortest migration.yaml that can be read, with the lines that a test is about after it."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from migration_pipeline.config import load_migration
from migration_pipeline.model.errors import SettingsError

SHORTEST = """name: x
source: {kind: zendesk, subdomain: acme, auth: {email: a@b.c, token: t}}
target: {workspace: w, token: t}
"""


def settings(folder: Path, lines: str) -> Path:
    """Write a migration.yaml whose lines from the fourth on are these; its path."""
    path = folder / "migration.yaml"
    path.write_text(f"{SHORTEST}{lines}\n", encoding="utf-8")
    return path


def assert_refused(folder: Path, mistakes: Mapping[str, str]) -> None:
    """Each text is refused with a sentence that begins with the file and goes on as given."""
    for lines, sentence in mistakes.items():
        path = settings(folder, lines)
        with pytest.raises(SettingsError) as told:
            load_migration(path)
        assert f"{path}, {sentence}" in str(told.value)
