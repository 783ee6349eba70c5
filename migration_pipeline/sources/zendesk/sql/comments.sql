-- The comments as they are now: of a thread that was read whole, its own; else what the update events told.
CREATE TEMP TABLE current_comments AS
WITH valid AS (
    SELECT DISTINCT unnest(from_json(payload, '{"comments": ["VARCHAR"]}').comments) AS id FROM raw_threads
),
moving AS (
    SELECT id AS ticket, created_at FROM ticket_rows WHERE defects IS NULL AND state <> 'deleted'
),
found AS (
    SELECT id, true AS whole, extracted_at, payload ->> '$.created_at' AS created_at
    FROM raw_thread_comments SEMI JOIN valid USING (id)
    UNION ALL
    SELECT id, false AS whole, extracted_at, payload ->> '$.created_at' AS created_at
    FROM raw_comments ANTI JOIN valid USING (id)
),
timed AS (
    SELECT
        found.id,
        found.whole,
        found.extracted_at,
        moving.ticket,
        coalesce(moment_of(to_json(found.created_at)), moving.created_at) AS created_at
    FROM found
    JOIN moving ON moving.ticket = split_part(found.id, '/', 1)
)
SELECT
    id,
    whole,
    extracted_at,
    ticket,
    created_at,
    row_number() OVER (
        PARTITION BY ticket ORDER BY created_at, TRY_CAST(split_part(id, '/', 2) AS HUGEINT) NULLS LAST, id
    ) - 1 AS position
FROM timed;

-- What changed a comment after it was read: the thread is read again for it, but until then nothing may leak.
CREATE TEMP TABLE later_changes AS
WITH change AS (
    SELECT
        split_part(id, '/', 1) AS ticket,
        payload ->> '$.kind' AS kind,
        ref_of(payload::JSON -> '$.comment_id') AS comment,
        flag_of(payload::JSON -> '$.public') AS public,
        ref_of(payload::JSON -> '$.attachment_id') AS attachment,
        -- A change without a readable time is a change all the same.
        {'at': coalesce(updated_at, TIMESTAMPTZ '1970-01-01 00:00:00+00'), 'event': TRY_CAST(split_part(id, '/', 2) AS HUGEINT)} AS moment,
        extracted_at
    FROM raw_comment_flags
    WHERE (payload ->> '$.kind') IN ('privacy', 'redaction', 'attachment_redaction')
)
SELECT
    current_comments.id,
    bool_or(change.kind = 'redaction') AS redacted,
    max_by(change.public, change.moment) FILTER (change.kind = 'privacy' AND change.public IS NOT NULL) AS public,
    list(change.attachment) FILTER (change.attachment IS NOT NULL) AS attachments,
    bool_or(change.kind = 'attachment_redaction' AND change.attachment IS NULL) AS every_attachment
FROM change
JOIN current_comments ON current_comments.id = change.ticket || '/' || change.comment
WHERE NOT current_comments.whole OR change.extracted_at > current_comments.extracted_at
GROUP BY current_comments.id;

CREATE TEMP VIEW current_payloads AS
SELECT id, payload FROM raw_thread_comments SEMI JOIN (SELECT id FROM current_comments WHERE whole) AS kept USING (id)
UNION ALL
SELECT id, payload FROM raw_comments SEMI JOIN (SELECT id FROM current_comments WHERE NOT whole) AS kept USING (id);

