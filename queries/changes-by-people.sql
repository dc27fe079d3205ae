-- title: Show what people changed by hand, past the pipelines
-- answers: one row per caller, call and outcome; left out are services, calls that a service makes for a caller,
--   and the sessions of the roles that are named
-- cannot see: a person that uses a pipeline's role. A role that only programs use and that is not named is shown:
--   pipelines are known by the role that the session is of, never by the session's name
-- parameter pipeline_roles text default '': names of the pipelines' roles, with commas between them
SELECT
    coalesce(source_identity, user_arn, user_name, on_behalf_of_user_id, principal_id, identity_type) AS who,
    account,
    event_source,
    event_name,
    CASE WHEN coalesce(error_code, '') = '' THEN 'done' ELSE 'attempted' END AS outcome,
    count(*) AS calls,
    min(event_time) AS first_time,
    max(event_time) AS last_time
FROM events
WHERE read_only = false
    AND coalesce(event_category, 'Management') = 'Management'
    AND identity_type NOT IN ('AWSService', 'AWSAccount')
    AND invoked_by IS NULL
    AND ec2_role_delivery IS NULL
    AND event_source NOT IN ('sts.amazonaws.com', 'signin.amazonaws.com')
    AND coalesce(issuer_arn, '') NOT LIKE '%:role/aws-service-role/%'
    AND NOT array_has(string_to_array(replace($pipeline_roles, ' ', ''), ','), coalesce(issuer_user_name, ''))
GROUP BY 1, 2, 3, 4, 5
ORDER BY last_time DESC, who, account, event_source, event_name, outcome
