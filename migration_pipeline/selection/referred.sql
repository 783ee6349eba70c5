-- What the tickets that move, and the contacts that move, refer to.
-- Needs: gone_tickets (source_id) with every ticket that does not move, gone_contacts (source_id).
CREATE TEMP VIEW moving_tickets AS
FROM record_tickets ANTI JOIN gone_tickets USING (source_id) WHERE state <> 'deleted';

CREATE TEMP TABLE referred_contacts AS
SELECT DISTINCT id
FROM (
    SELECT requester_ref AS id FROM moving_tickets
    UNION ALL SELECT unnest(cc_refs) FROM moving_tickets
    UNION ALL
    SELECT author_ref FROM record_comments SEMI JOIN moving_tickets ON moving_tickets.source_id = ticket_ref
)
WHERE id IS NOT NULL;

CREATE TEMP TABLE used_tags AS
SELECT DISTINCT id
FROM (
    SELECT unnest(tags) AS id FROM moving_tickets
    UNION ALL SELECT unnest(tags) FROM record_contacts
    UNION ALL SELECT unnest(tags) FROM record_companies
    UNION ALL SELECT unnest(tags) FROM record_articles
)
WHERE id IS NOT NULL;
