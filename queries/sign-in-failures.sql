-- title: Show failed sign-ins by address and user name
-- answers: one row per address, user name and reason, with how often and when
-- cannot see: the user name where there is no such user: AWS hides it, as people type passwords there
--   (HIDDEN_DUE_TO_SECURITY_REASONS). Sign-ins that fail at another identity provider never reach AWS
SELECT
    source_ip,
    coalesce(user_name, user_arn, principal_id, identity_type) AS who,
    account,
    coalesce(error_message, json_extract(service_event_details, '$')) AS reason,
    count(*) AS failures,
    min(event_time) AS first_time,
    max(event_time) AS last_time
FROM events
WHERE event_source = 'signin.amazonaws.com'
    AND (
        json_extract_scalar(response_elements, '$.ConsoleLogin') = 'Failure'
        OR json_extract_scalar(service_event_details, '$.CredentialVerification') = 'Failure'
        OR json_extract_scalar(service_event_details, '$.UserAuthentication') = 'Failure'
    )
GROUP BY 1, 2, 3, 4
ORDER BY failures DESC, source_ip, who, account, reason
