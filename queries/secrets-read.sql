-- title: Show who read secrets, and how many different ones in an hour
-- answers: one row per caller and hour, with how many calls and how many different secrets and parameters
-- cannot see: reads from a cache, and values of parameters that are no secrets (they are left out where the call
--   does not ask to decrypt). Reads by path or in batches name several: each call counts once for all that it names
-- parameter at_least integer default 1: the fewest different secrets of a row
SELECT
    date_bin(INTERVAL '1 hour', event_time) AS hour,
    coalesce(user_arn, user_name, on_behalf_of_user_id, invoked_by, principal_id, identity_type) AS who,
    account,
    invoked_by,
    count(*) AS calls,
    count(*) FILTER (WHERE coalesce(error_code, '') <> '') AS failed,
    count(DISTINCT named) AS secrets,
    array_slice(array_sort(array_agg(DISTINCT named)), 1, 20) AS first_secrets
FROM (
    SELECT
        *,
        coalesce(
            json_extract_scalar(request_parameters, '$.secretId'),
            json_extract(request_parameters, '$.secretIdList'),
            json_extract_scalar(request_parameters, '$.name'),
            json_extract(request_parameters, '$.names'),
            json_extract_scalar(request_parameters, '$.path'),
            request_parameters
        ) AS named
    FROM events
    WHERE (
            event_source = 'secretsmanager.amazonaws.com'
            AND event_name IN ('GetSecretValue', 'BatchGetSecretValue')
        )
        OR (
            event_source = 'ssm.amazonaws.com'
            AND event_name IN ('GetParameter', 'GetParameters', 'GetParametersByPath', 'GetParameterHistory')
            AND json_extract_scalar(request_parameters, '$.withDecryption') = 'true'
        )
)
GROUP BY 1, 2, 3, 4
HAVING count(DISTINCT named) >= $at_least
ORDER BY hour, secrets DESC, who, account, invoked_by
