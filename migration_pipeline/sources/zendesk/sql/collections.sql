-- Needs: raw_categories, raw_sections, raw_collection_names, help_centers (brand, url, name), macros.
CREATE TEMP TABLE filed AS
WITH told AS (
    SELECT 'category' AS kind, id, payload FROM raw_categories
    UNION ALL
    SELECT 'section', id, payload FROM raw_sections
),
read AS (
    SELECT kind, id, payload ->> '$._brand' AS brand, from_json(payload, '{
        "html_url": "JSON", "name": "JSON", "description": "JSON", "position": "JSON", "locale": "JSON", "source_locale": "JSON",
        "category_id": "JSON", "parent_section_id": "JSON", "created_at": "JSON", "updated_at": "JSON", "_gone": "JSON",
        "translations": [{"locale": "JSON", "title": "JSON", "body": "JSON"}]
    }') AS collection
    FROM told
)
SELECT
    kind || ':' || id AS source_id,
    kind,
    read.brand,
    starts_with(id, '?') AS unusable,
    coalesce(
        line_of(collection.html_url),
        coalesce(center.url, getvariable('base')) || '/hc/' || CASE kind WHEN 'section' THEN 'sections/' ELSE 'categories/' END || regexp_extract(id, '[^-]+$')
    ) AS source_url,
    CASE WHEN kind = 'section' THEN coalesce(
        'section:' || scoped(read.brand, ref_of(collection.parent_section_id)), 'category:' || scoped(read.brand, ref_of(collection.category_id))
    ) END AS parent_ref,
    count_of(collection.position) AS position,
    lower(coalesce(line_of(collection.source_locale), line_of(collection.locale))) AS locale,
    lower(coalesce(line_of(collection.locale), line_of(collection.source_locale))) AS shown_locale,
    coalesce(line_of(collection.name), kind || ' ' || id) AS name,
    text_of(collection.description) AS description,
    [
        {'locale': lower(line_of(one.locale)), 'name': line_of(one.title), 'description': text_of(one.body)}
        FOR one IN coalesce(collection.translations, [])
        IF line_of(one.locale) IS NOT NULL AND line_of(one.title) IS NOT NULL
    ] AS translations,
    collection._gone IS NULL AS active,
    moment_of(collection.created_at) AS created_at,
    moment_of(collection.updated_at) AS updated_at
FROM read
LEFT JOIN help_centers AS center ON center.brand IS NOT DISTINCT FROM read.brand;

-- Several help centers stand side by side, each below its brand's name.
CREATE TEMP TABLE tops AS
WITH held AS (
    SELECT brand, mode(locale ORDER BY locale) AS locale, list_distinct_ordered(list(shown_locale ORDER BY shown_locale)) AS locales
    FROM filed
    WHERE active AND NOT unusable
    GROUP BY brand
)
SELECT
    'brand:' || coalesce(held.brand, 'own') AS source_id,
    held.brand,
    coalesce(center.url, getvariable('base')) || '/hc' AS source_url,
    coalesce(center.name, 'brand ' || held.brand, 'Help Center') AS name,
    held.locale,
    held.locales
FROM held
LEFT JOIN help_centers AS center ON center.brand IS NOT DISTINCT FROM held.brand
WHERE (SELECT count(*) FROM held) > 1;

CREATE TEMP TABLE collection_rows AS
SELECT filed.* REPLACE (coalesce(filed.parent_ref, tops.source_id) AS parent_ref)
FROM filed
LEFT JOIN tops ON tops.brand IS NOT DISTINCT FROM filed.brand
UNION ALL BY NAME
SELECT
    source_id,
    'brand' AS kind,
    brand,
    false AS unusable,
    source_url,
    NULL AS parent_ref,
    locale,
    locale AS shown_locale,
    name,
    [{'locale': one, 'name': name, 'description': NULL} FOR one IN locales] AS translations,
    true AS active
FROM tops;

-- A section may name itself as its parent, or a section below it: no way leads to it then.
CREATE TEMP TABLE collection_levels AS
WITH RECURSIVE reached(source_id, level) AS (
    SELECT source_id, 1 FROM collection_rows WHERE parent_ref IS NULL
    UNION ALL
    SELECT below.source_id, reached.level + 1
    FROM collection_rows AS below
    JOIN reached ON below.parent_ref = reached.source_id
    WHERE reached.level < 100
)
SELECT source_id, min(level) AS level FROM reached GROUP BY source_id;

-- Lists for one language, where the lists of all came without translations.
CREATE TEMP TABLE collection_translations AS
WITH read AS (
    SELECT
        CASE split_part(id, '/', 1) WHEN 'sections' THEN 'section:' ELSE 'category:' END || split_part(id, '/', 2) AS source_id,
        split_part(id, '/', 3) AS locale,
        from_json(payload, '{"name": "JSON", "description": "JSON"}') AS named
    FROM raw_collection_names
)
SELECT
    source_id,
    list({'locale': locale, 'name': line_of(named.name), 'description': text_of(named.description)} ORDER BY locale) AS names
FROM read
WHERE line_of(named.name) IS NOT NULL
GROUP BY source_id;

CREATE TEMP VIEW record_collections AS
SELECT
    collection.source_id,
    collection.source_url,
    collection.parent_ref,
    collection_levels.level,
    collection.position,
    collection.kind,
    center.name AS brand,
    collection.locale,
    CASE
        WHEN len(collection.translations) > 0 THEN collection.translations
        WHEN collection_translations.names IS NOT NULL THEN collection_translations.names
        ELSE [{'locale': collection.shown_locale, 'name': collection.name, 'description': collection.description}]
    END AS names,
    collection.active,
    collection.created_at,
    collection.updated_at
FROM collection_rows AS collection
LEFT JOIN collection_levels USING (source_id)
LEFT JOIN collection_translations USING (source_id)
LEFT JOIN help_centers AS center ON center.brand IS NOT DISTINCT FROM collection.brand
WHERE NOT collection.unusable
ORDER BY collection.source_id;

CREATE TEMP VIEW record_rejects_collections AS
SELECT 'collections' AS entity_type, source_id, NULL AS source_url, 'malformed_record' AS reason, 'id is missing or no number' AS detail
FROM collection_rows
WHERE unusable;
