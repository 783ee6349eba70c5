-- What the values in migration.yaml name, over the canonical records.
-- Needs: wanted (step, part, value), record_<table>.
CREATE TEMP TABLE meant AS
WITH asked AS (
    SELECT DISTINCT step, part, value FROM wanted WHERE value IS NOT NULL
)
SELECT DISTINCT step, part, ref
FROM (
    SELECT step, part, value, source_id AS ref
    FROM asked JOIN record_teams ON lower(source_id) = value OR lower(trim(name)) = value
    WHERE step = 'filters.teams'
    UNION ALL
    SELECT step, part, value, source_id
    FROM asked JOIN record_agents ON lower(source_id) = value OR lower(trim(name)) = value OR lower(trim(email)) = value
    WHERE step = 'filters.assignees'
    UNION ALL
    SELECT step, part, value, value
    FROM asked WHERE step = 'filters.assignees'
    UNION ALL
    SELECT step, part, value, source_id
    FROM asked JOIN record_companies ON lower(source_id) = value OR lower(trim(name)) = value
    WHERE step = 'filters.companies'
    UNION ALL
    SELECT step, part, part, source_id
    FROM (SELECT DISTINCT step, part FROM wanted WHERE step = 'filters.fields') AS field
    JOIN record_fields
        ON scope = 'ticket' AND (lower(source_id) = part OR lower(trim("key")) = part OR lower(trim(title)) = part)
);

-- Tickets that lack every wanted value of a field, for each field that a filter names.
CREATE TEMP TABLE given_values AS
WITH raw AS (
    SELECT
        ticket.source_id,
        meant.part,
        meant.ref,
        json_extract(ticket.attributes, '/' || replace(replace(meant.ref, '~', '~0'), '/', '~1')) AS value
    FROM record_tickets AS ticket
    CROSS JOIN meant
    WHERE meant.step = 'filters.fields' AND json_valid(ticket.attributes)
),
single AS (
    SELECT source_id, part, ref, lower(trim(unnest(
        CASE WHEN json_type(value) = 'ARRAY' THEN from_json(value, '["VARCHAR"]') ELSE [value ->> '$'] END
    ))) AS value
    FROM raw
    WHERE value IS NOT NULL AND json_type(value) <> 'NULL'
),
choice AS (
    SELECT source_id AS ref, lower(trim(choice.value)) AS value, lower(trim(choice.label)) AS label
    FROM (SELECT source_id, unnest(options) AS choice FROM record_fields WHERE scope = 'ticket')
)
SELECT source_id, part, value FROM single
UNION
SELECT single.source_id, single.part, choice.label FROM single JOIN choice USING (ref, value);

CREATE TEMP TABLE lacking_values AS
WITH asked AS (
    SELECT DISTINCT part FROM wanted WHERE step = 'filters.fields'
),
fitting AS (
    SELECT DISTINCT given_values.source_id, given_values.part
    FROM given_values
    SEMI JOIN (SELECT part, value FROM wanted WHERE step = 'filters.fields') AS wish
        ON wish.part = given_values.part AND wish.value = given_values.value
    UNION
    SELECT ticket.source_id, wish.part
    FROM record_tickets AS ticket
    CROSS JOIN (SELECT DISTINCT part FROM wanted WHERE step = 'filters.fields' AND value IS NULL) AS wish
    ANTI JOIN given_values ON given_values.source_id = ticket.source_id AND given_values.part = wish.part
)
SELECT DISTINCT ticket.source_id
FROM record_tickets AS ticket
CROSS JOIN asked
ANTI JOIN fitting ON fitting.source_id = ticket.source_id AND fitting.part = asked.part;
