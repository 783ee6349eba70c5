-- One row per field of a migrated record that the target holds differently.
-- Needs: shown(text), hidden (entity_type, field), records, compared.
SELECT
    records.entity_type,
    records.source_id,
    records.source_url,
    coalesce(compared.target_id, records.target_id) AS target_id,
    records.target_url,
    compared.field,
    CASE WHEN hidden.field IS NULL THEN shown(compared.expected) END AS expected,
    CASE WHEN hidden.field IS NULL THEN shown(compared.actual) END AS actual,
    compared.reason
FROM compared
JOIN records ON records.entity_type = compared.entity_type AND records.source_id = compared.source_id
LEFT JOIN hidden ON hidden.entity_type = compared.entity_type AND hidden.field = compared.field
WHERE NOT compared.matched
ORDER BY
    compared.entity_type, compared.field, try_cast(records.source_id AS BIGINT) NULLS LAST, records.source_id,
    compared.expected, compared.actual
