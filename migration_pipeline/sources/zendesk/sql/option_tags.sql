-- Tags that only mirror the value of a ticket field: options of drop-downs and multi-selects, and checkboxes' own tags.
CREATE TEMP TABLE option_tags AS
WITH field AS (
    SELECT from_json(payload, '{"type": "JSON", "tag": "JSON", "custom_field_options": ["JSON"]}') AS field FROM raw_ticket_fields
)
SELECT line_of(unnest(field.custom_field_options) -> '$.value') AS tag
FROM field
WHERE line_of(field.type) IN ('tagger', 'multiselect')
UNION
SELECT line_of(field.tag) FROM field WHERE line_of(field.type) = 'checkbox';

SET VARIABLE option_tags = (SELECT coalesce(list(tag), []) FROM option_tags WHERE tag IS NOT NULL);
