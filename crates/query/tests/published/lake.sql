-- In the manner of the sample queries for CloudTrail Lake (aws-samples/cloud-trail-lake-query-samples, MIT-0, and the
-- CloudTrail user guide, "Example queries"), with other names and times. $EDS_ID is the event data store.

-- name: who created buckets on a day
SELECT userIdentity.principalid, eventName
FROM $EDS_ID
WHERE userIdentity.principalid IS NOT NULL
  AND eventTime > '2026-09-14 00:00:00' AND eventTime < '2026-09-15 00:00:00'
  AND eventName = 'CreateBucket';

-- name: everything that a user called on a day
SELECT eventID, eventName, eventSource, eventTime, userIdentity.arn AS user
FROM $EDS_ID
WHERE userIdentity.arn LIKE '%bob%' AND eventTime > '2026-09-14 00:00:00' AND eventTime < '2026-09-15 00:00:00'
ORDER BY eventTime;

-- name: calls by name and service
SELECT eventSource, eventName, COUNT(*) AS apiCount
FROM $EDS_ID
WHERE eventTime > '2026-09-01 00:00:00'
GROUP BY eventSource, eventName
ORDER BY apiCount DESC, eventSource, eventName
LIMIT 5;

-- name: console sign-ins in some regions
SELECT userIdentity.type AS logintype, userIdentity.username AS username, recipientAccountId AS accountid, eventTime AS logintime,
  awsRegion AS region, element_at(responseElements, 'ConsoleLogin') AS loginstatus
FROM $EDS_ID
WHERE eventTime > '2026-09-14 00:00:00' AND eventTime < '2026-09-17 00:00:00'
  AND eventName = 'ConsoleLogin'
  AND awsRegion IN ('us-east-1', 'us-west-2')
ORDER BY eventTime;

-- name: queries that were run
SELECT element_at(responseElements, 'queryId'), element_at(requestParameters, 'queryStatement')
FROM $EDS_ID
WHERE eventName = 'StartQuery' AND eventTime > '2026-09-01 00:00:00';

-- name: services by account and region that may cause configuration items
SELECT recipientAccountId, awsRegion, eventSource, count(* ) as TotalPossibleCI
FROM $EDS_ID
Where (eventSource like 'ec2%' or eventSource like 'iam%' or eventSource like 'rds%' or eventSource like 's3%')
  and readOnly=False and managementEvent=True
  and eventTime > '2026-09-01 00:00:00' AND eventTime < '2026-09-30 00:00:00'
group by recipientAccountId, awsRegion, eventSource
Order by recipientAccountId desc, TotalPossibleCI desc, eventSource;

-- name: how often a rule was evaluated, by day
SELECT count(* ) as TotalEvents, date(eventTime ) as datestamp, awsRegion, recipientAccountId,
  element_at(additionalEventData, 'configRuleName' ) as configRuleName
FROM $EDS_ID
WHERE eventName= 'PutEvaluations' and eventTime > '2026-09-01 00:00:00'
group by date(eventTime ), awsRegion, recipientAccountId, additionalEventData
order by date(eventTime ) desc, TotalEvents desc, recipientAccountId;

-- name: roles that assume themselves
SELECT eventid, eventtime, userIdentity.sessioncontext.sessionissuer.arn as RoleARN, userIdentity.principalId as RoleIdColonRoleSessionName
from $EDS_ID
where eventSource = 'sts.amazonaws.com' and eventName = 'AssumeRole' and userIdentity.type = 'AssumedRole'
  and errorcode IS NULL and userIdentity.sessioncontext.sessionissuer.arn = element_at(resources,1 ).arn;

-- name: other accounts that an address was active in
SELECT useridentity.accountid
FROM $EDS_ID
WHERE sourceIPAddress = '192.0.2.44' AND useridentity.accountid != '111122223333'
GROUP by useridentity.accountid;

-- name: databases with performance insights
SELECT element_at(requestParameters, 'dBInstanceIdentifier' ) as DBInstance, element_at(requestParameters, 'engine' ) as Engine,
  element_at(requestParameters, 'engineVersion' ) as DBEngineVersion
FROM $EDS_ID
WHERE element_at(requestParameters, 'engine' ) = 'aurora-postgresql' and eventname = 'CreateDBInstance'
  and element_at(requestParameters, 'enablePerformanceInsights' ) = 'true';

