-- title: Show changes of the organization: accounts, policies, services
-- answers: one row per call to Organizations that may change something, and per event of its own, as an account
--   that joined, departed or was closed
-- cannot see: calls outside of the management account and the delegated administrators: they are recorded there, in
--   us-east-1. Events of joining and departing are recorded since May 2026; before, only the calls
SELECT
    event_time,
    account,
    event_name,
    CASE
        WHEN event_type = 'AwsServiceEvent' THEN 'by AWS itself'
        WHEN coalesce(error_code, '') <> '' THEN 'attempted'
        ELSE 'done'
    END AS outcome,
    coalesce(
        json_extract_scalar(service_event_details, '$.accountId'),
        json_extract_scalar(service_event_details, '$.createAccountStatus.accountId'),
        json_extract_scalar(service_event_details, '$.closeAccountStatus.accountId'),
        json_extract_scalar(request_parameters, '$.accountId'),
        json_extract_scalar(request_parameters, '$.target.id'),
        json_extract_scalar(request_parameters, '$.targetId'),
        json_extract_scalar(request_parameters, '$.policyId'),
        json_extract_scalar(request_parameters, '$.servicePrincipal'),
        json_extract_scalar(request_parameters, '$.handshakeId'),
        json_extract_scalar(request_parameters, '$.organizationalUnitId'),
        json_extract_scalar(response_elements, '$.createAccountStatus.id')
    ) AS what,
    coalesce(user_arn, user_name, on_behalf_of_user_id, invoked_by, principal_id, identity_type) AS who,
    request_parameters,
    service_event_details,
    error_code,
    source_ip,
    user_agent,
    event_id
FROM events
WHERE event_source IN ('organizations.amazonaws.com', 'account.amazonaws.com')
    AND (event_type = 'AwsServiceEvent' OR read_only IS NOT TRUE)
    AND NOT regexp_like(event_name, '^(Describe|List|Get)')
ORDER BY event_time, account, event_id, event_name, outcome, what, who, request_parameters, service_event_details,
    error_code, source_ip, user_agent
