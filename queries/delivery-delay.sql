-- title: Show how late events are delivered, by account and region
-- answers: one row per account and region: minutes from the event to the end of the five minutes that its log file
--   is named after, in the middle, for 99 of 100, and at most
-- cannot see: the exact middle and 99th: both are estimates. When a file could be read: that is some minutes after
--   the time in its name. What was never delivered
SELECT
    account,
    region,
    count(*) AS events,
    round(approx_percentile_cont(0.5) WITHIN GROUP (ORDER BY minutes), 1) AS median_minutes,
    round(approx_percentile_cont(0.99) WITHIN GROUP (ORDER BY minutes), 1) AS p99_minutes,
    round(max(minutes), 1) AS most_minutes,
    count(*) FILTER (WHERE minutes > 60) AS later_than_an_hour,
    max(event_time) AS newest_event
FROM (
    SELECT
        account,
        region,
        event_time,
        (
            date_part('epoch', to_timestamp(regexp_replace(object_key, '^.*_([0-9]{8}T[0-9]{4})Z.*$', '\1', 'g'), '%Y%m%dT%H%M'))
            - date_part('epoch', event_time)
        ) / 60.0 AS minutes
    FROM events
    WHERE event_time IS NOT NULL AND regexp_like(object_key, '_[0-9]{8}T[0-9]{4}Z[^/]*$')
)
GROUP BY account, region
ORDER BY most_minutes DESC, account, region
