CREATE TEMP VIEW record_agents AS
SELECT id AS source_id, source_url, name, email, role, active AND NOT suspended AS active, updated_at
FROM user_rows
WHERE is_agent AND NOT unusable
ORDER BY TRY_CAST(id AS HUGEINT);

CREATE TEMP VIEW record_rejects_agents AS
SELECT 'agents' AS entity_type, id AS source_id, NULL AS source_url, 'malformed_record' AS reason, 'id is missing or no number' AS detail
FROM user_rows
WHERE is_agent AND unusable;
