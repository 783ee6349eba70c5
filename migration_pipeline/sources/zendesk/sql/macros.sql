-- How a field of the service's JSON becomes a typed value: anything of another type counts as missing.

CREATE OR REPLACE MACRO text_of(value) AS
    CASE WHEN json_type(value) = 'VARCHAR' THEN value ->> '$' END;

CREATE OR REPLACE MACRO line_of(value) AS
    nullif(trim(text_of(value)), '');

CREATE OR REPLACE MACRO flag_of(value) AS
    CASE WHEN json_type(value) = 'BOOLEAN' THEN (value ->> '$') = 'true' END;

CREATE OR REPLACE MACRO count_of(value) AS
    CASE WHEN json_type(value) = 'UBIGINT' THEN TRY_CAST(value ->> '$' AS BIGINT) END;

CREATE OR REPLACE MACRO ref_of(value) AS
    CASE WHEN json_type(value) IN ('UBIGINT', 'VARCHAR') AND regexp_full_match(value ->> '$', '[1-9][0-9]{0,18}')
        THEN value ->> '$' END;

-- Times outside of what mail and help desks have known are mistakes, and other programs cannot read them.
CREATE OR REPLACE MACRO moment_of(value) AS
    CASE WHEN regexp_matches(text_of(value), '^[0-9]{4}-')
            AND TRY_CAST(text_of(value) AS TIMESTAMPTZ) BETWEEN TIMESTAMPTZ '1970-01-02 00:00:00+00' AND TIMESTAMPTZ '2200-01-01 00:00:00+00'
        THEN TRY_CAST(text_of(value) AS TIMESTAMPTZ) END;

CREATE OR REPLACE MACRO list_distinct_ordered(items) AS
    list_filter(items, lambda item, position: list_position(items, item) = position);

CREATE OR REPLACE MACRO texts_of(value) AS
    list_distinct_ordered([trim(text_of(item)) FOR item IN coalesce(from_json(value, '["JSON"]'), []) IF line_of(item) IS NOT NULL]);

CREATE OR REPLACE MACRO refs_of(value) AS
    list_distinct_ordered([ref_of(item) FOR item IN coalesce(from_json(value, '["JSON"]'), []) IF ref_of(item) IS NOT NULL]);

-- An id of a further brand's help center, told apart from the same number in another one.
CREATE OR REPLACE MACRO scoped(brand, ref) AS
    CASE WHEN ref IS NOT NULL THEN coalesce(brand || '-', '') || ref END;

-- What an attachment is known by: its id, or, where that cannot be used, its address.
CREATE OR REPLACE MACRO attachment_key(id, url) AS
    coalesce(ref_of(id), 'address-' || md5(text_of(url)));

-- `via` is an object in one place, a text in another, and a number in a third (Zendesk developer docs, "Via object and
-- via types"); the same comment has to show the same channel whichever of them brought it.
CREATE OR REPLACE MACRO channel_name(name) AS
    CASE name
        WHEN '0' THEN 'web'
        WHEN 'web_form' THEN 'web'
        WHEN '4' THEN 'email'
        WHEN 'mail' THEN 'email'
        WHEN '5' THEN 'api'
        WHEN 'web_service' THEN 'api'
        WHEN '8' THEN 'rule'
        WHEN '15' THEN 'iphone'
        WHEN '17' THEN 'dropbox'
        WHEN '19' THEN 'merge'
        WHEN '20' THEN 'batch'
        WHEN '21' THEN 'recovered_from_suspended'
        ELSE name
    END;

CREATE OR REPLACE MACRO channel_of(via) AS
    channel_name(replace(lower(
        CASE json_type(via)
            WHEN 'OBJECT' THEN nullif(trim(text_of(json_extract(via, '$.channel'))), '')
            WHEN 'VARCHAR' THEN nullif(trim(via ->> '$'), '')
            WHEN 'UBIGINT' THEN via ->> '$'
        END
    ), ' ', '_'));

-- The values of an object that has some: nulls, empty texts and empty lists say nothing.
CREATE OR REPLACE MACRO has_value(value) AS
    CASE json_type(value)
        WHEN 'NULL' THEN false
        WHEN 'VARCHAR' THEN trim(value ->> '$') <> ''
        WHEN 'ARRAY' THEN json_array_length(value) > 0
        WHEN 'OBJECT' THEN false
        ELSE coalesce(json_type(value) IS NOT NULL, false)
    END;

-- A key of an object as a path to its value, whatever characters it has (RFC 6901).
CREATE OR REPLACE MACRO json_pointer(key) AS
    '/' || replace(replace(key, '~', '~0'), '/', '~1');

CREATE OR REPLACE MACRO escaped(text) AS
    replace(replace(replace(text, '&', '&amp;'), '<', '&lt;'), '>', '&gt;');

-- What names a file in the addresses that the service gives its attachments (`content_url`).
CREATE OR REPLACE MACRO token_of(url) AS
    nullif(regexp_extract(url, '/attachments/token/([^/?#\s]+)', 1), '');

-- Addresses of files that a text shows or links to: those of attachments, and, where set, images of anybody.
CREATE OR REPLACE MACRO linked_files(html) AS
    list_distinct_ordered([
        replace(url, '&amp;', '&') FOR url IN list_concat(
            regexp_extract_all(html, '(?i)(?:src|href)\s*=\s*["'']?(https?://[^"''\s>/?#]+/attachments/token/[^"''\s>]+)', 1),
            CASE WHEN getvariable('foreign_images')
                THEN regexp_extract_all(html, '(?i)<img\b[^>]*?\bsrc\s*=\s*["'']?(https?://[^"''\s>]+)', 1) ELSE [] END
        )
    ]);

CREATE OR REPLACE MACRO image_type(url) AS
    CASE lower(regexp_extract(url, '\.([A-Za-z0-9]+)(?:[?#&].*)?$', 1))
        WHEN 'png' THEN 'image/png'
        WHEN 'jpg' THEN 'image/jpeg'
        WHEN 'jpeg' THEN 'image/jpeg'
        WHEN 'gif' THEN 'image/gif'
        WHEN 'webp' THEN 'image/webp'
        WHEN 'bmp' THEN 'image/bmp'
        WHEN 'svg' THEN 'image/svg+xml'
    END;

CREATE OR REPLACE MACRO recording_name(call) AS
    CASE WHEN line_of(json_extract(call, '$.recording_url')) IS NOT NULL
        THEN 'call-' || coalesce(ref_of(json_extract(call, '$.call_id')), substr(md5(line_of(json_extract(call, '$.recording_url'))), 1, 8)) || '.mp3' END;

CREATE OR REPLACE MACRO initcapped(word) AS
    upper(substr(word, 1, 1)) || substr(word, 2);

-- A time in seconds or milliseconds since 1970.
CREATE OR REPLACE MACRO epoch_moment_of(value) AS
    CASE WHEN count_of(value) BETWEEN 86400 AND 8589934592 THEN make_timestamptz(count_of(value) * 1000000)
        WHEN count_of(value) BETWEEN 8589934593 AND 7258118400000 THEN make_timestamptz(count_of(value) * 1000) END;
