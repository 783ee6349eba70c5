-- Up to five values of each field, the most frequent first.
WITH used AS (
    SELECT scope, name, left(CASE WHEN json_type(raw) = 'VARCHAR' THEN raw ->> '$' ELSE raw::VARCHAR END, 80) AS value, count(*) AS uses
    FROM field_values
    GROUP BY ALL
),
ranked AS (
    SELECT *, row_number() OVER (PARTITION BY scope, name ORDER BY uses DESC, value) AS rank FROM used
)
SELECT scope, name, list(value ORDER BY rank) AS samples
FROM ranked
WHERE rank <= 5
GROUP BY scope, name;
