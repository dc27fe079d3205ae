-- title: Show who opened central root sessions in which accounts
-- answers: one row per AssumeRoot: who asked, for which account, with which task policy, and the key that it got
-- cannot see: what was done with the session: `access-key-use` with the key shows it, `root-use` all of them
SELECT
    event_time,
    account,
    region,
    coalesce(user_arn, user_name, on_behalf_of_user_id, invoked_by, principal_id, identity_type) AS who,
    json_extract_scalar(request_parameters, '$.targetPrincipal') AS target,
    json_extract_scalar(request_parameters, '$.taskPolicyArn.arn') AS task_policy,
    json_extract_scalar(response_elements, '$.credentials.accessKeyId') AS issued_key,
    CASE WHEN coalesce(error_code, '') = '' THEN 'done' ELSE 'attempted' END AS outcome,
    error_code,
    source_ip,
    user_agent,
    event_id
FROM events
WHERE event_source = 'sts.amazonaws.com' AND event_name = 'AssumeRoot'
ORDER BY event_time, account, event_id, region, who, target, task_policy, issued_key, outcome, error_code, source_ip,
    user_agent
