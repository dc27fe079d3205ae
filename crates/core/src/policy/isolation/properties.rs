//! Whatever single statement is added to the policy of bucket, key or topic: if any request succeeds that nobody was
//! promised, there is a violation or an open question.

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

use super::world::{BUCKET, KEY, LOG, MANAGEMENT, MEMBERS, Mode, ORGANIZATION, ROOT, TOPIC, World};
use super::*;
use crate::policy::evaluate::{AccessDecision, Caller, Context, Layers, Request, evaluate, full_access};

const STRANGER: &str = "999999999999";

fn principals() -> Vec<Value> {
    vec![
        json!("*"),
        json!({"AWS": "*"}),
        json!({"AWS": STRANGER}),
        json!({"AWS": format!("arn:aws:iam::{STRANGER}:role/any")}),
        json!({"AWS": MEMBERS[0]}),
        json!({"AWS": [format!("arn:aws:iam::{}:root", MEMBERS[1]), format!("arn:aws:iam::{}:role/team", MEMBERS[2])]}),
        json!({"AWS": format!("arn:aws:sts::{}:assumed-role/team/alice", MEMBERS[2])}),
        json!({"AWS": format!("arn:aws:iam::{LOG}:root")}),
        json!({"AWS": format!("arn:aws:iam::{LOG}:role/CloudTrailReadLogs-{}", MEMBERS[0])}),
        json!({"AWS": format!("arn:aws:sts::{LOG}:assumed-role/CloudTrailReadLogs-{}/alice", MEMBERS[0])}),
        json!({"AWS": format!("arn:aws:iam::{LOG}:role/somebody")}),
        json!({"Service": "cloudtrail.amazonaws.com"}),
        json!({"Service": "cloudfront.amazonaws.com"}),
        json!({"Service": ["config.amazonaws.com", "delivery.logs.amazonaws.com"]}),
        json!({"Federated": "accounts.google.com"}),
        json!({"CanonicalUser": "79a59df900b949e55d96a1e698fbaced"}),
    ]
}

fn actions() -> Vec<&'static str> {
    vec![
        "*",
        "s3:*",
        "s3:Get*",
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:List*",
        "s3:ListBucket",
        "s3:*Object",
        "s3:Put*",
        "s3:PutObject",
        "s3:DeleteObject",
        "s3:PutBucketPolicy",
        "s3:PutLifecycleConfiguration",
        "s3:GetBucketLocation",
        "kms:*",
        "kms:Decrypt",
        "kms:ReEncrypt*",
        "kms:CreateGrant",
        "kms:ScheduleKeyDeletion",
        "kms:DescribeKey",
        "sns:*",
        "SNS:Publish",
        "sns:Subscribe",
        "sns:GetTopicAttributes",
    ]
}

fn resources() -> Vec<String> {
    let own = MEMBERS[0];
    [
        "*".to_owned(),
        BUCKET.to_owned(),
        format!("{BUCKET}/*"),
        format!("{BUCKET}*"),
        "arn:aws:s3:::another-bucket/*".to_owned(),
        format!("{BUCKET}/handbook/*"),
        format!("{BUCKET}/{ROOT}/{own}/*"),
        format!("{BUCKET}/{ROOT}/{own}*"),
        format!("{BUCKET}/{ROOT}/*/CloudTrail/*"),
        format!("{BUCKET}/{ROOT}/${{aws:PrincipalAccount}}/*"),
        format!("{BUCKET}/{ROOT}/${{aws:PrincipalTag/team}}/*"),
        format!("{BUCKET}/AWSLogs/{own}/Config/*"),
        format!("{BUCKET}/audit/?WSLogs/*"),
        KEY.to_owned(),
        TOPIC.to_owned(),
    ]
    .into()
}

