-- Up to five values of each field, the most frequent first.
WITH ranked AS (
    SELECT scope, name, raw, row_number() OVER (PARTITION BY scope, name ORDER BY records DESC, raw::VARCHAR) AS rank
    FROM field_values
)
SELECT
    scope,
    name,
    list(left(CASE WHEN json_type(raw) = 'VARCHAR' THEN raw ->> '$' ELSE raw::VARCHAR END, 80) ORDER BY rank) AS samples
FROM ranked
WHERE rank <= 5
GROUP BY scope, name
