-- title: Show who signed in to the console, from where and how
-- answers: one row per user, address and way of signing in, with how often and when last
-- cannot see: programs: they do not sign in. The second factor of federated and Identity Center users, which their
--   identity provider asks for and CloudTrail does not know: `mfa` is then not known, and not No
SELECT
    coalesce(user_arn, user_name, principal_id, identity_type) AS who,
    account,
    source_ip,
    CASE
        WHEN identity_type IN ('IAMUser', 'Root')
            THEN coalesce(json_extract_scalar(additional_event_data, '$.MFAUsed'), 'not recorded')
        ELSE 'not known'
    END AS mfa,
    count(*) AS sign_ins,
    min(event_time) AS first_time,
    max(event_time) AS last_time
FROM events
WHERE event_name = 'ConsoleLogin'
    AND event_source = 'signin.amazonaws.com'
    AND json_extract_scalar(response_elements, '$.ConsoleLogin') = 'Success'
GROUP BY 1, 2, 3, 4
ORDER BY last_time DESC, who, account, source_ip, mfa