fn lines() -> Vec<(&'static str, &'static str, Value)> {
    let paths = "aws:PrincipalOrgPaths";
    vec![
        ("StringEquals", "aws:PrincipalOrgID", json!(ORGANIZATION)),
        ("StringEquals", "aws:PrincipalOrgID", json!("o-anotherorganization")),
        ("StringLike", "aws:PrincipalOrgID", json!("o-*")),
        ("StringNotEquals", "aws:PrincipalOrgID", json!(ORGANIZATION)),
        ("StringEqualsIfExists", "aws:PrincipalOrgID", json!(ORGANIZATION)),
        ("StringEquals", "aws:PrincipalAccount", json!(MEMBERS[0])),
        ("StringEquals", "aws:PrincipalAccount", json!(LOG)),
        ("StringNotEquals", "aws:PrincipalAccount", json!(LOG)),
        ("StringEquals", "aws:PrincipalOrgMasterAccountId", json!(MANAGEMENT)),
        ("StringNotEquals", "aws:PrincipalOrgMasterAccountId", json!(MANAGEMENT)),
        ("StringEquals", "aws:PrincipalOrgMasterAccountId", json!(STRANGER)),
        ("ForAnyValue:StringLike", paths, json!("o-exampleorgid/*")),
        ("ForAnyValue:StringLike", paths, json!("o-exampleorgid/r-ab12/ou-ab12-11111111/*")),
        ("ForAllValues:StringLike", paths, json!("o-exampleorgid/*")),
        ("ArnLike", "aws:PrincipalArn", json!("arn:aws:iam::*:role/t*")),
        ("ArnLike", "aws:PrincipalArn", json!("arn:aws:iam::333333333333:role/*")),
        ("ArnLike", "aws:PrincipalArn", json!("arn:aws:iam::222222222222:role/CloudTrailReadLogs-*")),
        ("ArnNotLike", "aws:PrincipalArn", json!("arn:aws:iam::222222222222:role/*")),
        ("StringLike", "aws:userId", json!("AROAREADER333333333333:*")),
        ("StringEquals", "aws:PrincipalTag/team", json!("audit")),
        ("StringEquals", "aws:SourceAccount", json!(MEMBERS[0])),
        ("StringEquals", "aws:SourceAccount", json!(STRANGER)),
        ("StringEquals", "aws:SourceOrgID", json!(ORGANIZATION)),
        ("ArnLike", "aws:SourceArn", json!("arn:aws:cloudfront::999999999999:distribution/*")),
        ("ArnLike", "aws:SourceArn", json!("arn:aws:cloudtrail:*:*:trail/*")),
        ("IpAddress", "aws:SourceIp", json!("203.0.113.0/24")),
        ("Bool", "aws:SecureTransport", json!("true")),
        ("Bool", "aws:MultiFactorAuthPresent", json!("true")),
        ("Null", "kms:EncryptionContext:aws:cloudtrail:arn", json!("false")),
        ("StringLike", "s3:prefix", json!("audit/AWSLogs/o-exampleorgid/333333333333/*")),
        ("StringLike", "s3:prefix", json!("*")),
        ("StringLikeIfExists", "s3:prefix", json!("handbook/*")),
        ("StringEquals", "kms:CallerAccount", json!(LOG)),
        ("StringEquals", "aws:NewKey", json!("x")),
        ("StringResembles", "aws:PrincipalOrgID", json!(ORGANIZATION)),
    ]
}

fn statements() -> impl Strategy<Value = Value> {
    let some_lines =
        prop_oneof![Just(0..1), Just(1..2), Just(1..2), Just(2..3)].prop_flat_map(|few| subsequence(lines(), few));
    let parts = (select(principals()), subsequence(actions(), 1..3), subsequence(resources(), 1..3), some_lines);
    statements_of(parts, 0.08)
}

/// A principal, actions, resources, and lines of a condition: operator, key and value.
type Parts = (Value, Vec<&'static str>, Vec<String>, Vec<(&'static str, &'static str, Value)>);

/// Statements that allow, from principals, actions, resources and lines of a condition; each of the first three is
/// negated with a probability.
pub(super) fn statements_of(parts: impl Strategy<Value = Parts>, negated: f64) -> impl Strategy<Value = Value> {
    let negated = prop::bool::weighted(negated);
    (parts, [negated, negated, negated]).prop_map(|((principal, actions, resources, lines), negations)| {
        let [not_principal, not_action, not_resource] = negations;
        let name = |is_not: bool, name: &str| if is_not { format!("Not{name}") } else { name.to_owned() };
        let mut condition: Map<String, Value> = Map::new();
        for (operator, key, value) in lines {
            condition.entry(operator).or_insert_with(|| json!({}))[key] = value;
        }
        // AWS refuses NotPrincipal for everybody.
        let not_principal = not_principal && principal.get("AWS").is_some_and(|who| who != "*");
        let mut statement = json!({"Sid": "OrgtrailForged", "Effect": "Allow", "Condition": condition});
        statement[name(not_principal, "Principal")] = principal;
        statement[name(not_action, "Action")] = json!(actions);
        statement[name(not_resource, "Resource")] = json!(resources);
        statement
    })
}

/// Somebody who asks: with what is known of its requests, the account that it may read, and its own policy.
struct Asker<'a> {
    caller: Caller,
    context: Context,
    reads: String,
    policy: Option<&'a PolicyDocument>,
}

