-- title: Show how much of the archive the trails cause themselves
-- answers: one row per call that CloudTrail makes to deliver its logs, with its share of all events
-- cannot see: what readers of the logs cause, as Athena or this program: `object-reads` of the bucket
SELECT
    event_source,
    event_name,
    bucket,
    events,
    bytes,
    percent_of_events
FROM (
    SELECT
        event_source,
        event_name,
        is_own,
        bucket,
        count(*) AS events,
        sum(octet_length(record)) AS bytes,
        round(100.0 * count(*) / sum(count(*)) OVER (), 2) AS percent_of_events
    FROM (
        SELECT
            *,
            coalesce(invoked_by, source_ip, '') = 'cloudtrail.amazonaws.com' AS is_own,
            CASE
                WHEN coalesce(invoked_by, source_ip, '') = 'cloudtrail.amazonaws.com'
                    THEN json_extract_scalar(request_parameters, '$.bucketName')
            END AS bucket
        FROM events
    )
    GROUP BY event_source, event_name, is_own, bucket
)
WHERE is_own
ORDER BY events DESC, event_source, event_name, bucket, bytes, percent_of_events
