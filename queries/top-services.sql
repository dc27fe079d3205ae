-- title: Show which services are called most, by share
-- answers: one row per service, with events, their share, changes, failures and data events
-- cannot see: services that do not write to CloudTrail, and data events that no trail selects
SELECT
    event_source,
    events,
    round(100.0 * events / sum(events) OVER (), 2) AS percent_of_events,
    changes,
    failed,
    data_events,
    last_time
FROM (
    SELECT
        coalesce(event_source, 'not recorded') AS event_source,
        count(*) AS events,
        count(*) FILTER (WHERE read_only = false) AS changes,
        count(*) FILTER (WHERE error_code <> '') AS failed,
        count(*) FILTER (WHERE event_category = 'Data') AS data_events,
        max(event_time) AS last_time
    FROM events
    GROUP BY 1
)
ORDER BY events DESC, event_source
