-- title: Show who still uses a KMS key, through which service and for what
-- answers: one row per caller, service, call and encryption context, with how often and when last
-- cannot see: use that KMS does not record: S3 bucket keys and data keys that a service keeps save calls. Data that
--   lies encrypted and is not read has no calls: before a key is deleted, look for what it encrypts. Calls of
--   another account through a grant are in that account's records too
-- parameter key text: the id or the ARN of the key; an alias is not looked up
SELECT
    coalesce(issuer_arn, user_arn, user_name, invoked_by, principal_id, identity_type) AS who,
    coalesce(invoked_by, 'none, directly') AS through,
    account,
    event_name,
    json_extract(request_parameters, '$.encryptionContext') AS encryption_context,
    count(*) AS calls,
    count(*) FILTER (WHERE coalesce(error_code, '') <> '') AS failed,
    min(event_time) AS first_time,
    max(event_time) AS last_time
FROM events
WHERE event_source = 'kms.amazonaws.com'
    AND regexp_like(event_name, '^(Decrypt|Encrypt|ReEncrypt|GenerateDataKey|GenerateMac|VerifyMac|Sign|Verify|DeriveSharedSecret|CreateGrant)')
    AND (
        strpos(concat_ws(' ', request_parameters, resources), '/' || regexp_replace($key, '^.*/', '') || '"') > 0
        OR strpos(request_parameters, '"' || $key || '"') > 0
    )
GROUP BY 1, 2, 3, 4, 5
ORDER BY last_time DESC, who, through, account, event_name, encryption_context
