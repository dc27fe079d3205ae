-- title: Show which programs and SDKs call, and for which callers
-- answers: one row per program, version and caller, with how often and when last
-- cannot see: whether it is true: a program says itself what it is called. Services that call for a caller are
--   named by their address and are left out
-- parameter program text default '': what the name of the program has in it, as aws-sdk-java/1
SELECT
    split_part(user_agent, ' ', 1) AS program,
    coalesce(issuer_arn, user_arn, user_name, nullif(principal_id, ''), identity_type) AS who,
    account,
    count(*) AS calls,
    count(DISTINCT source_ip) AS addresses,
    min(event_time) AS first_time,
    max(event_time) AS last_time
FROM events
WHERE user_agent IS NOT NULL
    AND invoked_by IS NULL
    AND coalesce(identity_type, '') <> 'AWSService'
    AND ($program = '' OR strpos(lower(user_agent), lower($program)) > 0)
GROUP BY 1, 2, 3
ORDER BY calls DESC, program, who, account
