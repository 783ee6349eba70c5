-- Up to five values of each field, the most frequent first: much more of each than is shown, for what is masked there.
WITH ranked AS (
    SELECT scope, name, raw, row_number() OVER (PARTITION BY scope, name ORDER BY records DESC, raw::VARCHAR) AS rank
    FROM field_values
)
SELECT
    scope,
    name,
    list(left(if(json_type(raw) = 'VARCHAR', raw ->> '$', raw::VARCHAR), 10000) ORDER BY rank) AS samples
FROM ranked
WHERE rank <= 5
GROUP BY scope, name
