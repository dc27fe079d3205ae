-- title: Show refused calls by caller
-- answers: one row per caller, call and code, with how often and when
-- cannot see: refusals that services do not record, and failures for other reasons, as a name that does not exist
-- parameter at_least integer default 1: the fewest refusals of a row
SELECT
    coalesce(user_arn, user_name, on_behalf_of_user_id, invoked_by, principal_id, identity_type) AS who,
    account,
    event_source,
    event_name,
    error_code,
    count(*) AS refused,
    count(DISTINCT region) AS regions,
    min(event_time) AS first_time,
    max(event_time) AS last_time,
    min(error_message) AS example,
    min(source_ip) AS source_ip
FROM events
WHERE regexp_like(error_code, '(AccessDenied|Unauthorized|NotAuthorized|AuthorizationError|Forbidden|AuthFailure)')
GROUP BY 1, 2, 3, 4, 5
HAVING count(*) >= $at_least
ORDER BY refused DESC, who, account, event_source, event_name, error_code
