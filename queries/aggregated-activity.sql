-- title: Show the summaries of data events, five minutes each
-- answers: one row per aggregated event: its window, what it counts by, and the counts as JSON
-- cannot see: the single calls: a summary has none. Anything where the trail does not aggregate
SELECT
    event_time AS window_start,
    json_extract_scalar(time_window, '$.windowEnd') AS window_end,
    account,
    region,
    event_source,
    json_extract_scalar(summary, '$.primaryDimension.dimension') AS dimension,
    json_extract_scalar(summary, '$.primaryDimension.aggregationType') AS aggregation,
    json_extract(summary, '$.primaryDimension.statistics') AS statistics,
    json_extract(summary, '$.details') AS details,
    event_id
FROM events
WHERE event_category = 'Aggregated' OR event_type = 'AwsAggregatedEvent'
ORDER BY window_start, account, region, event_id, window_end, event_source, dimension, aggregation, statistics,
    details