CREATE TEMP VIEW every_comment AS
WITH told AS (
    SELECT
        id,
        from_json(payload, '{
            "type": "JSON", "author_id": "JSON", "body": "JSON", "html_body": "JSON", "plain_body": "JSON",
            "public": "JSON", "via": "JSON", "data": "JSON"
        }') AS comment
    FROM current_payloads
),
typed AS (
    SELECT
        id,
        comment,
        text_of(comment.type) = 'VoiceComment' AS voice,
        text_of(comment.html_body) AS html,
        coalesce(text_of(comment.plain_body), text_of(comment.body)) AS text,
        CASE WHEN text_of(comment.type) = 'VoiceComment' THEN list_filter([
            'Call from ' || coalesce(line_of(comment.data -> '$.from'), 'unknown') || ' to ' || coalesce(line_of(comment.data -> '$.to'), 'unknown'),
            'Started: ' || line_of(comment.data -> '$.started_at'),
            'Duration: ' || count_of(comment.data -> '$.call_duration') || ' seconds',
            'Recording: ' || line_of(comment.data -> '$.recording_url'),
            'Transcript: ' || line_of(comment.data -> '$.transcription_text')
        ], lambda line: line IS NOT NULL) END AS facts
    FROM told
)
SELECT
    CASE WHEN starts_with(split_part(typed.id, '/', 2), '?') THEN typed.id ELSE split_part(typed.id, '/', 2) END AS source_id,
    current_comments.ticket AS ticket_ref,
    current_comments.position,
    ref_of(comment.author_id) AS author_ref,
    CASE WHEN coalesce(later.public, flag_of(comment.public), false) THEN 'public' ELSE 'internal' END AS visibility,
    CASE WHEN coalesce(voice, false) THEN 'voice' ELSE 'text' END AS kind,
    channel_of(comment.via) AS channel,
    CASE
        WHEN coalesce(later.redacted, false) THEN '<p>[redacted in the source]</p>'
        WHEN voice THEN coalesce(html, '<p>' || escaped(coalesce(text, '')) || '</p>')
            || '<ul>' || array_to_string([('<li>' || escaped(line) || '</li>') FOR line IN facts], '') || '</ul>'
        ELSE html
    END AS body_html,
    CASE
        WHEN coalesce(later.redacted, false) THEN '[redacted in the source]'
        WHEN voice THEN concat_ws(chr(10), text, array_to_string(facts, chr(10)))
        ELSE text
    END AS body_text,
    current_comments.created_at
FROM typed
JOIN current_comments USING (id)
LEFT JOIN later_changes AS later USING (id);

CREATE TEMP VIEW every_attachment AS
WITH told AS (
    SELECT
        id,
        from_json(payload, '{"attachments": [{
            "id": "JSON", "content_url": "JSON", "file_name": "JSON", "content_type": "JSON", "size": "JSON",
            "inline": "JSON"
        }]}').attachments AS attachments
    FROM current_payloads
    WHERE regexp_matches(payload, '"attachments":\[[^\]]')
),
listed AS (
    SELECT id, unnest(attachments) AS attachment, generate_subscripts(attachments, 1) - 1 AS position FROM told
),
keyed AS (
    SELECT id, attachment, position, attachment_key(attachment.id, attachment.content_url) AS key
    FROM listed
    WHERE attachment.id IS NOT NULL OR attachment.content_url IS NOT NULL OR attachment.file_name IS NOT NULL
),
single AS (
    SELECT DISTINCT ON (id, source_id) *, coalesce(key, replace(id, '/', '-') || '-' || position) AS source_id
    FROM keyed
    ORDER BY id, source_id, position
),
file AS (
    SELECT id AS key, from_json(payload, '{"sha256": "VARCHAR", "reason": "VARCHAR"}') AS file FROM raw_files
)
SELECT
    single.source_id,
    current_comments.ticket AS ticket_ref,
    CASE WHEN starts_with(split_part(single.id, '/', 2), '?') THEN single.id ELSE split_part(single.id, '/', 2) END AS comment_ref,
    single.position,
    coalesce(line_of(attachment.file_name), 'file') AS name,
    coalesce(line_of(attachment.content_type), 'application/octet-stream') AS content_type,
    count_of(attachment.size) AS size,
    coalesce(flag_of(attachment.inline), false) AS inline,
    CASE WHEN ref_of(attachment.id) IS NOT NULL
        THEN getvariable('base') || '/api/v2/attachments/' || ref_of(attachment.id)
        ELSE getvariable('base') || '/agent/tickets/' || current_comments.ticket
    END AS source_url,
    CASE WHEN NOT withheld THEN file.sha256 END AS sha256,
    CASE WHEN withheld THEN 'file_missing' WHEN file.sha256 IS NULL THEN coalesce(file.reason, 'file_missing') END AS missing
FROM (
    SELECT
        single.*,
        coalesce(later.every_attachment OR list_contains(later.attachments, single.source_id), false) AS withheld
    FROM single
    LEFT JOIN later_changes AS later USING (id)
) AS single
JOIN current_comments ON current_comments.id = single.id
LEFT JOIN file ON file.key = single.key;