-- name: access of AWS Support
select eventTime, eventSource, eventName, awsRegion, sourceIPAddress, userAgent, userIdentity.type as userIdtype,
  element_at(resources, 1 ).accountId as ressourceAccountID, element_at(resources, 1 ).arn as ressourceARN, eventType,
  eventCategory, managementEvent, recipientAccountId, requestParameters, responseElements
from $EDS_ID
where eventSource = 'sts.amazonaws.com' and userAgent = 'support.amazonaws.com';

-- name: changes of trails
SELECT eventName, element_at(requestParameters,'name' ), userIdentity.principalid, eventTime
FROM $EDS_ID
WHERE eventTime > '2026-09-14 00:00:00'
  AND ( eventName = 'CreateTrail' or eventName = 'UpdateTrail' or eventName = 'DeleteTrail' or eventName = 'StartLogging' or eventName = 'StopLogging' )
ORDER BY eventTime;

-- name: sign-ins without MFA
SELECT *
FROM $EDS_ID
WHERE eventsource = 'signin.amazonaws.com' AND eventname = 'ConsoleLogin' AND Element_at(additionaleventdata, 'MFAUsed' ) = 'No';

-- name: calls from another account
SELECT userIdentity.principalid, eventName, eventSource, userIdentity.accountId, recipientAccountId, requestParameters, eventTime
FROM $EDS_ID
WHERE eventTime > '2026-09-14 00:00:00' AND userIdentity.accountId != recipientAccountId
ORDER BY eventTime;

-- name: data events by day of the week
SELECT day_of_week(eventTime ) as weekday, COUNT(* ) as eventCount
FROM $EDS_ID
WHERE eventTime > '2026-01-01 00:00:00' AND eventCategory = 'Data'
GROUP BY day_of_week(eventTime )ORDER BY day_of_week(eventTime );

-- name: failovers
SELECT awsRegion as AWSRegion, element_at(requestParameters, 'dBClusterIdentifier' ) as DBCluster,
  userIdentity.sessionContext.sessionIssuer.userName as UserName, eventTime as FailoverTime
FROM $EDS_ID WHERE eventName = 'FailoverDBCluster';

-- name: reboots of databases
SELECT element_at(requestParameters, 'dBInstanceIdentifier' ) as DBInstance,
  userIdentity.sessionContext.sessionIssuer.userName as UserName, eventTime as RebootTime
FROM $EDS_ID WHERE eventName = 'RebootDBInstance'ORDER BY eventTime DESC;

-- name: launched instances
SELECT recipientAccountId, awsRegion, eventID, element_at(responseElements, 'instancesSet') as instances
FROM $EDS_ID WHERE eventName='RunInstances' AND eventTime > '2026-09-01 00:00:00' AND errorCode IS NULL;

