-- The files of what was said: those that are listed, recordings of calls, and images and files that only the text links to.
-- Needs: carriers (id, rank, sequence, attachments and call as JSON text, html), macros, variable foreign_images.
CREATE TEMP TABLE carried AS
WITH listed AS (
    SELECT id, rank, sequence, unnest(attachments) AS attachment, generate_subscripts(attachments, 1) - 1 AS position
    FROM (
        SELECT * REPLACE (from_json(attachments, '[{
            "id": "JSON", "content_url": "JSON", "mapped_content_url": "JSON", "file_name": "JSON",
            "content_type": "JSON", "size": "JSON", "inline": "JSON", "deleted": "JSON", "malware_scan_result": "JSON",
            "malware_access_override": "JSON"
        }]') AS attachments)
        FROM carriers
        WHERE json_type(attachments) = 'ARRAY' AND json_array_length(attachments) > 0
    )
),
known AS (
    SELECT id, token_of(text_of(attachment.content_url)) AS token FROM listed
    UNION SELECT id, token_of(text_of(attachment.mapped_content_url)) FROM listed
),
linked AS (
    SELECT id, rank, sequence, unnest(links) AS url, generate_subscripts(links, 1) AS number
    FROM (SELECT id, rank, sequence, linked_files(html) AS links FROM carriers WHERE html IS NOT NULL)
),
unlisted AS (
    SELECT linked.*
    FROM linked
    ANTI JOIN known ON known.id = linked.id AND known.token = token_of(linked.url)
),
recorded AS (
    SELECT id, rank, sequence, call, line_of(json_extract(call, '$.recording_url')) AS url
    FROM (SELECT * REPLACE (call::JSON AS call) FROM carriers WHERE call IS NOT NULL)
)
SELECT
    id,
    rank,
    sequence,
    position,
    false AS derived,
    attachment_key(attachment.id, attachment.content_url) AS key,
    text_of(attachment.content_url) AS url,
    line_of(attachment.file_name) AS name,
    line_of(attachment.content_type) AS content_type,
    coalesce(starts_with(line_of(attachment.content_type), 'image/'), false) AS picture,
    count_of(attachment.size) AS size,
    coalesce(flag_of(attachment.inline), false) AS inline,
    coalesce(flag_of(attachment.deleted), false) AS deleted,
    coalesce(
        text_of(attachment.malware_scan_result) = 'malware_found'
        AND NOT coalesce(flag_of(attachment.malware_access_override), false),
        false
    ) AS malware,
    ref_of(attachment.id) AS attachment_id
FROM listed
WHERE attachment.id IS NOT NULL OR attachment.content_url IS NOT NULL OR attachment.file_name IS NOT NULL
UNION ALL
SELECT
    id,
    rank,
    sequence,
    1000 + number,
    true,
    attachment_key(NULL, to_json(url)),
    url,
    coalesce(nullif(url_decode(regexp_extract(url, '[?&]name=([^&#]*)', 1)), ''), nullif(regexp_extract(url, '([^/?#]+)/*(?:[?#].*)?$', 1), '')),
    image_type(url),
    image_type(url) IS NOT NULL OR token_of(url) IS NULL, -- an address without a token was found in an <img>
    NULL,
    true,
    false,
    false,
    NULL
FROM unlisted
UNION ALL
SELECT
    id, rank, sequence, 0, false, attachment_key(NULL, to_json(url)), url, recording_name(call), 'audio/mpeg', false, NULL, false, false, false, NULL
FROM recorded
WHERE url IS NOT NULL;
