-- title: Show calls that the policy of a VPC endpoint refused
-- answers: one row per endpoint, caller and call, with how often and when
-- cannot see: endpoints whose network activity events no trail selects: refusals there are recorded nowhere else. A
--   call that the endpoint let through and the service refused is one of `denied-calls`
SELECT
    account,
    vpc_endpoint_id,
    vpc_endpoint_account,
    coalesce(user_arn, user_name, nullif(principal_id, ''), user_account, identity_type) AS who,
    event_source,
    event_name,
    error_code,
    count(*) AS refused,
    min(source_ip) AS source_ip,
    min(error_message) AS example,
    min(event_time) AS first_time,
    max(event_time) AS last_time
FROM events
WHERE event_category = 'NetworkActivity' AND coalesce(error_code, '') <> ''
GROUP BY 1, 2, 3, 4, 5, 6, 7
ORDER BY refused DESC, account, vpc_endpoint_id, vpc_endpoint_account, who, event_source, event_name, error_code