fn askers(world: &World) -> Vec<Asker<'_>> {
    let circumstances = || {
        let context = Context::default().with("aws:SecureTransport", "true").with("aws:SourceIp", "203.0.113.7");
        context.with("aws:MultiFactorAuthPresent", "true")
    };
    let with_path = |context: Context, account: &str| {
        let path = world.paths.as_ref().unwrap()[&account.parse::<AccountId>().unwrap()].clone();
        let context = context.with("aws:PrincipalOrgMasterAccountId", MANAGEMENT);
        context.with("aws:PrincipalOrgID", ORGANIZATION).with("aws:PrincipalOrgPaths", path)
    };
    let role = |arn: String| Caller::from_arn(&arn.parse().unwrap()).unwrap();
    let mut askers = Vec::new();
    let mut add = |caller: Caller, context: Context, reads: &str, policy| {
        askers.push(Asker { caller, context, reads: reads.to_owned(), policy });
    };
    add(
        Caller::Anonymous,
        Context::default().with("aws:SecureTransport", "true").with("aws:SourceIp", "203.0.113.7"),
        "",
        None,
    );
    for name in ["any", "team"] {
        let context = circumstances().with("aws:PrincipalOrgID", "o-anotherorganization");
        let context = context.with("aws:PrincipalOrgMasterAccountId", STRANGER);
        let context =
            context.with("aws:PrincipalOrgPaths", "o-anotherorganization/r-1/").with("aws:PrincipalTag/team", "audit");
        add(role(format!("arn:aws:iam::{STRANGER}:role/{name}")), context, "", None);
    }
    for (member, tag) in MEMBERS.iter().flat_map(|member| [(member, "audit"), (member, MEMBERS[1])]) {
        let context = with_path(circumstances(), member).with("aws:PrincipalTag/team", tag);
        add(role(format!("arn:aws:iam::{member}:role/team")), context, member, None);
    }
    for reader in &world.readers {
        let context = with_path(circumstances(), LOG).with("aws:userId", format!("AROAREADER{}:alice", reader.account));
        let Caller::Session { role, .. } = role(reader.role.to_string()) else { panic!("a reader is a role") };
        let caller = Caller::Session { role, name: "alice".into() };
        add(caller, context, reader.account.as_str(), Some(&reader.policy));
    }
    for (name, source, account) in [
        ("cloudfront.amazonaws.com", "cloudfront::999999999999:distribution/E1", STRANGER),
        ("cloudtrail.amazonaws.com", "cloudtrail:eu-central-1:999999999999:trail/t", STRANGER),
        ("config.amazonaws.com", "config:eu-central-1:999999999999:x", STRANGER),
    ] {
        // A service has no second factor, as it is nobody who signs in.
        let context = Context::default().with("aws:SecureTransport", "true").with("aws:SourceIp", "203.0.113.7");
        let context = context.with("aws:SourceArn", format!("arn:aws:{source}")).with("aws:SourceAccount", account);
        add(Caller::Service { name: name.into() }, context.with("aws:SourceOrgID", "o-anotherorganization"), "", None);
    }
    askers
}

/// Requests that the asker must not be able to make.
fn forbidden(asker: &Asker) -> Vec<(&'static str, String, Context)> {
    let plain = || asker.context.clone();
    let mut list = Vec::new();
    let owners = MEMBERS.iter().chain([&LOG]).filter(|owner| **owner != asker.reads);
    for owner in owners {
        let folder = format!("{ROOT}/{owner}/CloudTrail/eu-central-1/2026/01/31/");
        list.push(("s3:GetObject", format!("{BUCKET}/{folder}file.json.gz"), plain()));
        list.push(("s3:GetObjectVersion", format!("{BUCKET}/audit/AWSLogs/{owner}/CloudTrail/x"), plain()));
        list.push(("s3:ListBucket", BUCKET.to_owned(), plain().with("s3:prefix", folder)));
    }
    list.push(("s3:ListBucket", BUCKET.to_owned(), plain()));
    for owner in MEMBERS {
        let file = format!("{BUCKET}/{ROOT}/{owner}/CloudTrail/eu-central-1/2026/01/31/file.json.gz");
        let acl = plain().with("s3:x-amz-acl", "bucket-owner-full-control");
        list.extend([("s3:PutObject", file.clone(), acl), ("s3:DeleteObject", file, plain())]);
    }
    let changes = ["s3:PutBucketPolicy", "s3:PutLifecycleConfiguration"];
    list.extend(changes.map(|action| (action, BUCKET.to_owned(), plain())));
    // CloudTrail decrypts for Bucket Keys whatever the trail.
    if asker.caller != (Caller::Service { name: "cloudtrail.amazonaws.com".into() }) {
        list.push(("kms:Decrypt", KEY.to_owned(), plain()));
    }
    let keys = ["kms:ReEncryptFrom", "kms:CreateGrant", "kms:ScheduleKeyDeletion"];
    list.extend(keys.map(|action| (action, KEY.to_owned(), plain())));
    list.extend(["sns:Publish", "sns:Subscribe"].map(|action| (action, TOPIC.to_owned(), plain())));
    list
}

