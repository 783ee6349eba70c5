-- The values of all fields and how many records have each: of tickets by the field's id, of contacts and companies by key.
CREATE TABLE IF NOT EXISTS field_values AS
WITH record AS (
    SELECT 'ticket' AS scope, attributes FROM record_tickets WHERE state <> 'deleted'
    UNION ALL SELECT 'contact', attributes FROM record_contacts
    UNION ALL SELECT 'company', attributes FROM record_companies WHERE deleted_at IS NULL
),
usable AS (
    SELECT scope, attributes FROM record WHERE json_valid(attributes) AND json_type(attributes) = 'OBJECT'
)
SELECT scope, field.key AS name, field.value AS raw, count(*) AS records
FROM usable, json_each(usable.attributes) AS field
GROUP BY ALL;
