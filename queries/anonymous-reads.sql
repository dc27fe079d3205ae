-- title: Show calls without a signature
-- answers: one row per bucket or thing, call and address, with how often done, how often refused, and when
-- cannot see: anything of objects, where no trail records data events: then no row says nothing
SELECT
    account,
    event_source,
    event_name,
    coalesce(json_extract_scalar(request_parameters, '$.bucketName'), resource_arns[1]) AS what,
    source_ip,
    count(*) FILTER (WHERE coalesce(error_code, '') = '') AS done,
    count(*) FILTER (WHERE coalesce(error_code, '') <> '') AS refused,
    count(DISTINCT json_extract_scalar(request_parameters, '$.key')) AS keys,
    min(event_time) AS first_time,
    max(event_time) AS last_time
FROM events
-- The mark is in the account of the identity, not in its principal id, which is empty.
WHERE user_account IN ('ANONYMOUS_PRINCIPAL', 'anonymous')
GROUP BY 1, 2, 3, 4, 5
ORDER BY done DESC, refused DESC, account, event_source, event_name, what, source_ip
