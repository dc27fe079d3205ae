-- title: Count events by hour
-- answers: one row per hour of the events themselves, whenever they were delivered
-- cannot see: hours without a row: nothing happened, or nothing was recorded; what the answer covers says which
SELECT
    date_bin(INTERVAL '1 hour', event_time) AS hour,
    count(*) AS events,
    count(*) FILTER (WHERE read_only = false) AS changes,
    count(*) FILTER (WHERE coalesce(error_code, '') <> '') AS failed,
    count(*) FILTER (WHERE event_category = 'Data') AS data_events,
    count(DISTINCT account) AS accounts
FROM events
WHERE event_time IS NOT NULL
GROUP BY 1
ORDER BY hour
