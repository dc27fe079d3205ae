-- title: Show changes of Identity Center: permission sets, users, groups
-- answers: one row per call that may change an assignment, a permission set, a user, a group or the directory
-- cannot see: users and groups that another identity provider sends (SCIM) by name: the caller is then the
--   provider's token. Sign-ins, and the use of a permission set, are no changes and are left out
SELECT
    event_time,
    account,
    region,
    event_source,
    event_name,
    CASE WHEN coalesce(error_code, '') = '' THEN 'done' ELSE 'attempted' END AS outcome,
    coalesce(
        json_extract_scalar(request_parameters, '$.permissionSetArn'),
        json_extract_scalar(request_parameters, '$.name'),
        json_extract_scalar(request_parameters, '$.userId'),
        json_extract_scalar(request_parameters, '$.groupId'),
        json_extract_scalar(response_elements, '$.permissionSet.permissionSetArn'),
        json_extract_scalar(response_elements, '$.userId'),
        json_extract_scalar(response_elements, '$.groupId')
    ) AS what,
    json_extract_scalar(request_parameters, '$.targetId') AS target_account,
    json_extract_scalar(request_parameters, '$.principalId') AS for_whom,
    coalesce(user_arn, user_name, on_behalf_of_user_id, invoked_by, principal_id, identity_type) AS who,
    request_parameters,
    error_code,
    source_ip,
    user_agent,
    event_id
FROM events
WHERE event_source IN (
        'sso.amazonaws.com', 'sso-directory.amazonaws.com', 'identitystore.amazonaws.com', 'identitystore-scim.amazonaws.com'
    )
    AND read_only IS NOT TRUE
    AND NOT regexp_like(event_name, '^(Describe|List|Get|Search|Is|Federate$|Authenticate$|Logout$|StartDeviceAuthorization$|CreateToken|RegisterClient$|Authorize)')
ORDER BY event_time, account, event_id, region, event_source, event_name, outcome, what, target_account, for_whom,
    who, request_parameters, error_code, source_ip, user_agent
