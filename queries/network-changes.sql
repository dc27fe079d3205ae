-- title: Show changes of security groups, routes, gateways, VPCs and ACLs
-- answers: one row per call, done or attempted, with the thing that it concerns
-- cannot see: what was set before: `resource-history` of the thing. Networks outside of EC2's API, as those of
--   Lightsail
SELECT
    event_time,
    account,
    region,
    event_name,
    CASE WHEN coalesce(error_code, '') = '' THEN 'done' ELSE 'attempted' END AS outcome,
    coalesce(
        json_extract_scalar(request_parameters, '$.groupId'),
        json_extract_scalar(request_parameters, '$.ModifySecurityGroupRulesRequest.GroupId'),
        json_extract_scalar(request_parameters, '$.networkAclId'),
        json_extract_scalar(request_parameters, '$.routeTableId'),
        json_extract_scalar(request_parameters, '$.internetGatewayId'),
        json_extract_scalar(request_parameters, '$.customerGatewayId'),
        json_extract_scalar(request_parameters, '$.vpcPeeringConnectionId'),
        json_extract_scalar(request_parameters, '$.vpcId'),
        json_extract_scalar(request_parameters, '$.groupName'),
        json_extract_scalar(response_elements, '$.groupId'),
        json_extract_scalar(response_elements, '$.vpc.vpcId'),
        json_extract_scalar(response_elements, '$.internetGateway.internetGatewayId')
    ) AS what,
    -- Zero addresses are everyone.
    regexp_like(request_parameters, '"(0\.0\.0\.0/0|::/0)"') AS names_everybody,
    coalesce(user_arn, user_name, on_behalf_of_user_id, invoked_by, principal_id, identity_type) AS who,
    invoked_by,
    request_parameters,
    error_code,
    source_ip,
    user_agent,
    event_id
FROM events
WHERE event_source = 'ec2.amazonaws.com'
    AND read_only IS NOT TRUE
    AND regexp_like(
        event_name,
        '(SecurityGroup|NetworkAcl|Gateway|Route$|RouteTable|Vpc$|VpcAttribute|VpcPeering|ClassicLinkVpc|VpcClassicLink|VpcCidrBlock|VpcEndpoint|VpnConnection|TransitGateway)'
    )
    AND NOT regexp_like(event_name, '^(Describe|Get|Search|List)')
ORDER BY event_time, account, event_id, region, event_name, outcome, what, names_everybody, who, invoked_by,
    request_parameters, error_code, source_ip, user_agent
