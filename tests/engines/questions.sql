-- Questions in SQL that every engine understands. orgtrail answers them over the log files, the others over the slots.
-- Two spellings are exchanged where an engine has its own: `CROSS JOIN UNNEST(…)` in Spark, and a condition that is
-- marked with /* day */ becomes one on the column `day` of the lake.
-- name: all events
SELECT count(*) FROM events
-- name: distinct events, records and files
SELECT count(DISTINCT event_id), count(DISTINCT record), count(DISTINCT object_key) FROM events
-- name: events by service and call
SELECT event_source, event_name, count(*) FROM events GROUP BY event_source, event_name
-- name: events by account and region
SELECT account, region, count(*), min(event_time), max(event_time) FROM events GROUP BY account, region
-- name: a range of time
SELECT count(*), min(event_id), max(event_id) FROM events
WHERE event_time >= TIMESTAMP '2026-11-20 00:03:00' AND event_time < TIMESTAMP '2026-11-20 00:11:30'
-- name: one day
SELECT count(*), count(error_code) FROM events
WHERE event_time >= TIMESTAMP '2026-11-20 00:00:00' AND event_time < TIMESTAMP '2026-11-21 00:00:00' /* day */
-- name: events by hour
SELECT CAST(event_time AS date) AS d, extract(hour FROM event_time) AS h, count(*) FROM events GROUP BY 1, 2
-- name: parts of a second
SELECT event_id, event_time FROM events WHERE event_id LIKE 'hostile-time%' AND event_time IS NOT NULL
-- name: events without a time
SELECT event_id FROM events WHERE event_time IS NULL
-- name: none is not empty
SELECT error_code IS NULL AS is_none, error_code = '' AS is_empty, count(*) FROM events GROUP BY 1, 2
-- name: flags
SELECT read_only, management_event, count(*) FROM events GROUP BY read_only, management_event
-- name: every resource
SELECT arn, count(*) FROM events CROSS JOIN UNNEST(resource_arns) AS t(arn) GROUP BY arn
-- name: resources of one kind
SELECT event_name, arn FROM events CROSS JOIN UNNEST(resource_arns) AS t(arn) WHERE arn LIKE 'arn:aws:s3:::%'
-- name: names in any script
SELECT user_name, length(user_name), count(*) FROM events GROUP BY user_name
-- name: programs with odd characters
SELECT event_id, user_agent, length(user_agent) FROM events WHERE event_id LIKE 'hostile%'
-- name: large numbers stay as they were written
SELECT event_id, request_parameters FROM events WHERE request_parameters LIKE '%9007199254740993%'
-- name: JSON byte for byte
SELECT event_id, request_parameters, response_elements, resources FROM events WHERE event_id LIKE 'hostile%'
-- name: records byte for byte
SELECT event_id, record FROM events WHERE event_id LIKE 'hostile%' OR event_name = 'CreateNetworkInterface'
-- name: the length of everything
SELECT sum(length(record)), sum(length(object_key)), max(length(record)) FROM events
-- name: sessions of roles
SELECT issuer_arn, count(DISTINCT access_key_id), min(session_created) FROM events
WHERE identity_type = 'AssumedRole' AND invoked_by IS NULL GROUP BY issuer_arn HAVING count(*) > 1
-- name: an event that was changed
SELECT event_id, addendum, count(*) FROM events WHERE event_id = 'hostile-changed' GROUP BY event_id, addendum
-- name: refused calls with a window
SELECT event_name, error_code, rank() OVER (ORDER BY n DESC, event_name, error_code) FROM (
  SELECT event_name, error_code, count(*) AS n FROM events WHERE error_code <> '' GROUP BY event_name, error_code) AS refused
