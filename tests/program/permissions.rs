//! The printed policies against what the commands really call: over the wire, account by account.

use std::collections::{BTreeMap, BTreeSet};

use orgtrail::config;
use orgtrail::operations::ALL;
use orgtrail::permissions::{AccountKind, KnownAccounts, PermissionsRequest, Purpose, permissions};
use serde_json::Value;

use crate::run::Desk;
use crate::support::{Emulator, Trouble, World};

const TRAIL: &str = "arn:aws:cloudtrail:eu-central-1:123456789012:trail/acme-org-trail";

const MORE: &str = "    cloudwatch_logs: {group: /orgtrail/acme}\n    notify: {sns: acme-org-trail}\n";

/// An account is left out, and nothing is kept for it.
const WITHOUT_WEB: &str = "  log: log-archive\n  exclude: ['name:web']\nreaders:\n  keep_days: 0";

/// Needs no permission (STS API, `GetCallerIdentity`).
pub const FREE: &str = "sts:GetCallerIdentity";

/// What the commands called in each kind of account, as `service:Operation`.
pub type Called = BTreeMap<AccountKind, BTreeSet<String>>;

/// Returns what reached the emulator since it was last asked.
pub async fn called(emulator: &Emulator, world: &World) -> Called {
    let mut places: BTreeMap<String, AccountKind> = BTreeMap::new();
    let mut called = Called::new();
    for call in emulator.proxy().calls() {
        if !places.contains_key(&call.access_key) {
            let account = world.account_of(&call.access_key).await;
            let place = if account == *world.account("management") {
                AccountKind::Management
            } else if account == *world.log() {
                AccountKind::Log
            } else {
                AccountKind::Member
            };
            places.insert(call.access_key.clone(), place);
        }
        called.entry(places[&call.access_key]).or_default().insert(format!("{}:{}", call.service, call.action));
    }
    emulator.proxy().clear();
    called
}

/// Returns what is printed for a place: as the operations that it is for. Also holds the program's output to it.
fn printed(desk: &Desk, world: &World, purpose: Purpose, place: AccountKind) -> BTreeSet<String> {
    let text = std::fs::read_to_string(desk.path("orgtrail.yaml")).unwrap();
    let config = config::parse(&text, "orgtrail.yaml").unwrap();
    let (management, log) = (world.account("management").clone(), world.log().clone());
    let known = KnownAccounts { management: Some(management.clone()), log: Some(log.clone()) };
    let needed = permissions(&PermissionsRequest {
        config: &config,
        purpose,
        place,
        known: &known,
        destroy: &[],
        sign: None,
        lake: None,
        athena: None,
        recorders: false,
    });
    let word = |text: String| text.to_lowercase();
    let (purpose, place) = (word(format!("{purpose:?}")), word(format!("{place:?}")));
    let arguments = format!("permissions --for {purpose} --in {place} --management {management} --log {log}");
    let said = desk.run(&arguments).expect_code(0).json();
    let said: Vec<Value> = said.as_array().cloned().unwrap_or_else(|| vec![said.clone()]);
    let documents: Vec<Value> = needed.documents.iter().map(|document| document.to_value()).collect();
    assert_eq!(said, documents, "{arguments}");
    needed.operations.iter().map(|operation| format!("{}:{}", operation.service.as_str(), operation.name)).collect()
}

