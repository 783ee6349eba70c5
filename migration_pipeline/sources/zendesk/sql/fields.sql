-- Ticket, contact and company fields as one table. Ids of the latter two carry their scope, so that none meets another.
CREATE TEMP TABLE field_rows AS
WITH listed AS (
    SELECT 'ticket' AS scope, '' AS prefix, id, payload FROM raw_ticket_fields
    UNION ALL SELECT 'contact', 'contact:', id, payload FROM raw_user_fields
    UNION ALL SELECT 'company', 'company:', id, payload FROM raw_organization_fields
),
told AS (
    SELECT scope, prefix, id, from_json(payload, '{
        "type": "JSON", "key": "JSON", "title": "JSON", "raw_title": "JSON", "description": "JSON",
        "agent_description": "JSON", "active": "JSON", "updated_at": "JSON", "custom_field_options": ["JSON"],
        "system_field_options": ["JSON"], "custom_statuses": ["JSON"], "_gone": "JSON"
    }') AS field
    FROM listed
)
SELECT
    prefix || id AS source_id,
    CASE scope
        WHEN 'ticket' THEN getvariable('base') || '/admin/objects-rules/tickets/ticket-fields/' || id
        WHEN 'contact' THEN getvariable('base') || '/admin/people/configuration/user_fields/' || id
        ELSE getvariable('base') || '/admin/people/configuration/organization_fields/' || id
    END AS source_url,
    scope,
    coalesce(
        line_of(field.key),
        CASE WHEN line_of(field.type) IN ('subject', 'description', 'status', 'tickettype', 'priority', 'group', 'assignee', 'custom_status')
            THEN line_of(field.type) END,
        'custom_field_' || id
    ) AS key,
    coalesce(line_of(field.title), line_of(field.raw_title), line_of(field.key), 'Field ' || id) AS title,
    coalesce(line_of(field.agent_description), line_of(field.description)) AS description,
    CASE line_of(field.type)
        WHEN 'textarea' THEN 'multiline'
        WHEN 'description' THEN 'multiline'
        WHEN 'checkbox' THEN 'boolean'
        WHEN 'date' THEN 'date'
        WHEN 'integer' THEN 'integer'
        WHEN 'decimal' THEN 'decimal'
        WHEN 'tagger' THEN 'option'
        WHEN 'dropdown' THEN 'option'
        WHEN 'status' THEN 'option'
        WHEN 'custom_status' THEN 'option'
        WHEN 'tickettype' THEN 'option'
        WHEN 'priority' THEN 'option'
        WHEN 'multiselect' THEN 'options'
        WHEN 'lookup' THEN 'reference'
        WHEN 'group' THEN 'reference'
        WHEN 'assignee' THEN 'reference'
        ELSE 'text'
    END AS type,
    list_filter(
        list_concat(
            [
                {'value': line_of(item -> '$.value'), 'label': coalesce(line_of(item -> '$.name'), line_of(item -> '$.raw_name'), line_of(item -> '$.value'))}
                FOR item IN list_concat(coalesce(field.custom_field_options, []), coalesce(field.system_field_options, []))
            ],
            [
                {'value': ref_of(item -> '$.id'), 'label': coalesce(line_of(item -> '$.agent_label'), ref_of(item -> '$.id'))}
                FOR item IN coalesce(field.custom_statuses, [])
            ]
        ),
        lambda option: option.value IS NOT NULL
    ) AS options,
    coalesce(flag_of(field.active), true) AND field._gone IS NULL AS active,
    moment_of(field.updated_at) AS updated_at,
    starts_with(id, '?') AS unusable,
    id
FROM told;

CREATE TEMP VIEW record_fields AS
FROM field_rows WHERE NOT unusable ORDER BY scope, TRY_CAST(id AS HUGEINT);

CREATE TEMP VIEW record_rejects_fields AS
SELECT 'fields' AS entity_type, id AS source_id, NULL AS source_url, 'malformed_record' AS reason, 'id is missing or no number' AS detail
FROM (SELECT source_id AS id FROM field_rows WHERE unusable);
