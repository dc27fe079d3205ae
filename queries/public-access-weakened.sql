-- title: Show who switched off parts of S3's Block Public Access
-- answers: one row per call after which not all four settings are on, of a bucket or a whole account
-- cannot see: what was set before. The console sends all four settings, a call only those that it means: one
--   that is not sent is off, as the call replaces them all
SELECT
    event_time,
    account,
    region,
    event_name,
    CASE WHEN coalesce(error_code, '') = '' THEN 'done' ELSE 'attempted' END AS outcome,
    coalesce(json_extract_scalar(request_parameters, '$.bucketName'), 'the whole account') AS what,
    coalesce(json_extract_scalar(settings, '$.BlockPublicAcls'), 'not sent') AS block_acls,
    coalesce(json_extract_scalar(settings, '$.IgnorePublicAcls'), 'not sent') AS ignore_acls,
    coalesce(json_extract_scalar(settings, '$.BlockPublicPolicy'), 'not sent') AS block_policy,
    coalesce(json_extract_scalar(settings, '$.RestrictPublicBuckets'), 'not sent') AS restrict_buckets,
    coalesce(user_arn, user_name, on_behalf_of_user_id, invoked_by, principal_id, identity_type) AS who,
    error_code,
    source_ip,
    user_agent,
    event_id
FROM (
    SELECT
        *,
        json_extract(request_parameters, '$.PublicAccessBlockConfiguration') AS settings
    FROM events
    WHERE event_source IN ('s3.amazonaws.com', 's3-control.amazonaws.com')
        AND regexp_like(event_name, '^(Put|Delete)(Bucket|Account)?PublicAccessBlock$')
)
WHERE starts_with(event_name, 'Delete')
    OR coalesce(json_extract_scalar(settings, '$.BlockPublicAcls'), '') <> 'true'
    OR coalesce(json_extract_scalar(settings, '$.IgnorePublicAcls'), '') <> 'true'
    OR coalesce(json_extract_scalar(settings, '$.BlockPublicPolicy'), '') <> 'true'
    OR coalesce(json_extract_scalar(settings, '$.RestrictPublicBuckets'), '') <> 'true'
ORDER BY event_time, account, event_id, region, event_name, outcome, what, block_acls, ignore_acls, block_policy,
    restrict_buckets, who, error_code, source_ip, user_agent
