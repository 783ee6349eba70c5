-- Files of comments and notes as they are now, with what became of their bytes.
CREATE TEMP VIEW carriers AS
SELECT
    id,
    0 AS rank,
    0 AS sequence,
    CASE WHEN regexp_matches(payload, '"attachments":\[[^\]]') THEN (payload::JSON -> '$.attachments')::VARCHAR END AS attachments,
    CASE WHEN contains(payload, '/attachments/token/') OR getvariable('foreign_images') THEN text_of(payload::JSON -> '$.html_body') END AS html,
    CASE WHEN contains(payload, '"recording_url"') THEN (payload::JSON -> '$.data')::VARCHAR END AS call
FROM current_payloads
UNION ALL
SELECT id, 0, 0, attachments, html, NULL FROM current_notes;
