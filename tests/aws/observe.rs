//! Looking: what is seen, with how many calls, and what cannot be read.

use std::collections::BTreeSet;

use orgtrail::cloud::{CloudReader, NoProgress};
use orgtrail::estate::{Kind, Problem, Resource, Sighting, Stage};
use orgtrail::ids::AccountId;

use crate::fixture::{Deployment, connect, reader_name};
use crate::support::world::HOME;
use crate::support::{Emulator, Trouble, World};

#[tokio::test]
async fn an_empty_world_is_absent() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let deployment = Deployment::new(&world, &["web", "api"]);

    let estate = deployment.look(&connect(&emulator).await).await;

    assert_eq!(estate.sightings.len(), deployment.wishes.len());
    for (address, sighting) in &estate.sightings {
        assert_eq!(*sighting, Sighting::Absent, "{address}");
    }
    assert_eq!(estate.limits[world.log()].roles_quota, Some(1000));
}

#[tokio::test]
async fn a_member_costs_three_calls_and_a_look_writes_nothing() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let members = ["web", "api", "data", "billing", "network"];
    let deployment = Deployment::new(&world, &members);
    let aws = connect(&emulator).await;
    deployment.make(&aws).await;

    let fresh = connect(&emulator).await;
    emulator.proxy().clear();
    deployment.look(&fresh).await;

    let counts = emulator.proxy().counts();
    assert_eq!(counts["sts:AssumeRole"], members.len() + 1, "once for each member and the log account");
    assert_eq!(counts["iam:GetPolicy"], members.len());
    assert_eq!(counts["iam:GetPolicyVersion"], members.len());
    assert!(!counts.contains_key("iam:ListEntitiesForPolicy"));
    let reads = ["Get", "List", "Describe", "AssumeRole"];
    let writes: Vec<_> = counts.keys().filter(|name| !reads.iter().any(|read| name.contains(read))).collect();
    assert_eq!(writes, [&""; 0]);

    emulator.proxy().clear();
    deployment.look(&fresh).await;
    assert_eq!(emulator.proxy().count("sts:AssumeRole"), 0, "sessions are kept");
}

#[tokio::test]
async fn hundreds_of_readers_are_seen_with_a_handful_of_calls() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let deployment = Deployment::new(&world, &["web"]);
    let aws = connect(&emulator).await;
    deployment.make(&aws).await;
    let readers = 250;
    let iam = aws_sdk_iam::Client::new(&world.hand_in("log-archive").await);
    let mut scope = deployment.scope();
    for number in 0..readers {
        let member: AccountId = format!("{number:012}").parse().unwrap();
        let request = iam.create_role().role_name(reader_name(&member)).max_session_duration(7200);
        request.assume_role_policy_document(r#"{"Statement":[]}"#).send().await.unwrap();
        scope.addresses.insert(deployment.reader(&member), world.log().clone());
    }
    emulator.proxy().clear();

    let estate = aws.observe(&scope, &NoProgress).await.unwrap();

    let roles: Vec<_> = estate.resources().filter(|(a, _)| a.kind == Kind::Role && a.account == *world.log()).collect();
    assert_eq!(roles.len(), readers + 1);
    for (address, resource) in roles {
        let Resource::Role(role) = resource else { panic!("{address} is no role") };
        assert_eq!(role.max_session_s, Some(7200), "{address}");
    }
    let calls = emulator.proxy().calls();
    let bulk = ["GetAccountAuthorizationDetails", "ListRoles", "GetAccountSummary"];
    let in_log_account = calls.iter().filter(|call| bulk.contains(&call.action.as_str())).count();
    assert!(in_log_account <= readers.div_ceil(100) + 5, "{in_log_account}");
    // The only role that is asked for by itself is that of the log group, in the management account.
    assert_eq!(emulator.proxy().count("iam:GetRole"), 1);
}

