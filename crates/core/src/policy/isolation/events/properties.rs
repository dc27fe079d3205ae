//! Whatever single statement is added to a resource policy of CloudWatch Logs or to the policy of the queue: if a
//! stranger, another member, a reader or a service for somebody else gets anything on the log group or the queue by it,
//! there is a violation or an open question.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

use super::super::properties::statements_of;
use super::super::world::{GROUP, LOG, MANAGEMENT, MEMBERS, Mode, ORGANIZATION, QUEUE, World};
use super::super::{AccountId, Named};
use crate::policy::PolicyDocument;
use crate::policy::evaluate::{Caller, Context, Layers, Request, evaluate, full_access};

const STRANGER: &str = "999999999999";

fn principals() -> Vec<Value> {
    vec![
        json!("*"),
        json!({"AWS": "*"}),
        json!({"AWS": STRANGER}),
        json!({"AWS": format!("arn:aws:iam::{STRANGER}:role/any")}),
        json!({"AWS": [format!("arn:aws:iam::{MANAGEMENT}:root"), format!("arn:aws:iam::{}:role/team", MEMBERS[2])]}),
        json!({"AWS": MEMBERS[0]}),
        json!({"AWS": format!("arn:aws:iam::{LOG}:role/CloudTrailReadLogs-{}", MEMBERS[0])}),
        json!({"AWS": format!("arn:aws:iam::{LOG}:root")}),
        json!({"Service": "es.amazonaws.com"}),
        json!({"Service": ["route53.amazonaws.com", "events.amazonaws.com"]}),
        json!({"Federated": "accounts.google.com"}),
    ]
}

fn actions() -> Vec<&'static str> {
    vec![
        "*",
        "logs:*",
        "logs:Get*",
        "logs:PutLogEvents",
        "logs:CreateLogStream",
        "logs:*Filter",
        "logs:DescribeLogStreams",
        "logs:Unmask",
        "logs:ActionOfTomorrow",
        "sqs:*",
        "sqs:SendMessage",
        "SQS:Receive*",
        "sqs:Get*",
        "sqs:ActionOfTomorrow",
        "s3:GetObject",
    ]
}

fn resources() -> Vec<String> {
    vec![
        "*".into(),
        GROUP.into(),
        format!("{GROUP}:*"),
        format!("{GROUP}:log-stream:111111111111_CloudTrail*"),
        "arn:aws:logs:*:*:log-group:/org?rail/*".into(),
        "arn:aws:logs:*:*:log-group:/${aws:PrincipalTag/team}/*".into(),
        "arn:aws:logs:eu-central-1:111111111111:log-group:/aws/route53/*".into(),
        QUEUE.into(),
        "arn:aws:sqs:*:*:acme*".into(),
    ]
}

fn lines() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("StringEquals", "aws:PrincipalOrgID", json!(ORGANIZATION)),
        ("StringNotEquals", "aws:PrincipalOrgID", json!(ORGANIZATION)),
        ("StringEqualsIfExists", "aws:PrincipalOrgID", json!(ORGANIZATION)),
        ("StringEquals", "aws:PrincipalAccount", json!([MANAGEMENT, LOG])),
        ("StringEquals", "aws:PrincipalAccount", json!(MEMBERS[0])),
        ("ArnLike", "aws:PrincipalArn", json!("arn:aws:iam::*:role/team")),
        ("StringEquals", "aws:SourceAccount", json!(MANAGEMENT)),
        ("StringEquals", "aws:SourceAccount", json!(MEMBERS[0])),
        ("StringEquals", "aws:SourceAccount", json!(STRANGER)),
        ("StringEquals", "aws:SourceOrgID", json!(ORGANIZATION)),
        ("ArnLike", "aws:SourceArn", json!("arn:aws:es:*:111111111111:domain/*")),
        ("ArnLike", "aws:SourceArn", json!("arn:aws:es:*:*:domain/*")),
        ("ArnEquals", "aws:SourceArn", json!("arn:aws:events:eu-central-1:222222222222:rule/x")),
        ("IpAddress", "aws:SourceIp", json!("203.0.113.0/24")),
        ("StringEquals", "aws:NewKey", json!("x")),
    ]
}

fn statements() -> impl Strategy<Value = Value> {
    let some_lines = prop_oneof![Just(0..1), Just(1..2), Just(2..3)].prop_flat_map(|few| subsequence(lines(), few));
    statements_of((select(principals()), subsequence(actions(), 1..3), subsequence(resources(), 1..3), some_lines), 0.1)
}

