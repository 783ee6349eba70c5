-- Ratings that tickets tell of and that were not read, or that are told differently by now: ticket, rating, what the
-- ticket tells, and when the ticket was made (unix seconds).
WITH ticket AS (
    SELECT
        id,
        payload::JSON -> '$.satisfaction_rating' AS rating,
        coalesce(epoch(moment_of(payload::JSON -> '$.created_at'))::BIGINT, 0) AS created
    FROM raw_tickets
    WHERE contains(payload, '"satisfaction_rating":{') AND (payload ->> '$.status') IS DISTINCT FROM 'deleted'
),
rated AS (
    SELECT
        id,
        ref_of(rating -> '$.id') AS rating,
        to_json({
            'score': line_of(rating -> '$.score'), 'comment': line_of(rating -> '$.comment'), 'reason': line_of(rating -> '$.reason')
        })::VARCHAR AS told,
        created
    FROM ticket
    WHERE line_of(rating -> '$.score') IN ('good', 'bad')
)
SELECT rated.id, rated.rating, rated.told, rated.created
FROM rated
LEFT JOIN raw_ratings AS known ON known.id = rated.rating
WHERE rated.rating IS NOT NULL AND (known.payload::JSON -> '$.told')::VARCHAR IS DISTINCT FROM rated.told
ORDER BY rated.created, rated.id
