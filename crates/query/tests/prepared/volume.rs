//! How much, how late, which: volume, completeness, values.

use serde_json::{Value, json};

use super::Case;
use super::fixture::{ACCOUNT, OTHER, event, read, service, session, user, with, write};

const EC2: &str = "ec2.amazonaws.com";
const S3: &str = "s3.amazonaws.com";

pub fn cases() -> Vec<Case> {
    let mut all = counts();
    all.extend(deliveries());
    all.extend(summaries());
    all.extend(searches());
    all
}

fn counts() -> Vec<Case> {
    let by_trail = json!({
        "userIdentity": service("cloudtrail.amazonaws.com"),
        "sourceIPAddress": "cloudtrail.amazonaws.com",
        "requestParameters": { "bucketName": "logs", "key": "AWSLogs/x.json.gz" },
        "eventCategory": "Data",
    });
    vec![
        Case {
            query: "what-fills-the-archive",
            parameters: &[],
            yes: (0..3)
                .map(|n| {
                    read(
                        &format!("kms-{n}"),
                        "kms.amazonaws.com",
                        "Decrypt",
                        json!({ "userIdentity": session("app", &format!("s{n}")) }),
                    )
                })
                .collect(),
            no: vec![read("one", S3, "ListBuckets", json!({}))],
            rows: 2,
            has: &["kms.amazonaws.com | Decrypt | Management | arn:aws:iam::111122223333:role/app | 3", "| 75"],
            not: &["assumed-role"],
        },
        Case {
            query: "caused-by-cloudtrail",
            parameters: &[],
            yes: vec![write("own", S3, "PutObject", by_trail)],
            no: vec![write("other", S3, "PutBucketAcl", json!({ "requestParameters": { "bucketName": "logs" } }))],
            rows: 1,
            has: &["PutObject | logs | 1", "| 50"],
            not: &["PutBucketAcl"],
        },
        Case {
            query: "calls-by-service",
            parameters: &[],
            yes: vec![
                write("a", EC2, "RunInstances", json!({ "errorCode": "Client.InstanceLimitExceeded" })),
                read("b", EC2, "DescribeVpcs", json!({})),
            ],
            no: vec![event(
                "insight",
                json!({ "eventSource": "insight.example", "eventCategory": "Insight", "eventType": "AwsCloudTrailInsight" }),
            )],
            rows: 1,
            has: &["ec2.amazonaws.com | 2 | 1 | 1 | 1 | 1 | 1"],
            not: &["insight.example"],
        },
        Case {
            query: "calls-by-hour",
            parameters: &[],
            yes: vec![event("a", json!({})), event("b", json!({ "eventTime": "2026-11-20T10:59:59Z" }))],
            no: vec![event("next", json!({ "eventTime": "2026-11-20T11:00:00Z" }))],
            rows: 2,
            has: &["2026-11-20T10:00:00Z | 2", "2026-11-20T11:00:00Z | 1"],
            not: &["| 3 |"],
        },
        Case {
            query: "throttled-calls",
            parameters: &[],
            yes: vec![read("a", EC2, "DescribeInstances", json!({ "errorCode": "Client.RequestLimitExceeded" }))],
            no: vec![read("b", EC2, "DescribeVpcs", json!({ "errorCode": "Client.UnauthorizedOperation" }))],
            rows: 1,
            has: &["Client.RequestLimitExceeded"],
            not: &["DescribeVpcs"],
        },
        Case {
            query: "old-tls",
            parameters: &[],
            yes: vec![event(
                "old",
                json!({ "tlsDetails": { "tlsVersion": "TLSv1.1", "cipherSuite": "x", "clientProvidedHostHeader": "ec2.us-east-1.amazonaws.com" } }),
            )],
            no: vec![
                event("new", json!({ "userIdentity": user("bob"), "tlsDetails": { "tlsVersion": "TLSv1.2" } })),
                event("not-recorded", json!({ "userIdentity": user("carol") })),
            ],
            rows: 1,
            has: &["user/alice", "TLSv1.1"],
            not: &["bob", "carol"],
        },
        Case {
            query: "programs",
            parameters: &[("program", "Boto3/1.9")],
            yes: vec![event("old", json!({ "userAgent": "Boto3/1.9.1 Python/2.7" }))],
            no: vec![
                event("new", json!({ "userAgent": "Boto3/1.40.1 Python/3.13", "userIdentity": user("bob") })),
                event("service", json!({ "userAgent": "Boto3/1.9.1", "userIdentity": { "type": "AWSService" } })),
                event(
                    "through",
                    json!({ "userAgent": "Boto3/1.9.1", "userIdentity": with(user("carol"), json!({ "invokedBy": "x.amazonaws.com" })) }),
                ),
            ],
            rows: 1,
            has: &["Boto3/1.9.1 | arn:aws:iam::111122223333:user/alice"],
            not: &["1.40", "AWSService", "carol"],
        },
        Case {
            query: "instance-launches",
            parameters: &[],
            yes: vec![write(
                "sixteen",
                EC2,
                "RunInstances",
                json!({
                    "responseElements": { "instancesSet": { "items": (0..16).map(|n| json!({ "instanceId": format!("i-0{n:x}"), "imageId": "ami-1" })).collect::<Vec<_>>() } },
                }),
            )],
            no: vec![
                write(
                    "ended",
                    EC2,
                    "TerminateInstances",
                    json!({ "requestParameters": { "instancesSet": { "items": [{ "instanceId": "i-0ffff" }] } } }),
                ),
                write("lambda", "lambda.amazonaws.com", "RunInstances", json!({})),
            ],
            rows: 1,
            has: &["RunInstances | done | 16 | i-00 i-01 i-02", "i-0f |"],
            not: &["i-0ffff", "lambda"],
        },
    ]
}

