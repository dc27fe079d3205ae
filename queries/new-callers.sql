-- title: Show users and roles that called for the first time
-- answers: one row per user or role whose first call in the archive is not before the given time
-- cannot see: calls before the time that is asked for: ask from well before `since`. A session counts as its role,
--   and services for themselves are left out
-- parameter since time: from when a first call is new
SELECT
    coalesce(issuer_arn, user_arn, user_name, nullif(principal_id, ''), identity_type) AS who,
    account,
    min(event_time) AS first_time,
    max(event_time) AS last_time,
    count(*) AS calls,
    count(*) FILTER (WHERE read_only = false) AS changes,
    first_value(source_ip ORDER BY event_time, source_ip) AS first_address
FROM events
WHERE identity_type NOT IN ('AWSService', 'AWSAccount')
GROUP BY 1, 2
HAVING min(event_time) >= $since
ORDER BY first_time, who, account
