-- Values of filters that no record has: most likely a slip of the pen.
-- Needs: wanted, meant, given_values, record_<table>.
WITH there AS (
    SELECT 'filters.statuses' AS step, lower(trim(status)) AS value FROM record_tickets
    UNION SELECT 'filters.statuses', lower(trim(status_label)) FROM record_tickets
    UNION SELECT 'filters.kinds', lower(trim(kind)) FROM record_tickets
    UNION SELECT 'filters.channels', lower(trim(channel)) FROM record_tickets
    UNION SELECT 'filters.brands', lower(trim(brand)) FROM record_tickets
    UNION SELECT 'filters.help_centers', lower(trim(brand)) FROM record_collections
    UNION SELECT 'filters.tags', lower(trim(unnest(tags))) FROM record_tickets
    UNION SELECT 'filters.teams', lower(source_id) FROM record_teams
    UNION SELECT 'filters.teams', lower(trim(name)) FROM record_teams
    UNION SELECT 'filters.assignees', lower(source_id) FROM record_agents
    UNION SELECT 'filters.assignees', lower(trim(name)) FROM record_agents
    UNION SELECT 'filters.assignees', lower(trim(email)) FROM record_agents
    UNION SELECT 'filters.assignees', assignee_ref FROM record_tickets
    UNION SELECT 'filters.companies', lower(source_id) FROM record_companies
    UNION SELECT 'filters.companies', lower(trim(name)) FROM record_companies
)
SELECT wanted.step, wanted.part, wanted.spelled, wanted.place
FROM wanted
ANTI JOIN there ON there.step = wanted.step AND there.value = wanted.value
WHERE wanted.value IS NOT NULL AND wanted.step <> 'filters.fields'
UNION ALL
SELECT wanted.step, wanted.part, wanted.spelled, wanted.place
FROM wanted
ANTI JOIN given_values ON given_values.part = wanted.part AND given_values.value = wanted.value
WHERE wanted.value IS NOT NULL AND wanted.step = 'filters.fields'
ORDER BY ALL
