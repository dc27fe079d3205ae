-- title: Show unusual rates of calls and errors that CloudTrail found
-- answers: one row per insight: which call, how many a minute, against how many before, and from when to when
-- cannot see: anything where Insights is not switched on. An insight without an end still goes on, or ended after
--   the time that is asked for
SELECT
    min(event_time) FILTER (WHERE state = 'Start') AS began,
    max(event_time) FILTER (WHERE state = 'End') AS ended,
    account,
    region,
    max(source) AS source,
    max(name) AS name,
    max(type) AS type,
    max(code) AS error_code,
    max(TRY_CAST(baseline AS DOUBLE)) AS baseline_per_minute,
    max(TRY_CAST(unusual AS DOUBLE)) AS unusual_per_minute,
    max(attributions) AS attributions,
    insight
FROM (
    SELECT
        *,
        coalesce(shared_event_id, event_id) AS insight,
        json_extract_scalar(insight_details, '$.state') AS state,
        json_extract_scalar(insight_details, '$.eventSource') AS source,
        json_extract_scalar(insight_details, '$.eventName') AS name,
        json_extract_scalar(insight_details, '$.insightType') AS type,
        json_extract_scalar(insight_details, '$.errorCode') AS code,
        json_extract_scalar(insight_details, '$.insightContext.statistics.baseline.average') AS baseline,
        json_extract_scalar(insight_details, '$.insightContext.statistics.insight.average') AS unusual,
        json_extract(insight_details, '$.insightContext.attributions') AS attributions
    FROM events
    WHERE event_category = 'Insight'
)
GROUP BY insight, account, region
ORDER BY coalesce(min(event_time) FILTER (WHERE state = 'Start'), min(event_time)), account, region, insight
