-- title: Show what was done from an address
-- answers: one row per caller, program and call, with how often, how often in vain, and when
-- cannot see: who sits behind the address. The address is AWS's own or a service's name where a service calls for
--   another caller, and a private one where a call comes through a VPC endpoint
-- parameter address text: the address, as CloudTrail writes it
SELECT
    account,
    coalesce(user_arn, user_name, on_behalf_of_user_id, invoked_by, principal_id, identity_type) AS who,
    access_key_id,
    user_agent,
    event_source,
    event_name,
    count(*) AS calls,
    count(*) FILTER (WHERE coalesce(error_code, '') <> '') AS failed,
    min(event_time) AS first_time,
    max(event_time) AS last_time
FROM events
WHERE source_ip = $address
GROUP BY 1, 2, 3, 4, 5, 6
ORDER BY first_time, account, who, access_key_id, user_agent, event_source, event_name
