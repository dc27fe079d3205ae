-- title: Show which values there are, with counts, to choose from
-- answers: one row per column and value: accounts, regions, categories, services, calls, callers, errors
-- cannot see: values of the parameters of calls. Callers are users and roles, not the names of sessions
SELECT
    CASE
        WHEN account IS NOT NULL THEN 'account'
        WHEN region IS NOT NULL THEN 'region'
        WHEN event_category IS NOT NULL THEN 'event_category'
        WHEN event_name IS NOT NULL THEN 'event_name'
        WHEN event_source IS NOT NULL THEN 'event_source'
        WHEN identity_type IS NOT NULL THEN 'identity_type'
        WHEN who IS NOT NULL THEN 'caller'
        ELSE 'error_code'
    END AS name,
    coalesce(account, region, event_category, event_name, event_source, identity_type, who, error_code) AS value,
    count(*) AS events,
    min(event_time) AS first_time,
    max(event_time) AS last_time
FROM (
    SELECT
        account,
        region,
        event_category,
        event_source,
        event_name,
        identity_type,
        coalesce(issuer_arn, user_arn, user_name, invoked_by, nullif(principal_id, '')) AS who,
        error_code,
        event_time
    FROM events
)
GROUP BY GROUPING SETS (
    (account), (region), (event_category), (event_source), (event_name), (identity_type), (who), (error_code)
)
-- The row of a column that stands for its missing values tells nothing to choose.
HAVING coalesce(account, region, event_category, event_name, event_source, identity_type, who, error_code) IS NOT NULL
ORDER BY name, events DESC, value
