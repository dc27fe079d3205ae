-- title: Show which actions a role or user really used, to write its policy
-- answers: one row per service and call, with how often done, how often refused, and up to 20 resources
-- cannot see: data events that no trail selects, as reads of objects: their actions are used and not shown. Calls
--   of services that do not write to CloudTrail. The name of a call is mostly, not always, that of the permission
--   (ListObjects needs s3:ListBucket). Sessions of a role count by the role, not by their name
-- parameter who text: the ARN or the name of the role or user
SELECT
    event_source,
    event_name,
    split_part(event_source, '.', 1) || ':' || regexp_replace(event_name, '(20[0-9]{6}|20[0-9]{2}_[0-9]{2}_[0-9]{2})(v[0-9]+)?$', '') AS action,
    count(*) FILTER (WHERE coalesce(error_code, '') = '') AS done,
    count(*) FILTER (WHERE regexp_like(error_code, '(AccessDenied|Unauthorized|NotAuthorized|Forbidden|AuthFailure)')) AS refused,
    count(*) FILTER (
        WHERE coalesce(error_code, '') <> ''
            AND NOT regexp_like(error_code, '(AccessDenied|Unauthorized|NotAuthorized|Forbidden|AuthFailure)')
    ) AS failed,
    array_slice(array_sort(array_agg(DISTINCT array_to_string(resource_arns, ' ')) FILTER (WHERE resource_arns IS NOT NULL)), 1, 20) AS resources,
    array_to_string(array_sort(array_agg(DISTINCT region)), ' ') AS regions,
    min(event_time) AS first_time,
    max(event_time) AS last_time
FROM events
WHERE $who IN (issuer_arn, issuer_user_name, user_arn, user_name)
    AND coalesce(event_type, '') <> 'AwsServiceEvent'
GROUP BY event_source, event_name
ORDER BY event_source, event_name, action
