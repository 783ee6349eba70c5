CREATE TEMP TABLE organization_rows AS
WITH told AS (
    SELECT id, from_json(payload, '{
        "external_id": "JSON", "name": "JSON", "domain_names": "JSON", "notes": "JSON", "details": "JSON",
        "tags": "JSON", "organization_fields": "JSON", "created_at": "JSON", "updated_at": "JSON", "deleted_at": "JSON"
    }') AS organization
    FROM raw_organizations
)
SELECT
    id,
    starts_with(id, '?') AS unusable,
    getvariable('base') || '/agent/organizations/' || id AS source_url,
    line_of(organization.external_id) AS external_id,
    coalesce(line_of(organization.name), 'Organization ' || id) AS name,
    texts_of(organization.domain_names) AS domains,
    nullif(concat_ws(chr(10), line_of(organization.details), line_of(organization.notes)), '') AS notes,
    texts_of(organization.tags) AS tags,
    organization.organization_fields AS attributes,
    moment_of(organization.created_at) AS created_at,
    moment_of(organization.updated_at) AS updated_at,
    moment_of(organization.deleted_at) AS deleted_at
FROM told;

CREATE TEMP TABLE organization_attributes AS
WITH valued AS (
    SELECT id, unnest(json_keys(attributes)) AS key, attributes FROM organization_rows WHERE json_type(attributes) = 'OBJECT'
),
told AS (
    SELECT id, key, json_extract(attributes, json_pointer(key)) AS value FROM valued
)
SELECT id, '{' || string_agg(to_json(key)::VARCHAR || ':' || value::VARCHAR, ',' ORDER BY key) || '}' AS attributes
FROM (SELECT id, key, first(value) AS value FROM told WHERE has_value(value) GROUP BY id, key)
GROUP BY id;

CREATE TEMP VIEW record_companies AS
SELECT id AS source_id, * EXCLUDE (id, attributes), coalesce(organization_attributes.attributes, '{}') AS attributes
FROM organization_rows
LEFT JOIN organization_attributes USING (id)
WHERE NOT unusable
ORDER BY TRY_CAST(source_id AS HUGEINT);

CREATE TEMP VIEW record_rejects_companies AS
SELECT 'companies' AS entity_type, id AS source_id, NULL AS source_url, 'malformed_record' AS reason, 'id is missing or no number' AS detail
FROM organization_rows
WHERE unusable;
