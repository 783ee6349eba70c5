-- Users and organizations that the sampled tickets refer to and the snapshots do not hold.
CREATE TEMP TABLE sampled_tickets AS
SELECT id, from_json(payload, '{
    "requester_id": "JSON", "submitter_id": "JSON", "assignee_id": "JSON", "email_cc_ids": "JSON",
    "follower_ids": "JSON", "organization_id": "JSON"
}') AS ticket
FROM raw_tickets
SEMI JOIN sample USING (id);

CREATE TEMP TABLE sampled_people AS
WITH written AS (
    SELECT id, payload::JSON -> '$.author_id' AS author FROM raw_comments
    UNION ALL SELECT id, payload::JSON -> '$.author_id' FROM raw_thread_comments
    UNION ALL SELECT id, payload::JSON -> '$.actor.user_id' FROM raw_side_events
    UNION ALL SELECT id, payload::JSON -> '$.author."zen:support:user_id"' FROM raw_log_events
    UNION ALL SELECT id, payload::JSON -> '$.author_id' FROM raw_ticket_events
)
SELECT ref_of(ticket.requester_id) AS id FROM sampled_tickets
UNION SELECT ref_of(ticket.submitter_id) FROM sampled_tickets
UNION SELECT ref_of(ticket.assignee_id) FROM sampled_tickets
UNION SELECT unnest(refs_of(ticket.email_cc_ids)) FROM sampled_tickets
UNION SELECT unnest(refs_of(ticket.follower_ids)) FROM sampled_tickets
UNION SELECT ref_of(written.author)
FROM written SEMI JOIN sample ON sample.id = split_part(written.id, '/', 1);

CREATE TEMP VIEW unknown_people AS
SELECT id FROM sampled_people ANTI JOIN raw_users USING (id) WHERE id IS NOT NULL ORDER BY TRY_CAST(id AS HUGEINT);

CREATE TEMP VIEW unknown_organizations AS
WITH wanted AS (
    SELECT ref_of(ticket.organization_id) AS id FROM sampled_tickets
    UNION SELECT ref_of(payload::JSON -> '$.organization_id') FROM raw_users SEMI JOIN sampled_people USING (id)
    UNION SELECT ref_of(payload::JSON -> '$.organization_id')
    FROM raw_organization_memberships
    SEMI JOIN sampled_people ON sampled_people.id = ref_of(payload::JSON -> '$.user_id')
)
SELECT id FROM wanted ANTI JOIN raw_organizations USING (id) WHERE id IS NOT NULL ORDER BY TRY_CAST(id AS HUGEINT);
