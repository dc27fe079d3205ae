-- title: Show who made something, by its name, id or ARN
-- answers: one row per creation that names it, in the answer or in the request; the earliest made it, later ones
--   may have made something of it, as a snapshot of a volume
-- cannot see: what was made before the archive begins. Things that AWS makes without a call of its own, as the
--   volume of an instance, where only the instance is named. Names are compared exactly
-- parameter what text: the name, id or ARN
SELECT
    event_time,
    account,
    region,
    CASE WHEN coalesce(error_code, '') = '' THEN 'done' ELSE 'attempted' END AS outcome,
    coalesce(user_arn, user_name, on_behalf_of_user_id, invoked_by, principal_id, identity_type) AS who,
    source_identity,
    invoked_by,
    event_source,
    event_name,
    CASE WHEN strpos(coalesce(response_elements, ''), name || '"') > 0 THEN 'answer' ELSE 'request' END AS named_in,
    error_code,
    access_key_id,
    source_ip,
    user_agent,
    event_id
FROM (
    SELECT
        *,
        concat_ws(' ', request_parameters, response_elements, resources, service_event_details) AS named,
        regexp_replace(regexp_replace($what, ':\*$', ''), '^arn:[^:]*:[^:]*:[^:]*:[^:]*:(.*[:/])?', '') AS name
    FROM events
    WHERE regexp_like(event_name, '^(Batch)?(Create|Run|Launch|Allocate|Import|Copy|Register|Restore|Request|Publish|Upload|Accept|Invite)')
        AND event_name NOT IN ('CreateTags', 'CreateToken')
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
    named_in, error_code, access_key_id, source_ip, user_agent
