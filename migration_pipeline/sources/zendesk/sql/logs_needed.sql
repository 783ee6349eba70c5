-- Tickets that came, or went on, by messaging, and whose log was not read since the ticket or a flag about it was.
WITH ticket AS (
    SELECT id, extracted_at, from_json(payload, '{"status": "JSON", "via": "JSON", "from_messaging_channel": "JSON"}') AS ticket
    FROM raw_tickets
    WHERE NOT starts_with(id, '?')
),
flagged AS (
    SELECT
        split_part(id, '/', 1) AS id,
        max(extracted_at) AS at,
        bool_or((payload ->> '$.kind') = 'messaging') AS messaging
    FROM raw_comment_flags
    GROUP BY ALL
),
-- A thread that was read by itself has no flags.
written AS (
    SELECT DISTINCT split_part(id, '/', 1) AS id
    FROM raw_thread_comments
    WHERE list_contains(getvariable('messaging'), payload ->> '$.via.channel')
)
SELECT ticket.id
FROM ticket
LEFT JOIN flagged ON flagged.id = ticket.id
LEFT JOIN written ON written.id = ticket.id
LEFT JOIN raw_logs AS log ON log.id = ticket.id
WHERE line_of(ticket.status) IS DISTINCT FROM 'deleted'
    AND (
        coalesce(flag_of(ticket.from_messaging_channel), false)
        OR coalesce(flagged.messaging, false)
        OR written.id IS NOT NULL
        OR coalesce(list_contains(getvariable('messaging'), channel_of(ticket.via)), false)
    )
    AND (log.extracted_at IS NULL OR log.extracted_at < ticket.extracted_at OR log.extracted_at < flagged.at)
ORDER BY TRY_CAST(ticket.id AS HUGEINT) DESC
