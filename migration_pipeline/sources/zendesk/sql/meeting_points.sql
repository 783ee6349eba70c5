-- Moments at which export ($reached so far) and threads may meet, from now to the end, and what is left until each.
-- Comments count as written evenly between a ticket's creation and its last update.
WITH ending AS (SELECT greatest(coalesce(max(changed), 0) + 1, $reached) AS moment FROM meeting_ticket),
part AS (
    SELECT changed, ntile($parts) OVER (ORDER BY changed) AS number FROM meeting_ticket WHERE changed > $reached
),
point AS (
    SELECT max(changed) AS moment FROM part GROUP BY number
    UNION SELECT $reached
    UNION SELECT moment FROM ending
),
ticket AS (
    SELECT
        whole, comments, created,
        greatest(updated - created, 1) AS lasted,
        coalesce(changed, ending.moment - 1) AS changed
    FROM meeting_ticket, ending
)
SELECT
    point.moment,
    sum(comments * (
        least(greatest((point.moment - created) / lasted, 0), 1) - least(greatest(($reached - created) / lasted, 0), 1)
    )) AS exported,
    coalesce(sum(greatest(ceil(comments / $page), 1)) FILTER (changed >= point.moment AND NOT whole), 0)::BIGINT
        AS threads,
    count(ticket.changed) FILTER (changed < point.moment AND NOT whole) AS covered
FROM point LEFT JOIN ticket ON true  -- a help desk without tickets has its points too
GROUP BY point.moment
ORDER BY point.moment
