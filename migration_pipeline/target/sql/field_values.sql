-- The values of all fields, one row per record and field: of tickets by the field's id, of contacts and companies by its key.
CREATE OR REPLACE VIEW field_values AS
WITH record AS (
    SELECT 'ticket' AS scope, source_id, attributes FROM record_tickets WHERE state <> 'deleted'
    UNION ALL SELECT 'contact', source_id, attributes FROM record_contacts
    UNION ALL SELECT 'company', source_id, attributes FROM record_companies WHERE deleted_at IS NULL
),
named AS (
    SELECT scope, source_id, attributes, unnest(json_keys(attributes)) AS name
    FROM record
    WHERE json_valid(attributes) AND json_type(attributes) = 'OBJECT'
)
SELECT
    scope,
    name,
    source_id,
    json_extract(attributes, '/' || replace(replace(name, '~', '~0'), '/', '~1')) AS raw
FROM named;
