-- title: Show what an instance's role did, and from which addresses
-- answers: one row per session, address and call. `from_instance` is yes where the instance's metadata gave out the
--   credentials; a session that is only named like an instance has no such mark
-- cannot see: whether an address is one of the instance's. Records of before 2021 have no mark at all
-- parameter instance text: the id of the instance, i-…
SELECT
    coalesce(user_arn, principal_id) AS who,
    CASE WHEN ec2_role_delivery IS NULL THEN 'not recorded' ELSE 'yes' END AS from_instance,
    ec2_role_delivery AS metadata_version,
    account,
    source_ip,
    vpc_endpoint_id,
    event_source,
    event_name,
    count(*) AS calls,
    count(*) FILTER (WHERE coalesce(error_code, '') <> '') AS failed,
    min(event_time) AS first_time,
    max(event_time) AS last_time
FROM events
WHERE identity_type = 'AssumedRole' AND split_part(principal_id, ':', 2) = $instance
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
ORDER BY first_time, who, account, source_ip, event_source, event_name, from_instance, metadata_version, vpc_endpoint_id
