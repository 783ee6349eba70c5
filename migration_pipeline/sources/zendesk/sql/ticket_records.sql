-- Tickets as canonical records, and those that cannot be.
CREATE TEMP TABLE merges AS
WITH told AS (
    SELECT
        split_part(id, '/', 1) AS ticket,
        from_json(payload, '{"via": "JSON"}').via AS via,
        text_of(payload::JSON -> '$.body') AS body
    FROM current_payloads
    WHERE contains(payload, '"merge"')
),
merged AS (
    SELECT
        ticket,
        body,
        list_distinct_ordered(list_concat(
            refs_of(via -> '$.source.from.ticket_ids'), list_filter([ref_of(via -> '$.source.from.ticket_id')], lambda ref: ref IS NOT NULL)
        )) AS origins,
        list_distinct_ordered(list_concat(
            refs_of(via -> '$.source.to.ticket_ids'), list_filter([ref_of(via -> '$.source.to.ticket_id')], lambda ref: ref IS NOT NULL)
        )) AS goals
    FROM told
    WHERE line_of(via -> '$.source.rel') = 'merge'
)
SELECT ticket AS id, 'merged_from' AS type, unnest(origins) AS ref FROM merged
UNION SELECT unnest(origins), 'merged_into', ticket FROM merged
UNION SELECT ticket, 'merged_into', unnest(goals) FROM merged
-- The ticket that was closed only says in words where it went ("... merged into request #12"), in any language.
UNION SELECT ticket, 'merged_into', nullif(regexp_extract(body, '#([1-9][0-9]{0,18})', 1), '')
FROM merged
WHERE len(origins) = 0 AND len(goals) = 0
UNION SELECT unnest(goals), 'merged_from', ticket FROM merged;

CREATE TEMP TABLE ticket_links AS
WITH link AS (
    SELECT id, type, ref FROM merges
    UNION SELECT id, 'problem', problem_ref FROM ticket_rows WHERE problem_ref IS NOT NULL
    UNION SELECT id, 'follow_up', unnest(followup_refs) FROM ticket_rows
    UNION SELECT id, 'follow_up_of', follow_up_of FROM ticket_rows WHERE follow_up_of IS NOT NULL
)
SELECT id, list({'type': type, 'ref': ref} ORDER BY type, TRY_CAST(ref AS HUGEINT)) AS links FROM link WHERE id <> ref GROUP BY id;

-- Asked for by itself, and still nothing to read: such a ticket would arrive empty.
CREATE TEMP TABLE unreadable AS
SELECT id
FROM ticket_rows
SEMI JOIN raw_threads USING (id)
ANTI JOIN (SELECT DISTINCT ticket AS id FROM current_comments) AS commented USING (id)
WHERE defects IS NULL AND state <> 'deleted' AND comment_count > 0;

CREATE TEMP VIEW record_tickets AS
SELECT
    ticket_rows.id AS source_id,
    source_url,
    external_id,
    subject,
    state,
    status,
    status_label,
    priority,
    kind,
    tags,
    coalesce(brand.name, brand_id) AS brand,
    coalesce(form.name, form_id) AS form,
    team_ref,
    requester_ref,
    submitter_ref,
    assignee_ref,
    CASE WHEN organization.id IS NOT NULL THEN company_ref END AS company_ref,
    cc_refs,
    follower_refs,
    channel,
    coalesce(attributes, '{}') AS attributes,
    csat,
    coalesce(links, []) AS links,
    created_at,
    updated_at,
    due_at,
    comment_count,
    archived,
    CASE WHEN state <> 'deleted' THEN nullif(greatest(comment_count - coalesce(handed.comments, 0), 0), 0) END AS missing_comments
FROM ticket_rows
ANTI JOIN unreadable USING (id)
LEFT JOIN (SELECT ticket AS id, count(*) AS comments FROM current_comments GROUP BY ticket) AS handed USING (id)
LEFT JOIN ticket_attributes USING (id)
LEFT JOIN ticket_links USING (id)
LEFT JOIN (SELECT id, line_of(payload::JSON -> '$.name') AS name FROM raw_brands) AS brand ON brand.id = brand_id
LEFT JOIN (SELECT id, line_of(payload::JSON -> '$.name') AS name FROM raw_ticket_forms) AS form ON form.id = form_id
LEFT JOIN (SELECT id FROM raw_organizations) AS organization ON organization.id = company_ref
WHERE defects IS NULL
ORDER BY TRY_CAST(source_id AS HUGEINT);

CREATE TEMP VIEW record_rejects_tickets AS
SELECT 'tickets' AS entity_type, id AS source_id, CASE WHEN NOT starts_with(id, '?') THEN source_url END AS source_url, 'malformed_record' AS reason, defects AS detail
FROM ticket_rows
WHERE defects IS NOT NULL
UNION ALL
SELECT 'tickets', id, source_url, 'comments_missing', 'the source counts ' || comment_count || ' comments and hands out none'
FROM unreadable
JOIN ticket_rows USING (id)
UNION ALL
SELECT
    'tickets',
    'suspended:' || id,
    getvariable('base') || '/agent/filters/suspended',
    'suspended_in_source',
    concat_ws(': ', line_of(payload::JSON -> '$.cause'), line_of(payload::JSON -> '$.subject'))
FROM raw_suspended_tickets
WHERE getvariable('suspended') AND (payload ->> '$._gone') IS NULL;

CREATE TEMP VIEW record_comments AS
WITH redaction AS (
    SELECT DISTINCT split_part(id, '/', 1) AS ticket, ref_of(payload::JSON -> '$.comment_id') AS comment
    FROM raw_comment_flags
    WHERE (payload ->> '$.kind') IN ('redaction', 'attachment_redaction')
)
SELECT ordered.* EXCLUDE (id), redaction.comment IS NOT NULL AS redacted
FROM ordered
ANTI JOIN unreadable ON unreadable.id = ticket_ref
LEFT JOIN redaction ON redaction.ticket = ticket_ref AND redaction.comment = source_id;

CREATE TEMP VIEW record_attachments AS
FROM every_attachment ANTI JOIN unreadable ON unreadable.id = ticket_ref;

CREATE TEMP VIEW record_ticket_events AS
WITH told AS (
    SELECT
        id,
        split_part(id, '/', 1) AS ticket,
        updated_at,
        from_json(payload, '{
            "author_id": "JSON", "changes": [{"field": "VARCHAR", "before": ["VARCHAR"], "after": ["VARCHAR"]}]
        }') AS event
    FROM raw_ticket_events
)
SELECT
    split_part(told.id, '/', 2) AS source_id,
    ticket AS ticket_ref,
    ref_of(event.author_id) AS author_ref,
    event.changes,
    coalesce(told.updated_at, ticket_rows.created_at) AS created_at
FROM told
JOIN ticket_rows ON ticket_rows.id = ticket
ANTI JOIN unreadable ON unreadable.id = ticket
WHERE ticket_rows.defects IS NULL AND ticket_rows.state <> 'deleted'
ORDER BY TRY_CAST(ticket AS HUGEINT), created_at, TRY_CAST(split_part(told.id, '/', 2) AS HUGEINT);
