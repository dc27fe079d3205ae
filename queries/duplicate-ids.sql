-- title: Show event ids that are there more than once, with other bytes
-- answers: one row per id and account: how many records, and why AWS sent another, where it says so
-- cannot see: the same bytes delivered again: they count once, and what the answer covers says how many. The
--   records of one call in two accounts have ids of their own and are no duplicates
SELECT
    event_id,
    account,
    min(event_name) AS event_name,
    count(*) AS records,
    count(DISTINCT object_key) AS files,
    max(json_extract_scalar(addendum, '$.reason')) AS reason,
    max(json_extract_scalar(addendum, '$.updatedFields')) AS updated_fields,
    min(event_time) AS first_time,
    max(event_time) AS last_time
FROM events
WHERE event_id IS NOT NULL
GROUP BY event_id, account
HAVING count(*) > 1
ORDER BY first_time, account, event_id
