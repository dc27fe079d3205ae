-- title: Show KMS keys that were disabled or are to be deleted, and until when
-- answers: one row per call or event about a key's end; `deleted_at` is until when the deletion can be cancelled
-- cannot see: whether it was cancelled: a later row of the same key says so. Custom key stores that were
--   disconnected
SELECT
    event_time,
    account,
    region,
    event_name,
    CASE
        WHEN event_type = 'AwsServiceEvent' THEN 'by AWS itself'
        WHEN coalesce(error_code, '') <> '' THEN 'attempted'
        ELSE 'done'
    END AS outcome,
    coalesce(
        resource_arns[1],
        json_extract_scalar(response_elements, '$.keyId'),
        json_extract_scalar(request_parameters, '$.keyId'),
        json_extract_scalar(service_event_details, '$.keyId')
    ) AS key,
    json_extract_scalar(response_elements, '$.deletionDate') AS deleted_at,
    json_extract_scalar(request_parameters, '$.pendingWindowInDays') AS waiting_days,
    coalesce(user_arn, user_name, on_behalf_of_user_id, invoked_by, principal_id, identity_type) AS who,
    error_code,
    source_ip,
    user_agent,
    event_id
FROM events
WHERE event_source = 'kms.amazonaws.com'
    AND event_name IN (
        'DisableKey', 'EnableKey', 'ScheduleKeyDeletion', 'CancelKeyDeletion', 'DeleteKey', 'DeleteImportedKeyMaterial',
        'DeleteExpiredKeyMaterial'
    )
ORDER BY event_time, account, event_id, region, event_name, outcome, key, deleted_at, waiting_days, who, error_code,
    source_ip, user_agent