/// Asserts that everything called is printed; returns what is printed and was not called.
fn idle(desk: &Desk, world: &World, purpose: Purpose, called: &Called) -> BTreeMap<AccountKind, BTreeSet<String>> {
    let table: BTreeSet<String> = ALL.iter().map(|o| format!("{}:{}", o.service.as_str(), o.name)).collect();
    let of = |(place, called): (&AccountKind, &BTreeSet<String>)| {
        let printed = printed(desk, world, purpose, *place);
        let strange: Vec<&String> = called.difference(&table).collect();
        assert!(strange.is_empty(), "not in the table: {strange:?}");
        let missing: Vec<&String> = called.difference(&printed).filter(|call| *call != FREE).collect();
        assert!(missing.is_empty(), "{purpose:?} {place:?} is not given {missing:?}");
        (*place, printed.difference(called).cloned().collect())
    };
    called.iter().map(of).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_printed_policies_are_what_the_commands_call() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let desk = Desk::at(&emulator, &world, MORE);

    // A deployment from nothing, and one that is there.
    desk.run("discover").expect_code(0);
    desk.run("plan").expect_code(2);
    let mut looks = called(&emulator, &world).await;
    desk.run("apply --yes --quiet").expect_code(0);
    let mut writes = called(&emulator, &world).await;
    watch_keys(&world).await;
    for looking in ["plan", "drift", "check", "snapshot --member-trails --output snapshot.json"] {
        desk.run(looking);
    }
    add(&mut looks, called(&emulator, &world).await);

    // Other hands, and an account that is left out.
    damage(&world).await;
    let text = std::fs::read_to_string(desk.path("orgtrail.yaml")).unwrap();
    desk.write("orgtrail.yaml", &text.replace("  log: log-archive", WITHOUT_WEB));
    // The emulator has no event history.
    let history = Trouble::Answer(r#"{"Events": []}"#.into());
    emulator.proxy().trouble("cloudtrail", "LookupEvents", usize::MAX, history);
    desk.run("drift --who").expect_code(2);
    let mut who = called(&emulator, &world).await;
    // What the event history does not tell is asked of the archive: `--for query` prints what that takes.
    let query = printed(&desk, &world, Purpose::Query, AccountKind::Log);
    if let Some(called) = who.get_mut(&AccountKind::Log) {
        called.retain(|call| !query.contains(call));
    }
    add(&mut looks, who);
    desk.run("apply --yes --prune --adopt --allow destroys --allow weakens --allow interrupts").expect_code(0);
    add(&mut writes, called(&emulator, &world).await);

    let every_place = [AccountKind::Management, AccountKind::Log, AccountKind::Member];
    for place in every_place {
        let written: Vec<_> = looks[&place].iter().filter(|call| is_write(call)).collect();
        assert!(written.is_empty(), "{place:?}: {written:?}");
    }
    let found = [idle(&desk, &world, Purpose::Plan, &looks), idle(&desk, &world, Purpose::Apply, &writes)];
    assert_eq!(found, [NOT_CALLED_BY_LOOKING, NOT_CALLED_BY_APPLYING].map(|uncalled| uncalled.map(named).into()));
}

/// What a deployment can have beside its trail, bucket, key and readers.
const EVERYTHING: &str = "    notify: {sns: acme-org-trail}
  - {name: 'acme-own-{{account.id}}', scope: accounts}
guard: {service_control_policy: true}
reconcile: {wake_queue: acme-orgtrail}
";

#[tokio::test(flavor = "multi_thread")]
async fn they_are_enough_for_a_guard_a_wake_queue_and_a_trail_in_each_account() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let desk = Desk::at(&emulator, &world, EVERYTHING);
    desk.run("plan").expect_code(2);
    let looks = called(&emulator, &world).await;
    desk.run("apply --yes --quiet --allow interrupts --allow costs").expect_code(0);
    let mut writes = called(&emulator, &world).await;
    for call in ["cloudtrail:CreateTrail", "organizations:AttachPolicy", "sqs:CreateQueue", "events:PutRule"] {
        assert!(writes.values().any(|calls| calls.contains(call)), "{call}: {writes:#?}");
    }
    let text = std::fs::read_to_string(desk.path("orgtrail.yaml")).unwrap();
    desk.write("orgtrail.yaml", &text.replace("policy: true", "policy: false"));
    desk.run("apply --yes --quiet --prune --allow weakens --allow destroys").expect_code(0);
    add(&mut writes, called(&emulator, &world).await);
    assert!(writes[&AccountKind::Management].contains("organizations:DeletePolicy"), "{writes:#?}");
    for (purpose, calls) in [(Purpose::Plan, looks), (Purpose::Apply, writes)] {
        idle(&desk, &world, purpose, &calls);
    }

    // One trail for all: what watched the others goes, with what is printed for the new configuration.
    let text = std::fs::read_to_string(desk.path("orgtrail.yaml")).unwrap();
    let own = "  - {name: 'acme-own-{{account.id}}', scope: accounts}\n";
    desk.write("orgtrail.yaml", &text.replace(own, ""));
    desk.run("apply --yes --quiet --allow weakens --allow interrupts").expect_code(0);
    called(&emulator, &world).await;
    desk.run("apply --yes --quiet --prune --allow destroys --allow weakens").expect_code(0);
    let removals = called(&emulator, &world).await;
    for call in ["events:RemoveTargets", "events:DeleteRule", "iam:DeleteRole"] {
        assert!(removals[&AccountKind::Member].contains(call), "{call}: {removals:#?}");
    }
    idle(&desk, &world, Purpose::Apply, &removals);
    desk.run("plan").expect_code(0);
}

