-- One row per field of a migrated record that the target holds differently.
-- Needs: records, compared.
SELECT
    records.entity_type,
    records.source_id,
    records.source_url,
    coalesce(compared.target_id, records.target_id) AS target_id,
    records.target_url,
    compared.field,
    compared.expected,
    compared.actual,
    compared.reason
FROM compared
JOIN records ON records.entity_type = compared.entity_type AND records.source_id = compared.source_id
WHERE NOT compared.matched
ORDER BY
    compared.entity_type, compared.field, try_cast(records.source_id AS BIGINT) NULLS LAST, records.source_id,
    compared.expected, compared.actual
