-- Files of what was newly read, as their newest reading tells them, without those that are already settled.
-- A thread that was read whole stands for all that events told of its comments.
WITH told AS (
    FROM carried
    -- Whatever something was taken out of may still be linked to in the text.
    ANTI JOIN (
        SELECT split_part(id, '/', 1) || '/' || ref_of(payload::JSON -> '$.comment_id') AS id
        FROM raw_comment_flags
        WHERE (payload ->> '$.kind') IN ('redaction', 'attachment_redaction')
    ) AS cut ON carried.derived AND cut.id = carried.id
),
newest AS (
    SELECT DISTINCT ON (key) key, split_part(id, '/', 1) AS ticket, url, name, size, picture, deleted, malware
    FROM told
    WHERE key IS NOT NULL
    ORDER BY key, rank DESC, sequence DESC
),
settled AS (
    SELECT id, from_json(payload, '{"name": "VARCHAR", "size": "BIGINT", "limit": "BIGINT", "again": "BOOLEAN", "reason": "VARCHAR"}') AS file
    FROM raw_files
)
SELECT newest.*, coalesce(settled.file.again, false) AS tried
FROM newest
LEFT JOIN settled ON settled.id = newest.key
WHERE settled.id IS NULL
    OR settled.file.again
    OR settled.file.name IS DISTINCT FROM newest.name
    OR settled.file.size IS DISTINCT FROM newest.size
    OR (settled.file.reason = 'file_too_large' AND settled.file."limit" < getvariable('max_bytes'))
