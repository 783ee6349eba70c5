CREATE TEMP TABLE article_rows AS
WITH told AS (
    SELECT id, payload ->> '$._brand' AS brand, from_json(payload, '{
        "html_url": "JSON", "author_id": "JSON", "title": "JSON", "name": "JSON", "body": "JSON", "locale": "JSON",
        "source_locale": "JSON", "draft": "JSON", "promoted": "JSON", "position": "JSON", "section_id": "JSON",
        "user_segment_id": "JSON", "user_segment_ids": "JSON", "label_names": "JSON", "content_tag_ids": "JSON", "vote_count": "JSON",
        "created_at": "JSON", "updated_at": "JSON", "edited_at": "JSON", "_gone": "JSON",
        "translations": [{
            "id": "JSON", "html_url": "JSON", "locale": "JSON", "title": "JSON", "body": "JSON", "draft": "JSON",
            "hidden": "JSON", "updated_at": "JSON"
        }]
    }') AS article
    FROM raw_articles
)
SELECT
    id,
    told.brand,
    starts_with(id, '?') AS unusable,
    coalesce(line_of(article.html_url), coalesce(center.url, getvariable('base')) || '/hc/articles/' || regexp_extract(id, '[^-]+$')) AS source_url,
    article._gone IS NULL AS active,
    list_distinct_ordered(list_concat(
        CASE WHEN ref_of(article.user_segment_id) IS NULL THEN [] ELSE [scoped(told.brand, ref_of(article.user_segment_id))] END,
        [scoped(told.brand, segment) FOR segment IN refs_of(article.user_segment_ids)]
    )) AS segments,
    article
FROM told
LEFT JOIN help_centers AS center ON center.brand IS NOT DISTINCT FROM told.brand;

CREATE TEMP TABLE article_texts AS
WITH told AS (
    SELECT id, brand, source_url, unnest(coalesce(article.translations, [])) AS text, generate_subscripts(coalesce(article.translations, []), 1) AS place
    FROM article_rows
    WHERE active AND NOT unusable
),
own AS (
    -- Where the list came without translations, the article shows one of them itself.
    SELECT id, brand, source_url, {
        'id': NULL, 'html_url': article.html_url, 'locale': coalesce(article.locale, article.source_locale),
        'title': coalesce(article.title, article.name), 'body': article.body, 'draft': article.draft, 'hidden': NULL,
        'updated_at': coalesce(article.edited_at, article.updated_at)
    } AS text, 1 AS place
    FROM article_rows
    WHERE active AND NOT unusable AND id NOT IN (SELECT id FROM told WHERE line_of(text.locale) IS NOT NULL)
),
together AS (
    FROM told WHERE line_of(text.locale) IS NOT NULL
    UNION ALL BY NAME
    FROM own
)
SELECT DISTINCT ON (article_ref, locale)
    coalesce(scoped(brand, ref_of(text.id)), id || '/' || coalesce(lower(line_of(text.locale)), '')) AS source_id,
    coalesce(line_of(text.html_url), source_url) AS source_url,
    id AS article_ref,
    coalesce(lower(line_of(text.locale)), 'en-us') AS locale,
    line_of(text.title) AS title,
    text_of(text.body) AS body_html,
    CASE WHEN coalesce(flag_of(text.draft), false) OR coalesce(flag_of(text.hidden), false) THEN 'draft' ELSE 'published' END AS state,
    moment_of(text.updated_at) AS updated_at,
    place
FROM together
ORDER BY article_ref, locale, updated_at DESC NULLS LAST, place;

CREATE TEMP TABLE segment_rows AS
WITH told AS (
    SELECT id, from_json(payload, '{"name": "JSON", "user_type": "JSON", "group_ids": "JSON", "organization_ids": "JSON", "tags": "JSON", "or_tags": "JSON"}') AS segment
    FROM raw_user_segments
)
SELECT
    id,
    line_of(segment.name) AS name,
    CASE
        WHEN line_of(segment.user_type) = 'staff' THEN 'staff'
        WHEN line_of(segment.user_type) = 'signed_in_users' AND NOT (
            has_value(segment.group_ids) OR has_value(segment.organization_ids) OR has_value(segment.tags) OR has_value(segment.or_tags)
        ) THEN 'signed_in'
        ELSE 'restricted'
    END AS audience
FROM told;

-- A content tag that the list does not have is told by its id.
CREATE TEMP TABLE article_content_tags AS
SELECT tagged.id, list(DISTINCT coalesce(tag.name, tagged.tag) ORDER BY coalesce(tag.name, tagged.tag)) AS names
FROM (SELECT id, unnest(texts_of(article.content_tag_ids)) AS tag FROM article_rows) AS tagged
LEFT JOIN (SELECT id, line_of(payload::JSON -> '$.name') AS name FROM raw_content_tags) AS tag ON tag.id = tagged.tag
GROUP BY tagged.id;

