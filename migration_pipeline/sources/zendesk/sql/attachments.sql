-- Files of comments and notes as they are now, with what became of their bytes.
-- Whatever something was taken out of may still be linked to in the text.
CREATE TEMP TABLE cut_comments AS
SELECT DISTINCT split_part(id, '/', 1) || '/' || ref_of(payload::JSON -> '$.comment_id') AS id
FROM raw_comment_flags
WHERE (payload ->> '$.kind') IN ('redaction', 'attachment_redaction');

CREATE TEMP VIEW every_attachment AS
WITH placed AS (
    SELECT id, source_id, ticket_ref AS ticket, position FROM ordered
),
own AS (
    SELECT DISTINCT ON (id, source_id)
        carried.*,
        coalesce(key, replace(id, '/', '-') || '-' || carried.position) AS source_id,
        token_of(url) AS token
    FROM carried
    ANTI JOIN (SELECT id FROM cut_comments) AS cut ON carried.derived AND cut.id = carried.id
    ORDER BY id, source_id, carried.position
),
-- An image that is quoted again and again is a file once, where it is seen first.
once AS (
    SELECT own.*, placed.source_id AS comment_ref, placed.ticket
    FROM own
    JOIN placed USING (id)
    QUALIFY NOT own.derived OR row_number() OVER (
        PARTITION BY placed.ticket, coalesce(own.token, own.url) ORDER BY own.derived, placed.position
    ) = 1
),
file AS (
    SELECT id AS key, from_json(payload, '{"sha256": "VARCHAR", "reason": "VARCHAR", "bytes": "BIGINT"}') AS file FROM raw_files
),
held AS (
    SELECT
        once.*,
        coalesce(later.every_attachment OR list_contains(later.attachments, once.source_id), false) AS withheld
    FROM once
    LEFT JOIN later_changes AS later USING (id)
)
SELECT
    held.source_id,
    held.ticket AS ticket_ref,
    held.comment_ref,
    held.position,
    coalesce(held.name, 'file') AS name,
    coalesce(held.content_type, 'application/octet-stream') AS content_type,
    coalesce(file.bytes, held.size) AS size,
    held.inline,
    CASE WHEN held.attachment_id IS NOT NULL
        THEN getvariable('base') || '/api/v2/attachments/' || held.attachment_id
        ELSE getvariable('base') || '/agent/tickets/' || held.ticket
    END AS source_url,
    CASE WHEN NOT withheld THEN file.sha256 END AS sha256,
    CASE WHEN withheld THEN 'file_missing' WHEN file.sha256 IS NULL THEN coalesce(file.reason, 'file_missing') END AS missing
FROM held
LEFT JOIN file USING (key);
