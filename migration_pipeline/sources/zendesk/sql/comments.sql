-- The comments as they are now: of a thread that was read whole, its own; else what the update events told.
CREATE TEMP TABLE current_comments AS
WITH valid AS (
    SELECT DISTINCT unnest(from_json(payload, '{"comments": ["VARCHAR"]}').comments) AS id FROM raw_threads
),
moving AS (
    SELECT id AS ticket, created_at FROM ticket_rows WHERE defects IS NULL AND state <> 'deleted'
),
-- What a later reading of the whole thread no longer has, the service took back: it must not come in by the other road.
withdrawn AS (
    SELECT raw_comments.id
    FROM raw_comments
    ANTI JOIN valid USING (id)
    JOIN raw_threads AS thread
        ON thread.id = split_part(raw_comments.id, '/', 1) AND thread.extracted_at > raw_comments.extracted_at
    WHERE (thread.payload ->> '$.status') = '200'
),
found AS (
    SELECT id, true AS whole, extracted_at, payload ->> '$.created_at' AS created_at
    FROM raw_thread_comments SEMI JOIN valid USING (id)
    UNION ALL
    SELECT id, false AS whole, extracted_at, payload ->> '$.created_at' AS created_at
    FROM raw_comments ANTI JOIN valid USING (id) ANTI JOIN withdrawn USING (id)
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
            'Recording: ' || recording_name(comment.data),
            'Transcript: ' || line_of(comment.data -> '$.transcription_text')
        ], lambda line: line IS NOT NULL) END AS facts
    FROM told
)
SELECT
    typed.id,
    CASE WHEN starts_with(split_part(typed.id, '/', 2), '?') THEN typed.id ELSE split_part(typed.id, '/', 2) END AS source_id,
    current_comments.ticket AS ticket_ref,
    ref_of(comment.author_id) AS author_ref,
    NULL::VARCHAR AS author_name,
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

