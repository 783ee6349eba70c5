-- Articles of which something beside them was not asked for since they changed, each with what tells that it changed.
-- Needs: raw_articles, looked_at (id, payload with the stamp).
WITH stamped AS (
    SELECT
        id,
        payload ->> '$._brand' AS brand,
        md5(concat_ws('|', payload ->> '$.updated_at', payload ->> '$.edited_at', (payload::JSON -> '$.translations[*].updated_at')::VARCHAR)) AS stamp
    FROM raw_articles
    WHERE NOT starts_with(id, '?') AND (payload ->> '$._gone') IS NULL
)
SELECT stamped.id, stamped.stamp, stamped.brand
FROM stamped
LEFT JOIN looked_at AS listed USING (id)
WHERE (listed.payload ->> '$.stamp') IS DISTINCT FROM stamped.stamp
ORDER BY stamped.brand NULLS FIRST, len(stamped.id), stamped.id
