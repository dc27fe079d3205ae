-- In the manner of the Athena user guide, "Query AWS CloudTrail logs" (CC BY-SA 4.0), of answers on re:Post and of the
-- S3 user guide on CloudTrail logs, with other names and times. $TABLE is the table of the documentation.

-- name: functions called by anonymous users
SELECT eventsource, eventname, eventtime, resources
FROM $TABLE
WHERE eventname LIKE 'UpdateFunctionCode%' AND useridentity.accountid IS NOT NULL;

-- name: who signed in, by identity
SELECT useridentity.arn, eventname, sourceipaddress, eventtime
FROM $TABLE
LIMIT 100;

-- name: calls of one user
SELECT eventID, eventName, eventSource, eventTime, userIdentity.arn AS user
FROM $TABLE
WHERE userIdentity.arn LIKE '%alice%' AND eventTime > '2026-09-14T00:00:00Z'
ORDER BY eventtime;

-- name: events of EC2 with their parameters
SELECT eventname, useridentity.username, sourceIPAddress, eventtime, requestparameters
FROM $TABLE
WHERE (requestparameters LIKE '%sg-0bbb%') AND eventtime > '2026-09-13T00:00:00Z'
ORDER BY eventtime ASC;

-- name: sign-ins to the console
SELECT useridentity.username, sourceipaddress, eventtime, additionaleventdata
FROM $TABLE
WHERE eventname = 'ConsoleLogin' AND eventtime >= '2026-09-14T00:00:00Z' AND eventtime < '2026-09-15T00:00:00Z'
ORDER BY eventtime;

-- name: failed sign-ins by user and day
SELECT date(from_iso8601_timestamp(eventtime)) AS day, useridentity.username, count(*) AS failures
FROM $TABLE
WHERE eventname = 'ConsoleLogin' AND json_extract_scalar(responseelements, '$.ConsoleLogin') = 'Failure'
GROUP BY 1, 2
ORDER BY 3 DESC;

-- name: sign-ins of root
SELECT eventtime, sourceipaddress, useragent, json_extract_scalar(additionaleventdata, '$.MFAUsed') AS mfa
FROM $TABLE
WHERE useridentity.type = 'Root' AND useridentity.invokedby IS NULL AND eventtype <> 'AwsServiceEvent' AND errorcode IS NULL
ORDER BY eventtime;

-- name: top ten of calls
SELECT eventname, count(*) AS c FROM $TABLE GROUP BY eventname ORDER BY c DESC, eventname LIMIT 3;

-- name: events of a partition
SELECT count(*) FROM $TABLE WHERE account = '111122223333' AND region = 'eu-west-1';

-- name: events of days by the partition of the documentation
SELECT count(*) AS n FROM $TABLE WHERE region = 'us-east-1' AND "timestamp" >= '2026/09/15' AND "timestamp" <= '2026/09/16';

-- name: events of a day by the partition, not in quotes
SELECT timestamp, count(*) AS n FROM $TABLE WHERE timestamp = '2026/09/14' GROUP BY timestamp;

-- name: events of days by year, month and day
SELECT year, month, day, count(*) AS n FROM $TABLE WHERE region = 'us-east-1' AND year = '2026' AND month IN ('09') AND day BETWEEN '14' AND '15'
GROUP BY year, month, day ORDER BY 3;

-- name: errors by hour
SELECT date_trunc('hour', from_iso8601_timestamp(eventtime)) AS hour, errorcode, count(*) AS errors
FROM $TABLE WHERE errorcode IS NOT NULL AND errorcode <> ''
GROUP BY 1, 2 ORDER BY 1, 2 LIMIT 3;

-- name: requests to an API over its limit
SELECT eventname, errorcode, eventsource, awsregion, useragent, count(*) COUNT
FROM $TABLE
WHERE errorcode LIKE '%RequestLimitExceeded' AND eventtime BETWEEN '2026-09-14T00:00:08Z' AND '2026-09-16T00:00:08Z'
GROUP BY errorcode, awsregion, eventsource, useragent, eventname
ORDER BY COUNT DESC;

-- name: who created or deleted a security group rule
SELECT eventname, useridentity.username, useridentity.sessioncontext.sessionissuer.username AS role, sourceipaddress, eventtime,
  json_extract_scalar(requestparameters, '$.groupId') AS groupid,
  json_extract_scalar(requestparameters, '$.ipPermissions.items[0].ipRanges.items[0].cidrIp') AS cidr,
  cast(json_extract(requestparameters, '$.ipPermissions.items[0].fromPort') AS integer) AS port
