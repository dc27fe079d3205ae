-- In the manner of incident response playbooks (aws-samples/aws-customer-playbook-framework and others) and of hunting
-- queries that people share; own words. $TABLE is the table of Athena's documentation.

-- name: a key that leaked: from where and with what
SELECT sourceipaddress, useragent, count(*) AS calls, count_if(errorcode IS NOT NULL) AS denied, approx_distinct(eventname) AS names
FROM $TABLE WHERE useridentity.accesskeyid = 'AKIAMALLORYEXAMPLE00' GROUP BY sourceipaddress, useragent ORDER BY calls DESC;

-- name: persistence: users, keys, roles and sign-ins that were made
SELECT eventtime, eventname, useridentity.arn AS actor, coalesce(json_extract_scalar(requestparameters, '$.userName'), json_extract_scalar(requestparameters, '$.roleName')) AS target
FROM $TABLE
WHERE eventname IN ('CreateUser', 'CreateAccessKey', 'CreateLoginProfile', 'CreateRole', 'AttachUserPolicy', 'PutRolePolicy', 'AddUserToGroup')
ORDER BY eventtime;

-- name: administrators by policy
SELECT eventtime, json_extract_scalar(requestparameters, '$.userName') AS who
FROM $TABLE WHERE eventname LIKE 'Attach%Policy' AND json_extract_scalar(requestparameters, '$.policyArn') LIKE '%/AdministratorAccess';

-- name: policies that allow everything
SELECT eventtime, eventname, json_extract_scalar(statement, '$.Effect') AS effect, json_format(json_extract(statement, '$.Action')) AS actions
FROM $TABLE
CROSS JOIN UNNEST(CAST(json_extract(json_parse(json_extract_scalar(requestparameters, '$.policyDocument')), '$.Statement') AS array(json))) AS s(statement)
WHERE eventname = 'PutRolePolicy' AND json_extract_scalar(statement, '$.Resource') = '*';

-- name: roles that trust everybody
SELECT json_extract_scalar(requestparameters, '$.roleName') AS role
FROM $TABLE
WHERE eventname IN ('CreateRole', 'UpdateAssumeRolePolicy')
  AND try(json_extract_scalar(json_parse(json_extract_scalar(requestparameters, '$.assumeRolePolicyDocument')), '$.Statement[0].Principal.AWS')) = '*';

-- name: logging that was stopped
SELECT eventtime, eventname, useridentity.arn AS arn, sourceipaddress, if(errorcode IS NULL, 'done', 'attempted') AS outcome
FROM $TABLE WHERE eventname IN ('StopLogging', 'DeleteTrail', 'UpdateTrail', 'PutEventSelectors') ORDER BY eventtime;

-- name: mining: large instances in odd places
SELECT useridentity.arn, count(*) AS runs, array_agg(DISTINCT json_extract_scalar(requestparameters, '$.instanceType')) AS types
FROM $TABLE WHERE eventname IN ('RunInstances', 'RequestSpotFleet', 'CreateFleet')
GROUP BY useridentity.arn HAVING count(*) >= 1 ORDER BY 1;

-- name: snapshots shared with another account
SELECT eventtime, useridentity.arn AS arn, json_extract_scalar(requestparameters, '$.snapshotId') AS snapshot,
  json_extract_scalar(requestparameters, '$.createVolumePermission.add.items[0].userId') AS account
FROM $TABLE WHERE eventname = 'ModifySnapshotAttribute';

-- name: reconnaissance by breadth
SELECT useridentity.arn AS arn, count(DISTINCT eventname) AS names, array_join(array_agg(DISTINCT eventname ORDER BY eventname), ' ') AS list
FROM $TABLE WHERE regexp_like(eventname, '^(List|Describe|Get)') AND errorcode IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1;

-- name: two steps within minutes
SELECT a.eventtime AS created, b.eventtime AS promoted, date_diff('minute', from_iso8601_timestamp(a.eventtime), from_iso8601_timestamp(b.eventtime)) AS minutes
FROM $TABLE a JOIN $TABLE b ON a.useridentity.arn = b.useridentity.arn
  AND json_extract_scalar(a.requestparameters, '$.userName') = json_extract_scalar(b.requestparameters, '$.userName')
WHERE a.eventname = 'CreateUser' AND b.eventname = 'AttachUserPolicy';

-- name: calls of instance roles from elsewhere
SELECT useridentity.principalid, sourceipaddress, count(*) AS n
FROM $TABLE WHERE regexp_like(useridentity.principalid, ':i-[0-9a-f]{8,17}$') AND NOT regexp_like(sourceipaddress, '^10\.')
GROUP BY 1, 2 ORDER BY 1;

-- name: deletions by time of day, formatted
SELECT format_datetime(from_iso8601_timestamp(eventtime), 'yyyy-MM-dd HH:mm') AS at, eventname
FROM $TABLE WHERE eventname LIKE 'Delete%' ORDER BY 1;

-- name: names of objects decoded
SELECT url_decode(json_extract_scalar(requestparameters, '$.key')) AS key FROM $TABLE WHERE errorcode = 'AccessDenied' AND eventname = 'GetObject';

-- name: the person behind a role, by session
SELECT element_at(split(useridentity.principalid, ':'), 2) AS person, count(*) AS n
FROM $TABLE WHERE useridentity.principalid LIKE '%:%' AND cardinality(split(useridentity.principalid, ':')) = 2
GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 2;

-- name: shares of the volume
SELECT eventsource, count(*) AS n, round(100.0 * count(*) / sum(count(*)) OVER (), 1) AS percent
FROM $TABLE GROUP BY eventsource ORDER BY n DESC LIMIT 2;

-- name: the top three of each account
SELECT recipientaccountid, eventname, n FROM (
  SELECT recipientaccountid, eventname, count(*) AS n, row_number() OVER (PARTITION BY recipientaccountid ORDER BY count(*) DESC, eventname) AS place
  FROM $TABLE GROUP BY recipientaccountid, eventname
) WHERE place <= 2 ORDER BY 1, place;

-- name: percentiles of transferred bytes
SELECT approx_percentile(cast(json_extract_scalar(additionaleventdata, '$.bytesTransferredOut') AS bigint), 0.5) AS median
FROM $TABLE WHERE eventname = 'GetObject' AND eventcategory = 'Data';

-- name: a histogram of error codes
SELECT histogram(errorcode) AS codes FROM $TABLE WHERE eventsource = 'iam.amazonaws.com';

-- name: everything as JSON
SELECT eventname, json_format(CAST(resources AS json)) AS resources FROM $TABLE WHERE eventname = 'ScheduleKeyDeletion';

-- name: what is there at all
SELECT count(*) AS events, count(DISTINCT recipientaccountid) AS accounts, min(eventtime) AS first, max(eventtime) AS last FROM $TABLE;
