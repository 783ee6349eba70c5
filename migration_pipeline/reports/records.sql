-- One row per record in the scope of the run, with what became of it, in load order.
-- Needs: shown(text), scope, outcomes, reasons (code, sentence), load_order (entity_type, position), links (entity_type, template).
WITH settled AS (
    SELECT
        scope.entity_type,
        scope.source_id,
        coalesce(scope.source_url, known.source_url) AS source_url,
        known.target_id,
        coalesce(known.target_url, replace(links.template, '{{id}}', known.target_id)) AS target_url,
        -- What the plan fails needs no journal; anything else that the journal does not know was not got to.
        CASE WHEN scope.action = 'fail' THEN 'failed' ELSE coalesce(known.outcome, 'failed') END AS outcome,
        CASE
            WHEN scope.action = 'fail' THEN coalesce(scope.reason, known.reason)
            WHEN known.outcome IS NULL THEN 'interrupted'
            WHEN scope.reason = 'filtered_since' THEN scope.reason
            WHEN scope.action = 'keep' THEN coalesce(known.reason, scope.reason)
            ELSE known.reason
        END AS reason,
        CASE
            WHEN scope.action = 'fail' THEN coalesce(scope.detail, known.detail)
            WHEN scope.reason = 'filtered_since' THEN scope.detail
            ELSE known.detail
        END AS detail,
        len(coalesce(known.losses, [])) AS lost,
        known.run_id,
        known."at" AS recorded_at
    FROM scope
    LEFT JOIN outcomes AS known
        ON known.entity_type = scope.entity_type AND known.source_id = scope.source_id
    LEFT JOIN links ON links.entity_type = scope.entity_type
)
SELECT
    settled.entity_type,
    settled.source_id,
    settled.source_url,
    settled.target_id,
    settled.target_url,
    settled.outcome,
    settled.reason,
    CASE WHEN reason IS NOT NULL THEN coalesce(reasons.sentence, '{unexplained}') END AS sentence,
    shown(detail) AS detail,
    CASE WHEN settled.outcome = 'migrated' THEN lost ELSE 0 END AS losses,
    run_id,
    recorded_at
FROM settled
JOIN load_order USING (entity_type)
LEFT JOIN reasons ON reasons.code = settled.reason
ORDER BY load_order.position, try_cast(source_id AS BIGINT) NULLS LAST, source_id, reason, detail