#[tokio::test]
async fn one_account_that_cannot_be_entered_is_one_problem() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let deployment = Deployment::new(&world, &["web", "api", "sandbox-old"]);
    let aws = connect(&emulator).await;
    emulator.proxy().refuse_roles_of(world.account("web").as_str());

    let estate = deployment.look(&aws).await;

    let problem = |name: &str| match &estate.sightings[&Deployment::member_policy(world.account(name))] {
        Sighting::Unreadable(problem) => problem.clone(),
        other => panic!("{name} could be read: {other:?}"),
    };
    let Problem { account, address, stage, code, message, help } = problem("web");
    assert_eq!((&account, address, stage, code.as_str()), (world.account("web"), None, Stage::Observe, "AccessDenied"));
    assert!(message.contains("OrganizationAccountAccessRole cannot be assumed"), "{message}");
    assert!(help.contains("accounts.exclude"), "{help}");
    assert_eq!(problem("sandbox-old").code, "AccessDenied", "nobody can enter a suspended account");
    assert_eq!(estate.sightings[&Deployment::member_policy(world.account("api"))], Sighting::Absent);
    assert_eq!(estate.sightings[&deployment.bucket()], Sighting::Absent);
}

#[tokio::test]
async fn one_call_that_is_denied_is_one_address() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let deployment = Deployment::new(&world, &["web"]);
    let aws = connect(&emulator).await;
    deployment.make(&aws).await;
    emulator.proxy().trouble("s3", "GetBucketPolicy", 1, Trouble::Error(403, "AccessDenied"));

    let estate = deployment.look(&aws).await;

    let policy = deployment.bucket().with_kind(Kind::BucketPolicy);
    let unreadable: Vec<_> =
        estate.sightings.iter().filter(|(_, sighting)| matches!(sighting, Sighting::Unreadable(_))).collect();
    let [(address, Sighting::Unreadable(problem))] = unreadable[..] else { panic!("{unreadable:?}") };
    assert_eq!((address, problem.address.as_ref()), (&policy, Some(&policy)));
    assert!(problem.help.contains("s3:GetBucketPolicy"), "{}", problem.help);
}

#[tokio::test]
async fn nothing_readable_at_all_is_a_fault() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let deployment = Deployment::new(&world, &["web"]);
    let aws = connect(&emulator).await;
    let mut scope = deployment.scope();
    scope.addresses.retain(|_, operator| operator != world.account("management"));
    for name in ["web", "log-archive"] {
        emulator.proxy().refuse_roles_of(world.account(name).as_str());
    }
    let fault = aws.observe(&scope, &NoProgress).await.unwrap_err();
    assert!(fault.message.contains("nothing at all could be read"), "{}", fault.message);
}

#[tokio::test]
async fn readers_that_nobody_wants_any_more_are_seen_with_their_member_policies() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let before = Deployment::new(&world, &["web", "api"]);
    let aws = connect(&emulator).await;
    before.make(&aws).await;
    let after = Deployment::new(&world, &["web"]);
    let mut scope = after.scope();
    scope.member_policies = before.scope().member_policies;

    let estate = aws.observe(&scope, &NoProgress).await.unwrap();

    let api = world.account("api");
    assert!(estate.resource(&before.reader(api)).is_some());
    assert!(estate.resource(&Deployment::member_policy(api)).is_some());
    assert_eq!(estate.sightings.len(), after.wishes.len() + 2, "and nothing else");
}

#[tokio::test]
async fn attachments_are_read_when_they_matter() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let mut deployment = Deployment::new(&world, &["web", "api"]);
    let iam = aws_sdk_iam::Client::new(&world.hand_in("web").await);
    iam.create_group().group_name("auditors").send().await.unwrap();
    let policy = Deployment::member_policy(world.account("web"));
    for wish in deployment.wishes.iter_mut().filter(|wish| wish.address == policy) {
        if let Resource::Policy(policy) = &mut wish.resource {
            policy.groups = BTreeSet::from(["auditors".to_owned()]);
        }
    }
    let aws = connect(&emulator).await;
    deployment.make(&aws).await;
    let mut scope = deployment.scope();
    scope.attachments = true;
    emulator.proxy().clear();

    let estate = aws.observe(&scope, &NoProgress).await.unwrap();

    let Some(Resource::Policy(seen)) = estate.resource(&policy) else { panic!("no policy") };
    assert_eq!(seen.groups, BTreeSet::from(["auditors".to_owned()]));
    assert_eq!(emulator.proxy().count("iam:ListEntitiesForPolicy"), 1, "only for the one that is attached");
}

