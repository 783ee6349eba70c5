CREATE TEMP VIEW record_tags AS
WITH used AS (
    SELECT unnest(tags) AS name FROM ticket_rows WHERE defects IS NULL AND state <> 'deleted'
    UNION ALL SELECT unnest(tags) FROM user_rows WHERE NOT unusable
    UNION ALL SELECT unnest(tags) FROM organization_rows WHERE NOT unusable AND deleted_at IS NULL
)
SELECT name AS source_id, name, count(*) AS uses
FROM used
GROUP BY name
ORDER BY name;

-- A tag is a text in a record: there is no such thing as a tag that cannot be read.
CREATE TEMP VIEW record_rejects_tags AS
SELECT '' AS entity_type, '' AS source_id, '' AS source_url, '' AS reason, '' AS detail WHERE false;
