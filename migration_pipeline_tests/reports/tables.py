"""Staged tables made by hand: a few rows as dicts, with every other column empty."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from migration_pipeline.config import Migration
from migration_pipeline.model.entities import RECORDS
from migration_pipeline.model.outcomes import OUTCOMES, VERIFICATION
from migration_pipeline.model.payloads import PLAN
from migration_pipeline.staging import Staging

Rows = Sequence[Mapping[str, Any]]


def migration(folder: Path) -> Migration:
    return Migration.model_validate(
        {
            "name": "acme",
            "source": {
                "kind": "zendesk",
                "subdomain": "acme",
                "auth": {"email": "a@b.example", "token": "very-secret"},
            },
            "target": {"token": "very-secret", "workspace": "ws1"},
            "path": folder / "migration.yaml",
        }
    )


class Tables:
    """The staging of a migration, and what a run left in it."""

    def __init__(self, folder: Path) -> None:
        self.migration = migration(folder)
        self.staging = Staging(self.migration)

    def write(self, stage: str, table: str, schema: pa.Schema, rows: Rows) -> None:
        batch = pa.RecordBatch.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema)
        self.staging.tables.write(stage, table, schema, [batch], {"run_id": "r1"})

    def plan(self, entity_type: str, rows: Rows) -> None:
        told = [
            {
                "entity_type": entity_type,
                "source_url": f"https://acme.example/{entity_type}/{row['source_id']}",
                "action": "create",
                "digest": "d",
                "calls": 1,
                **row,
            }
            for row in rows
        ]
        self.write("plan", entity_type, PLAN, told)

    def rejects(self, entity_type: str, rows: Rows) -> None:
        told = [{"entity_type": entity_type, "reason": "malformed_record", **row} for row in rows]
        self.write("records", f"rejects_{entity_type}", RECORDS["rejects"], told)

    def outcomes(self, rows: Rows) -> None:
        told = [{"outcome": "migrated", "losses": [], "digest": "d", "run_id": "r1", **row} for row in rows]
        self.write("outcomes", "outcomes", OUTCOMES, told)

    def verification(self, entity_type: str, rows: Rows) -> None:
        self.write("verification", entity_type, VERIFICATION, [{"entity_type": entity_type, **row} for row in rows])


def moved(entity_type: str, source_id: str, **more: Any) -> dict[str, Any]:
    """The outcome of a record that arrived."""
    return {
        "entity_type": entity_type,
        "source_id": source_id,
        "source_url": f"https://acme.example/{entity_type}/{source_id}",
        "target_id": f"t{source_id}",
        "target_url": f"https://app.example/{entity_type}/t{source_id}",
    } | more
