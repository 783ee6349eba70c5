-- Attachments of newly read comments, as their newest reading tells them, without those that are already settled.
-- A thread that was read whole stands for all that events told of its comments.
WITH deleted AS (
    SELECT id FROM raw_tickets WHERE (payload ->> '$.status') = 'deleted'
),
valid AS (
    SELECT unnest(from_json(payload, '{"comments": ["VARCHAR"]}').comments) AS id FROM raw_threads
),
read AS (
    SELECT id, payload, sequence, 1 AS rank FROM new_thread_comments SEMI JOIN valid USING (id)
    UNION ALL
    SELECT id, payload, sequence, 0 AS rank FROM new_comments ANTI JOIN valid USING (id)
),
commented AS (
    SELECT
        id,
        split_part(id, '/', 1) AS ticket,
        sequence,
        rank,
        from_json(payload, '{"attachments": [{
            "id": "JSON", "content_url": "JSON", "file_name": "JSON", "size": "JSON", "deleted": "JSON",
            "malware_scan_result": "JSON", "malware_access_override": "JSON"
        }]}').attachments AS attachments
    FROM read
    WHERE regexp_matches(payload, '"attachments":\[[^\]]')
),
attached AS (
    SELECT id, ticket, sequence, rank, unnest(attachments) AS attachment
    FROM commented
    WHERE (getvariable('every_ticket') OR ticket IN (SELECT id FROM only_tickets))
        AND ticket NOT IN (SELECT id FROM deleted)
),
told AS (
    SELECT
        attachment_key(attachment.id, attachment.content_url) AS key,
        text_of(attachment.content_url) AS url,
        text_of(attachment.file_name) AS name,
        count_of(attachment.size) AS size,
        coalesce(flag_of(attachment.deleted), false) AS deleted,
        text_of(attachment.malware_scan_result) = 'malware_found'
            AND NOT coalesce(flag_of(attachment.malware_access_override), false) AS malware,
        ticket,
        rank,
        sequence
    FROM attached
),
newest AS (
    SELECT DISTINCT ON (key) key, ticket, url, name, size, deleted, coalesce(malware, false) AS malware
    FROM told
    WHERE key IS NOT NULL
    ORDER BY key, rank DESC, sequence DESC
),
settled AS (
    SELECT id, from_json(payload, '{"name": "VARCHAR", "size": "BIGINT", "limit": "BIGINT", "again": "BOOLEAN", "reason": "VARCHAR"}') AS file
    FROM raw_files
)
SELECT newest.*
FROM newest
LEFT JOIN settled ON settled.id = newest.key
WHERE settled.id IS NULL
    OR settled.file.again
    OR settled.file.name IS DISTINCT FROM newest.name
    OR settled.file.size IS DISTINCT FROM newest.size
    OR (settled.file.reason = 'file_too_large' AND settled.file."limit" < getvariable('max_bytes'))