fn deliveries() -> Vec<Case> {
    let record = |id: &str, message: &str| event(id, json!({ "errorMessage": message }));
    let updated = with(
        record("twice", "second"),
        json!({ "addendum": { "reason": "UPDATED_DATA", "updatedFields": "errorMessage" } }),
    );
    vec![
        Case {
            query: "delivery-delay",
            parameters: &[],
            // The fixture names each file five minutes behind its event.
            yes: vec![event("a", json!({ "eventTime": "2026-11-20T10:00:00Z" }))],
            no: vec![event("b", json!({ "eventTime": "2026-11-20T10:00:00Z", "recipientAccountId": OTHER }))],
            rows: 2,
            has: &["111122223333 | us-east-1 | 1 | 5.0 | 5.0 | 5.0 | 0"],
            not: &["| 2 |"],
        },
        Case {
            query: "duplicate-ids",
            parameters: &[],
            yes: vec![record("twice", "first"), updated],
            no: vec![
                // The same bytes twice are one event, and the twins of two accounts are two.
                record("same", "x"),
                record("same", "x"),
                event("twin-1", json!({ "sharedEventID": "shared" })),
                event("twin-2", json!({ "sharedEventID": "shared", "recipientAccountId": OTHER })),
            ],
            rows: 1,
            has: &["twice | 111122223333 | DescribeInstances | 2 | 1 | UPDATED_DATA | errorMessage"],
            not: &["same", "twin"],
        },
    ]
}

fn insight(id: &str, state: &str, time: &str) -> Value {
    json!({
        "eventVersion": "1.07",
        "eventTime": time,
        "awsRegion": "us-east-1",
        "eventID": id,
        "eventType": "AwsCloudTrailInsight",
        "recipientAccountId": ACCOUNT,
        "sharedEventID": "insight-1",
        "insightDetails": {
            "state": state,
            "eventSource": "autoscaling.amazonaws.com",
            "eventName": "CompleteLifecycleAction",
            "insightType": "ApiCallRateInsight",
            "insightContext": { "statistics": { "baseline": { "average": 0.0017 }, "insight": { "average": 2 } } },
        },
        "eventCategory": "Insight",
    })
}

fn summaries() -> Vec<Case> {
    let aggregated = json!({
        "eventVersion": "1.0",
        "eventId": "aggregated-1",
        "accountId": ACCOUNT,
        "awsRegion": "us-east-1",
        "eventType": "AwsAggregatedEvent",
        "eventCategory": "Aggregated",
        "eventSource": S3,
        "timeWindow": { "windowStart": "2026-11-20T10:00:00Z", "windowEnd": "2026-11-20T10:05:00Z", "windowSize": "PT5M" },
        "summary": { "primaryDimension": { "dimension": "eventName", "statistics": [{ "name": "GetObject", "value": 12 }], "aggregationType": "Count" } },
    });
    vec![
        Case {
            query: "insights",
            parameters: &[],
            yes: vec![
                insight("begins", "Start", "2026-11-20T10:01:00Z"),
                insight("ends", "End", "2026-11-20T10:20:00Z"),
            ],
            no: vec![event("call", json!({ "eventName": "CompleteLifecycleAction", "sharedEventID": "no-insight" }))],
            rows: 1,
            has: &[
                "2026-11-20T10:01:00Z | 2026-11-20T10:20:00Z",
                "CompleteLifecycleAction | ApiCallRateInsight",
                "0.0017 | 2",
            ],
            not: &["no-insight"],
        },
        Case {
            query: "aggregated-activity",
            parameters: &[],
            yes: vec![aggregated],
            no: vec![read("single", S3, "GetObject", json!({ "eventCategory": "Data" }))],
            rows: 1,
            has: &["2026-11-20T10:00:00Z | 2026-11-20T10:05:00Z", "GetObject", "aggregated-1"],
            not: &["single"],
        },
    ]
}

fn searches() -> Vec<Case> {
    vec![
        Case {
            query: "values",
            parameters: &[],
            yes: vec![
                event("a", json!({ "userIdentity": session("app", "one") })),
                event("b", json!({ "userIdentity": session("app", "two") })),
            ],
            no: vec![event("c", json!({ "userIdentity": session("app", "three"), "eventName": "DescribeVpcs" }))],
            rows: 8,
            has: &[
                "account | 111122223333 | 3",
                "region | us-east-1 | 3",
                "event_name | DescribeInstances | 2",
                "event_name | DescribeVpcs | 1",
                "caller | arn:aws:iam::111122223333:role/app | 3",
            ],
            not: &["one", "two", "error_code"],
        },
        Case {
            query: "find-events",
            parameters: &[("who", "alice"), ("event", "DescribeVpcs"), ("text", "198.51.100.7")],
            yes: vec![event("both", json!({ "eventName": "DescribeVpcs" }))],
            no: vec![
                event("only-who", json!({})),
                event("only-event", json!({ "eventName": "DescribeVpcs", "userIdentity": user("bob") })),
                event("not-text", json!({ "eventName": "DescribeVpcs", "sourceIPAddress": "203.0.113.1" })),
            ],
            rows: 1,
            has: &["both"],
            not: &["only-who", "only-event", "not-text"],
        },
    ]
}
