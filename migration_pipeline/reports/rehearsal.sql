-- The outcomes as a dry run tells them: what the plan would write was not, and what it skips is skipped.
-- Needs: load_plan, known_outcomes.
CREATE OR REPLACE VIEW outcomes AS
WITH planned AS (
    FROM load_plan WHERE source_id IS NOT NULL AND action IN ('create', 'update', 'retire', 'skip')
)
FROM known_outcomes AS known
ANTI JOIN planned ON planned.entity_type = known.entity_type AND planned.source_id = known.source_id
UNION ALL BY NAME
SELECT
    entity_type,
    source_id,
    source_url,
    'skipped' AS outcome,
    CASE WHEN action = 'skip' THEN reason ELSE 'dry_run' END AS reason,
    CASE WHEN action = 'skip' THEN detail ELSE action || ', ' || calls || ' calls' END AS detail
FROM planned
