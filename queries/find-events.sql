-- title: Find events by caller, call, service, address and text at once
-- answers: one row per event for which every given condition holds; what is empty does not narrow
-- cannot see: texts in the parts of a record that CloudTrail cut off or hid
-- parameter who text default '': a part of the caller's ARN or name
-- parameter event text default '': the name of the call
-- parameter source text default '': the service, as s3.amazonaws.com
-- parameter address text default '': the caller's address
-- parameter text text default '': a part of the record, as delivered
SELECT
    event_time,
    account,
    region,
    coalesce(user_arn, user_name, on_behalf_of_user_id, invoked_by, principal_id, identity_type) AS who,
    event_source,
    event_name,
    CASE WHEN coalesce(error_code, '') = '' THEN 'done' ELSE 'attempted' END AS outcome,
    error_code,
    source_ip,
    user_agent,
    request_parameters,
    event_id
FROM events
WHERE ($who = '' OR strpos(concat_ws(' ', user_arn, user_name, on_behalf_of_user_id, source_identity, invoked_by, principal_id), $who) > 0)
    AND ($event = '' OR event_name = $event)
    AND ($source = '' OR event_source = $source)
    AND ($address = '' OR source_ip = $address)
    AND ($text = '' OR strpos(record, $text) > 0)
ORDER BY event_time, account, event_id, region, who, event_source, event_name, outcome, error_code, source_ip,
    user_agent, request_parameters
