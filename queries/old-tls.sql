-- title: Show clients that still use TLS 1.0 or 1.1
-- answers: one row per caller, address, program and host, with how often and when last
-- cannot see: calls without TLS details: services that do not record them, and calls that AWS makes for a caller.
--   Not recorded is not new
SELECT
    coalesce(issuer_arn, user_arn, user_name, nullif(principal_id, ''), identity_type) AS who,
    account,
    tls_version,
    source_ip,
    user_agent,
    tls_host,
    count(*) AS calls,
    min(event_time) AS first_time,
    max(event_time) AS last_time
FROM events
WHERE tls_version IN ('TLSv1', 'TLSv1.0', 'TLSv1.1', 'SSLv3')
GROUP BY 1, 2, 3, 4, 5, 6
ORDER BY calls DESC, who, account, tls_version, source_ip, user_agent, tls_host
