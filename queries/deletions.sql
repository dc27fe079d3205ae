-- title: Show what was deleted, and who did it
-- answers: one row per resource, caller, call and outcome, with how often and when; `outcome` tells done, attempted,
--   and by AWS itself; `an_event` is the id of one of these events
-- cannot see: more than the first name, id or ARN in the record: of a call about several resources that is the first
--   one, and of an object its bucket. Ends without a call: objects that a lifecycle rule expires, items that a TTL
--   removes. Objects at all, where no trail records data events
SELECT
    -- The first value whose key says that it names something.
    coalesce(
        regexp_match(
            concat_ws(' ', request_parameters, service_event_details),
            '"(?:[A-Za-z]*(?:Name|Id|Arn|ARN|Identifier|Url)|name|id|arn)"\s*:\s*"([^"\\]+)"'
        )[1],
        resource_arns[1]
    ) AS what,
    coalesce(user_arn, user_name, on_behalf_of_user_id, invoked_by, principal_id, identity_type, 'not recorded') AS who,
    account,
    event_source,
    event_name,
    CASE
        WHEN event_type = 'AwsServiceEvent' THEN 'by AWS itself'
        WHEN coalesce(error_code, '') <> '' THEN 'attempted'
        ELSE 'done'
    END AS outcome,
    count(*) AS calls,
    min(event_time) AS first_time,
    max(event_time) AS last_time,
    max(event_id) AS an_event
FROM events
WHERE read_only IS NOT TRUE
    AND (
        event_name LIKE 'Delete%'
        OR event_name LIKE 'BatchDelete%'
        OR event_name LIKE 'Terminate%'
        OR event_name LIKE 'Remove%'
        OR event_name LIKE 'Destroy%'
        OR event_name LIKE 'Deregister%'
        OR event_name LIKE 'Release%'
        OR event_name LIKE 'Purge%'
        OR event_name LIKE 'Empty%'
        OR event_name LIKE 'Close%'
        OR event_name LIKE 'Schedule%Deletion'
    )
GROUP BY 1, 2, 3, 4, 5, 6
ORDER BY last_time DESC, what, who, account, event_source, event_name, outcome
