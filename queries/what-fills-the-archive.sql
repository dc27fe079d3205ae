-- title: Show what fills the archive: services, calls and callers, by share
-- answers: the 100 largest rows by bytes, with events, bytes as delivered before gzip, and their shares
-- cannot see: money: the first copy of management events is free, each further one and all data events cost by the
--   event. Events are counted as often as they are in the archive, once where two deliveries are the same
SELECT
    event_source,
    event_name,
    event_category,
    who,
    events,
    bytes,
    round(100.0 * bytes / sum(bytes) OVER (), 2) AS percent_of_bytes,
    round(100.0 * events / sum(events) OVER (), 2) AS percent_of_events
FROM (
    SELECT
        event_source,
        event_name,
        event_category,
        coalesce(issuer_arn, user_arn, user_name, invoked_by, nullif(principal_id, ''), identity_type) AS who,
        count(*) AS events,
        sum(octet_length(record)) AS bytes
    FROM events
    GROUP BY 1, 2, 3, 4
)
ORDER BY bytes DESC, event_source, event_name, event_category, who, events, percent_of_bytes, percent_of_events
LIMIT 100
