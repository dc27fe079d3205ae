//! Statements in the resource policies of CloudWatch Logs and in the policy of the wake queue.

use super::*;

const GROUP: &str = r#""arn:aws:logs:eu-central-1:111111111111:log-group:/orgtrail/acme:*""#;
const OTHER: &str = r#""arn:aws:logs:eu-central-1:111111111111:log-group:/aws/route53/*""#;
const STREAM: &str = r#""arn:aws:logs:*:*:log-group:/orgtrail/acme:log-stream:111111111111_CloudTrail*""#;
const OUT: &str = "nothing-leads-out";
const STRANGER: &str = r#"{"AWS":"SSS"}"#;
const HOME: &str = r#"{"AWS":"arn:aws:iam::111111111111:root"}"#;
const QUEUE: &str = r#""arn:aws:sqs:eu-central-1:222222222222:acme-wake""#;

fn service(name: &str) -> String {
    format!(r#"{{"Service":"{name}.amazonaws.com"}}"#)
}

fn account(id: &str) -> String {
    format!(r#""StringEquals":{{"aws:SourceAccount":"{id}"}}"#)
}

#[test]
fn every_statement_that_reaches_the_log_group_has_its_answer() {
    let es = service("es");
    let write = r#"["logs:PutLogEvents","logs:CreateLogStream"]"#;
    let cases: Vec<(&str, &str, &str, String, &str)> = vec![
        // Strangers, whatever they may do.
        (STRANGER, r#""logs:GetLogEvents""#, STREAM, String::new(), OUT),
        (STRANGER, r#""logs:FilterLogEvents""#, GROUP, String::new(), OUT),
        (STRANGER, r#""logs:GetQueryResults""#, "\"*\"", String::new(), OUT),
        (STRANGER, r#""logs:Unmask""#, "\"*\"", String::new(), OUT),
        (STRANGER, r#""logs:DescribeLogStreams""#, GROUP, String::new(), OUT),
        (STRANGER, write, "\"*\"", String::new(), WRITES),
        (STRANGER, r#""logs:DeleteSubscriptionFilter""#, GROUP, String::new(), WRITES),
        (STRANGER, r#""logs:Link""#, "\"*\"", String::new(), WRITES),
        (STRANGER, r#""logs:ActionOfTomorrow""#, GROUP, String::new(), WRITES),
        (ANYONE, r#""logs:*""#, "\"*\"", String::new(), OUT),
        (ANYONE, r#""logs:Get*""#, GROUP, account("SSS"), OUT),
        (r#"{"Federated":"accounts.google.com"}"#, r#""logs:*""#, GROUP, String::new(), OUT),
        // Into other groups, and of other services.
        (STRANGER, r#""logs:*""#, OTHER, String::new(), ""),
        (STRANGER, r#""s3:*""#, "\"*\"", String::new(), KEPT),
        // Members have no events of others.
        (MEMBER, r#""logs:GetLogEvents""#, STREAM, String::new(), OUT),
        (MEMBER, write, GROUP, String::new(), WRITES),
        (ANYONE, r#""logs:GetLogEvents""#, GROUP, ORG.into(), OUT),
        (
            r#"{"AWS":"arn:aws:iam::LLL:role/CloudTrailReadLogs-MMM"}"#,
            r#""logs:StartQuery""#,
            GROUP,
            String::new(),
            OUT,
        ),
        // The accounts that own it and run the organization.
        (HOME, r#""logs:*""#, "\"*\"", String::new(), KEPT),
        (r#"{"AWS":"LLL"}"#, r#""logs:*""#, "\"*\"", String::new(), KEPT),
        (
            r#"{"AWS":"arn:aws:iam::111111111111:role/x"}"#,
            r#""logs:GetLogEvents""#,
            GROUP,
            String::new(),
            "?nothing-leads-out",
        ),
        (
            ANYONE,
            r#""logs:PutLogEvents""#,
            GROUP,
            r#""StringEquals":{"aws:PrincipalAccount":"111111111111"}"#.into(),
            "?writes-nothing",
        ),
        (
            ANYONE,
            r#""logs:Get*""#,
            GROUP,
            r#""ArnLike":{"aws:PrincipalArn":"arn:aws:iam::222222222222:role/*"}"#.into(),
            OUT,
        ),
        // Services write for the owner, and do nothing else; for others they do nothing.
        (&es, write, GROUP, account("111111111111"), KEPT),
        (
            &es,
            write,
            GROUP,
            r#""ArnLike":{"aws:SourceArn":"arn:aws:es:eu-central-1:111111111111:domain/*"}"#.into(),
            KEPT,
        ),
        (&es, r#""logs:*""#, GROUP, account("111111111111"), OUT),
        (&es, r#""logs:PutSubscriptionFilter""#, GROUP, account("111111111111"), WRITES),
        (&es, write, GROUP, account("MMM"), WRITES),
        (&es, write, GROUP, account("SSS"), WRITES),
        (&es, write, "\"*\"", String::new(), WRITES),
        (&es, r#""logs:*""#, "\"*\"", String::new(), OUT),
        (&es, write, OTHER, String::new(), ""),
        // What nobody understands is a question.
        (STRANGER, write, GROUP, r#""StringEquals":{"aws:StarSign":"leo"}"#.into(), "?writes-nothing"),
    ];
    for (principal, action, resource, condition, expected) in cases {
        let statement = allow(principal, action, resource, &condition);
        assert_eq!(answer(LogGroup, &statement), expected, "{statement}");
    }
}

#[test]
fn trusted_readers_read_events_and_write_none() {
    let trusting = |action: &str| {
        let mut world = with(LogGroup, &written_out(&allow(STRANGER, action, GROUP, "")), Mode::Roles);
        world.trusted.push("999999999999".into());
        world.prove()
    };
    assert!(trusting(r#"["logs:GetLogEvents","logs:FilterLogEvents","logs:DescribeLogStreams"]"#).is_proved());
    assert_eq!(trusting(r#""logs:*""#).violations[0].action, "logs:PutLogEvents");
    assert_eq!(trusting(r#""logs:Link""#).violations[0].invariant, Invariant::WritesNothing);
}

#[test]
fn a_violation_names_the_group_and_the_policy() {
    let found = with(LogGroup, &written_out(&allow(STRANGER, r#""logs:*""#, "\"*\"", "")), Mode::Roles).prove();
    let [one] = &found.violations[..] else { panic!("{found:?}") };
    assert_eq!(
        one.to_string(),
        "nothing-leads-out: 999999999999 can logs:GetLogEvents on \
         arn:aws:logs:eu-central-1:111111111111:log-group:/orgtrail/acme, because of resource policy p Statement[0]"
    );
}

#[test]
fn every_statement_in_the_queue_has_its_answer() {
    let events = service("events");
    let rule = |id: &str| format!(r#""ArnEquals":{{"aws:SourceArn":"arn:aws:events:eu-central-1:{id}:rule/any"}}"#);
    let send = r#""sqs:SendMessage""#;
    let cases: Vec<(&str, &str, String, &str)> = vec![
        (&events, send, rule("LLL"), KEPT),
        (&events, send, rule("111111111111"), KEPT),
        (&events, send, rule("MMM"), WRITES),
        (&events, send, rule("SSS"), WRITES),
        (&events, send, String::new(), WRITES),
        (&events, r#""sqs:*""#, rule("LLL"), OUT),
        (STRANGER, send, String::new(), WRITES),
        (STRANGER, r#""sqs:ReceiveMessage""#, String::new(), OUT),
        (STRANGER, r#""sqs:PurgeQueue""#, String::new(), WRITES),
        (STRANGER, r#""sqs:GetQueueUrl""#, String::new(), OUT),
        (STRANGER, r#""SQS:*""#, String::new(), OUT),
        (MEMBER, send, String::new(), WRITES),
        (ANYONE, send, ORG.into(), WRITES),
        (r#"{"Service":"sns.amazonaws.com"}"#, send, account("LLL"), WRITES),
        (r#"{"AWS":"LLL"}"#, r#""sqs:*""#, String::new(), KEPT),
        (STRANGER, send, r#""StringEquals":{"aws:StarSign":"leo"}"#.into(), "?writes-nothing"),
    ];
    for (principal, action, condition, expected) in cases {
        let statement = allow(principal, action, QUEUE, &condition);
        assert_eq!(answer(Queue, &statement), expected, "{statement}");
    }
}
