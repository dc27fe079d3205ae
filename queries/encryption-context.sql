-- title: Find KMS calls by a name or value of their encryption context
-- answers: one row per call whose encryption context has the text as a whole name or a whole value
-- cannot see: contexts of calls that were served from a kept data key, and contexts that were not given
-- parameter text text: a whole name or value, as the id of a record or the ARN of a bucket
SELECT
    event_time,
    account,
    region,
    coalesce(user_arn, user_name, on_behalf_of_user_id, invoked_by, principal_id, identity_type) AS who,
    invoked_by,
    event_name,
    CASE WHEN coalesce(error_code, '') = '' THEN 'done' ELSE 'attempted' END AS outcome,
    resource_arns[1] AS key,
    json_extract(request_parameters, '$.encryptionContext') AS encryption_context,
    source_ip,
    user_agent,
    event_id
FROM events
WHERE event_source = 'kms.amazonaws.com'
    AND strpos(json_format(json_extract(request_parameters, '$.encryptionContext')), '"' || $text || '"') > 0
ORDER BY event_time, account, event_id, region, who, invoked_by, event_name, outcome, key, encryption_context,
    source_ip, user_agent