/// Those who must get nothing, each with what is known of its requests.
fn askers() -> Vec<(Caller, Context)> {
    let circumstances = || Context::default().with("aws:SecureTransport", "true").with("aws:SourceIp", "203.0.113.7");
    let role = |arn: String| Caller::from_arn(&arn.parse().unwrap()).unwrap();
    let mut askers = vec![(Caller::Anonymous, circumstances())];
    for name in ["any", "team"] {
        let context = circumstances().with("aws:PrincipalOrgID", "o-anotherorganization");
        let context = context.with("aws:PrincipalTag/team", "orgtrail");
        askers.push((role(format!("arn:aws:iam::{STRANGER}:role/{name}")), context));
    }
    for member in MEMBERS {
        let context =
            circumstances().with("aws:PrincipalOrgID", ORGANIZATION).with("aws:PrincipalTag/team", "orgtrail");
        askers.push((role(format!("arn:aws:iam::{member}:role/team")), context.clone()));
        askers.push((role(format!("arn:aws:iam::{LOG}:role/CloudTrailReadLogs-{member}")), context));
    }
    for service in ["es", "events", "route53"] {
        for (account, organization) in [(STRANGER, "o-anotherorganization"), (MEMBERS[0], ORGANIZATION)] {
            let context = circumstances()
                .with("aws:SourceAccount", account)
                .with("aws:SourceArn", format!("arn:aws:{service}:eu-central-1:{account}:domain/x"))
                .with("aws:SourceOrgID", organization);
            askers.push((Caller::Service { name: format!("{service}.amazonaws.com") }, context));
        }
    }
    askers
}

/// Returns a request on the log group or the queue that succeeds and should not.
fn broken(document: &PolicyDocument, is_queue: bool) -> Option<String> {
    let own = full_access();
    let identity = [Named { name: "own", document: &own }];
    let stream = format!("{GROUP}:log-stream:111111111111_CloudTrail_eu-central-1");
    let requests: Vec<(&str, &str)> = if is_queue {
        let queue = ["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:GetQueueUrl", "sqs:PurgeQueue"];
        queue.map(|action| (action, QUEUE)).into_iter().chain([("sqs:ActionOfTomorrow", QUEUE)]).collect()
    } else {
        let group = ["logs:FilterLogEvents", "logs:PutSubscriptionFilter", "logs:Unmask", "logs:ActionOfTomorrow"];
        let streams = ["logs:PutLogEvents", "logs:CreateLogStream", "logs:GetLogEvents", "logs:DescribeLogStreams"];
        let group = group.map(|action| (action, GROUP));
        group.into_iter().chain(streams.map(|action| (action, stream.as_str()))).collect()
    };
    let owner: AccountId = if is_queue { LOG } else { MANAGEMENT }.parse().unwrap();
    for (caller, context) in askers() {
        for (action, resource) in &requests {
            let request = Request {
                caller: caller.clone(),
                action: (*action).to_owned(),
                resource: (*resource).to_owned(),
                context: context.clone(),
            };
            // A reader of the log account has a policy that allows nothing of the kind.
            let is_reader = caller.account() == Some(LOG);
            let layers = Layers {
                identity: if is_reader { &[] } else { &identity },
                resource: Some(Named { name: "resource", document }),
                resource_account: Some(owner.clone()),
                ..Layers::default()
            };
            if evaluate(&request, &layers).is_allowed() {
                return Some(format!("{caller} can {action} on {resource}"));
            }
        }
    }
    None
}

/// Returns what breaks, and whether the proof says something, for a statement in one of the two documents.
fn tried(statement: &Value, is_queue: bool) -> (Option<String>, bool) {
    let text = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
    let added = PolicyDocument::parse(&text).unwrap();
    let mut world = World::new(Mode::Roles);
    let document = if is_queue { &mut world.queue } else { &mut world.logs };
    document.statements.extend(added.statements.iter().cloned());
    (broken(&added, is_queue), world.prove().is_proved())
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn whoever_gets_something_on_the_log_group_or_the_queue_is_found(is_queue in any::<bool>(), statement in statements()) {
        let (broken, is_proved) = tried(&statement, is_queue);
        if let Some(broken) = broken {
            prop_assert!(!is_proved, "{broken}, and the proof says nothing of {statement}");
        }
    }
}

#[test]
fn the_property_tries_statements_of_both_kinds() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut breaks, mut harmless) = (0, 0);
    for turn in 0..160 {
        let statement = proptest::strategy::ValueTree::current(&statements().new_tree(&mut runner).unwrap());
        match tried(&statement, turn % 2 == 0) {
            (Some(_), _) => breaks += 1,
            (None, true) => harmless += 1,
            (None, false) => {}
        }
    }
    assert!(breaks > 10 && harmless > 10, "{breaks} break a promise, {harmless} are proved");
}
