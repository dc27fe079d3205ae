-- title: Show who stopped, deleted or changed trails and other recording
-- answers: one row per call against CloudTrail, AWS Config, GuardDuty, Security Hub or flow logs, done or attempted
-- cannot see: what a member did while nothing recorded it: the deleting call is in this archive or nowhere. Changes
--   of the bucket, its policy and its key: `resource-history` of each. `mfa` is not recorded for long-lived keys,
--   which is not No
SELECT
    event_time,
    account,
    region,
    CASE WHEN coalesce(error_code, '') = '' THEN 'done' ELSE 'attempted' END AS outcome,
    coalesce(user_arn, user_name, on_behalf_of_user_id, invoked_by, principal_id, identity_type) AS who,
    event_source,
    event_name,
    coalesce(
        json_extract_scalar(request_parameters, '$.name'),
        json_extract_scalar(request_parameters, '$.trailName'),
        json_extract_scalar(request_parameters, '$.configurationRecorderName'),
        json_extract_scalar(request_parameters, '$.deliveryChannelName'),
        json_extract_scalar(request_parameters, '$.detectorId'),
        json_extract_scalar(request_parameters, '$.eventDataStore')
    ) AS what,
    error_code,
    access_key_id,
    coalesce(mfa_authenticated, 'not recorded') AS mfa,
    source_identity,
    invoked_by,
    source_ip,
    user_agent,
    event_id
FROM events
WHERE (
        event_source = 'cloudtrail.amazonaws.com'
        AND event_name IN (
            'StopLogging', 'DeleteTrail', 'UpdateTrail', 'PutEventSelectors', 'PutInsightSelectors',
            'PutEventConfiguration', 'RemoveTags', 'DeleteEventDataStore', 'UpdateEventDataStore',
            'StopEventDataStoreIngestion', 'DeleteChannel', 'DeleteResourcePolicy',
            'DeregisterOrganizationDelegatedAdmin'
        )
    )
    OR (
        event_source = 'config.amazonaws.com'
        AND event_name IN (
            'StopConfigurationRecorder', 'DeleteConfigurationRecorder', 'PutConfigurationRecorder',
            'DeleteDeliveryChannel', 'DeleteConfigRule', 'DeleteConfigurationAggregator',
            'DeleteRetentionConfiguration'
        )
    )
    OR (
        event_source = 'guardduty.amazonaws.com'
        AND event_name IN (
            'DeleteDetector', 'UpdateDetector', 'DisassociateMembers', 'DeleteMembers', 'StopMonitoringMembers',
            'DisassociateFromAdministratorAccount', 'DeletePublishingDestination', 'CreateFilter', 'CreateIPSet'
        )
    )
    OR (
        event_source = 'securityhub.amazonaws.com'
        AND event_name IN ('DisableSecurityHub', 'BatchDisableStandards', 'DisassociateMembers', 'DeleteMembers')
    )
    OR (event_source = 'ec2.amazonaws.com' AND event_name = 'DeleteFlowLogs')
    OR (event_source = 'access-analyzer.amazonaws.com' AND event_name = 'DeleteAnalyzer')
ORDER BY event_time, account, event_id, region, outcome, who, event_source, event_name, what, error_code,
    access_key_id, mfa, source_identity, invoked_by, source_ip, user_agent
