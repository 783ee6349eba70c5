"""The one partitions definition that all partitioned assets share.

Keys stand in load order, because a run over a range hands them to an asset in this order; Dagster itself cannot order
the partitions of one asset, so the assets walk them and the loader checks what each needs.
"""

import dagster as dg

from migration_pipeline.model.entities import ENTITY_TYPES

entity_types = dg.StaticPartitionsDefinition(list(ENTITY_TYPES))

WHOLE_RANGE = {
    "dagster/asset_partition_range_start": ENTITY_TYPES[0],
    "dagster/asset_partition_range_end": ENTITY_TYPES[-1],
}
"""Run tags that make one run cover every entity type, in order."""
