-- Who is mentioned by a ticket that moves, and as what.
CREATE TEMP TABLE mentions AS
WITH moving AS (
    SELECT id, from_json(payload, '{
        "status": "JSON", "requester_id": "JSON", "email_cc_ids": "JSON", "follower_ids": "JSON"
    }') AS ticket
    FROM raw_tickets
    WHERE NOT starts_with(id, '?') AND (payload ->> '$.status') IS DISTINCT FROM 'deleted'
),
writing AS (
    SELECT id, payload::JSON -> '$.author_id' AS author FROM raw_comments
    UNION ALL SELECT id, payload::JSON -> '$.author_id' FROM raw_thread_comments
    UNION ALL SELECT id, payload::JSON -> '$.actor.user_id' FROM raw_side_events
    UNION ALL SELECT id, payload::JSON -> '$.author."zen:support:user_id"' FROM raw_log_events
),
mention AS (
    SELECT ref_of(ticket.requester_id) AS id, true AS as_contact FROM moving
    UNION ALL
    SELECT unnest(refs_of(ticket.email_cc_ids)), true FROM moving
    UNION ALL
    SELECT unnest(refs_of(ticket.follower_ids)), false FROM moving
    UNION ALL
    SELECT ref_of(author), false
    FROM writing AS written
    SEMI JOIN moving ON moving.id = split_part(written.id, '/', 1)
)
SELECT id, bool_or(as_contact) AS as_contact FROM mention WHERE id IS NOT NULL GROUP BY id;

-- Everyone's addresses, the main one first.
CREATE TEMP TABLE addresses AS
WITH identity AS (
    SELECT id, unnest(identities) AS identity FROM user_rows WHERE NOT unusable
),
address AS (
    SELECT id, 'email' AS type, email AS value, true AS main, '' AS number FROM user_rows WHERE NOT unusable AND email IS NOT NULL
    UNION ALL
    SELECT id, 'phone', phone, true, '' FROM user_rows WHERE NOT unusable AND phone IS NOT NULL
    UNION ALL
    SELECT
        id,
        CASE line_of(identity -> '$.type') WHEN 'email' THEN 'email' WHEN 'phone_number' THEN 'phone' END,
        line_of(identity -> '$.value'),
        coalesce(flag_of(identity -> '$.primary'), false),
        coalesce(ref_of(identity -> '$.id'), '~')
    FROM identity
),
single AS (
    SELECT DISTINCT ON (id, type, lower(value)) id, type, value, main, number
    FROM address
    WHERE type IS NOT NULL AND value IS NOT NULL
    ORDER BY id, type, lower(value), number
)
SELECT
    id,
    list(value ORDER BY number <> '', NOT main, TRY_CAST(number AS HUGEINT), value) FILTER (type = 'email') AS emails,
    list(value ORDER BY number <> '', NOT main, TRY_CAST(number AS HUGEINT), value) FILTER (type = 'phone') AS phones
FROM single
GROUP BY id;

-- Companies of everyone, the default first; one that the source no longer has is no company.
CREATE TEMP TABLE memberships AS
WITH told AS (
    SELECT from_json(payload, '{"user_id": "JSON", "organization_id": "JSON", "default": "JSON", "_gone": "JSON"}') AS membership
    FROM raw_organization_memberships
),
member AS (
    SELECT id, organization_ref AS organization, 0 AS rank FROM user_rows WHERE organization_ref IS NOT NULL
    UNION ALL
    SELECT
        ref_of(membership.user_id),
        ref_of(membership.organization_id),
        CASE WHEN flag_of(membership."default") THEN 1 ELSE 2 END
    FROM told
    WHERE membership._gone IS NULL
),
single AS (
    SELECT id, organization, min(rank) AS rank
    FROM member
    SEMI JOIN raw_organizations ON raw_organizations.id = organization
    GROUP BY id, organization
)
SELECT id, list(organization ORDER BY rank, TRY_CAST(organization AS HUGEINT)) AS company_refs
FROM single
WHERE id IS NOT NULL
GROUP BY id;

CREATE TEMP TABLE user_attributes AS
WITH valued AS (
    SELECT id, unnest(json_keys(attributes)) AS key, attributes FROM user_rows WHERE json_type(attributes) = 'OBJECT'
),
told AS (
    SELECT id, key, json_extract(attributes, json_pointer(key)) AS value FROM valued
)
SELECT id, '{' || string_agg(to_json(key)::VARCHAR || ':' || value::VARCHAR, ',' ORDER BY key) || '}' AS attributes
FROM (SELECT id, key, first(value) AS value FROM told WHERE has_value(value) GROUP BY id, key)
GROUP BY id;

CREATE TEMP VIEW record_contacts AS
SELECT
    user_rows.id AS source_id,
    source_url,
    external_id,
    name,
    coalesce(emails, []) AS emails,
    coalesce(phones, []) AS phones,
    CASE WHEN is_agent THEN 'agent' ELSE 'end_user' END AS kind,
    active,
    suspended,
    coalesce(company_refs, []) AS company_refs,
    tags,
    coalesce(user_attributes.attributes, '{}') AS attributes,
    locale,
    time_zone,
    notes,
    avatar_url,
    created_at,
    updated_at
FROM user_rows
LEFT JOIN mentions USING (id)
LEFT JOIN addresses USING (id)
LEFT JOIN memberships USING (id)
LEFT JOIN user_attributes USING (id)
WHERE NOT unusable
    AND CASE WHEN is_agent THEN coalesce(mentions.as_contact, false) ELSE active OR mentions.id IS NOT NULL END
UNION ALL BY NAME
SELECT
    id AS source_id,
    getvariable('base') || '/agent/users/' || id AS source_url,
    'Deleted user ' || id AS name,
    [] AS emails,
    [] AS phones,
    'placeholder' AS kind,
    false AS active,
    false AS suspended,
    [] AS company_refs,
    [] AS tags,
    '{}' AS attributes
FROM mentions
ANTI JOIN user_rows USING (id)
ORDER BY TRY_CAST(source_id AS HUGEINT);

CREATE TEMP VIEW record_rejects_contacts AS
SELECT 'contacts' AS entity_type, id AS source_id, NULL AS source_url, 'malformed_record' AS reason, 'id is missing or no number' AS detail
FROM user_rows
WHERE unusable AND NOT is_agent;
