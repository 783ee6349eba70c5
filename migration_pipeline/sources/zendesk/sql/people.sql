-- Users with typed fields.
CREATE TEMP TABLE user_rows AS
WITH told AS (
    SELECT id, from_json(payload, '{
        "external_id": "JSON", "name": "JSON", "email": "JSON", "phone": "JSON", "role": "JSON", "role_type": "JSON",
        "organization_id": "JSON", "active": "JSON", "suspended": "JSON", "tags": "JSON", "user_fields": "JSON",
        "locale": "JSON", "iana_time_zone": "JSON", "time_zone": "JSON", "notes": "JSON", "details": "JSON",
        "photo": "JSON", "created_at": "JSON", "updated_at": "JSON", "identities": ["JSON"]
    }') AS person
    FROM raw_users
)
SELECT
    id,
    starts_with(id, '?') AS unusable,
    getvariable('base') || '/agent/users/' || id AS source_url,
    line_of(person.external_id) AS external_id,
    line_of(person.name) AS name,
    line_of(person.email) AS email,
    line_of(person.phone) AS phone,
    coalesce(line_of(person.role) IN ('agent', 'admin'), false) AS is_agent,
    CASE
        WHEN line_of(person.role) = 'admin' THEN 'admin'
        WHEN count_of(person.role_type) = 1 THEN 'light'
        ELSE 'agent'
    END AS role,
    coalesce(flag_of(person.active), true) AS active,
    coalesce(flag_of(person.suspended), false) AS suspended,
    ref_of(person.organization_id) AS organization_ref,
    texts_of(person.tags) AS tags,
    person.user_fields AS attributes,
    line_of(person.locale) AS locale,
    coalesce(line_of(person.iana_time_zone), line_of(person.time_zone)) AS time_zone,
    nullif(concat_ws(chr(10), line_of(person.details), line_of(person.notes)), '') AS notes,
    line_of(person.photo -> '$.content_url') AS avatar_url,
    moment_of(person.created_at) AS created_at,
    moment_of(person.updated_at) AS updated_at,
    coalesce(person.identities, []) AS identities
FROM told;
