-- title: Show every change of one thing, by its name, id or ARN
-- answers: one row per call that may change something and names it, with what was asked for and answered
-- cannot see: what it was like before a change: the row before tells, or AWS Config. Changes that do not name it,
--   as those of a stack. Names are compared exactly
-- parameter what text: the name, id or ARN
SELECT
    event_time,
    account,
    region,
    CASE
        WHEN event_type = 'AwsServiceEvent' THEN 'by AWS itself'
        WHEN coalesce(error_code, '') <> '' THEN 'attempted'
        ELSE 'done'
    END AS outcome,
    coalesce(user_arn, user_name, on_behalf_of_user_id, invoked_by, principal_id, identity_type) AS who,
    invoked_by,
    event_source,
    event_name,
    request_parameters,
    response_elements,
    error_code,
    source_ip,
    user_agent,
    event_id
FROM (
    SELECT
        *,
        concat_ws(' ', request_parameters, response_elements, resources, service_event_details) AS named,
        regexp_replace(regexp_replace($what, ':\*$', ''), '^arn:[^:]*:[^:]*:[^:]*:[^:]*:(.*[:/])?', '') AS name
    FROM events
    WHERE read_only IS NOT TRUE
        AND event_name NOT IN ('AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity', 'ConsoleLogin')
)
WHERE strpos(named, '"' || $what || '"') > 0
    OR strpos(named, '/' || $what || '"') > 0
    OR strpos(named, ':' || $what || '"') > 0
    OR strpos(named, ':' || $what || ':*"') > 0
    OR (
        starts_with($what, 'arn:')
        AND split_part($what, ':', 5) IN ('', account)
        AND strpos(named, '"' || name || '"') > 0
    )
ORDER BY event_time, account, event_id, region, outcome, who, invoked_by, event_source, event_name,
    request_parameters, response_elements, error_code, source_ip, user_agent
