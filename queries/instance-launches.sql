-- title: Show who launched instances, how many and which
-- answers: one row per launch with the ids of all its instances: one call may start many
-- cannot see: launches of services that show no RunInstances in the account. Instances that ended at once
SELECT
    event_time,
    account,
    region,
    event_name,
    CASE WHEN coalesce(error_code, '') = '' THEN 'done' ELSE 'attempted' END AS outcome,
    regexp_count(response_elements, '"instanceId"\s*:\s*"i-') AS instances,
    trim(BOTH ' ' FROM regexp_replace(
        response_elements,
        '(?s).*?"instanceId"\s*:\s*"(i-[0-9a-f]+)"|.+',
        '\1 ',
        'g'
    )) AS instance_ids,
    coalesce(
        json_extract_scalar(request_parameters, '$.instanceType'),
        json_extract_scalar(response_elements, '$.instancesSet.items[0].instanceType')
    ) AS instance_type,
    json_extract_scalar(response_elements, '$.instancesSet.items[0].imageId') AS image,
    coalesce(user_arn, user_name, on_behalf_of_user_id, invoked_by, principal_id, identity_type) AS who,
    invoked_by,
    error_code,
    source_ip,
    user_agent,
    event_id
FROM events
WHERE event_source = 'ec2.amazonaws.com'
    AND event_name IN ('RunInstances', 'CreateFleet', 'RequestSpotInstances', 'RequestSpotFleet', 'StartInstances')
ORDER BY event_time, account, event_id, region, event_name, outcome, instances, instance_ids, instance_type, image,
    who, invoked_by, error_code, source_ip, user_agent
