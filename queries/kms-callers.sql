-- title: Show who calls KMS, without AWS's own calls
-- answers: one row per caller and call, the most frequent first; calls that AWS makes for itself are left out
-- cannot see: who stands behind a service that calls for another caller
SELECT
    coalesce(issuer_arn, user_arn, user_name, principal_id, identity_type) AS who,
    account,
    coalesce(invoked_by, 'none, directly') AS through,
    event_name,
    count(*) AS calls,
    count(*) FILTER (WHERE coalesce(error_code, '') <> '') AS failed,
    min(event_time) AS first_time,
    max(event_time) AS last_time
FROM events
WHERE event_source = 'kms.amazonaws.com'
    AND coalesce(identity_type, '') <> 'AWSService'
    AND coalesce(source_ip, '') <> 'AWS Internal'
    AND coalesce(user_agent, '') <> 'AWS Internal'
    AND coalesce(invoked_by, '') <> 'AWS Internal'
GROUP BY 1, 2, 3, 4
ORDER BY calls DESC, who, account, through, event_name
