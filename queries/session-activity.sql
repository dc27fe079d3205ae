-- title: Show what one session of a role did, in order
-- answers: one row per call of the sessions with that ARN, also of other times: a name can be used again
-- cannot see: what a session did in a role that it assumed from there: look for the key that AssumeRole gave out
-- parameter session text: the ARN of the session, arn:aws:sts::ACCOUNT:assumed-role/ROLE/NAME
SELECT
    event_time,
    account,
    region,
    event_source,
    event_name,
    CASE WHEN coalesce(error_code, '') = '' THEN 'done' ELSE 'attempted' END AS outcome,
    error_code,
    json_extract_scalar(response_elements, '$.credentials.accessKeyId') AS issued_key,
    access_key_id,
    session_created,
    source_identity,
    invoked_by,
    source_ip,
    user_agent,
    event_id
FROM events
WHERE user_arn = $session
ORDER BY event_time, account, event_id, region, event_source, event_name, outcome, error_code, issued_key,
    access_key_id, session_created, source_identity, invoked_by, source_ip, user_agent