fn named((place, operations): (AccountKind, &[&str])) -> (AccountKind, BTreeSet<String>) {
    (place, operations.iter().map(|operation| (*operation).to_owned()).collect())
}

fn is_write(call: &str) -> bool {
    use orgtrail::operations::Access;
    ALL.iter().any(|o| o.access == Access::Write && format!("{}:{}", o.service.as_str(), o.name) == call)
}

fn add(all: &mut Called, more: Called) {
    for (place, calls) in more {
        all.entry(place).or_default().extend(calls);
    }
}

/// A metric filter on the trail's log group with an alarm that publishes to a topic, as somebody else made them.
async fn watch_keys(world: &World) {
    let management = world.management();
    let metric = aws_sdk_cloudwatchlogs::types::MetricTransformation::builder();
    let metric = metric.metric_name("keys").metric_namespace("cis").metric_value("1").build().unwrap();
    let request = aws_sdk_cloudwatchlogs::Client::new(&management).put_metric_filter().log_group_name("/orgtrail/acme");
    let request = request.filter_name("cis-keys").filter_pattern("{ $.eventName = DisableKey }");
    request.metric_transformations(metric).send().await.unwrap();
    let topic = aws_sdk_sns::Client::new(&management).create_topic().name("security").send().await.unwrap();
    let request = aws_sdk_cloudwatch::Client::new(&management).put_metric_alarm().alarm_name("cis-keys");
    let request = request.namespace("cis").metric_name("keys").statistic(aws_sdk_cloudwatch::types::Statistic::Sum);
    let request = request
        .period(300)
        .evaluation_periods(1)
        .threshold(1.0)
        .set_alarm_actions(Some(vec![topic.topic_arn.unwrap()]));
    let at_least = aws_sdk_cloudwatch::types::ComparisonOperator::GreaterThanOrEqualToThreshold;
    request.comparison_operator(at_least).send().await.unwrap();
}

/// Changes by other hands: each needs another call to repair.
async fn damage(world: &World) {
    let management = world.management();
    aws_sdk_cloudtrail::Client::new(&management).stop_logging().name(TRAIL).send().await.unwrap();
    let log = world.hand_in("log-archive").await;
    let s3 = aws_sdk_s3::Client::new(&log);
    s3.delete_bucket_policy().bucket("acme-org-cloudtrail").send().await.unwrap();
    let iam = aws_sdk_iam::Client::new(&log);
    let role = format!("CloudTrailReadLogs-{}", world.account("api"));
    let open = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}"#;
    iam.put_role_policy().role_name(&role).policy_name("More").policy_document(open).send().await.unwrap();
    let member = aws_sdk_iam::Client::new(&world.hand_in("api").await);
    let policy = format!("arn:aws:iam::{}:policy/CloudTrailReadLogs", world.account("api"));
    let request = member.create_policy_version().policy_arn(policy).set_as_default(true).policy_document(open);
    request.send().await.unwrap();
}

/// What looking may need and this world does not: `ListAccountsForParent` where AWS leaves out `Paths`, `GetTrail` and
/// in members what other trails record, and a listing only for a bucket that has no tags.
const NOT_CALLED_BY_LOOKING: [(AccountKind, &[&str]); 3] = [
    // Control policies that are not AWS's own are described where there are some.
    (
        AccountKind::Management,
        &["cloudtrail:GetTrail", "organizations:DescribePolicy", "organizations:ListAccountsForParent"],
    ),
    (
        AccountKind::Log,
        &[
            "cloudtrail:GetEventSelectors",
            "cloudtrail:GetInsightSelectors",
            "cloudtrail:GetTrailStatus",
            "cloudtrail:ListTags",
            // Whose a bucket is that copies go to.
            "s3:ListBuckets",
            "s3:ListObjectsV2",
        ],
    ),
    (
        AccountKind::Member,
        &[
            "cloudtrail:GetEventSelectors",
            "cloudtrail:GetInsightSelectors",
            "cloudtrail:GetTrailStatus",
            "cloudtrail:ListTags",
        ],
    ),
];

