-- title: Show who made very many different calls in an hour
-- answers: one row per caller and hour with at least that number of different calls, and how many were refused, in how
--   many regions: people and programs that look around do that, and so do scanners
-- cannot see: a person who takes time, or uses many callers
-- parameter at_least integer default 50: the fewest different calls
SELECT
    date_bin(INTERVAL '1 hour', event_time) AS hour,
    coalesce(user_arn, user_name, on_behalf_of_user_id, nullif(principal_id, ''), identity_type) AS who,
    account,
    count(DISTINCT event_source || ' ' || event_name) AS different_calls,
    count(DISTINCT event_source) AS services,
    count(DISTINCT region) AS regions,
    count(*) AS calls,
    count(*) FILTER (WHERE regexp_like(error_code, '(AccessDenied|Unauthorized|NotAuthorized|Forbidden|AuthFailure)')) AS refused,
    count(DISTINCT source_ip) AS addresses,
    min(source_ip) AS source_ip
FROM events
WHERE coalesce(identity_type, '') <> 'AWSService' AND invoked_by IS NULL
GROUP BY 1, 2, 3
HAVING count(DISTINCT event_source || ' ' || event_name) >= $at_least
ORDER BY different_calls DESC, hour, who, account
