-- title: Show who made long-lived credentials, or took a second factor away
-- answers: one row per access key, password, certificate, other credential or second factor, with whose it is
-- cannot see: credentials that were made before the archive begins, and whether they are used: `access-key-use`
SELECT
    event_time,
    account,
    event_name,
    CASE WHEN coalesce(error_code, '') = '' THEN 'done' ELSE 'attempted' END AS outcome,
    -- A call without a user's name is about the caller's own.
    coalesce(
        json_extract_scalar(request_parameters, '$.userName'),
        json_extract_scalar(response_elements, '$.accessKey.userName'),
        user_name,
        user_arn
    ) AS whose,
    coalesce(
        json_extract_scalar(response_elements, '$.accessKey.accessKeyId'),
        json_extract_scalar(request_parameters, '$.serialNumber'),
        json_extract_scalar(response_elements, '$.serviceSpecificCredential.serviceSpecificCredentialId')
    ) AS what,
    coalesce(user_arn, user_name, on_behalf_of_user_id, invoked_by, principal_id, identity_type) AS who,
    error_code,
    source_ip,
    user_agent,
    event_id
FROM events
WHERE event_source IN ('iam.amazonaws.com', 'signin.amazonaws.com')
    AND event_name IN (
        'CreateAccessKey', 'UpdateAccessKey', 'CreateLoginProfile', 'UpdateLoginProfile', 'ChangePassword',
        'PasswordRecoveryCompleted', 'PasswordUpdated', 'UploadSSHPublicKey', 'UploadSigningCertificate',
        'CreateServiceSpecificCredential', 'ResetServiceSpecificCredential', 'DeactivateMFADevice',
        'DeleteVirtualMFADevice', 'EnableMFADevice'
    )
ORDER BY event_time, account, event_id, event_name, outcome, whose, what, who, error_code, source_ip, user_agent
