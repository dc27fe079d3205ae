-- title: Show regions that an account began to use
-- answers: one row per account and region whose first call is later than the quiet days after the account's first
--   call
-- cannot see: use before the time that is asked for: ask for more days than are quiet. Calls of services for
--   themselves and failed calls are no use; calls of global services are in us-east-1 whoever makes them
-- parameter quiet_days days default 7: days from an account's first call in which every region is an old one
SELECT
    account,
    region,
    first_time,
    last_time,
    calls,
    changes,
    first_caller,
    services
FROM (
    SELECT
        account,
        region,
        min(event_time) AS first_time,
        max(event_time) AS last_time,
        count(*) AS calls,
        count(*) FILTER (WHERE read_only = false) AS changes,
        first_value(coalesce(user_arn, user_name, principal_id, identity_type) ORDER BY
            event_time, event_id, user_arn, user_name, principal_id, identity_type) AS first_caller,
        count(DISTINCT event_source) AS services,
        min(min(event_time)) OVER (PARTITION BY account) AS began
    FROM events
    WHERE coalesce(identity_type, '') <> 'AWSService'
        AND coalesce(event_type, '') <> 'AwsServiceEvent'
        AND invoked_by IS NULL
        AND coalesce(error_code, '') = ''
    GROUP BY account, region
)
WHERE first_time > began + $quiet_days
ORDER BY first_time, account, region, last_time, calls, changes, first_caller, services