FROM $TABLE
WHERE eventname IN ('AuthorizeSecurityGroupIngress', 'RevokeSecurityGroupIngress')
ORDER BY eventtime;

-- name: each range of each permission, unnested
SELECT eventtime, json_extract_scalar(permission, '$.ipProtocol') AS protocol, json_extract_scalar(cidr, '$.cidrIp') AS cidr
FROM $TABLE
CROSS JOIN UNNEST(CAST(json_extract(requestparameters, '$.ipPermissions.items') AS array(json))) AS p(permission)
CROSS JOIN UNNEST(CAST(json_extract(permission, '$.ipRanges.items') AS array(json))) AS c(cidr)
WHERE eventname = 'AuthorizeSecurityGroupIngress'
ORDER BY eventtime;

-- name: instances that were launched, one row each
WITH launches AS (
  SELECT eventtime, useridentity.arn AS arn, CAST(json_extract(responseelements, '$.instancesSet.items') AS ARRAY(ROW(instanceid VARCHAR, imageid VARCHAR))) AS items
  FROM $TABLE WHERE eventname = 'RunInstances' AND errorcode IS NULL
)
SELECT arn, item.instanceid, item.imageid
FROM launches CROSS JOIN UNNEST(items) AS t(item)
ORDER BY 2;

-- name: rows of a cast into columns
SELECT i.instanceid
FROM $TABLE CROSS JOIN UNNEST(CAST(json_extract(responseelements, '$.instancesSet.items') AS ARRAY(ROW(instanceid VARCHAR, imageid VARCHAR)))) AS i (instanceid, imageid)
WHERE eventname = 'RunInstances' ORDER BY 1 DESC;

-- name: owner and action of deleted buckets and objects
SELECT useridentity.principalid, eventname, json_extract_scalar(requestparameters, '$.bucketName') AS bucket, json_extract_scalar(requestparameters, '$.key') AS key
FROM $TABLE
WHERE eventsource = 's3.amazonaws.com' AND eventname LIKE 'Delete%' AND regexp_like(eventname, '^Delete(Object|Objects|Bucket)$')
ORDER BY eventtime;

-- name: requests signed with version 2
SELECT eventName, json_extract_scalar(requestParameters, '$.bucketName') bucketName, count(*) AS requests
FROM $TABLE
WHERE eventsource = 's3.amazonaws.com' AND json_extract_scalar(additionalEventData, '$.SignatureVersion') = 'SigV2'
GROUP BY 1, 2;

-- name: objects with ACL in the request
SELECT bucket_name, acls, count(*) AS n FROM (
  SELECT json_extract_scalar(requestparameters, '$.bucketName') AS bucket_name, json_extract_scalar(requestparameters, '$.x-amz-acl') AS acls
  FROM $TABLE WHERE eventname = 'PutBucketAcl'
) GROUP BY bucket_name, acls;

-- name: requests without credentials
SELECT eventtime, eventname, sourceipaddress, json_extract_scalar(requestparameters, '$.key') AS key
FROM $TABLE WHERE useridentity.accountid = 'ANONYMOUS_PRINCIPAL';

-- name: bytes read by principal
SELECT useridentity.arn, sum(cast(json_extract_scalar(additionaleventdata, '$.bytesTransferredOut') AS double)) AS bytes
FROM $TABLE
WHERE eventname = 'GetObject' AND eventcategory = 'Data'
GROUP BY useridentity.arn ORDER BY bytes DESC;

-- name: access by role, with the name of the session
SELECT split_part(useridentity.arn, '/', 2) AS role, split_part(useridentity.arn, '/', 3) AS session, count(*) AS calls
FROM $TABLE WHERE useridentity.type = 'AssumedRole'
GROUP BY 1, 2 ORDER BY 3 DESC, 1 LIMIT 3;

-- name: session names by pattern
SELECT regexp_extract(useridentity.arn, 'assumed-role/([^/]+)/(.+)', 1) AS role, array_agg(DISTINCT eventname) AS names
FROM $TABLE WHERE useridentity.type = 'AssumedRole' AND eventsource = 'kms.amazonaws.com' GROUP BY 1;

-- name: first and last use of keys
SELECT useridentity.accesskeyid, min(eventtime) AS first_seen, max(eventtime) AS last_seen, max_by(sourceipaddress, eventtime) AS last_ip,
  min_by(eventname, eventtime) AS first_call, count(*) AS calls
FROM $TABLE WHERE useridentity.accesskeyid LIKE 'AKIA%' GROUP BY useridentity.accesskeyid ORDER BY calls DESC LIMIT 2;

