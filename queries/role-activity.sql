-- title: Show what was done with certain roles or users, as those for emergencies
-- answers: one row per use of a role, by session and call: AssumeRole for it, done or attempted, and what its sessions
--   called; of an IAM user its calls. `role` has the ARN of either
-- cannot see: who sits behind a session: its name is a claim, and `assume-role-chain` leads to the caller. Uses by a
--   service for itself are left out
-- parameter roles text: ARNs or bare names of roles and users, with commas between them; `*` stands for any text, `\,`
--   for a comma
SELECT
    role,
    CASE WHEN is_assumed THEN 'assumed' ELSE 'used' END AS use,
    CASE WHEN coalesce(error_code, '') = '' THEN 'done' ELSE 'attempted' END AS outcome,
    coalesce(user_arn, user_name, principal_id, identity_type) AS who,
    source_identity,
    account,
    event_source,
    event_name,
    count(*) AS calls,
    min(event_time) AS first_time,
    max(event_time) AS last_time
FROM (
    SELECT
        *,
        coalesce(regexp_like(assumed, pattern), false) AS is_assumed,
        -- Who assumes one of them as another of them has used both: the row has the one that was assumed.
        CASE WHEN regexp_like(assumed, pattern) THEN assumed ELSE caller END AS role
    FROM (
        SELECT
            *,
            CASE
                WHEN event_source = 'sts.amazonaws.com' AND starts_with(event_name, 'AssumeRole')
                    THEN json_extract_scalar(request_parameters, '$.roleArn')
            END AS assumed,
            CASE WHEN identity_type = 'IAMUser' THEN user_arn ELSE issuer_arn END AS caller,
            -- A bare name is the end of an ARN, behind the path.
            '^(|.*/)('
            || replace(replace(replace(names, '*', '.*'), ',', '|'), chr(1), ',')
            || ')$' AS pattern
        FROM (
            SELECT
                *,
                -- Whatever else means something in a pattern is what it is in a name.
                regexp_replace(
                    replace(
                        replace(replace(replace(replace($roles, ' ', ''), '\,', chr(1)), '\', '\\'), '[', '\['),
                        '^',
                        '\^'
                    ),
                    '([\].+?(){}$|])',
                    '[$1]'
                ) AS names
            FROM events
            WHERE issuer_arn IS NOT NULL OR event_source = 'sts.amazonaws.com' OR identity_type = 'IAMUser'
        )
    )
)
WHERE (is_assumed OR regexp_like(caller, pattern))
    AND coalesce(identity_type, '') <> 'AWSService'
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
ORDER BY last_time DESC, role, use, outcome, who, source_identity, account, event_source, event_name