/// The documents that a statement is added to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum To {
    Bucket,
    Key,
    Topic,
}

impl To {
    fn document(self, world: &mut World) -> &mut PolicyDocument {
        match self {
            To::Bucket => &mut world.bucket,
            To::Key => &mut world.key,
            To::Topic => &mut world.topic,
        }
    }

    fn service(self) -> &'static str {
        match self {
            To::Bucket => "s3:",
            To::Key => "kms:",
            To::Topic => "sns:",
        }
    }
}

/// Returns a request that succeeds on what a document is about and was promised to nobody.
fn broken(world: &World, to: To) -> Option<String> {
    let all = full_access();
    let log: AccountId = LOG.parse().unwrap();
    let mut changed = world.clone();
    let document = &*to.document(&mut changed);
    for asker in askers(world) {
        let identity = [Named { name: "own", document: asker.policy.unwrap_or(&all) }];
        let requests = forbidden(&asker).into_iter().filter(|(action, ..)| action.starts_with(to.service()));
        for (action, resource, context) in requests {
            let context = context.with("kms:CallerAccount", asker.caller.account().unwrap_or("000000000001"));
            let request = Request { caller: asker.caller.clone(), action: action.into(), resource, context };
            let layers = Layers {
                identity: &identity,
                resource: Some(Named { name: "resource", document }),
                resource_account: Some(log.clone()),
                ..Layers::default()
            };
            if let AccessDecision::Allowed { .. } = evaluate(&request, &layers) {
                return Some(format!("{} can {action} on {}", asker.caller, request.resource));
            }
        }
    }
    None
}

/// Rendering takes longer than all that is asked of a world.
static WORLDS: LazyLock<[World; 2]> = LazyLock::new(|| [World::new(Mode::Roles), World::new(Mode::Dynamic)]);

fn with(to: To, dynamic: bool, statement: &Value) -> World {
    let mut world = WORLDS[usize::from(dynamic)].clone();
    let text = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
    to.document(&mut world).statements.extend(PolicyDocument::parse(&text).unwrap().statements);
    world
}

/// Holds that a statement either breaks no promise or is not proved.
fn holds(to: To, dynamic: bool, statement: &Value) -> Result<(), String> {
    let world = with(to, dynamic, statement);
    match broken(&world, to) {
        Some(broken) if world.prove().is_proved() => {
            Err(format!("{broken}, and the proof says nothing of {statement} in {to:?}, dynamic: {dynamic}"))
        }
        _ => Ok(()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_statement_that_breaks_a_promise_is_never_proved(to in select(vec![To::Bucket, To::Bucket, To::Key, To::Topic]), dynamic in any::<bool>(), statement in statements()) {
        if let Err(wrong) = holds(to, dynamic, &statement) {
            prop_assert!(false, "{wrong}");
        }
    }
}

/// What random statements found once.
#[test]
fn statements_that_were_found_hold() {
    let second_factor = json!({
        "Sid": "OrgtrailForged",
        "Effect": "Allow",
        "Principal": {"Service": "cloudtrail.amazonaws.com"},
        "Action": "s3:GetObject",
        "Resource": format!("{BUCKET}*"),
        "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
    });
    // The account of a reader's session is the log account, whose folders are not the reader's.
    let own_variable = json!({
        "Sid": "OrgtrailForged",
        "Effect": "Allow",
        "Principal": {"AWS": format!("arn:aws:iam::{LOG}:role/CloudTrailReadLogs-{}", MEMBERS[0])},
        "Action": "s3:Get*",
        "Resource": format!("{BUCKET}/{ROOT}/${{aws:PrincipalAccount}}/*"),
        "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
    });
    for (to, statement) in [(To::Bucket, second_factor), (To::Bucket, own_variable)] {
        for dynamic in [false, true] {
            assert_eq!(holds(to, dynamic, &statement), Ok(()));
        }
    }
}

#[test]
fn the_property_tries_statements_of_both_kinds() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut breaks, mut harmless, mut flagged) = (0, 0, 0);
    for _ in 0..120 {
        let statement = proptest::strategy::ValueTree::current(&statements().new_tree(&mut runner).unwrap());
        let world = with(To::Bucket, false, &statement);
        match broken(&world, To::Bucket) {
            Some(_) => breaks += 1,
            None if world.prove().is_proved() => harmless += 1,
            None => flagged += 1,
        }
    }
    assert!(
        breaks > 10 && harmless > 10,
        "{breaks} break a promise, {harmless} are proved, {flagged} are flagged beyond need"
    );
}