-- name: addresses of principals
SELECT useridentity.arn, cardinality(array_agg(DISTINCT sourceipaddress)) AS addresses, array_join(array_sort(array_agg(DISTINCT sourceipaddress)), ', ') AS list
FROM $TABLE WHERE useridentity.arn IS NOT NULL AND useridentity.arn <> ''
GROUP BY useridentity.arn HAVING count(DISTINCT sourceipaddress) > 1 ORDER BY 1;

-- name: who assumed which role, with the key that was given
SELECT eventtime, coalesce(useridentity.arn, useridentity.invokedby, useridentity.accountid) AS caller,
  json_extract_scalar(requestparameters, '$.roleArn') AS role, json_extract_scalar(responseelements, '$.credentials.accessKeyId') AS key
FROM $TABLE WHERE eventname = 'AssumeRole' ORDER BY eventtime;

-- name: calls of a session, joined with the call that made it
WITH assumed AS (
  SELECT json_extract_scalar(responseelements, '$.credentials.accessKeyId') AS key, useridentity.arn AS caller, eventtime
  FROM $TABLE WHERE eventname = 'AssumeRole'
)
SELECT a.caller, e.eventname, e.eventtime
FROM $TABLE e JOIN assumed a ON e.useridentity.accesskeyid = a.key
WHERE a.caller IS NOT NULL AND e.eventtime >= a.eventtime
ORDER BY e.eventtime LIMIT 3;

-- name: decryption with a context
SELECT eventtime, useridentity.arn, json_extract_scalar(requestparameters, '$.encryptionContext.department') AS department,
  json_extract_scalar(requestparameters, '$.encryptionContext["aws:s3:arn"]') AS bucket
FROM $TABLE
WHERE eventsource = 'kms.amazonaws.com' AND eventname = 'Decrypt'
  AND json_extract_scalar(requestparameters, '$.encryptionContext.department') = 'finance';

-- name: secrets that were read, distinct by principal
SELECT useridentity.arn AS principal, count(DISTINCT json_extract_scalar(requestparameters, '$.secretId')) AS secrets
FROM $TABLE
WHERE eventsource = 'secretsmanager.amazonaws.com' AND eventname IN ('GetSecretValue', 'BatchGetSecretValue')
  AND COALESCE(useridentity.arn, '') NOT LIKE '%execution-role%'
GROUP BY 1 ORDER BY 2 DESC;

-- name: the last seven days by text
SELECT count(*) AS n FROM $TABLE
WHERE eventTime > date_format(date_add('day', -7, timestamp '2026-09-16 00:00:00'), '%Y-%m-%dT%H:%i:%sZ');

-- name: the last hours by interval
SELECT count(*) AS n FROM $TABLE
WHERE from_iso8601_timestamp(eventtime) > timestamp '2026-09-15 08:00:30 UTC' - interval '1' hour;

-- name: relative to now
SELECT count(*) AS n FROM $TABLE
WHERE from_iso8601_timestamp(eventtime) >= current_timestamp - interval '3650' day AND eventtime < to_iso8601(current_timestamp);

-- name: parsed by format
SELECT date_diff('minute', date_parse(min(eventtime), '%Y-%m-%dT%H:%i:%sZ'), date_parse(max(eventtime), '%Y-%m-%dT%H:%i:%sZ')) AS minutes
FROM $TABLE WHERE useridentity.username = 'mallory';

-- name: by day of the week and hour
SELECT day_of_week(from_iso8601_timestamp(eventtime)) AS d, hour(parse_datetime(eventtime, 'yyyy-MM-dd''T''HH:mm:ss''Z''')) AS h, count(*) AS n
FROM $TABLE GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 2;

-- name: sign-ins outside working hours of Berlin
SELECT eventname, hour(from_iso8601_timestamp(eventtime) AT TIME ZONE 'Europe/Berlin') AS h
FROM $TABLE WHERE eventname = 'ConsoleLogin' AND hour(from_iso8601_timestamp(eventtime) AT TIME ZONE 'Europe/Berlin') < 10;

-- name: unauthorized calls
SELECT count (*) AS TotalEvents, useridentity.arn, eventsource, eventname, errorCode, errorMessage
FROM $TABLE
WHERE (errorcode like '%Denied%' or errorcode like '%Unauthorized%')
  AND eventtime >= '2026-09-14T00:00:00Z' AND eventtime < '2026-09-16T00:00:00Z'
