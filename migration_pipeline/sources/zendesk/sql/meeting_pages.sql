-- What pages of events brought so far: pages, comments a page with their spread, the share of tickets whose threads have
-- to be read nevertheless, and of how many tickets that was learnt. All rows of a page were stored at one moment.
WITH page AS (SELECT count(*) AS comments FROM all_comments GROUP BY extracted_at),
seen AS (SELECT DISTINCT split_part(id, '/', 1) AS ticket FROM all_comments),
flagged AS (SELECT DISTINCT split_part(id, '/', 1) AS ticket FROM raw_comment_flags)
SELECT
    (SELECT count(*) FROM page),
    (SELECT avg(comments) FROM page),
    (SELECT stddev_samp(comments) FROM page),
    (SELECT count(*) FROM seen),
    (SELECT count(*) FROM flagged)
