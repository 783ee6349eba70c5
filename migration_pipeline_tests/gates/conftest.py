"""A migration whose services are never asked: the gates look at files alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from migration_pipeline.config import Migration, load_migration
from migration_pipeline.config.mapping import Mapping
from migration_pipeline.gates import Facts, facts_of

SETTINGS: dict[str, Any] = {
    "name": "acme",
    "source": {"kind": "zendesk", "subdomain": "acme", "auth": {"client_id": "us", "client_secret": "s3cr3t-source"}},
    "target": {"region": "eu", "workspace": "abc123", "token": "s3cr3t-target"},
}
MAPPING: dict[str, Any] = {
    "fallback_admin": "1",
    "agents": {"7": {"name": "Ann", "email": "ann@acme.example", "target": "1", "matched_by": "email"}},
    "statuses": {"open": "open"},
    "tags": {"old": "new"},
}


class Desk:
    """A migration.yaml and a mapping, changed key by key."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "migration.yaml"
        self.settings = SETTINGS
        self.mapping = Mapping.model_validate(MAPPING)
        self.write(SETTINGS)

    def write(self, settings: dict[str, Any]) -> None:
        with self.path.open("w") as file:
            YAML(typ="safe").dump(settings, file)

    @property
    def migration(self) -> Migration:
        return load_migration(self.path)

    @property
    def facts(self) -> Facts:
        return facts_of(self.migration, self.mapping)

    def map(self, **sections: Any) -> Mapping:
        """The mapping with some sections set otherwise."""
        return Mapping.model_validate(self.mapping.model_dump() | sections)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def setting(desk: Desk) -> Callable[[str, Any], None]:
    """Set one dotted key of migration.yaml."""

    def change(name: str, value: Any) -> None:
        *parents, last = name.split(".")
        document = YAML(typ="safe").load(desk.path.read_text())
        node = document
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = value
        desk.write(document)

    return change
