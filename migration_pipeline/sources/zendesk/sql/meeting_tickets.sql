-- Tickets whose comments are to be read, with the times between which these were written. `whole`: the thread was read
-- per ticket and is no older than the ticket.
CREATE TEMP TABLE meeting_ticket AS
WITH told AS (
    SELECT
        ticket.id,
        coalesce(thread.extracted_at > ticket.extracted_at, false) AS whole,
        coalesce(
            TRY_CAST(payload ->> '$.generated_timestamp' AS BIGINT),
            epoch(TRY_CAST(payload ->> '$.updated_at' AS TIMESTAMPTZ))::BIGINT
        ) AS changed,
        epoch(TRY_CAST(payload ->> '$.created_at' AS TIMESTAMPTZ))::BIGINT AS created,
        epoch(TRY_CAST(payload ->> '$.updated_at' AS TIMESTAMPTZ))::BIGINT AS updated,
        greatest(coalesce(TRY_CAST(payload ->> '$.comment_count' AS BIGINT), 1), 0) AS comments
    FROM raw_tickets AS ticket
    LEFT JOIN (SELECT id, extracted_at FROM raw_threads) AS thread USING (id)
    WHERE (payload ->> '$.status') IS DISTINCT FROM 'deleted' AND NOT starts_with(ticket.id, '?')
)
SELECT id, whole, changed, coalesce(created, changed) AS created, coalesce(updated, changed) AS updated, comments
FROM told
