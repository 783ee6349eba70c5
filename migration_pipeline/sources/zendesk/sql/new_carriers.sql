-- What may carry files among the rows that were read since the last time.
CREATE TEMP VIEW carriers AS
WITH deleted AS (
    SELECT id FROM raw_tickets WHERE (payload ->> '$.status') = 'deleted'
),
valid AS (
    SELECT unnest(from_json(payload, '{"comments": ["VARCHAR"]}').comments) AS id FROM raw_threads
),
said AS (
    SELECT id, payload, sequence, 1 AS rank FROM new_thread_comments SEMI JOIN valid USING (id)
    UNION ALL
    SELECT id, payload, sequence, 0 AS rank FROM new_comments ANTI JOIN valid USING (id)
),
every_carrier AS (
    SELECT
        id,
        rank,
        sequence,
        CASE WHEN regexp_matches(payload, '"attachments":\[[^\]]') THEN (payload::JSON -> '$.attachments')::VARCHAR END AS attachments,
        CASE WHEN contains(payload, '/attachments/token/') OR getvariable('foreign_images') THEN text_of(payload::JSON -> '$.html_body') END AS html,
        CASE WHEN contains(payload, '"recording_url"') THEN (payload::JSON -> '$.data')::VARCHAR END AS call
    FROM said
    UNION ALL
    SELECT id, 0, sequence, (payload::JSON -> '$.message.attachments')::VARCHAR, text_of(payload::JSON -> '$.message.html_body'), NULL
    FROM new_side_events
    UNION ALL
    SELECT id, 0, sequence, (payload::JSON -> '$.attachments')::VARCHAR, text_of(payload::JSON -> '$.content.body'), NULL
    FROM new_log_events
    WHERE (payload ->> '$.type') IS DISTINCT FROM 'Comment'
)
FROM every_carrier
WHERE (attachments IS NOT NULL OR html IS NOT NULL OR call IS NOT NULL)
    AND (getvariable('every_ticket') OR split_part(id, '/', 1) IN (SELECT id FROM only_tickets))
    AND split_part(id, '/', 1) NOT IN (SELECT id FROM deleted);
