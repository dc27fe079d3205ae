-- title: Show who of other accounts called here
-- answers: one row per calling account, caller and call, with how often done, how often refused, and when
-- cannot see: what a caller of another account does as a role of this one: `assume-role-chain` leads from the
--   role's key to the caller. Services and calls without credentials are left out. The caller's own account has a
--   record of its own of the same call, with the same shared id
SELECT
    account,
    user_account AS from_account,
    coalesce(user_arn, user_name, nullif(principal_id, ''), identity_type) AS who,
    event_source,
    event_name,
    coalesce(json_extract_scalar(request_parameters, '$.roleArn'), min(resource_arns[1])) AS what,
    count(*) FILTER (WHERE coalesce(error_code, '') = '') AS done,
    count(*) FILTER (WHERE coalesce(error_code, '') <> '') AS refused,
    min(event_time) AS first_time,
    max(event_time) AS last_time
FROM events
WHERE user_account <> account
    AND user_account NOT IN ('ANONYMOUS_PRINCIPAL', 'anonymous')
    AND coalesce(identity_type, '') <> 'AWSService'
GROUP BY account, user_account, 3, event_source, event_name, json_extract_scalar(request_parameters, '$.roleArn')
ORDER BY account, from_account, who, event_source, event_name, what, json_extract_scalar(request_parameters, '$.roleArn')
