CREATE TEMP TABLE team_rows AS
WITH told AS (
    SELECT id, from_json(payload, '{"name": "JSON", "deleted": "JSON", "updated_at": "JSON", "_gone": "JSON"}') AS team
    FROM raw_groups
)
SELECT
    id AS source_id,
    getvariable('base') || '/admin/people/team/groups/' || id AS source_url,
    coalesce(line_of(team.name), 'Group ' || id) AS name,
    NOT coalesce(flag_of(team.deleted), false) AND team._gone IS NULL AS active,
    moment_of(team.updated_at) AS updated_at,
    starts_with(id, '?') AS unusable
FROM told;

CREATE TEMP VIEW record_teams AS
FROM team_rows WHERE NOT unusable ORDER BY TRY_CAST(source_id AS HUGEINT);

CREATE TEMP VIEW record_rejects_teams AS
SELECT 'teams' AS entity_type, id AS source_id, NULL AS source_url, 'malformed_record' AS reason, 'id is missing or no number' AS detail
FROM (SELECT source_id AS id FROM team_rows WHERE unusable);
