-- title: Show who is refused most
-- answers: one row per caller, with how many calls were refused, of how many different kinds, and when
-- cannot see: refusals that services do not record, and failures for other reasons, as a name that does not exist.
--   `denied-calls` has each call
SELECT
    coalesce(user_arn, user_name, on_behalf_of_user_id, invoked_by, principal_id, identity_type, 'not recorded') AS who,
    account,
    count(*) AS refused,
    count(DISTINCT event_source || ' ' || event_name) AS different_calls,
    min(event_source || ' ' || event_name) AS example,
    min(event_time) AS first_time,
    max(event_time) AS last_time
FROM events
WHERE regexp_like(error_code, '(AccessDenied|Unauthorized|NotAuthorized|AuthorizationError|Forbidden|AuthFailure)')
GROUP BY 1, 2
ORDER BY refused DESC, who, account
