-- title: Show which accounts and regions make most events, by share
-- answers: one row per account and region that delivered, with events, their share, changes and failures
-- cannot see: where a global service works: its calls are in us-east-1 whoever makes them
SELECT
    account,
    region,
    events,
    round(100.0 * events / sum(events) OVER (), 2) AS percent_of_events,
    changes,
    failed,
    last_time
FROM (
    SELECT
        account,
        region,
        count(*) AS events,
        count(*) FILTER (WHERE read_only = false) AS changes,
        count(*) FILTER (WHERE error_code <> '') AS failed,
        max(event_time) AS last_time
    FROM events
    GROUP BY account, region
)
ORDER BY events DESC, account, region