-- name: network changes with an odd quote
SELECT eventName, eventTime FROM $EDS_ID
WHERE eventname IN ('AssociateAddress', 'DeleteNetworkAcl', '''CreateVpc' , 'RevokeSecurityGroupEgress');

-- name: security groups opened to the world
-- This part of the query returns AuthorizeSecurityGroupIngress events
SELECT eventName, userIdentity.arn AS user, sourceIPAddress, eventTime, eventSource,
  element_at(requestParameters, 'groupId') AS securityGroup, element_at(requestParameters, 'ipPermissions') AS securityGroupRule
FROM $EDS_ID
WHERE eventTime >= '2026-09-14 00:00:00' AND eventTime <= '2026-09-16 00:00:00'
  AND eventName = 'AuthorizeSecurityGroupIngress'
  AND element_at(requestParameters, 'ipPermissions') LIKE '%0.0.0.0/0%' -- rules for everybody
UNION ALL
SELECT eventName, userIdentity.arn AS user, sourceIPAddress, eventTime, eventSource,
  json_extract_scalar(element_at(requestParameters, 'ModifySecurityGroupRulesRequest'), '$.GroupId') securityGroup,
  element_at(requestParameters, 'ModifySecurityGroupRulesRequest') securityGroupRule
FROM $EDS_ID
WHERE eventTime >= '2026-09-14 00:00:00' AND eventTime <= '2026-09-16 00:00:00'
  AND eventName = 'ModifySecurityGroupRules'
  AND element_at(requestParameters, 'ModifySecurityGroupRulesRequest') LIKE '%0.0.0.0/0%'
ORDER BY eventTime DESC;

-- name: what one event answered
SELECT responseElements FROM $EDS_ID WHERE eventID = '00000000-0000-4000-8000-000000000014';

-- name: snapshots that are not encrypted
select userIdentity.principalid, awsRegion, element_at(requestParameters,'volumeId' ) as volume,
  json_extract(element_at(requestparameters, 'CreateSnapshotsRequest' ),'$.InstanceSpecification.InstanceId' ) as Instance,
  element_at(responseElements,'snapshotId' ) as snapshotID
from $EDS_ID
where eventName like '%CreateSnapshots%' or eventName like '%CreateSnapshot' and element_at(responseElements,'encrypted' )='false'
  and eventTime > '2026-01-01 00:00:00';

-- name: what an access key did
SELECT eventSource,eventName,sourceIPAddress,eventTime,errorCode
FROM $EDS_ID
WHERE userIdentity.accessKeyId = 'AKIAMALLORYEXAMPLE00' AND eventTime > '2026-09-14 00:00:00' AND eventTime < '2026-09-15 00:00:00'
order by eventTime;

-- name: what an access key achieved
SELECT count (*) as NumberEvents, eventSource, eventName
FROM $EDS_ID
WHERE eventTime > '2026-09-14 00:00:00' AND userIdentity.accessKeyId = 'AKIAMALLORYEXAMPLE00' AND errorcode IS NULL
GROUP by eventSource, eventName order by NumberEvents desc, eventName limit 3;

-- name: sign-ins through Identity Center
SELECT userIdentity.username, eventTime, recipientAccountId, awsRegion, sourceIPAddress, eventID
FROM $EDS_ID WHERE eventSource = 'sso.amazonaws.com' AND eventName = 'Authenticate';

-- name: accounts that a person went into
SELECT element_at(serviceEventDetails, 'account_id') as AccountID, element_at(serviceEventDetails, 'role_name') as SSORole, eventID, eventTime
FROM $EDS_ID
WHERE eventSource = 'sso.amazonaws.com' AND eventName = 'Federate' AND userIdentity.username = 'alice@example.com';

-- name: what a person of Identity Center did
SELECT eventSource, eventName, COUNT(*) AS apiCount
FROM $EDS_ID
WHERE userIdentity.principalId LIKE '%alice@example.com'
GROUP BY eventSource, eventName ORDER BY apiCount DESC, eventName;

-- name: users that were created, with what was answered
SELECT recipientAccountId, awsRegion, eventID, eventTime, element_at(responseElements, 'user') as userInfo
FROM $EDS_ID WHERE eventName='CreateUser';

-- name: denied calls
SELECT recipientAccountId, awsRegion, eventSource, eventName, readOnly, errorCode, errorMessage, eventTime, eventID
FROM $EDS_ID
WHERE (errorCode = 'AccessDenied' OR errorCode LIKE '%Unauthorized%') AND eventTime > '2026-09-14 00:00:00'
ORDER BY eventTime;

-- name: policies written into roles
SELECT recipientAccountId, eventID, eventTime, element_at(requestParameters, 'roleName') as roleName,
  element_at(requestParameters, 'policyDocument') as policyDocument
FROM $EDS_ID WHERE eventName='PutRolePolicy';

-- name: who launched an instance
SELECT userIdentity.principalid, eventName, eventTime, recipientAccountId, awsRegion
FROM $EDS_ID
WHERE responseElements IS NOT NULL AND element_at(responseElements, 'instancesSet') like '%"instanceId":"i-0000000000000000a"%'
  AND eventTime > '2026-09-01 00:00:00' AND eventName='RunInstances';

-- name: what a role did
SELECT eventSource, eventName, eventTime, eventID, errorCode
FROM $EDS_ID
WHERE useridentity.type = 'AssumedRole' AND useridentity.sessioncontext.sessionissuer.arn = 'arn:aws:iam::111122223333:role/web'
ORDER BY eventTime;

-- name: roles that a key assumed
SELECT requestParameters,responseElements
FROM $EDS_ID WHERE eventName = 'AssumeRole' AND userIdentity.accessKeyId = 'AKIAIOSFODNN7EXAMPLE' ORDER BY eventTime;

-- name: encryption of uploads
select recipientAccountId, eventTime, element_at(requestParameters,'bucketName' ) AS S3BUCKET, element_at(requestParameters,'key' ) AS S3OBJECT,
  element_at(requestParameters,'x-amz-server-side-encryption' ) AS ReqENCRYPTION,element_at(responseElements,'x-amz-server-side-encryption' ) AS RespENCRYPTION
from $EDS_ID where eventName='PutObject' order by eventTime desc;

-- name: errors of S3
select eventType, eventName, errorMessage from $EDS_ID where errorMessage is not null and eventSource='s3.amazonaws.com' order by eventTime;

-- name: every column in a flat table
SELECT eventVersion, userIdentity.principalID, userIdentity.arn, userIdentity.accountID, userIdentity.accessKeyID, userIdentity.username,
  userIdentity.sessionContext.attributes.creationDate, userIdentity.sessionContext.attributes.mfaAuthenticated,
  userIdentity.sessionContext.sessionIssuer.type, userIdentity.sessionContext.sessionIssuer.principalID,
  userIdentity.sessionContext.sessionIssuer.arn, userIdentity.sessionContext.sessionIssuer.accountID,
  userIdentity.sessionContext.sessionIssuer.username, userIdentity.sessionContext.webidfederationData.federatedProvider,
  userIdentity.sessionContext.webidfederationData.attributes, userIdentity.sessionContext.sourceIdentity,
  userIdentity.sessionContext.ec2RoleDelivery, userIdentity.invokedBy, userIdentity.identityProvider, eventTime, eventSource, eventName,
  awsRegion, sourceIpAddress, userAgent, errorCode, errorMessage, requestParameters, responseElements, additionalEventData, requestID,
  eventID, readOnly, resources, eventType, apiVersion, managementEvent, recipientAccountID, sharedEventID, annotation, vpcEndPointID,
  serviceEventDetails, addendum, edgeDeviceDetails, insightDetails, eventCategory, tlsDetails.tlsVersion, tlsDetails.cipherSuite,
  tlsDetails.clientProvidedHostHeader, sessionCredentialFromConsole, eventJson, eventJsonChecksum
FROM $EDS_ID WHERE eventTime >= '2026-09-15 00:00:00' AND eventTime <= '2026-09-15 01:00:00';

-- name: events outside the authorized regions
select awsRegion, eventType, eventTime, eventName
from $EDS_ID where awsRegion not in ('us-east-1','us-west-2' ) and recipientAccountId='111122223333' order by eventTime;

-- name: resources changed by hand
SELECT userIdentity.arn AS user, userIdentity, eventTime, eventSource, eventName, awsRegion, requestParameters, resources, requestID, eventID
FROM $EDS_ID
WHERE (eventName LIKE '%Create%' OR eventName LIKE '%Update%' OR eventName LIKE '%Put%' OR eventName LIKE '%Delete%' )
  AND resources IS NOT NULL
  AND userIdentity.sessioncontext.sessionissuer.username NOT LIKE 'AWSServiceRole%'
  AND userIdentity.sessioncontext.sessionissuer.username NOT IN ('' )
  AND sourceIpAddress != 'cloudformation.amazonaws.com'ORDER BY eventTime DESC;

-- name: attempts to read objects, by parameters
SELECT userIdentity.principalId, errorMessage, element_at(requestParameters, 'bucketName' ) as bucket,
  element_at(requestParameters, 'key' ) as objectKey, count(* ) as attempts
FROM $EDS_ID
WHERE eventSource = 's3.amazonaws.com' AND eventName = 'GetObject' AND eventCategory = 'Data'
GROUP BY userIdentity.principalId, errorMessage, requestParameters
ORDER BY attempts desc, objectKey;

-- name: writing calls from the console
SELECT userIdentity.arn,eventTime,eventSource,eventName,awsRegion,sourceIPAddress,userAgent,requestParameters,readOnly,recipientAccountId,sessionCredentialFromConsole
FROM $EDS_ID
WHERE sessionCredentialFromConsole = true AND readOnly = false AND eventTime > '2026-09-15 00:00:00'
ORDER BY eventTime;

-- name: calls by region
SELECT awsRegion, eventSource, COUNT(* ) AS apiCount
FROM $EDS_ID WHERE awsRegion <> 'us-east-1'
GROUP BY awsRegion, eventSource ORDER BY apiCount DESC, eventSource;

-- name: calls refused at VPC endpoints
SELECT count(*) as VPCAccessDenied, userIdentity.arn, userIdentity.accountid, eventName, errorMessage, vpcEndpointId, vpcEndpointAccountId, sourceIPAddress
FROM $EDS_ID
WHERE eventCategory = 'NetworkActivity' AND errorCode = 'VpceAccessDenied'
GROUP BY userIdentity.arn, userIdentity.accountid, eventName, errorMessage, vpcEndpointId, vpcEndpointAccountId, sourceIPAddress
ORDER BY eventName DESC;

-- name: clusters deleted without a snapshot
SELECT element_at(requestParameters, 'dBClusterIdentifier' ) as DBCluster, userIdentity.sessionContext.sessionIssuer.userName as UserName, eventTime as DeletedTime
FROM $EDS_ID WHERE eventName = 'DeleteDBCluster' and element_at(requestParameters, 'skipFinalSnapshot' ) = 'true';

-- name: compliance of resources
SELECT eventTime,awsRegion, recipientAccountId, element_at(additionalEventData, 'configRuleName' ) as configRuleName,
  json_extract_scalar(json_array_get(element_at(requestParameters,'evaluations' ),0 ),'$.complianceType' ) as Compliance,
  json_extract_scalar(json_array_get(element_at(requestParameters,'evaluations' ),0 ),'$.complianceResourceId' ) as ResourceName
FROM $EDS_ID
WHERE eventName='PutEvaluations'
  And json_extract_scalar(json_array_get(element_at(requestParameters,'evaluations' ),0 ),'$.complianceType' ) IN ('COMPLIANT','NON_COMPLIANT' );

-- name: objects that a key touched
SELECT element_at(requestParameters, 'bucketName') as BucketName, element_at(requestParameters, 'key') as ObjectName, eventName
FROM $EDS_ID
WHERE (eventName = 'CopyObject' OR eventName = 'DeleteObject' OR eventName = 'DeleteObjects' OR eventName = 'GetObject' OR eventName = 'HeadObject' OR eventName = 'PutObject')
  AND userIdentity.accessKeyId = 'AKIAMALLORYEXAMPLE00'
ORDER BY eventTime;

-- name: history of Block Public Access
SELECT element_at(requestParameters, 'bucketName') AS bucketName,
  json_extract_scalar(element_at(requestParameters, 'PublicAccessBlockConfiguration'), '$.RestrictPublicBuckets') AS restrictPublicBuckets,
  json_extract_scalar(element_at(requestParameters, 'PublicAccessBlockConfiguration'), '$.BlockPublicPolicy') AS blockPublicPolicy,
  eventName, eventTime, userIdentity.arn AS user
FROM $EDS_ID
WHERE eventSource = 's3.amazonaws.com' and element_at(requestParameters, 'bucketName') = 'demo'
  and eventName IN ('PutPublicAccessBlock', 'DeletePublicAccessBlock', 'PutBucketPublicAccessBlock')
ORDER BY bucketName, eventTime DESC;

-- name: buckets that need ACLs
SELECT DISTINCT element_at(requestParameters, 'bucketName') AS Bucket, awsRegion AS Region, recipientAccountId AS AccountID
FROM $EDS_ID WHERE element_at(additionalEventData, 'aclRequired') = 'Yes' ORDER BY recipientAccountId, awsRegion;

-- name: parts of an event's JSON through lambdas
SELECT eventName,
  transform(filter(Items, Item -> cast(json_extract(Item, '$.imageId') as varchar) = 'ami-0abc'), Found -> json_extract(Found, '$.instanceId')) as Instances
FROM (
  SELECT eventName, eventTime,
    map_values(cast(json_extract(json_parse(eventJson), '$.responseElements.instancesSet') as map(varchar, array(json))))[1] as Items
  FROM $EDS_ID
  WHERE eventName = 'RunInstances' AND eventTime > '2026-09-14 00:00:00'
) where Items is not null;

-- name: the latest of each, by rank
SELECT * FROM (
  SELECT replace(element_at(requestParameters, 'groupId'), 'sg-') as GroupId, eventTime,
    rank() over (partition by eventName order by eventTime desc) as rnk
  FROM $EDS_ID WHERE eventName = 'AuthorizeSecurityGroupIngress'
) where rnk = 1;

-- name: history of tags
SELECT awsRegion, eventSource, json_extract_scalar(eventjson, '$.requestParameters.resourcesSet.items[0].resourceId' ) as resourceId, eventTime, eventName,
  json_extract_scalar(eventjson, '$.requestParameters.tagSet.items[0].key' ) as key,
  json_extract_scalar(eventjson, '$.requestParameters.tagSet.items[0].value' ) as value, useridentity.arn as identityarn
from $EDS_ID where eventTime > '2026-01-01 00:00:00' and eventName in ('CreateTags','DeleteTags' )order by resourceId,key,eventTime desc;

-- name: outdated TLS
SELECT eventSource, tlsDetails.tlsVersion, sourceIPAddress, recipientAccountId, COUNT(*) AS numOutdatedTlsCalls
FROM $EDS_ID
WHERE eventTime >= '2026-09-14 00:00:00' AND tlsDetails.tlsVersion LIKE 'TLSv%'
  AND CAST(REPLACE(tlsDetails.tlsVersion, 'TLSv', '') AS DOUBLE) <= 1.1
GROUP BY eventSource, tlsDetails.tlsVersion, sourceIPAddress, recipientAccountId
ORDER BY numOutdatedTlsCalls DESC;

-- name: not the newest TLS
SELECT eventName, awsRegion, sourceIPAddress, recipientAccountId, tlsDetails.tlsversion
FROM $EDS_ID WHERE eventTime > '2026-09-01 00:00:00' AND tlsDetails.tlsversion != 'TLSv1.3' ORDER BY eventTime;

-- name: most frequent errors
SELECT errorCode, errorMessage, COUNT(* ) as eventCount
FROM $EDS_ID
WHERE eventTime > '2026-01-01 00:00:00' AND (errorCode is not null or errorMessage is not null )
GROUP BY errorCode, errorMessage ORDER BY eventCount DESC, errorMessage LIMIT 3;

-- name: callers of IAM
SELECT COUNT(*) AS apiCount, eventName, recipientAccountId, userIdentity.principalid
FROM $EDS_ID
WHERE userIdentity.principalid IS NOT NULL AND eventTime >= '2026-09-15 00:00:00' AND eventSource='iam.amazonaws.com'
GROUP BY eventName, recipientAccountId, userIdentity.principalid
ORDER BY apiCount DESC, eventName LIMIT 2;

-- name: objects that were read most
SELECT element_at(requestParameters, 'bucketName' ) as bucketName, element_at(requestParameters, 'key' ) as key, COUNT(* ) as requestCount
FROM $EDS_ID
WHERE eventSource = 's3.amazonaws.com' AND eventCategory = 'Data' AND eventName = 'GetObject'
GROUP BY requestParameters ORDER BY requestCount DESC, key LIMIT 20;

-- name: users made administrators
SELECT userIdentity.principalid, eventName, eventTime, element_at(requestParameters,'userName' ) AS username, element_at(requestParameters,'groupName' ) AS groupname
FROM $EDS_ID WHERE eventName = 'AddUserToGroup' AND element_at(requestParameters,'groupName' ) like '%admin%';

-- name: users by account
SELECT userIdentity.principalid, useridentity.accountId, count(* ) as eventCount
FROM $EDS_ID
WHERE userIdentity.principalid IS NOT NULL AND eventTime > '2026-01-01 00:00:00'
GROUP BY userIdentity.principalid, useridentity.accountId ORDER BY EventCount DESC, principalid LIMIT 3;

-- name: the last week by a formatted time
SELECT eventTime, recipientAccountId, element_at(resources, 1).ARN AS resource_arn
FROM $EDS_ID
WHERE eventTime >= date_format(date_add('day', -7, timestamp '2026-09-16 00:00:00'), '%Y-%m-%d %H:%i:%s') AND errorCode IS NULL
  AND eventName IN ('ScheduleKeyDeletion');

-- name: resources, one row each
SELECT eventName, r.arn, r.type
FROM $EDS_ID CROSS JOIN UNNEST(resources) AS t(r)
WHERE eventCategory = 'Data' AND eventTime < '2026-09-14 10:02:30' ORDER BY eventTime, r.arn;

-- name: parameters that are used most, one row each
SELECT key, value, count(*) AS n FROM $EDS_ID CROSS JOIN UNNEST(requestParameters) AS t(key, value)
WHERE eventSource = 's3.amazonaws.com' GROUP BY 1, 2 ORDER BY 3 DESC, 1 LIMIT 2;

-- name: flags as a text
SELECT count(*) FROM $EDS_ID WHERE readOnly = 'false' AND managementEvent = 'true';