/// What applying may need and this world does not. Beyond what looking has: repairs of damage that nobody does here,
/// the oldest of five versions of a policy, and removing a policy from those who have it.
const NOT_CALLED_BY_APPLYING: [(AccountKind, &[&str]); 3] = [
    (
        AccountKind::Management,
        &[
            // The tree of units is only read for names of units, or without `Paths`.
            "organizations:ListAccountsForParent",
            "organizations:ListOrganizationalUnitsForParent",
            "organizations:ListRoots",
            // Other people's trails, and repairs of the own one.
            "cloudtrail:GetTrail",
            // Who did it is a question of looking, and a plan's permissions are a part of apply's.
            "cloudtrail:LookupEvents",
            "cloudtrail:AddTags",
            "cloudtrail:PutEventSelectors",
            "cloudtrail:PutInsightSelectors",
            "cloudtrail:UpdateTrail",
            // For audits, as `LookupEvents`.
            "logs:DescribeMetricFilters",
            "cloudwatch:DescribeAlarms",
            "sns:GetTopicAttributes",
            "sns:ListSubscriptionsByTopic",
            // Control policies that are not AWS's own.
            "organizations:DescribePolicy",
            // Repairs of the role of the log group.
            "iam:DeleteRolePermissionsBoundary",
            "iam:DeleteRolePolicy",
            "iam:TagRole",
            "iam:UpdateAssumeRolePolicy",
            "iam:UpdateRole",
            // Repairs of the member policy, and its removal if the account is left out.
            "iam:CreatePolicyVersion",
            "iam:DeletePolicy",
            "iam:DeletePolicyVersion",
            "iam:DetachGroupPolicy",
            "iam:DetachRolePolicy",
            "iam:DetachUserPolicy",
            "iam:ListEntitiesForPolicy",
            "iam:ListPolicyVersions",
            "iam:TagPolicy",
        ],
    ),
    (
        AccountKind::Log,
        &[
            // Earlier trails, which the bucket policy lets in.
            "cloudtrail:DescribeTrails",
            "cloudtrail:GetEventSelectors",
            "cloudtrail:GetInsightSelectors",
            "cloudtrail:GetTrailStatus",
            "cloudtrail:ListTags",
            "cloudtrail:LookupEvents",
            // Repairs of the bucket: a lifecycle that is not wanted, a payer that is not its owner.
            "s3:DeleteBucketLifecycle",
            "s3:ListBuckets",
            "s3:ListObjectsV2",
            "s3:PutBucketAcl",
            "s3:PutBucketLifecycleConfiguration",
            "s3:PutBucketRequestPayment",
            // Repairs of the key.
            "kms:CancelKeyDeletion",
            "kms:EnableKey",
            "kms:TagResource",
            "kms:UpdateAlias",
            // Repairs of reader roles.
            "iam:DeleteRolePermissionsBoundary",
            "iam:DetachRolePolicy",
            "iam:TagRole",
            "iam:UpdateAssumeRolePolicy",
            "iam:UpdateRole",
            // As in the management account.
            "iam:CreatePolicyVersion",
            "iam:DeletePolicy",
            "iam:DeletePolicyVersion",
            "iam:DetachGroupPolicy",
            "iam:DetachUserPolicy",
            "iam:ListEntitiesForPolicy",
            "iam:ListPolicyVersions",
            "iam:TagPolicy",
        ],
    ),
    (
        AccountKind::Member,
        &[
            // As in the log account.
            "cloudtrail:DescribeTrails",
            "cloudtrail:GetEventSelectors",
            "cloudtrail:GetInsightSelectors",
            "cloudtrail:GetTrailStatus",
            "cloudtrail:ListTags",
            "cloudtrail:LookupEvents",
            // The damaged policy has fewer than five versions, and the removed one is attached to nobody.
            "iam:DeletePolicyVersion",
            "iam:DetachGroupPolicy",
            "iam:DetachRolePolicy",
            "iam:DetachUserPolicy",
            "iam:TagPolicy",
        ],
    ),
];
