-- title: Show console sign-ins of users and root without a second factor
-- answers: one row per successful sign-in of an IAM user or root where AWS recorded that no second factor was used
-- cannot see: federated and Identity Center users: their provider asks for the second factor, and CloudTrail
--   records No or nothing for them. Failed sign-ins are none
SELECT
    event_time,
    account,
    region,
    identity_type,
    coalesce(user_arn, user_name, principal_id) AS who,
    source_ip,
    user_agent,
    event_id
FROM events
WHERE event_name = 'ConsoleLogin'
    AND event_source = 'signin.amazonaws.com'
    AND json_extract_scalar(response_elements, '$.ConsoleLogin') = 'Success'
    AND identity_type IN ('IAMUser', 'Root')
    AND json_extract_scalar(additional_event_data, '$.MFAUsed') = 'No'
ORDER BY event_time, account, event_id, region, identity_type, who, source_ip, user_agent