#[tokio::test]
async fn other_trails_are_evidence_and_shadow_copies_are_not() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let deployment = Deployment::new(&world, &["web", "api"]);
    let aws = connect(&emulator).await;
    deployment.make(&aws).await;
    let bucket = crate::fixture::BUCKET;
    let elsewhere = world.management().into_builder().region(aws_config::Region::new("us-east-1")).build();
    let trails = aws_sdk_cloudtrail::Client::new(&elsewhere);
    trails.create_trail().name("old-one").s3_bucket_name(bucket).send().await.unwrap();
    let reads = aws_sdk_cloudtrail::types::EventSelector::builder();
    let reads = reads.read_write_type(aws_sdk_cloudtrail::types::ReadWriteType::ReadOnly).build();
    trails.put_event_selectors().trail_name("old-one").event_selectors(reads).send().await.unwrap();
    let member = aws_sdk_cloudtrail::Client::new(&world.hand_in("web").await);
    member.create_trail().name("own").s3_bucket_name(bucket).send().await.unwrap();
    let mut scope = deployment.scope();
    scope.member_trails = BTreeSet::from([world.account("web").clone(), world.account("api").clone()]);
    emulator.proxy().clear();

    let estate = aws.observe(&scope, &NoProgress).await.unwrap();

    let seen: Vec<_> = estate.sightings.keys().filter(|address| address.kind == Kind::Trail).collect();
    let (management, web) = (world.account("management"), world.account("web"));
    let mut expected = vec![
        format!("{management}/{HOME}/trail/acme-org-trail"),
        format!("{management}/us-east-1/trail/old-one"),
        format!("{web}/{HOME}/trail/own"),
    ];
    expected.sort();
    assert_eq!(seen.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
    let old = estate.resource(&expected_address(&expected, "old-one"));
    let Some(Resource::Trail(old)) = old else { panic!("no evidence") };
    assert!(!old.logging && old.records_management_events());
    assert_eq!(old.selectors.iter().next().unwrap().values("readOnly", "equals").collect::<Vec<_>>(), ["true"]);
    let calls = emulator.proxy().calls();
    let of = |action: &str| calls.iter().filter(|call| call.action == action).count();
    assert_eq!(of("DescribeTrails"), 3, "one in the management account and one in each member");
}

#[tokio::test]
async fn trails_of_a_member_that_are_not_shown_are_unreadable_and_not_absent() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let deployment = Deployment::new(&world, &[]);
    let aws = connect(&emulator).await;
    let mut scope = deployment.scope();
    scope.addresses.retain(|address, _| address.kind == Kind::Bucket);
    scope.member_trails = BTreeSet::from([world.account("web").clone()]);
    emulator.proxy().trouble("cloudtrail", "DescribeTrails", 1, Trouble::Error(400, "AccessDeniedException"));

    let estate = aws.observe(&scope, &NoProgress).await.unwrap();

    let trails: Vec<_> = estate.sightings.iter().filter(|(address, _)| address.kind == Kind::Trail).collect();
    let [(address, Sighting::Unreadable(problem))] = trails[..] else { panic!("{trails:?}") };
    assert_eq!(address.to_string(), format!("{}/{HOME}/trail/*", world.account("web")));
    assert_eq!(problem.code, "AccessDeniedException");
}

fn expected_address(addresses: &[String], name: &str) -> orgtrail::estate::Address {
    addresses.iter().find(|address| address.ends_with(name)).unwrap().parse().unwrap()
}

#[tokio::test]
async fn the_last_delivery_to_bucket_and_log_group_is_told() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let deployment = Deployment::new(&world, &[]);
    let aws = connect(&emulator).await;
    let status = r#"{"IsLogging": true, "LatestDeliveryTime": 1772341200, "LatestCloudWatchLogsDeliveryTime": 1772341260,
                     "LatestCloudWatchLogsDeliveryError": ""}"#;
    emulator.proxy().trouble("cloudtrail", "GetTrailStatus", 1, Trouble::Answer(status.into()));
    let delivery = aws.delivery(&deployment.trail(), world.account("management")).await.unwrap();
    assert_eq!(delivery.latest_time.as_deref(), Some("2026-03-01T05:00:00Z"));
    assert_eq!(delivery.log_group_time.as_deref(), Some("2026-03-01T05:01:00Z"));
    assert_eq!(delivery.log_group_error, None);
}
