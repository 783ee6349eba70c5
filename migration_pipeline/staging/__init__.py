"""What is kept on disk between the stages: snapshots of the source, files, and the tables that stages write.

Belongs here: durable, atomic storage and what it was built from. Does not belong here: what any row means.
"""

from migration_pipeline.staging.blobs import BlobStore
from migration_pipeline.staging.snapshots import SnapshotStore, StreamState
from migration_pipeline.staging.store import Staging
from migration_pipeline.staging.tables import TableStore

__all__ = ["BlobStore", "SnapshotStore", "Staging", "StreamState", "TableStore"]
