-- Tickets with typed fields, and in `defects` what makes a row unusable.
CREATE TEMP TABLE ticket_rows AS
WITH told AS (
    SELECT id, from_json(payload, '{
        "external_id": "JSON", "subject": "JSON", "raw_subject": "JSON", "status": "JSON", "custom_status_id": "JSON",
        "priority": "JSON", "type": "JSON", "tags": "JSON", "brand_id": "JSON", "ticket_form_id": "JSON",
        "group_id": "JSON", "requester_id": "JSON", "submitter_id": "JSON", "assignee_id": "JSON",
        "organization_id": "JSON", "email_cc_ids": "JSON", "follower_ids": "JSON", "via": "JSON",
        "satisfaction_rating": "JSON", "problem_id": "JSON", "followup_ids": "JSON", "created_at": "JSON",
        "updated_at": "JSON", "due_at": "JSON", "comment_count": "JSON"
    }') AS ticket, extracted_at
    FROM raw_tickets
),
custom AS (
    SELECT id, any_value(label) AS label, any_value(category) AS category
    FROM (
        SELECT
            id,
            line_of(payload -> '$.agent_label') AS label,
            CASE WHEN line_of(payload -> '$.status_category') IN ('new', 'open', 'pending', 'hold', 'solved', 'closed')
                THEN line_of(payload -> '$.status_category') END AS category
        FROM (SELECT id, payload::JSON AS payload FROM raw_custom_statuses)
    )
    GROUP BY id
),
typed AS (
    SELECT
        told.id,
        ticket,
        extracted_at,
        coalesce(
            CASE WHEN line_of(ticket.status) IN ('new', 'open', 'pending', 'hold', 'solved', 'closed', 'deleted')
                THEN line_of(ticket.status) END,
            custom.category
        ) AS status,
        custom.label,
        moment_of(ticket.created_at) AS created_at
    FROM told
    LEFT JOIN custom ON custom.id = ref_of(ticket.custom_status_id)
)
SELECT
    id,
    nullif(concat_ws(
        '; ',
        CASE WHEN starts_with(id, '?') THEN 'id is missing or no number' END,
        CASE WHEN created_at IS NULL THEN 'created_at is missing or no time' END,
        CASE WHEN status IS NULL THEN 'status is missing or unknown' END
    ), '') AS defects,
    getvariable('base') || '/agent/tickets/' || id AS source_url,
    line_of(ticket.external_id) AS external_id,
    coalesce(line_of(ticket.subject), line_of(ticket.raw_subject)) AS subject,
    CASE status
        WHEN 'pending' THEN 'snoozed'
        WHEN 'hold' THEN 'snoozed'
        WHEN 'solved' THEN 'closed'
        WHEN 'closed' THEN 'closed'
        WHEN 'deleted' THEN 'deleted'
        ELSE 'open'
    END AS state,
    status,
    coalesce(label, status) AS status_label,
    line_of(ticket.priority) AS priority,
    line_of(ticket.type) AS kind,
    list_filter(texts_of(ticket.tags), lambda tag: NOT list_contains(getvariable('option_tags'), tag)) AS tags,
    ref_of(ticket.brand_id) AS brand_id,
    ref_of(ticket.ticket_form_id) AS form_id,
    ref_of(ticket.group_id) AS team_ref,
    ref_of(ticket.requester_id) AS requester_ref,
    ref_of(ticket.submitter_id) AS submitter_ref,
    ref_of(ticket.assignee_id) AS assignee_ref,
    ref_of(ticket.organization_id) AS company_ref,
    refs_of(ticket.email_cc_ids) AS cc_refs,
    refs_of(ticket.follower_ids) AS follower_refs,
    channel_of(ticket.via) AS channel,
    CASE WHEN line_of(ticket.satisfaction_rating -> '$.score') IN ('good', 'bad', 'offered') THEN
        to_json({
            'score': line_of(ticket.satisfaction_rating -> '$.score'),
            'comment': line_of(ticket.satisfaction_rating -> '$.comment'),
            'reason': line_of(ticket.satisfaction_rating -> '$.reason')
        })
    END AS csat,
    ref_of(ticket.problem_id) AS problem_ref,
    refs_of(ticket.followup_ids) AS followup_refs,
    CASE WHEN line_of(ticket.via -> '$.source.rel') = 'follow_up'
        THEN ref_of(ticket.via -> '$.source.from.ticket_id') END AS follow_up_of,
    created_at,
    moment_of(ticket.updated_at) AS updated_at,
    moment_of(ticket.due_at) AS due_at,
    count_of(ticket.comment_count) AS comment_count,
    -- Closed tickets are archived 120 days later (Zendesk help, "About archived tickets"); no export says which are.
    status = 'closed' AND moment_of(ticket.updated_at) < extracted_at - INTERVAL 120 DAY AS archived
FROM typed;

-- A field whose value is given twice keeps the first.
CREATE TEMP TABLE ticket_attributes AS
WITH listed AS (
    SELECT id, unnest(from_json(payload, '{"custom_fields": ["JSON"]}').custom_fields) AS entry
    FROM raw_tickets
),
valued AS (
    SELECT id, ref_of(entry -> '$.id') AS field, entry -> '$.value' AS value
    FROM listed
    WHERE ref_of(entry -> '$.id') IS NOT NULL AND has_value(entry -> '$.value')
),
single AS (
    SELECT id, field, first(value) AS value FROM valued GROUP BY id, field
)
SELECT id, '{' || string_agg(to_json(field)::VARCHAR || ':' || value::VARCHAR, ',' ORDER BY field) || '}' AS attributes FROM single GROUP BY id;
