//! Which actions were used, and that the policy allows just them.

use serde_json::{Value, json};

use super::*;
use crate::investigate::worlds::{ACCOUNTS, World, actions, types, user};

const ROLE: &str = "arn:aws:iam::111111111111:role/ci/deploy";

fn used(texts: &[String], who: &str) -> UsedActionsSummary {
    let reader = types().reader();
    let mut used = UsedActions::of(ActorQuery::of(who), &reader, actions());
    for text in texts {
        used.add(&Record::read(text).unwrap());
    }
    used.summary()
}

/// A call of a session of the role.
fn call(source: &str, event: &str, asked: &Value, more: &Value) -> String {
    let mut record = json!({
        "eventTime": "2026-11-20T10:00:00Z", "eventSource": format!("{source}.amazonaws.com"), "eventName": event,
        "awsRegion": "eu-central-1", "recipientAccountId": "111111111111", "eventType": "AwsApiCall",
        "eventID": format!("{source} {event} {asked} {more}"), "requestParameters": asked,
        "userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::111111111111:assumed-role/deploy/s",
            "accountId": "111111111111", "sessionContext": {"sessionIssuer": {"type": "Role", "arn": ROLE}}},
    });
    record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    record.to_string()
}

fn none() -> Value {
    json!({})
}

#[test]
fn the_policy_has_what_was_done_and_nothing_else() {
    let denied = json!({"errorCode": "AccessDenied"});
    let missing = json!({"errorCode": "NoSuchKey"});
    let object = |key: &str| json!({"bucketName": "b", "key": key});
    let texts = [
        call("s3", "GetObject", &object("a"), &json!({"managementEvent": false})),
        call("s3", "HeadObject", &object("c*"), &none()),
        call("s3", "ListObjects", &json!({"bucketName": "b"}), &none()),
        call("s3", "ListBuckets", &none(), &none()),
        call("s3", "DeleteObject", &object("a"), &denied),
        call("s3", "GetObjectAcl", &object("a"), &missing),
        call("ec2", "DescribeInstances", &none(), &none()),
        call("sts", "GetCallerIdentity", &none(), &none()),
        call(
            "lambda",
            "CreateFunction20150331",
            &json!({"functionName": "f", "role": "arn:aws:iam::111111111111:role/run"}),
            &none(),
        ),
        call(
            "kms",
            "Decrypt",
            &none(),
            &json!({"resources": [{"ARN": "arn:aws:kms:eu-central-1:111111111111:key/0e5d0ab6-097e-49d8-99ef-747ce3e5f8f4"}]}),
        ),
        call("ec2", "RunInstances", &json!({"iamInstanceProfile": {"name": "web"}}), &none()),
    ];
    let summary = used(&texts, ROLE);
    let expected = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["ec2:DescribeInstances", "ec2:RunInstances"], "Resource": "*"},
        {"Effect": "Allow", "Action": ["iam:PassRole"], "Resource": "arn:aws:iam::111111111111:role/run"},
        {"Effect": "Allow", "Action": ["kms:Decrypt"],
            "Resource": "arn:aws:kms:eu-central-1:111111111111:key/0e5d0ab6-097e-49d8-99ef-747ce3e5f8f4"},
        {"Effect": "Allow", "Action": ["lambda:CreateFunction"], "Resource": [
            "arn:aws:lambda:eu-central-1:111111111111:function:f", "arn:aws:lambda:eu-central-1:111111111111:function:f:*"]},
        {"Effect": "Allow", "Action": ["s3:ListAllMyBuckets"], "Resource": "*"},
        {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": "arn:aws:s3:::b"},
        {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::b/a", "arn:aws:s3:::b/c${*}"]},
    ]});
    assert_eq!(summary.policy().unwrap(), expected);
    let names = |all: &[ActionUse]| all.iter().map(|own| own.action.clone()).collect::<Vec<_>>();
    assert_eq!(
        (names(&summary.denied), names(&summary.failed)),
        (vec!["s3:DeleteObject".to_owned()], vec!["s3:GetObjectAcl".to_owned()])
    );
    assert_eq!(summary.denied[0].codes, BTreeSet::from(["AccessDenied".to_owned()]));
    assert_eq!(summary.free, BTreeSet::from(["sts.amazonaws.com GetCallerIdentity".to_owned()]));
    let get = summary.used.iter().find(|own| own.action == "s3:GetObject").unwrap();
    assert_eq!((get.records, get.calls.len()), (2, 2));
    let limits = [
        PolicyLimit::SomeData,
        PolicyLimit::Unlogged,
        PolicyLimit::Period,
        PolicyLimit::Assumed(2),
        PolicyLimit::AnyResource(3),
        PolicyLimit::Profiles(BTreeSet::from(["web".to_owned()])),
        PolicyLimit::Conditions,
    ];
    assert_eq!(summary.limits, limits);
    assert_eq!(used(&[], ROLE).policy(), None);
    assert_eq!(used(&[], ROLE).limits[0], PolicyLimit::NoData);
}

