-- title: Show calls that AWS refused because there were too many
-- answers: one row per caller and call, with how often and when
-- cannot see: calls that were throttled and that the service does not record. Who used up the limit:
--   `calls-by-service` and `programs` of the same hours
SELECT
    coalesce(issuer_arn, user_arn, user_name, invoked_by, principal_id, identity_type) AS who,
    account,
    region,
    event_source,
    event_name,
    error_code,
    count(*) AS throttled,
    min(event_time) AS first_time,
    max(event_time) AS last_time
FROM events
WHERE regexp_like(error_code, '(Throttl|RequestLimitExceeded|TooManyRequests|SlowDown|RateExceeded|BandwidthLimitExceeded)')
GROUP BY 1, 2, 3, 4, 5, 6
ORDER BY throttled DESC, who, account, region, event_source, event_name, error_code
