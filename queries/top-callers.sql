-- title: Show who makes most events, by share
-- answers: one row per user, role or service, with events, their share, changes and failures
-- cannot see: who of several people uses a role: sessions count as their role; `session-activity` has them. Bytes:
--   `what-fills-the-archive`
SELECT
    who,
    events,
    round(100.0 * events / sum(events) OVER (), 2) AS percent_of_events,
    changes,
    failed,
    last_time
FROM (
    SELECT
        coalesce(issuer_arn, user_arn, user_name, invoked_by, nullif(principal_id, ''), identity_type, 'not recorded') AS who,
        count(*) AS events,
        count(*) FILTER (WHERE read_only = false) AS changes,
        count(*) FILTER (WHERE error_code <> '') AS failed,
        max(event_time) AS last_time
    FROM events
    GROUP BY 1
)
ORDER BY events DESC, who
