CREATE TEMP VIEW record_tags AS
SELECT name AS source_id, name, count(*) AS uses
FROM (SELECT unnest(tags) AS name FROM ticket_rows WHERE defects IS NULL AND state <> 'deleted')
GROUP BY name
ORDER BY name;

-- A tag is a text in a ticket: there is no such thing as a tag that cannot be read.
CREATE TEMP VIEW record_rejects_tags AS
SELECT '' AS entity_type, '' AS source_id, '' AS source_url, '' AS reason, '' AS detail WHERE false;
