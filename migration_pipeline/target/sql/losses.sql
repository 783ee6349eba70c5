-- What the values of fields lose on their way, by field and reason, with the number of records.
-- `rules`: each field and what it becomes. `labels`: option values and what they are called. `known`: options of the target.
WITH item AS (
    SELECT
        scope,
        name,
        source_id,
        unnest(CASE WHEN json_type(raw) = 'ARRAY' THEN from_json(raw, '["JSON"]') ELSE [raw] END) ->> '$' AS value,
        generate_subscripts(CASE WHEN json_type(raw) = 'ARRAY' THEN from_json(raw, '["JSON"]') ELSE [raw] END, 1) AS place
    FROM field_values
),
told AS (
    SELECT item.*, coalesce(labels.label, item.value) AS label, labels.merged
    FROM item LEFT JOIN labels USING (scope, name, value)
    WHERE item.value IS NOT NULL AND NOT coalesce(labels.left_out, false)
),
record AS (
    SELECT
        scope,
        name,
        source_id,
        count(*) AS items,
        string_agg(label, ', ' ORDER BY place) AS text,
        first(label ORDER BY place) AS label,
        bool_or(coalesce(merged, false)) AS merged
    FROM told
    GROUP BY ALL
),
judged AS (
    SELECT
        rules.section, rules.name AS key, rules.title, rules.target, record.source_id,
        unnest(list_filter([
            CASE WHEN rules.target IS NULL THEN {'reason': 'not_mapped', 'detail': NULL} END,
            CASE WHEN rules.data_type = 'string' AND items > 1 THEN {'reason': 'values_joined', 'detail': NULL} END,
            CASE WHEN rules.data_type = 'string' AND items = 1 AND rules.wanted NOT IN ('string', 'text')
                THEN {'reason': 'type_loosened', 'detail': rules.wanted || ' becomes string'} END,
            CASE WHEN rules.data_type = 'string' AND length(text) > 255 THEN {'reason': 'value_truncated', 'detail': NULL} END,
            CASE WHEN rules.data_type = 'list' AND items > 1
                THEN {'reason': 'value_dropped', 'detail': 'a list holds one value; further ones are dropped'} END,
            CASE WHEN rules.data_type = 'list' AND known.label IS NULL
                THEN {'reason': 'value_dropped', 'detail': left(record.label, 80) || ' is no option'} END,
            CASE WHEN rules.data_type IN ('integer', 'decimal') AND TRY_CAST(record.label AS DOUBLE) IS NULL
                THEN {'reason': 'value_dropped', 'detail': 'some values are no numbers'} END,
            CASE WHEN rules.data_type = 'integer' AND TRY_CAST(record.label AS DOUBLE) <> trunc(TRY_CAST(record.label AS DOUBLE))
                THEN {'reason': 'value_dropped', 'detail': 'some values are no whole numbers'} END,
            CASE WHEN rules.data_type = 'boolean' AND lower(record.label) NOT IN ('true', 'false', '1', '0', 'yes', 'no')
                THEN {'reason': 'value_dropped', 'detail': 'some values are neither true nor false'} END,
            CASE WHEN rules.data_type = 'datetime' AND TRY_CAST(record.label AS TIMESTAMPTZ) IS NULL
                THEN {'reason': 'value_dropped', 'detail': 'some values are no dates'} END,
            CASE WHEN merged AND rules.target IS NOT NULL
                THEN {'reason': 'options_merged', 'detail': left(record.label, 80)} END
        ], lambda loss: loss IS NOT NULL)) AS loss
    FROM record
    JOIN rules USING (scope, name)
    LEFT JOIN known ON known.scope = rules.scope AND known.name = rules.name AND known.label = record.label
)
SELECT section, key, title, target, loss.reason AS reason, loss.detail AS detail, count(DISTINCT source_id) AS records
FROM judged
GROUP BY ALL
ORDER BY section, key, reason, records DESC, detail
