-- title: Show what was changed in the console
-- answers: one row per call of a session of the console that may change something
-- cannot see: sessions of before 2023, which are not marked; those are known by the console's program alone
SELECT
    event_time,
    account,
    region,
    coalesce(source_identity, user_arn, user_name, on_behalf_of_user_id, principal_id, identity_type) AS who,
    event_source,
    event_name,
    CASE WHEN coalesce(error_code, '') = '' THEN 'done' ELSE 'attempted' END AS outcome,
    error_code,
    request_parameters,
    source_ip,
    event_id
FROM events
WHERE read_only = false
    AND (
        session_credential_from_console = 'true'
        OR user_agent IN ('console.amazonaws.com', 'signin.amazonaws.com')
        OR starts_with(user_agent, 'S3Console/')
    )
    AND event_name NOT IN ('ConsoleLogin', 'CheckMfa', 'SwitchRole', 'ExitRole', 'RenewRole')
ORDER BY event_time, account, event_id, region, who, event_source, event_name, outcome, error_code,
    request_parameters, source_ip
