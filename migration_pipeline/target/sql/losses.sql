-- What the values of fields lose on their way, by field and reason, with the number of records.
-- `rules` holds each field: what it becomes, what its option values are called, which are left out or share a name with
-- another, and the labels that the target's list knows. `label` is for `{label}` in `detail`, once it is masked and cut.
WITH given AS (
    SELECT
        rules.* EXCLUDE (scope, name, left_out),
        rules.name AS key,
        records,
        list_filter(
            CASE WHEN json_type(raw) = 'ARRAY' THEN raw ->> '$[*]' ELSE [raw ->> '$'] END,
            lambda item: item IS NOT NULL AND item <> '' AND NOT list_contains(left_out, item)
        ) AS items
    FROM field_values JOIN rules USING (scope, name)
),
told AS (
    SELECT *, list_transform(items, lambda item: coalesce(called[item], item)) AS labels FROM given WHERE len(items) > 0
),
measured AS (
    SELECT
        *,
        len(items) AS many,
        labels[1] AS label,
        length(array_to_string(labels, ', ')) AS characters,
        TRY_CAST(labels[1] AS DOUBLE) AS number
    FROM told
),
judged AS (
    SELECT section, key, title, target, label, records, unnest(list_filter([
        CASE WHEN target IS NULL THEN {'reason': 'not_mapped', 'detail': NULL::VARCHAR} END,
        CASE WHEN data_type = 'string' AND many > 1 THEN {'reason': 'values_joined', 'detail': NULL} END,
        CASE WHEN data_type = 'string' AND many = 1 AND wanted NOT IN ('string', 'text')
            THEN {'reason': 'type_loosened', 'detail': wanted || ' becomes string'} END,
        CASE WHEN data_type = 'string' AND characters > 255 THEN {'reason': 'value_truncated', 'detail': NULL} END,
        CASE WHEN data_type = 'list' AND many > 1
            THEN {'reason': 'value_dropped', 'detail': 'a list holds one value; further ones are dropped'} END,
        CASE WHEN data_type = 'list' AND NOT list_contains(known, label)
            THEN {'reason': 'value_dropped', 'detail': '{label} is no option'} END,
        CASE WHEN data_type IN ('integer', 'decimal') AND number IS NULL
            THEN {'reason': 'value_dropped', 'detail': 'some values are no numbers'} END,
        CASE WHEN data_type = 'integer' AND number <> trunc(number)
            THEN {'reason': 'value_dropped', 'detail': 'some values are no whole numbers'} END,
        CASE WHEN data_type = 'boolean' AND lower(label) NOT IN ('true', 'false', '1', '0', 'yes', 'no')
            THEN {'reason': 'value_dropped', 'detail': 'some values are neither true nor false'} END,
        CASE WHEN data_type = 'datetime' AND TRY_CAST(label AS TIMESTAMPTZ) IS NULL
            THEN {'reason': 'value_dropped', 'detail': 'some values are no dates'} END,
        CASE WHEN target IS NOT NULL AND len(list_intersect(items, merged)) > 0
            THEN {'reason': 'options_merged', 'detail': '{label}'} END
    ], lambda loss: loss IS NOT NULL)) AS loss
    FROM measured
)
SELECT
    section,
    key,
    title,
    target,
    loss.reason AS reason,
    loss.detail AS detail,
    CASE WHEN starts_with(loss.detail, '{label}') THEN left(label, 10000) END AS label,
    sum(records)::BIGINT AS records
FROM judged
GROUP BY ALL
ORDER BY section, key, reason, records DESC, detail, label
