-- title: Count calls by service
-- answers: one row per service, with calls, changes, failures, callers, regions and accounts
-- cannot see: services that do not write to CloudTrail, and data events that no trail selects
SELECT
    event_source,
    count(*) AS calls,
    count(*) FILTER (WHERE read_only = false) AS changes,
    count(*) FILTER (WHERE coalesce(error_code, '') <> '') AS failed,
    count(DISTINCT coalesce(issuer_arn, user_arn, user_name, invoked_by, principal_id)) AS callers,
    count(DISTINCT region) AS regions,
    count(DISTINCT account) AS accounts,
    min(event_time) AS first_time,
    max(event_time) AS last_time
FROM events
WHERE event_source IS NOT NULL AND coalesce(event_category, '') <> 'Insight'
GROUP BY event_source
ORDER BY calls DESC, event_source
