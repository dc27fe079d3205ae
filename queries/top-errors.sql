-- title: Show which errors calls end with most
-- answers: one row per service, call and error code, with how often and when
-- cannot see: failures that a service does not record, and failed console sign-ins, which have no code:
--   `sign-in-failures`
SELECT
    error_code,
    event_source,
    event_name,
    count(*) AS events,
    min(event_time) AS first_time,
    max(event_time) AS last_time
FROM events
WHERE error_code <> ''
GROUP BY error_code, event_source, event_name
ORDER BY events DESC, error_code, event_source, event_name
