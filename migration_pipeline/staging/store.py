"""Everything one migration keeps on disk, by name."""

from pathlib import Path

import duckdb

from migration_pipeline.config import Migration
from migration_pipeline.staging import duck
from migration_pipeline.staging.blobs import BlobStore
from migration_pipeline.staging.snapshots import SnapshotStore
from migration_pipeline.staging.tables import TableStore


class Staging:
    """The stores of a migration below its root folder.

    Stages of `tables`: `records` (canonical), `payloads`, `plan`, `outcomes`, `verification`; names and schemas are in
    `model`.
    """

    def __init__(self, migration: Migration) -> None:
        """Open, or create, the folder.

        Raises:
            SettingsError: the folder holds snapshots of another source account.
        """
        self.root: Path = migration.root
        self.snapshots = SnapshotStore(self.root / "snapshots", migration.source.account)
        self.blobs = BlobStore(self.root / "blobs")
        self.tables = TableStore(self.root)
        self._engine = duck.Engine(self.root / "spill")

    def connect(self) -> duckdb.DuckDBPyConnection:
        """An empty in-memory database, for set-wise work over the stores; all of them have one bound of memory."""
        return self._engine.connect()

    def close(self) -> None:
        """Free the memory that work over the stores took; connections that somebody holds go on."""
        self._engine.stop()
