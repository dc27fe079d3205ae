-- title: Show what happens in an account at all, before it is retired
-- answers: one row per caller and service, people and programs first by their last call
-- cannot see: traffic to what runs there: data events and flow logs show it. Calls of AWS for itself are marked,
--   they go on in an account that is not used any more
-- parameter account account: the account
SELECT
    CASE
        WHEN identity_type = 'AWSService' OR event_type = 'AwsServiceEvent' OR invoked_by IS NOT NULL
            OR issuer_arn LIKE '%:role/aws-service-role/%'
            THEN 'AWS'
        WHEN user_account <> account THEN 'another account'
        ELSE 'its own'
    END AS whose,
    coalesce(issuer_arn, user_arn, user_name, invoked_by, nullif(principal_id, ''), identity_type) AS who,
    event_source,
    count(*) AS calls,
    count(*) FILTER (WHERE read_only = false) AS changes,
    count(*) FILTER (WHERE coalesce(error_code, '') <> '') AS failed,
    count(DISTINCT region) AS regions,
    min(event_time) AS first_time,
    max(event_time) AS last_time
FROM events
WHERE account = $account
GROUP BY 1, 2, 3
ORDER BY whose DESC, last_time DESC, who, event_source
