-- One row per record in the scope of the run: the plan without the pipeline's own attributes, and what was rejected.
-- Needs: load_plan, rejects.
-- {everything} is true where all records are in scope: then a reject that has no id to be planned by counts too.
WITH planned AS (
    SELECT entity_type, source_id, source_url, action, reason, detail, digest
    FROM load_plan
    WHERE source_id IS NULL OR NOT starts_with(source_id, 'pipeline:')
    UNION ALL
    SELECT rejects.entity_type, rejects.source_id, rejects.source_url, 'fail', rejects.reason, rejects.detail, NULL
    FROM rejects
    ANTI JOIN load_plan
        ON load_plan.entity_type = rejects.entity_type AND load_plan.source_id IS NOT DISTINCT FROM rejects.source_id
    WHERE {everything}
)
-- A record may be both readable and rejected (or rejected twice): it is one record, and the readable row tells more.
FROM planned
QUALIFY source_id IS NULL OR row_number() OVER (
    PARTITION BY entity_type, source_id ORDER BY digest IS NULL, reason, detail
) = 1
