-- What was said beside the comments, as notes: side conversations, messaging and chats, satisfaction ratings.
CREATE TEMP TABLE current_notes AS
WITH moving AS (
    SELECT id AS ticket, created_at FROM ticket_rows WHERE defects IS NULL AND state <> 'deleted'
),
side AS (
    SELECT
        id,
        moving.ticket,
        coalesce(raw.updated_at, moving.created_at) AS created_at,
        from_json(payload, '{
            "side_conversation_id": "JSON", "type": "JSON", "actor": "JSON", "message": "JSON", "updates": "JSON", "via": "JSON"
        }') AS event
    FROM raw_side_events AS raw
    JOIN moving ON moving.ticket = split_part(raw.id, '/', 1)
),
titled AS (
    SELECT
        *,
        coalesce(
            first_value(line_of(event.message -> '$.subject') IGNORE NULLS) OVER (
                PARTITION BY ticket, event.side_conversation_id::VARCHAR
                ORDER BY created_at, id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
            ),
            'without a subject'
        ) AS subject,
        list_filter(
            [concat_ws(' ', line_of(json_extract(person, '$.name')), '<' || line_of(json_extract(person, '$.email')) || '>')
                FOR person IN coalesce(from_json(event.message -> '$.to', '["JSON"]'), [])],
            lambda named: named <> ''
        ) AS receivers
    FROM side
),
logged AS (
    SELECT DISTINCT unnest(from_json(payload, '{"events": ["VARCHAR"]}').events) AS id FROM raw_logs
),
message AS (
    SELECT
        id,
        moving.ticket,
        coalesce(raw.updated_at, moving.created_at) AS created_at,
        from_json(payload, '{"type": "JSON", "author": "JSON", "content": "JSON", "attachments": "JSON"}') AS event
    FROM raw_log_events AS raw
    SEMI JOIN logged USING (id)
    JOIN moving ON moving.ticket = split_part(raw.id, '/', 1)
    WHERE (payload ->> '$.type') IS DISTINCT FROM 'Comment'
),
-- Only where there is no log, and nothing was taken out of the ticket later: a chat's own telling is never redacted.
chatted AS (
    SELECT chat.id, moving.ticket, unnest(chat.history) AS entry, generate_subscripts(chat.history, 1) AS number, moving.created_at
    FROM (SELECT id, from_json(payload, '{"history": ["JSON"]}').history AS history FROM raw_chats) AS chat
    JOIN moving ON moving.ticket = split_part(chat.id, '/', 1)
    ANTI JOIN (SELECT id FROM raw_logs WHERE (payload ->> '$.status') = '200') AS logs ON logs.id = moving.ticket
    ANTI JOIN (
        SELECT split_part(id, '/', 1) AS ticket FROM raw_comment_flags
        WHERE (payload ->> '$.kind') IN ('redaction', 'attachment_redaction')
    ) AS cut ON cut.ticket = moving.ticket
),
rating AS (
    SELECT raw.id, moving.ticket, raw.updated_at AS created_at, raw.payload::JSON AS rating
    FROM raw_ratings AS raw
    JOIN moving ON moving.ticket = ref_of(raw.payload::JSON -> '$.ticket_id')
    WHERE raw.updated_at IS NOT NULL
),
told AS (
    SELECT
        id,
        'side:' || substr(id, length(ticket) + 2) AS source_id,
        ticket,
        2 AS rank,
        created_at,
        'side' AS kind,
        ref_of(event.actor -> '$.user_id') AS author_ref,
        coalesce(
            line_of(event.actor -> '$.name'), line_of(event.message -> '$.from.name'),
            line_of(event.actor -> '$.email'), line_of(event.message -> '$.from.email')
        ) AS author_name,
        CASE line_of(event.type)
            WHEN 'create' THEN 'Side conversation: '
            WHEN 'update' THEN 'Side conversation changed: '
            ELSE 'Reply in the side conversation: '
        END
            || subject
            || CASE WHEN len(receivers) > 0 THEN ' (to ' || array_to_string(receivers, ', ') || ')' ELSE '' END
            || coalesce(' (now ' || line_of(event.updates -> '$.state') || ')', '') AS label,
        text_of(event.message -> '$.html_body') AS html,
        coalesce(text_of(event.message -> '$.body'), text_of(event.message -> '$.preview_text')) AS text,
        (event.message -> '$.attachments')::VARCHAR AS attachments
    FROM titled
    UNION ALL
    SELECT
        id,
        'chat:' || substr(id, length(ticket) + 2),
        ticket,
        1,
        created_at,
        'chat',
        ref_of(event.author -> '$."zen:support:user_id"'),
        coalesce(line_of(event.author -> '$.name'), line_of(event.author -> '$.display_name'), 
            -- Whoever has an account is named by it.
            CASE WHEN line_of(event.author -> '$.type') NOT IN ('user', 'agent') THEN initcapped(line_of(event.author -> '$.type')) END),
        'Chat message',
        CASE WHEN line_of(event.content -> '$.type') = 'html' THEN text_of(event.content -> '$.body') END,
        concat_ws(
            chr(10),
            coalesce(
                text_of(event.content -> '$.text'), text_of(event.content -> '$.body'), text_of(event.content -> '$.altText'),
                line_of(event.content -> '$.mediaUrl')
            ),
            nullif(array_to_string([
                '[' || line_of(json_extract(action, '$.text')) || ']'
                FOR action IN coalesce(from_json(event.content -> '$.actions', '["JSON"]'), []) IF line_of(json_extract(action, '$.text')) IS NOT NULL
            ], ' '), '')
        ),
        event.attachments::VARCHAR
    FROM message
    UNION ALL
    SELECT
        id || '.' || number,
        'chat:' || substr(id, length(ticket) + 2) || '.' || number,
        ticket,
        1,
        coalesce(epoch_moment_of(json_extract(entry, '$.timestamp')), created_at),
        'chat',
        ref_of(json_extract(entry, '$.actor_id')),
        line_of(json_extract(entry, '$.actor_name')),
        'Chat message',
        NULL,
        coalesce(text_of(json_extract(entry, '$.message')), text_of(json_extract(entry, '$.filename'))),
        NULL
    FROM chatted
    WHERE coalesce(text_of(json_extract(entry, '$.message')), text_of(json_extract(entry, '$.filename'))) IS NOT NULL
    UNION ALL
    SELECT
        ticket || '/rating:' || id,
        'rating:' || id || ':' || substr(md5(concat_ws('|', json_extract_string(rating, '$.score'), json_extract_string(rating, '$.comment'), json_extract_string(rating, '$.reason'))), 1, 8),
        ticket,
        3,
        created_at,
        'rating',
        ref_of(json_extract(rating, '$.requester_id')),
        NULL,
        'Satisfaction rating: ' || line_of(json_extract(rating, '$.score')),
        NULL,
        nullif(concat_ws(chr(10), line_of(json_extract(rating, '$.comment')), 'Reason: ' || line_of(json_extract(rating, '$.reason'))), ''),
        NULL
    FROM rating
    WHERE line_of(json_extract(rating, '$.score')) IS NOT NULL
)
SELECT
    * REPLACE (coalesce(html, '<p>' || replace(escaped(text), chr(10), '<br>') || '</p>') AS html)
FROM told;

-- Comments and notes in one order; notes are internal, whoever could read them in the source.
CREATE TEMP TABLE ordered AS
WITH said AS (
    SELECT every_comment.*, 0 AS rank FROM every_comment
    UNION ALL BY NAME
    SELECT
        id,
        source_id,
        ticket AS ticket_ref,
        author_ref,
        author_name,
        'internal' AS visibility,
        kind,
        kind AS channel,
        '<p><i>' || escaped(label) || '</i></p>' || coalesce(html, '') AS body_html,
        concat_ws(chr(10), label, text) AS body_text,
        created_at,
        rank
    FROM current_notes
)
SELECT
    * EXCLUDE (rank),
    row_number() OVER (
        PARTITION BY ticket_ref
        ORDER BY created_at, rank, TRY_CAST(split_part(id, '/', 2) AS HUGEINT) NULLS LAST, id
    ) - 1 AS position
FROM said;
