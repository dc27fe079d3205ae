-- title: Show what an access key was used for, from where and with what
-- answers: one row per account, address, program and call, with how often, how often in vain, and when
-- cannot see: use that is not recorded, as of data events that no trail selects. A key that signs nothing is not
--   thereby safe. The key of a session that this key began: `assume-role-chain` leads from it to this one
-- parameter access_key text: the id of the key, AKIA… or ASIA…
SELECT
    account,
    source_ip,
    user_agent,
    event_source,
    event_name,
    count(*) AS calls,
    count(*) FILTER (WHERE coalesce(error_code, '') <> '') AS failed,
    min(event_time) AS first_time,
    max(event_time) AS last_time,
    min(coalesce(user_arn, user_name, principal_id)) AS who
FROM events
WHERE access_key_id = $access_key
GROUP BY account, source_ip, user_agent, event_source, event_name
ORDER BY first_time, account, source_ip, user_agent, event_source, event_name