CREATE TEMP VIEW record_articles AS
WITH audiences AS (
    SELECT
        reader.id,
        CASE
            WHEN bool_and(coalesce(segment.audience, 'restricted') = 'staff') THEN 'staff'
            WHEN bool_or(segment.audience = 'signed_in') THEN 'signed_in'
            ELSE 'restricted'
        END AS audience,
        string_agg(coalesce(segment.name, 'user segment ' || reader.segment), ', ' ORDER BY reader.segment) AS name
    FROM (SELECT id, unnest(segments) AS segment FROM article_rows) AS reader
    LEFT JOIN segment_rows AS segment ON segment.id = reader.segment
    GROUP BY reader.id
),
edited AS (
    SELECT article_ref AS id, max(updated_at) AS edited_at FROM article_texts GROUP BY article_ref
)
SELECT
    article_rows.id AS source_id,
    article_rows.source_url,
    'section:' || scoped(article_rows.brand, ref_of(article.section_id)) AS collection_ref,
    ref_of(article.author_id) AS author_ref,
    center.name AS brand,
    lower(coalesce(line_of(article.source_locale), line_of(article.locale))) AS locale,
    coalesce(audiences.audience, 'everyone') AS audience,
    audiences.name AS audience_name,
    coalesce(flag_of(article.promoted), false) AS promoted,
    count_of(article.position) AS position,
    texts_of(article.label_names) AS tags,
    coalesce(article_content_tags.names, []) AS content_tags,
    count_of(article.vote_count) AS votes,
    json_array_length(said.payload::JSON -> '$.comments') AS comment_count,
    active,
    moment_of(article.created_at) AS created_at,
    greatest(moment_of(article.updated_at), moment_of(article.edited_at), edited.edited_at) AS updated_at
FROM article_rows
LEFT JOIN audiences USING (id)
LEFT JOIN edited USING (id)
LEFT JOIN article_content_tags USING (id)
LEFT JOIN raw_article_comments AS said USING (id)
LEFT JOIN help_centers AS center ON center.brand IS NOT DISTINCT FROM article_rows.brand
WHERE NOT unusable
ORDER BY article_rows.brand NULLS FIRST, len(article_rows.id), article_rows.id;

CREATE TEMP VIEW record_article_translations AS
SELECT * EXCLUDE (place) FROM article_texts ORDER BY len(article_ref), article_ref, locale;

CREATE TEMP VIEW record_article_attachments AS
SELECT
    article_file_rows.source_id,
    article AS article_ref,
    position,
    article_file_rows.name,
    coalesce(content_type, 'application/octet-stream') AS content_type,
    coalesce(size, file.bytes) AS size,
    inline,
    locale,
    url AS source_url,
    file.sha256,
    CASE WHEN file.sha256 IS NULL THEN coalesce(file.reason, 'file_missing') END AS missing
FROM article_file_rows
LEFT JOIN (
    SELECT id, from_json(payload, '{"sha256": "VARCHAR", "reason": "VARCHAR", "bytes": "BIGINT"}') AS file FROM raw_article_files
) AS fetched ON fetched.id = article_file_rows.source_id
ORDER BY len(article), article, position, article_file_rows.source_id;

CREATE TEMP VIEW record_article_comments AS
WITH told AS (
    SELECT said.id AS article, article_rows.brand, from_json(said.payload::JSON -> '$.comments', '[{
        "id": "JSON", "html_url": "JSON", "author_id": "JSON", "locale": "JSON", "body": "JSON", "created_at": "JSON"
    }]') AS comments
    FROM raw_article_comments AS said
    JOIN article_rows USING (id)
    WHERE NOT unusable
),
single AS (
    SELECT article, brand, unnest(comments) AS comment, generate_subscripts(comments, 1) AS position FROM told
)
-- One without an id that can be used, or that is no object, is known by its place in the list.
SELECT DISTINCT ON (article, source_id)
    coalesce(scoped(brand, ref_of(comment.id)), article || '/comment-' || position) AS source_id,
    line_of(comment.html_url) AS source_url,
    article AS article_ref,
    ref_of(comment.author_id) AS author_ref,
    lower(line_of(comment.locale)) AS locale,
    text_of(comment.body) AS body_html,
    moment_of(comment.created_at) AS created_at
FROM single
ORDER BY len(article), article, len(source_id), source_id;

CREATE TEMP VIEW record_rejects_articles AS
SELECT 'articles' AS entity_type, id AS source_id, NULL AS source_url, 'malformed_record' AS reason, 'id is missing or no number' AS detail
FROM article_rows
WHERE unusable;
