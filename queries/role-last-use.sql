-- title: Show when each role was last used
-- answers: one row per role that has a session in the archive, with its calls, sessions and last use
-- cannot see: roles that were never used in the time that is asked for: compare with the list of roles. Sessions
--   that only make calls that no trail records. Being assumed is not use, calling is
SELECT
    issuer_arn AS role,
    issuer_account AS role_account,
    max(event_time) AS last_time,
    min(event_time) AS first_time,
    count(*) AS calls,
    count(*) FILTER (WHERE coalesce(error_code, '') <> '') AS failed,
    count(DISTINCT principal_id) AS sessions,
    count(DISTINCT account) AS accounts
FROM events
WHERE issuer_type = 'Role' AND issuer_arn IS NOT NULL
GROUP BY issuer_arn, issuer_account
ORDER BY last_time, role, role_account