#[test]
fn what_another_role_does_that_it_assumed_is_not_its_own() {
    let asked = json!({"roleArn": "arn:aws:iam::111111111111:role/other", "roleSessionName": "s"});
    let other = call("s3", "GetObject", &none(), &none()).replace(ROLE, "arn:aws:iam::111111111111:role/other");
    let summary = used(&[call("sts", "AssumeRole", &asked, &none()), other], ROLE);
    let expected =
        json!([{"Effect": "Allow", "Action": ["sts:AssumeRole"], "Resource": "arn:aws:iam::111111111111:role/other"}]);
    assert_eq!(summary.policy().unwrap()["Statement"], expected);
}

#[test]
fn many_objects_become_their_bucket_and_many_others_become_all() {
    let objects = |bucket: &str, count: usize| -> Vec<String> {
        let of = |n: usize| call("s3", "PutObject", &json!({"bucketName": bucket, "key": format!("k{n}/x")}), &none());
        (0..count).map(of).collect()
    };
    let resources = |texts: &[String]| {
        let one = used(texts, ROLE);
        let mut other = texts.to_vec();
        other.reverse();
        assert_eq!(used(&other, ROLE), one, "the order does not matter");
        one.policy().unwrap()["Statement"][0]["Resource"].clone()
    };
    assert_eq!(resources(&objects("aws", 2)), json!(["arn:aws:s3:::aws/k0/x", "arn:aws:s3:::aws/k1/x"]));
    assert_eq!(resources(&objects("aws", RESOURCES_MAX + 1)), json!("arn:aws:s3:::aws/*"));
    let mixed = [objects("a", 30), objects("b", 2)].concat();
    assert_eq!(resources(&mixed), json!(["arn:aws:s3:::a/*", "arn:aws:s3:::b/k0/x", "arn:aws:s3:::b/k1/x"]));
    let both = [objects("a", 15), objects("b", 15)].concat();
    assert_eq!(resources(&both), json!(["arn:aws:s3:::a/*", "arn:aws:s3:::b/*"]));
    let send = |n: usize| {
        let url = format!("https://sqs.eu-central-1.amazonaws.com/111111111111/q{n}");
        call("sqs", "DeleteQueue", &json!({"queueUrl": url}), &none())
    };
    let queues: Vec<String> = (0..=RESOURCES_MAX).map(send).collect();
    assert_eq!(resources(&queues[..1]), json!("arn:aws:sqs:eu-central-1:111111111111:q0"));
    assert_eq!(resources(&queues), json!("*"));
}

#[test]
fn a_key_that_is_named_by_an_alias_is_not_taken_for_its_arn() {
    let summary = used(&[call("kms", "Encrypt", &json!({"keyId": "alias/app"}), &none())], ROLE);
    assert_eq!(summary.policy().unwrap()["Statement"][0]["Resource"], json!("*"));
}

/// Tells whether a policy allows an action on a resource, as IAM compares them.
fn allows(policy: &Value, action: &str, resource: &str) -> bool {
    let texts = |value: &Value| match value {
        Value::String(text) => vec![text.clone()],
        other => other.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect(),
    };
    let fits = |pattern: &String| match pattern.strip_suffix('*') {
        Some(start) => resource.starts_with(start),
        None => pattern == resource,
    };
    let statements = policy["Statement"].as_array().unwrap();
    statements
        .iter()
        .any(|own| texts(&own["Action"]).iter().any(|own| own == action) && texts(&own["Resource"]).iter().any(fits))
}

#[test]
fn the_policy_of_a_random_world_allows_all_that_was_done_there() {
    let mut allowed = 0;
    for seed in 0..8 {
        let mut world = World::new(seed);
        let (one, other) = (world.delivered(), world.delivered());
        let roles = ["role0", "role1"].map(|role| ACCOUNTS.map(|to| format!("arn:aws:iam::{to}:role/path/{role}")));
        let actors: Vec<String> = roles.into_iter().flatten().chain((0..4).map(user)).collect();
        for who in &actors {
            let summary = used(&one, who);
            assert_eq!(used(&other, who), summary, "world {seed}");
            let deeds =
                world.deeds.iter().filter(|deed| deed.caller == *who && deed.done && !deed.text.contains("AWSAccount"));
            let mut needed = BTreeSet::new();
            for deed in deeds {
                let record = Record::read(&deed.text).unwrap();
                let needs = actions().needs(&record).unwrap();
                for own in needs.actions {
                    let bucket = record.request_parameters.and_then(|asked| asked.at("bucketName")?.text());
                    let resource = bucket.map_or_else(|| "*".to_owned(), |name| format!("arn:aws:s3:::{name}"));
                    let is_limited = own.action.starts_with("s3:");
                    assert!(
                        !is_limited || allows(&summary.policy().unwrap(), &own.action, &resource),
                        "world {seed}: {deed:?}"
                    );
                    needed.insert(own.action);
                    allowed += 1;
                }
            }
            let unclear: BTreeSet<String> = summary.used.iter().map(|own| own.action.clone()).collect();
            assert!(needed.is_subset(&unclear), "world {seed}");
            // What was only refused is not in it.
            let is_done = |own: &&ActionUse| own.records > 0 && own.codes.is_empty();
            assert_eq!(summary.used.iter().filter(is_done).count(), summary.used.len(), "world {seed}");
        }
    }
    assert!(allowed > 100, "{allowed}");
}
