-- Every file of an article, one row each: what is attached, and pictures in its texts that are kept elsewhere.
-- Needs: raw_articles, raw_article_attachments, help_centers (brand, url), macros.
CREATE TEMP TABLE article_file_rows AS
WITH listed AS (
    SELECT id AS article, brand, from_json(payload, '{
        "attachments": [{
            "id": "JSON", "content_url": "JSON", "file_name": "JSON", "display_file_name": "JSON", "content_type": "JSON",
            "size": "JSON", "inline": "JSON", "locale": "JSON"
        }],
        "pictures": [{"url": "JSON", "name": "JSON", "content_type": "JSON"}]
    }') AS list
    FROM raw_article_attachments
    JOIN (SELECT id, payload ->> '$._brand' AS brand FROM raw_articles WHERE (payload ->> '$._gone') IS NULL) AS standing USING (id)
),
attached AS (
    SELECT article, brand, unnest(list.attachments) AS file, generate_subscripts(list.attachments, 1) - 1 AS position FROM listed
),
pictured AS (
    SELECT article, brand, unnest(list.pictures) AS file, generate_subscripts(list.pictures, 1) - 1 AS position FROM listed
),
together AS (
    SELECT
        article,
        brand,
        scoped(brand, attachment_key(file.id, file.content_url)) AS source_id,
        text_of(file.content_url) AS url,
        coalesce(line_of(file.display_file_name), line_of(file.file_name), 'file') AS name,
        line_of(file.content_type) AS content_type,
        count_of(file.size) AS size,
        coalesce(flag_of(file.inline), false) AS inline,
        lower(line_of(file.locale)) AS locale,
        coalesce(starts_with(line_of(file.content_type), 'image/'), false) AS picture,
        position
    FROM attached
    UNION ALL
    SELECT
        article,
        brand,
        scoped(brand, attachment_key(NULL, file.url)),
        text_of(file.url),
        coalesce(line_of(file.name), 'image'),
        line_of(file.content_type),
        NULL,
        true,
        NULL,
        true,
        1_000_000 + position
    FROM pictured
)
SELECT DISTINCT ON (article, source_id)
    together.* REPLACE (CASE WHEN starts_with(together.url, '/') THEN coalesce(center.url, getvariable('base')) || together.url ELSE together.url END AS url)
FROM together
LEFT JOIN help_centers AS center ON center.brand IS NOT DISTINCT FROM together.brand
WHERE source_id IS NOT NULL
ORDER BY article, source_id, position;
