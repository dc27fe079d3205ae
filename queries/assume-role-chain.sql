-- title: Follow a temporary key back to the first sign-in
-- answers: one row per call that gave out the key, then per call that gave out the key that signed that one, and so
--   on; two rows of one step are the records of the two accounts of one call
-- cannot see: steps in accounts and hours that are not in the archive, and steps outside AWS. The name of a session
--   is a claim, a source identity is none. Ten steps at most
-- parameter access_key text: the id of the temporary key, ASIA…
WITH RECURSIVE chain AS (
    SELECT
        CAST(1 AS BIGINT) AS step,
        event_time,
        account,
        event_name,
        coalesce(user_arn, user_name, on_behalf_of_user_id, invoked_by, principal_id, identity_type) AS who,
        json_extract_scalar(request_parameters, '$.roleArn') AS role,
        json_extract_scalar(request_parameters, '$.roleSessionName') AS session_name,
        source_identity,
        access_key_id AS signed_with,
        mfa_authenticated,
        source_ip,
        user_agent,
        event_id
    FROM events
    WHERE event_source IN ('sts.amazonaws.com', 'sso.amazonaws.com', 'signin.amazonaws.com')
        AND json_extract_scalar(response_elements, '$.credentials.accessKeyId') = $access_key
    UNION ALL
    SELECT
        chain.step + 1 AS step,
        given.event_time,
        given.account,
        given.event_name,
        coalesce(given.user_arn, given.user_name, given.on_behalf_of_user_id, given.invoked_by, given.principal_id, given.identity_type) AS who,
        json_extract_scalar(given.request_parameters, '$.roleArn') AS role,
        json_extract_scalar(given.request_parameters, '$.roleSessionName') AS session_name,
        given.source_identity,
        given.access_key_id AS signed_with,
        given.mfa_authenticated,
        given.source_ip,
        given.user_agent,
        given.event_id
    FROM chain
    JOIN events AS given
        ON json_extract_scalar(given.response_elements, '$.credentials.accessKeyId') = chain.signed_with
    WHERE given.event_source IN ('sts.amazonaws.com', 'sso.amazonaws.com', 'signin.amazonaws.com')
        AND chain.step < 10
)
SELECT
    step,
    event_time,
    account,
    event_name,
    who,
    role,
    session_name,
    source_identity,
    signed_with,
    coalesce(mfa_authenticated, 'not recorded') AS mfa,
    source_ip,
    user_agent,
    event_id
FROM chain
ORDER BY step, event_time, account, event_id, event_name, who, role, session_name, source_identity, signed_with, mfa,
    source_ip, user_agent
