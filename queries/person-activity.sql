-- title: Show what a person, user or role did, in order
-- answers: one row per call that may change something, by the name of the user, role, session or source identity
-- cannot see: that a name of a session is true: whoever assumes a role chooses it; only a source identity and a
--   user name are proven. Reads are left out; `used-actions` has them
-- parameter who text: an ARN, user name, role name, session name, Identity Center user id or source identity
SELECT
    event_time,
    account,
    region,
    CASE
        WHEN $who = source_identity THEN 'source identity'
        WHEN $who IN (user_arn, user_name, on_behalf_of_user_id) THEN 'the caller itself'
        WHEN $who IN (issuer_arn, issuer_user_name) THEN 'the role'
        ELSE 'session name, a claim'
    END AS known_by,
    coalesce(user_arn, user_name, on_behalf_of_user_id, principal_id) AS who,
    event_source,
    event_name,
    CASE WHEN coalesce(error_code, '') = '' THEN 'done' ELSE 'attempted' END AS outcome,
    error_code,
    invoked_by,
    source_ip,
    user_agent,
    request_parameters,
    event_id
FROM events
WHERE read_only IS NOT TRUE
    AND (
        $who IN (user_arn, user_name, on_behalf_of_user_id, issuer_arn, issuer_user_name, source_identity)
        OR split_part(principal_id, ':', 2) = $who
    )
ORDER BY event_time, account, event_id, region, known_by, who, event_source, event_name, outcome, error_code,
    invoked_by, source_ip, user_agent, request_parameters
