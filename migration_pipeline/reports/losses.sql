-- One row per loss of a migrated record.
-- Needs: shown(text), records, outcomes, reasons (code, sentence).
SELECT
    records.entity_type,
    records.source_id,
    records.source_url,
    records.target_id,
    records.target_url,
    lost.reason,
    coalesce(reasons.sentence, '{unexplained}') AS sentence,
    shown(lost.detail) AS detail
FROM records
JOIN (SELECT entity_type, source_id, unnest(losses) AS loss FROM outcomes) AS known
    ON known.entity_type = records.entity_type AND known.source_id = records.source_id
CROSS JOIN LATERAL (SELECT known.loss.reason AS reason, known.loss.detail AS detail) AS lost
LEFT JOIN reasons ON reasons.code = lost.reason
WHERE records.outcome = 'migrated'
ORDER BY lost.reason, records.entity_type, try_cast(records.source_id AS BIGINT) NULLS LAST, records.source_id, lost.detail
