-- Articles that stand, each with what tells that it changed, whether something beside it was not asked for since it did,
-- and whether readers may comment on it.
-- Needs: raw_articles, looked_at (id, payload with the stamp).
WITH stamped AS (
    SELECT
        id,
        payload ->> '$._brand' AS brand,
        md5(concat_ws('|', payload ->> '$.updated_at', payload ->> '$.edited_at', (payload::JSON -> '$.translations[*].updated_at')::VARCHAR)) AS stamp,
        (payload ->> '$.comments_disabled') IS DISTINCT FROM 'true' AS open
    FROM raw_articles
    WHERE NOT starts_with(id, '?') AND (payload ->> '$._gone') IS NULL
)
SELECT stamped.id, stamped.stamp, stamped.brand, (listed.payload ->> '$.stamp') IS DISTINCT FROM stamped.stamp AS changed, stamped.open
FROM stamped
LEFT JOIN looked_at AS listed USING (id)
ORDER BY stamped.brand NULLS FIRST, len(stamped.id), stamped.id