GROUP by eventsource, eventname, errorCode, errorMessage, useridentity.arn
ORDER by eventsource, eventname, TotalEvents desc;

-- name: AccessDenied for one user with the missing action
SELECT eventname, errormessage, regexp_extract(errormessage, 'perform: ([a-z0-9-]+:[A-Za-z]+)', 1) AS action
FROM $TABLE WHERE errorcode = 'AccessDenied' AND regexp_extract(errormessage, 'perform: ([a-z0-9-]+:[A-Za-z]+)', 1) IS NOT NULL;

-- name: services that a role uses, for least privilege
SELECT eventsource, eventname FROM $TABLE
WHERE useridentity.sessioncontext.sessionissuer.arn = 'arn:aws:iam::111122223333:role/deploy' AND errorcode IS NULL
GROUP BY eventsource, eventname ORDER BY 1, 2 LIMIT 3;

-- name: actions as a policy has them
SELECT DISTINCT concat(split_part(eventsource, '.', 1), ':', eventname) AS action
FROM $TABLE WHERE useridentity.sessioncontext.sessionissuer.username = 'web' ORDER BY 1;

-- name: user agents by family
SELECT CASE WHEN useragent LIKE 'aws-cli%' THEN 'cli' WHEN useragent LIKE '%Console%' THEN 'console' WHEN useragent LIKE '%.amazonaws.com' THEN 'service' ELSE 'other' END AS family,
  count(*) AS n, count_if(errorcode IS NOT NULL) AS failed
FROM $TABLE GROUP BY 1 ORDER BY 2 DESC;

-- name: TLS by version
SELECT tlsdetails.tlsversion, count(*) AS n FROM $TABLE WHERE tlsdetails IS NOT NULL AND tlsdetails.tlsversion IS NOT NULL GROUP BY tlsdetails.tlsversion ORDER BY 1;

-- name: resources of an event through lambdas
SELECT eventname, filter(resources, r -> r.type = 'AWS::S3::Bucket')[1].arn AS bucket
FROM $TABLE WHERE any_match(resources, r -> r.arn LIKE '%/a.txt') ORDER BY eventtime LIMIT 1;

-- name: resources of an event by unnesting
SELECT t.arn, count(*) AS n
FROM $TABLE CROSS JOIN UNNEST(resources) AS t (arn, accountid, type)
WHERE t.type = 'AWS::IAM::Role' GROUP BY t.arn ORDER BY 2 DESC, 1;

-- name: an element of a list by its place
SELECT eventname, resources[1].arn AS arn FROM $TABLE WHERE eventname = 'ScheduleKeyDeletion';

-- name: quoted names in another case
SELECT "eventName", "userIdentity"."arn" AS "Who" FROM $TABLE WHERE "eventName" = 'CreateUser';

-- name: several in one set
SELECT eventname FROM $TABLE WHERE eventname = 'CreateUser' UNION SELECT eventname FROM $TABLE WHERE eventname = 'CreateAccessKey' ORDER BY 1;

-- name: not in the list of known
SELECT DISTINCT useridentity.arn FROM $TABLE
WHERE useridentity.arn NOT IN (SELECT DISTINCT useridentity.arn FROM $TABLE WHERE eventtime < '2026-09-15T00:00:00Z' AND useridentity.arn IS NOT NULL)
  AND useridentity.type = 'IAMUser';

-- name: gaps between calls
SELECT eventtime, date_diff('second', lag(from_iso8601_timestamp(eventtime)) OVER (ORDER BY eventtime), from_iso8601_timestamp(eventtime)) AS seconds
FROM $TABLE WHERE eventname = 'ConsoleLogin' ORDER BY eventtime;

-- name: first calls of principals, by what is not there before
SELECT a.eventname, a.eventtime FROM $TABLE a
WHERE NOT EXISTS (SELECT 1 FROM $TABLE b WHERE b.useridentity.arn = a.useridentity.arn AND b.eventtime < a.eventtime)
  AND a.useridentity.username IN ('carol', 'mallory') ORDER BY 2;

-- name: distinct fields in their order
SELECT DISTINCT useridentity.type, useridentity.sessioncontext.sessionissuer.type FROM $TABLE ORDER BY useridentity.type LIMIT 3;

-- name: the first rows in the words of the standard
SELECT eventname FROM $TABLE ORDER BY eventtime OFFSET 1 FETCH FIRST 1 ROW ONLY;

-- name: flags as texts and as flags
SELECT count(*) FROM $TABLE WHERE readonly = false AND managementevent = 'true' AND useridentity.sessioncontext.attributes.mfaauthenticated = 'true';
