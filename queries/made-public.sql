-- title: Show what may have been opened to the public
-- answers: one row per policy, access list or share in a request that names everyone; `has_condition` says that a
--   policy has conditions, which may close it again (aws:PrincipalOrgID, aws:SourceVpce): read them
-- cannot see: whether it is public: Block Public Access, conditions and other statements decide. This asks for a
--   look, it does not judge. Policies that were not sent whole
SELECT
    event_time,
    account,
    region,
    CASE WHEN coalesce(error_code, '') = '' THEN 'done' ELSE 'attempted' END AS outcome,
    event_source,
    event_name,
    regexp_like(request_parameters, '"Condition\\*"\s*:') AS has_condition,
    coalesce(user_arn, user_name, on_behalf_of_user_id, invoked_by, principal_id, identity_type) AS who,
    request_parameters,
    error_code,
    source_ip,
    user_agent,
    event_id
FROM events
WHERE read_only IS NOT TRUE
    AND (
        -- A policy, as JSON or as a text of JSON.
        (
            regexp_like(event_name, '(Policy|Permission|Grant|SetQueueAttributes|SetTopicAttributes|CreateTopic|CreateQueue|CreateKey|CreateRole)')
            AND (
                regexp_like(request_parameters, '\\*"Principal\\*"\s*:\s*(\[\s*)?\\*"\*\\*"')
                OR regexp_like(request_parameters, '\\*"Principal\\*"\s*:\s*\{\s*\\*"AWS\\*"\s*:\s*(\[[^\]]*)?\\*"\*\\*"')
                OR regexp_like(request_parameters, '^\{(.*,)?\s*"principal"\s*:\s*"\*"')
            )
        )
        -- An access list of S3.
        OR (
            event_source = 's3.amazonaws.com'
            AND (
                regexp_like(request_parameters, 'acs\.amazonaws\.com/groups/global/(AllUsers|AuthenticatedUsers)')
                OR regexp_like(request_parameters, '"x-amz-acl"\s*:\s*(\[\s*)?"(public-read|public-read-write|authenticated-read)"')
            )
        )
        -- Images, snapshots and documents.
        OR (
            event_name IN ('ModifyImageAttribute', 'ModifySnapshotAttribute')
            AND regexp_like(request_parameters, '"add"\s*:\s*\{\s*"items"\s*:\s*\[[^\]]*"group"\s*:\s*"all"')
        )
        OR (
            event_name IN ('ModifyDBSnapshotAttribute', 'ModifyDBClusterSnapshotAttribute')
            AND regexp_like(request_parameters, '"valuesToAdd"\s*:\s*\[[^\]]*"all"')
        )
        OR (
            event_name = 'ModifyDocumentPermission'
            AND regexp_like(request_parameters, '"accountIdsToAdd"\s*:\s*\[[^\]]*"all"')
        )
    )
ORDER BY event_time, account, event_id, region, outcome, event_source, event_name, has_condition, who,
    request_parameters, error_code, source_ip, user_agent
