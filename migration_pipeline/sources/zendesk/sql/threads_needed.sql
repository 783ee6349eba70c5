-- Tickets whose comments have to be read one by one: the count differs from what the events gave, or something was
-- flagged, and the thread was not read since.
WITH ticket AS (
    SELECT
        id,
        extracted_at,
        TRY_CAST(payload ->> '$.comment_count' AS BIGINT) AS expected
    FROM raw_tickets
    WHERE NOT starts_with(id, '?')
        AND (payload ->> '$.status') IS DISTINCT FROM 'deleted'
        AND coalesce(epoch(TRY_CAST(payload ->> '$.created_at' AS TIMESTAMPTZ)) >= $1, true)
),
seen AS (
    SELECT split_part(id, '/', 1) AS ticket, count(*) AS comments
    FROM (SELECT id FROM raw_comments UNION SELECT id FROM raw_thread_comments)
    GROUP BY ALL
),
flagged AS (
    SELECT split_part(id, '/', 1) AS ticket, max(extracted_at) AS at FROM raw_comment_flags GROUP BY ALL
)
SELECT ticket.id
FROM ticket
LEFT JOIN seen ON seen.ticket = ticket.id
LEFT JOIN flagged ON flagged.ticket = ticket.id
LEFT JOIN raw_threads AS thread ON thread.id = ticket.id
WHERE (
        ticket.expected IS DISTINCT FROM coalesce(seen.comments, 0)
        AND (thread.extracted_at IS NULL OR thread.extracted_at < ticket.extracted_at)
    )
    OR flagged.at > coalesce(thread.extracted_at, TIMESTAMPTZ '1970-01-01 00:00:00+00')
ORDER BY TRY_CAST(ticket.id AS HUGEINT) DESC
