-- Sampled tickets whose thread was not read since the ticket, or a flag about it, was.
SELECT sampled.id
FROM (SELECT unnest($1::VARCHAR[]) AS id) AS sampled
LEFT JOIN raw_tickets AS ticket ON ticket.id = sampled.id
LEFT JOIN raw_threads AS thread ON thread.id = sampled.id
LEFT JOIN (
    SELECT split_part(id, '/', 1) AS ticket, max(extracted_at) AS at FROM raw_comment_flags GROUP BY ALL
) AS flagged ON flagged.ticket = sampled.id
WHERE (ticket.payload ->> '$.status') IS DISTINCT FROM 'deleted'
    AND (
        thread.extracted_at IS NULL
        OR thread.extracted_at < ticket.extracted_at
        OR thread.extracted_at < flagged.at
    )
ORDER BY TRY_CAST(sampled.id AS HUGEINT) DESC
