-- title: Show who deleted objects of a bucket, and who changed its lifecycle
-- answers: one row per deletion and per change of the lifecycle rules or the versioning of the bucket
-- cannot see: expiry: S3 makes no call when a lifecycle rule deletes. Anything, where no trail records the bucket's
--   data events: then no row says nothing. The keys of DeleteObjects: its row has none, and may be any
-- parameter bucket text: the name of the bucket
-- parameter key text default '': the key of the object, or what it begins with
SELECT
    event_time,
    account,
    region,
    event_name,
    CASE WHEN coalesce(error_code, '') = '' THEN 'done' ELSE 'attempted' END AS outcome,
    json_extract_scalar(request_parameters, '$.key') AS key,
    -- Without an id of a version a marker hides the object, and its data is still there.
    json_extract_scalar(request_parameters, '$.versionId') AS version,
    coalesce(user_arn, user_name, on_behalf_of_user_id, invoked_by, nullif(principal_id, ''), user_account) AS who,
    invoked_by,
    error_code,
    source_ip,
    user_agent,
    event_id
FROM events
WHERE event_source = 's3.amazonaws.com'
    AND json_extract_scalar(request_parameters, '$.bucketName') = $bucket
    AND (
        (
            event_name = 'DeleteObject'
            AND starts_with(coalesce(json_extract_scalar(request_parameters, '$.key'), ''), $key)
        )
        OR event_name IN (
            'DeleteObjects', 'PutBucketLifecycle', 'PutBucketLifecycleConfiguration', 'DeleteBucketLifecycle',
            'PutBucketVersioning', 'DeleteBucket'
        )
    )
ORDER BY event_time, account, event_id, region, event_name, outcome, key, version, who, invoked_by, error_code,
    source_ip, user_agent
