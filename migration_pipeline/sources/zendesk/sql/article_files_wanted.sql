-- Files of articles that are not settled yet, or may be had now.
WITH newest AS (
    SELECT DISTINCT ON (source_id) source_id AS key, brand, url, name, size, picture FROM article_file_rows ORDER BY source_id, article
),
settled AS (
    SELECT id, from_json(payload, '{"name": "VARCHAR", "size": "BIGINT", "limit": "BIGINT", "again": "BOOLEAN", "reason": "VARCHAR"}') AS file
    FROM raw_article_files
)
-- A help center may be mapped to a host that knows no credentials; the host it is read at has every file too.
SELECT
    newest.key,
    CASE
        WHEN EXISTS (FROM help_centers WHERE starts_with(newest.url, help_centers.url || '/')) THEN newest.url
        ELSE regexp_replace(newest.url, '^https?://[^/]+(/hc/([^?#]*/)?article_attachments/)', center.url || '\1')
    END AS url,
    newest.name,
    newest.size,
    newest.picture,
    coalesce(settled.file.again, false) AS tried
FROM newest
JOIN help_centers AS center ON center.brand IS NOT DISTINCT FROM newest.brand
LEFT JOIN settled ON settled.id = newest.key
WHERE settled.id IS NULL
    OR settled.file.again
    OR settled.file.name IS DISTINCT FROM newest.name
    OR settled.file.size IS DISTINCT FROM newest.size
    OR (settled.file.reason = 'file_too_large' AND settled.file."limit" < getvariable('max_bytes'))
ORDER BY newest.key
