-- title: Show who began the sessions that programs named
-- answers: one row per AssumeRole whose session has a program's name, as botocore-session-…, with who asked for it
--   and the key that it got
-- cannot see: sessions that began before the time that is asked for: sessions last up to 12 hours. Chains of roles:
--   `assume-role-chain` follows them
-- parameter session text default '': a session name to look for; empty finds every name that programs make up
SELECT
    event_time,
    account,
    json_extract_scalar(request_parameters, '$.roleArn') AS role,
    json_extract_scalar(request_parameters, '$.roleSessionName') AS session_name,
    coalesce(user_arn, user_name, on_behalf_of_user_id, invoked_by, principal_id, identity_type) AS who,
    source_identity,
    json_extract_scalar(response_elements, '$.credentials.accessKeyId') AS issued_key,
    access_key_id,
    CASE WHEN coalesce(error_code, '') = '' THEN 'done' ELSE 'attempted' END AS outcome,
    source_ip,
    user_agent,
    event_id
FROM events
WHERE event_source = 'sts.amazonaws.com'
    AND event_name IN ('AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity')
    AND coalesce(identity_type, '') <> 'AWSService'
    AND (
        -- Not compared itself: a column that has one value is left out of the order, which the plan then misses.
        ($session <> '' AND coalesce(json_extract_scalar(request_parameters, '$.roleSessionName'), '') = $session)
        OR (
            $session = ''
            AND regexp_like(
                json_extract_scalar(request_parameters, '$.roleSessionName'),
                '^(botocore-session-|aws-cli-|AWSCLI-Session|AWS-CLI-session-|aws-sdk-|aws-go-sdk-|awsjavasdk|app$|default$|session$|[0-9]{9,}$)'
            )
        )
    )
ORDER BY event_time, account, event_id, role, session_name, who, source_identity, issued_key, access_key_id, outcome,
    source_ip, user_agent
