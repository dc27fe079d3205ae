-- title: Show from which addresses most events come, by share
-- answers: one row per address that callers used themselves, with events, their share, changes and failures
-- cannot see: who sits behind an address. Calls that a service makes for a caller or for itself are left out: their
--   address is the service's name. An address is a private one where a call comes through a VPC endpoint
SELECT
    source_ip,
    events,
    round(100.0 * events / sum(events) OVER (), 2) AS percent_of_events,
    changes,
    failed,
    last_time
FROM (
    SELECT
        source_ip,
        count(*) AS events,
        count(*) FILTER (WHERE read_only = false) AS changes,
        count(*) FILTER (WHERE error_code <> '') AS failed,
        max(event_time) AS last_time
    FROM events
    WHERE source_ip IS NOT NULL
        AND source_ip NOT LIKE '%.amazonaws.com'
        AND source_ip <> 'AWS Internal'
    GROUP BY source_ip
)
ORDER BY events DESC, source_ip
