-- title: Show who read an object, how, and how much of it
-- answers: one row per reader, address and way, with calls, bytes and when; ranges and retries of one download are
--   several calls of one reader
-- cannot see: anything, where no trail records the bucket's data events: then no row says nothing. Who uses a
--   presigned URL: it is the signer that is recorded. Reads through CloudFront, where the distribution is the
--   reader
-- parameter bucket text: the name of the bucket
-- parameter key text default '': the key of the object, or what it begins with
SELECT
    coalesce(user_arn, user_name, on_behalf_of_user_id, invoked_by, nullif(principal_id, ''), user_account) AS who,
    account,
    source_ip,
    CASE
        WHEN user_account = 'ANONYMOUS_PRINCIPAL' THEN 'without credentials'
        WHEN json_extract_scalar(additional_event_data, '$.AuthenticationMethod') = 'QueryString' THEN 'presigned URL'
        WHEN session_credential_from_console = 'true' OR starts_with(user_agent, 'S3Console/') THEN 'console'
        WHEN invoked_by IS NOT NULL THEN 'through ' || invoked_by
        ELSE 'call'
    END AS way,
    json_extract_scalar(request_parameters, '$.key') AS key,
    count(*) AS calls,
    count(*) FILTER (WHERE coalesce(error_code, '') <> '') AS failed,
    count(*) FILTER (WHERE strpos(lower(request_parameters), '"range"') > 0) AS of_parts,
    CAST(sum(TRY_CAST(json_extract_scalar(additional_event_data, '$.bytesTransferredOut') AS DOUBLE)) AS BIGINT) AS bytes,
    min(event_time) AS first_time,
    max(event_time) AS last_time
FROM events
WHERE event_source = 's3.amazonaws.com'
    AND event_name IN ('GetObject', 'GetObjectTorrent', 'SelectObjectContent', 'CopyObject')
    AND (
        (
            json_extract_scalar(request_parameters, '$.bucketName') = $bucket
            AND starts_with(coalesce(json_extract_scalar(request_parameters, '$.key'), ''), $key)
            AND event_name <> 'CopyObject'
        )
        OR (
            event_name = 'CopyObject'
            AND starts_with(
                ltrim(json_extract_scalar(request_parameters, '$["x-amz-copy-source"]'), '/'),
                $bucket || '/' || $key
            )
        )
    )
GROUP BY 1, 2, 3, 4, 5
ORDER BY first_time, who, account, source_ip, way, key
