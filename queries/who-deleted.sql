-- title: Show who deleted something, by its name, id or ARN
-- answers: one row per deletion that names it; `outcome` tells done, attempted, and ended by AWS itself
-- cannot see: ends without a call: objects that a lifecycle rule expires, items that a TTL removes. The keys of
--   DeleteObjects. Objects at all, where no trail records data events. Names are compared exactly. A name that was
--   used again has the deletions of all that had it
-- parameter what text: the name, id or ARN of what is gone
SELECT
    event_time,
    account,
    region,
    CASE
        WHEN event_type = 'AwsServiceEvent' THEN 'by AWS itself'
        WHEN coalesce(error_code, '') <> '' THEN 'attempted'
        ELSE 'done'
    END AS outcome,
    coalesce(user_arn, user_name, on_behalf_of_user_id, invoked_by, principal_id, identity_type) AS who,
    source_identity,
    invoked_by,
    event_source,
    event_name,
    error_code,
    coalesce(mfa_authenticated, 'not recorded') AS mfa,
    access_key_id,
    source_ip,
    user_agent,
    request_parameters,
    event_id
FROM (
    SELECT
        *,
        concat_ws(' ', request_parameters, response_elements, resources, service_event_details) AS named,
        -- The name at the end of an ARN: requests often have only that.
        regexp_replace(regexp_replace($what, ':\*$', ''), '^arn:[^:]*:[^:]*:[^:]*:[^:]*:(.*[:/])?', '') AS name
    FROM events
    WHERE regexp_like(event_name, '^(Batch)?(Delete|Terminate|Remove|Destroy|Deregister|Release|Purge|Schedule.*Deletion|Empty|Close|Leave)')
)
WHERE strpos(named, '"' || $what || '"') > 0
    OR strpos(named, '/' || $what || '"') > 0
    OR strpos(named, ':' || $what || '"') > 0
    OR strpos(named, ':' || $what || ':*"') > 0
    OR (
        starts_with($what, 'arn:')
        AND split_part($what, ':', 5) IN ('', account)
        AND strpos(named, '"' || name || '"') > 0
    )
ORDER BY event_time, account, event_id, region, outcome, who, source_identity, invoked_by, event_source, event_name,
    error_code, mfa, access_key_id, source_ip, user_agent, request_parameters
