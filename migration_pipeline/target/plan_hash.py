"""The hash of a load plan: what an approval, and the audit log, say that a run was about to do.

Belongs here: which facts of a plan count. Does not belong here: making a plan (`plan`).
"""

import hashlib

from migration_pipeline.model.entities import ENTITY_TYPES
from migration_pipeline.model.payloads import PLAN
from migration_pipeline.staging import Staging
from migration_pipeline.target.rows import batches


def plan_hash(staging: Staging) -> str:
    """The hash of all plan tables: each record, what is done with it, and which payload; order does not count."""
    digest = hashlib.sha256()
    with staging.connect() as connection:
        for entity_type in ENTITY_TYPES:
            query = (
                "SELECT entity_type, source_id, action, coalesce(digest, '') AS digest "
                f"FROM {staging.tables.scan('plan', entity_type, PLAN)} ORDER BY ALL"
            )
            for batch in batches(connection.sql(query)):
                for row in batch:
                    digest.update("\x1f".join(row.values()).encode() + b"\n")
    return digest.hexdigest()
