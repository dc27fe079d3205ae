-- title: Show what a caller made that was not deleted since
-- answers: one row per thing that was made and whose deletion is not in the archive; without a name where the call
--   names it in a field that this query does not know
-- cannot see: things whose deletion has another name for them, or none, as when a stack or an account is deleted.
--   What was made before the archive begins. Things without a call of their own. Start from this list, and look
-- parameter who text: an ARN, user name, role name or access key, or a source identity
SELECT
    max(event_time) FILTER (WHERE is_made AND is_theirs) AS made_time,
    account,
    region,
    event_source,
    kind,
    thing,
    count(*) FILTER (WHERE is_made AND is_theirs) AS times_made,
    max(event_time) FILTER (WHERE NOT is_made) AS last_deleted
FROM (
    SELECT
        event_time,
        account,
        region,
        event_source,
        is_made,
        is_theirs,
        regexp_replace(regexp_replace(event_name, '^ScheduleKeyDeletion$', 'ScheduleKey'), verbs, '') AS kind,
        unnest(things) AS thing
    FROM (
        SELECT
            *,
            '^(Create|Run|Allocate|Import|Copy|Register|Restore|Delete|Terminate|Release|Deregister|Schedule)' AS verbs,
            NOT regexp_like(event_name, '^(Delete|Terminate|Release|Deregister|Schedule)') AS is_made,
            coalesce(
                $who IN (user_arn, user_name, issuer_arn, issuer_user_name, access_key_id, source_identity),
                false
            ) AS is_theirs,
            CASE
                WHEN event_name IN ('RunInstances', 'TerminateInstances')
                    THEN array_remove_all(string_to_array(regexp_replace(
                        CASE event_name WHEN 'RunInstances' THEN response_elements ELSE request_parameters END,
                        '(?s).*?"instanceId"\s*:\s*"(i-[0-9a-f]+)"|.+',
                        '\1,',
                        'g'
                    ), ','), '')
                ELSE make_array(coalesce(
                    json_extract_scalar(response_elements, '$.volumeId'),
                    json_extract_scalar(response_elements, '$.snapshotId'),
                    json_extract_scalar(response_elements, '$.imageId'),
                    json_extract_scalar(response_elements, '$.allocationId'),
                    json_extract_scalar(response_elements, '$.vpc.vpcId'),
                    json_extract_scalar(response_elements, '$.subnet.subnetId'),
                    json_extract_scalar(response_elements, '$.groupId'),
                    json_extract_scalar(response_elements, '$.internetGateway.internetGatewayId'),
                    json_extract_scalar(response_elements, '$.CreateNatGatewayResponse.natGateway.natGatewayId'),
                    json_extract_scalar(response_elements, '$.routeTable.routeTableId'),
                    json_extract_scalar(response_elements, '$.networkAcl.networkAclId'),
                    json_extract_scalar(response_elements, '$.networkInterface.networkInterfaceId'),
                    json_extract_scalar(response_elements, '$.policy.arn'),
                    json_extract_scalar(response_elements, '$.accessKey.accessKeyId'),
                    json_extract_scalar(response_elements, '$.keyMetadata.keyId'),
                    json_extract_scalar(response_elements, '$.topicArn'),
                    json_extract_scalar(response_elements, '$.queueUrl'),
                    json_extract_scalar(response_elements, '$.loadBalancers[0].loadBalancerArn'),
                    json_extract_scalar(request_parameters, '$.volumeId'),
                    json_extract_scalar(request_parameters, '$.snapshotId'),
                    json_extract_scalar(request_parameters, '$.imageId'),
                    json_extract_scalar(request_parameters, '$.allocationId'),
                    json_extract_scalar(request_parameters, '$.subnetId'),
                    json_extract_scalar(request_parameters, '$.groupId'),
                    json_extract_scalar(request_parameters, '$.internetGatewayId'),
                    json_extract_scalar(request_parameters, '$.DeleteNatGatewayRequest.NatGatewayId'),
                    json_extract_scalar(request_parameters, '$.routeTableId'),
                    json_extract_scalar(request_parameters, '$.networkAclId'),
                    json_extract_scalar(request_parameters, '$.networkInterfaceId'),
                    json_extract_scalar(request_parameters, '$.vpcId'),
                    json_extract_scalar(request_parameters, '$.policyArn'),
                    json_extract_scalar(request_parameters, '$.accessKeyId'),
                    regexp_replace(json_extract_scalar(request_parameters, '$.keyId'), '^.*/', ''),
                    json_extract_scalar(request_parameters, '$.topicArn'),
                    json_extract_scalar(request_parameters, '$.queueUrl'),
                    json_extract_scalar(request_parameters, '$.loadBalancerArn'),
                    json_extract_scalar(request_parameters, '$.bucketName'),
                    json_extract_scalar(request_parameters, '$.roleName'),
                    json_extract_scalar(request_parameters, '$.userName'),
                    json_extract_scalar(request_parameters, '$.groupName'),
                    json_extract_scalar(request_parameters, '$.instanceProfileName'),
                    json_extract_scalar(request_parameters, '$.functionName'),
                    json_extract_scalar(request_parameters, '$.tableName'),
                    json_extract_scalar(request_parameters, '$.dBInstanceIdentifier'),
                    json_extract_scalar(request_parameters, '$.dBClusterIdentifier'),
                    json_extract_scalar(request_parameters, '$.logGroupName'),
                    json_extract_scalar(request_parameters, '$.stackName'),
                    json_extract_scalar(request_parameters, '$.autoScalingGroupName'),
                    json_extract_scalar(request_parameters, '$.clusterName'),
                    json_extract_scalar(request_parameters, '$.repositoryName'),
                    json_extract_scalar(request_parameters, '$.keyName'),
                    json_extract_scalar(request_parameters, '$.name')
                ))
            END AS things
        FROM events
        WHERE coalesce(error_code, '') = ''
            AND regexp_like(event_name, '^(Create|Run|Allocate|Import|Copy|Register|Restore|Delete|Terminate|Release|Deregister|ScheduleKeyDeletion)')
            AND event_name NOT IN ('CreateTags', 'DeleteTags', 'CreateToken')
            AND coalesce(event_category, '') <> 'Data'
    )
)
GROUP BY account, region, event_source, kind, thing
HAVING count(*) FILTER (WHERE is_made AND is_theirs) > 0
    AND (
        thing IS NULL
        OR max(event_time) FILTER (WHERE NOT is_made) IS NULL
        OR max(event_time) FILTER (WHERE NOT is_made) < max(event_time) FILTER (WHERE is_made AND is_theirs)
    )
ORDER BY made_time, account, region, event_source, kind, thing
