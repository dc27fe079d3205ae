-- title: Show which calls came through which VPC endpoint
-- answers: one row per endpoint, service and call, with callers, how often and when; a call is counted once, also
--   where a network activity event tells of it too
-- cannot see: calls that a service does not record with the endpoint, and data events that no trail selects
SELECT
    vpc_endpoint_id,
    vpc_endpoint_account,
    account,
    event_source,
    event_name,
    count(DISTINCT coalesce(request_id, event_id)) AS calls,
    count(DISTINCT coalesce(issuer_arn, user_arn, principal_id)) AS callers,
    min(event_time) AS first_time,
    max(event_time) AS last_time
FROM events
WHERE vpc_endpoint_id IS NOT NULL
GROUP BY 1, 2, 3, 4, 5
ORDER BY calls DESC, vpc_endpoint_id, vpc_endpoint_account, account, event_source, event_name
