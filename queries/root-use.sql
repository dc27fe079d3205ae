-- title: Show what root did, and whether it was a central root session
-- answers: one row per call or sign-in of an account's root; `how` tells root itself from a central root session
-- cannot see: whether root's password or keys exist. Calls that a service makes for root, and events of services,
--   are left out: root was not used for them. Sign-in and IAM are recorded in us-east-1 or in the region of the
--   endpoint
SELECT
    event_time,
    account,
    region,
    CASE WHEN assumed_root = 'true' THEN 'central root session' ELSE 'root itself' END AS how,
    event_source,
    event_name,
    CASE
        WHEN json_extract_scalar(response_elements, '$.ConsoleLogin') = 'Failure' OR coalesce(error_code, '') <> ''
            THEN 'attempted'
        ELSE 'done'
    END AS outcome,
    coalesce(error_code, error_message) AS error,
    coalesce(mfa_authenticated, json_extract_scalar(additional_event_data, '$.MFAUsed'), 'not recorded') AS mfa,
    access_key_id,
    source_ip,
    user_agent,
    event_id
FROM events
WHERE identity_type = 'Root'
    AND invoked_by IS NULL
    AND coalesce(event_type, '') <> 'AwsServiceEvent'
ORDER BY event_time, account, event_id, region, how, event_source, event_name, outcome, error, mfa, access_key_id,
    source_ip, user_agent
