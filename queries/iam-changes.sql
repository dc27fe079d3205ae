-- title: Show changes of users, roles, policies and their rights
-- answers: one row per call to IAM that may change something, done or attempted, with the identity that it concerns
-- cannot see: permission sets and users of Identity Center: `identity-center-changes`. Policies of buckets, keys
--   and other things: `made-public` and `resource-history`
SELECT
    event_time,
    account,
    event_name,
    CASE WHEN coalesce(error_code, '') = '' THEN 'done' ELSE 'attempted' END AS outcome,
    coalesce(
        json_extract_scalar(request_parameters, '$.userName'),
        json_extract_scalar(request_parameters, '$.roleName'),
        json_extract_scalar(request_parameters, '$.groupName'),
        json_extract_scalar(request_parameters, '$.instanceProfileName'),
        json_extract_scalar(request_parameters, '$.serialNumber')
    ) AS concerns,
    coalesce(
        json_extract_scalar(request_parameters, '$.policyArn'),
        json_extract_scalar(request_parameters, '$.policyName'),
        json_extract_scalar(response_elements, '$.policy.arn'),
        json_extract_scalar(response_elements, '$.accessKey.accessKeyId'),
        json_extract_scalar(request_parameters, '$.accessKeyId')
    ) AS what,
    coalesce(user_arn, user_name, on_behalf_of_user_id, invoked_by, principal_id, identity_type) AS who,
    invoked_by,
    request_parameters,
    error_code,
    source_ip,
    user_agent,
    event_id
FROM events
WHERE event_source = 'iam.amazonaws.com'
    AND read_only IS NOT TRUE
    AND NOT regexp_like(event_name, '^(Get|List|Generate|Simulate)')
ORDER BY event_time, account, event_id, event_name, outcome, concerns, what, who, invoked_by, request_parameters,
    error_code, source_ip, user_agent
