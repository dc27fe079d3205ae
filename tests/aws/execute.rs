//! Making, removing and refusing.

use std::collections::{BTreeMap, BTreeSet};

use orgtrail::cloud::aws::{Aws, AwsOptions};
use orgtrail::cloud::{CloudFaultKind, CloudWriter};
use orgtrail::estate::{Estate, Kind, OWNER_TAG, Resource, Sighting};
use orgtrail::plan::{Change, Step};

use crate::fixture::{BUCKET, Deployment, TRAIL, connect, creation, options, retirement, update};
use crate::support::world::HOME;
use crate::support::{Emulator, Trouble, World};

#[tokio::test]
async fn what_is_made_is_seen_and_making_it_again_changes_nothing() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let deployment = Deployment::new(&world, &["web", "api"]);
    let aws = connect(&emulator).await;

    deployment.make(&aws).await;
    let once = deployment.look(&aws).await;
    assert_eq!(deployment.differences(&once), [""; 0]);

    deployment.make(&aws).await;
    let twice = deployment.look(&aws).await;
    assert_eq!(deployment.differences(&twice), [""; 0]);
    assert_eq!(without_delivery(once), without_delivery(twice));

    let known: BTreeSet<String> =
        orgtrail::operations::ALL.iter().map(|op| format!("{}:{}", op.service.as_str(), op.name)).collect();
    let called: BTreeSet<String> = emulator.proxy().counts().into_keys().collect();
    assert_eq!(called.difference(&known).collect::<Vec<_>>(), [&""; 0], "calls that the table does not have");
}

/// The times in it go on while the test runs.
fn without_delivery(mut estate: Estate) -> Estate {
    for sighting in estate.sightings.values_mut() {
        if let Sighting::Present(resource) = sighting
            && let Resource::Trail(trail) = resource.as_mut()
        {
            trail.delivery = None;
        }
    }
    estate
}

#[tokio::test]
async fn a_trail_is_started_last() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let deployment = Deployment::new(&world, &[]);
    deployment.make(&connect(&emulator).await).await;

    let calls = emulator.proxy().calls();
    let writes: Vec<_> = calls.iter().filter(|call| call.service == "cloudtrail").map(|call| &call.action).collect();
    assert_eq!(writes, ["CreateTrail", "PutEventSelectors", "PutInsightSelectors", "StartLogging", "GetTrailStatus"]);
    let arn = format!("arn:aws:cloudtrail:{HOME}:{}:trail/{TRAIL}", world.account("management"));
    for call in calls.iter().filter(|call| call.service == "cloudtrail" && call.action != "CreateTrail") {
        assert!(call.body.contains(&arn), "{} does not name the trail by its ARN: {}", call.action, call.body);
        assert_eq!(call.region, HOME);
    }
}

#[tokio::test]
async fn a_run_that_lost_every_answer_is_taken_up_again() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let deployment = Deployment::new(&world, &["web"]);
    let aws = connect(&emulator).await;
    for (service, action) in [
        ("s3", "CreateBucket"),
        ("sns", "CreateTopic"),
        ("logs", "CreateLogGroup"),
        ("iam", "CreateRole"),
        ("iam", "CreatePolicy"),
        ("cloudtrail", "CreateTrail"),
        ("kms", "CreateKey"),
        ("kms", "CreateAlias"),
        ("organizations", "CreatePolicy"),
    ] {
        // The request is done, but nobody hears of it: the next attempt meets what it made.
        emulator.proxy().trouble(service, action, 1, Trouble::LoseAnswer);
    }

    deployment.make(&aws).await;

    assert_eq!(deployment.differences(&deployment.look(&aws).await), [""; 0]);
    let kms = aws_sdk_kms::Client::new(&world.hand_in("log-archive").await);
    assert_eq!(kms.list_keys().send().await.unwrap().keys().len(), 1, "a second key was made");
}

#[tokio::test]
async fn a_key_that_never_got_its_alias_gets_it() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let deployment = Deployment::new(&world, &[]);
    let aws = connect(&emulator).await;
    let kms = aws_sdk_kms::Client::new(&world.hand_in("log-archive").await);
    kms.create_key().description("somebody else's").send().await.unwrap();
    let tag = aws_sdk_kms::types::Tag::builder().tag_key(OWNER_TAG).tag_value("acme").build().unwrap();
    let half = kms.create_key().tags(tag).send().await.unwrap();
    let arn = half.key_metadata().unwrap().arn().unwrap().to_owned();

    let estate = deployment.look(&aws).await;
    let Some(Resource::Key(key)) = estate.resource(&deployment.key()) else { panic!("the key is not seen") };
    assert_eq!((key.has_alias, key.arn.as_ref()), (false, Some(&arn)));

    let wish = deployment.at(&deployment.key());
    let done = aws.execute(&update(wish, &estate, &["alias", "rotation"])).await.unwrap();
    let Some(Resource::Key(key)) = done.resource else { panic!("the key is not returned") };
    assert_eq!(key.arn.as_ref(), Some(&arn));
    let estate = deployment.look(&aws).await;
    let Some(Resource::Key(key)) = estate.resource(&deployment.key()) else { panic!("the key is not seen") };
    assert!(key.has_alias && key.rotation && key.enabled);
    assert_eq!(kms.list_keys().send().await.unwrap().keys().len(), 2);
}

#[tokio::test]
async fn what_somebody_else_made_meanwhile_is_not_touched() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let deployment = Deployment::new(&world, &["web"]);
    let aws = connect(&emulator).await;
    deployment.make(&aws).await;
    let mut others = Vec::new();
    for wish in &deployment.wishes {
        let mut wish = wish.clone();
        let Some(tags) = tags_of(&mut wish.resource) else { continue };
        tags.insert(OWNER_TAG.into(), "somebody-else".into());
        others.push(wish);
    }
    assert_eq!(others.len(), 9, "kinds with tags: key, bucket, topic, group, two roles, policy, trail, guard");

    for wish in others {
        let mut change = creation(&wish);
        change.desired_mut().unwrap().resolve(&|_| Some("arn:aws:kms:eu-central-1:1:key/k".into()));
        let fault = aws.execute(&change).await.unwrap_err();
        assert_eq!((fault.kind, fault.code.as_str()), (CloudFaultKind::Refused, "GroundMoved"), "{}", wish.address);
    }
    assert_eq!(deployment.differences(&deployment.look(&aws).await), [""; 0]);
}

fn tags_of(resource: &mut Resource) -> Option<&mut BTreeMap<String, String>> {
    match resource {
        Resource::Bucket(r) => Some(&mut r.tags),
        Resource::Key(r) => Some(&mut r.tags),
        Resource::Topic(r) => Some(&mut r.tags),
        Resource::LogGroup(r) => Some(&mut r.tags),
        Resource::Role(r) => Some(&mut r.tags),
        Resource::Policy(r) => Some(&mut r.tags),
        Resource::Trail(r) => r.tags.as_mut(),
        Resource::ServiceControlPolicy(r) => Some(&mut r.tags),
        _ => None,
    }
}

#[tokio::test]
async fn readers_and_trails_are_retired_and_nothing_that_holds_logs_is() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let deployment = Deployment::new(&world, &["web"]);
    let aws = connect(&emulator).await;
    deployment.make(&aws).await;
    let web = world.account("web");
    attach_to_a_group(&world).await;
    let estate = deployment.look(&aws).await;

    for wish in &deployment.wishes {
        let kinds = [Kind::Role, Kind::Policy, Kind::Trail, Kind::ServiceControlPolicy];
        let removable = kinds.contains(&wish.address.kind);
        let change = retirement(&wish.address, &wish.operator, &estate);
        match aws.execute(&change).await {
            Ok(_) => assert!(removable, "{} was removed", wish.address),
            Err(fault) => {
                assert!(!removable, "{fault}");
                assert_eq!(fault.code, "GroundMoved");
            }
        }
    }
    let after = deployment.look(&aws).await;
    assert_eq!(after.sightings[&deployment.reader(web)], Sighting::Absent);
    assert_eq!(after.sightings[&Deployment::member_policy(web)], Sighting::Absent);
    assert_eq!(after.sightings[&deployment.trail()], Sighting::Absent);
    for address in [deployment.bucket(), deployment.key(), deployment.topic(), deployment.log_group()] {
        assert_eq!(after.resource(&address).is_some(), estate.resource(&address).is_some(), "{address}");
    }
    // Once more, for a run that was cut off.
    let trail = deployment.trail();
    aws.execute(&retirement(&trail, &deployment.at(&trail).operator, &estate)).await.unwrap();
    aws.execute(&retirement(&deployment.reader(web), world.log(), &estate)).await.unwrap();
}

async fn attach_to_a_group(world: &World) {
    let iam = aws_sdk_iam::Client::new(&world.hand_in("web").await);
    iam.create_group().group_name("readers").send().await.unwrap();
    let arn = format!("arn:aws:iam::{}:policy/CloudTrailReadLogs", world.account("web"));
    iam.attach_group_policy().group_name("readers").policy_arn(arn).send().await.unwrap();
}

#[tokio::test]
async fn a_reader_that_lost_its_tag_is_not_retired() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let deployment = Deployment::new(&world, &["web"]);
    let aws = connect(&emulator).await;
    deployment.make(&aws).await;
    let estate = deployment.look(&aws).await;
    let reader = deployment.reader(world.account("web"));
    let iam = aws_sdk_iam::Client::new(&world.hand_in("log-archive").await);
    iam.untag_role().role_name(&reader.name).tag_keys(OWNER_TAG).send().await.unwrap();

    let fault = aws.execute(&retirement(&reader, world.log(), &estate)).await.unwrap_err();

    assert_eq!(fault.code, "GroundMoved");
    assert!(iam.get_role().role_name(&reader.name).send().await.is_ok());
}

#[tokio::test]
async fn a_bucket_and_a_trail_that_exist_are_adopted() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let deployment = Deployment::new(&world, &[]);
    let aws = connect(&emulator).await;
    let s3 = aws_sdk_s3::Client::from_conf(
        aws_sdk_s3::config::Builder::from(&world.hand_in("log-archive").await).force_path_style(true).build(),
    );
    let place = aws_sdk_s3::types::CreateBucketConfiguration::builder();
    let place = place.location_constraint(aws_sdk_s3::types::BucketLocationConstraint::from(HOME)).build();
    s3.create_bucket().bucket(BUCKET).create_bucket_configuration(place).send().await.unwrap();
    let estate = deployment.look(&aws).await;
    let Some(Resource::Bucket(bucket)) = estate.resource(&deployment.bucket()) else { panic!("no bucket") };
    assert!(bucket.untouched, "an empty bucket without settings may be one that a stopped run made");
    s3.put_object().bucket(BUCKET).key("somebody's").send().await.unwrap();
    let trails = aws_sdk_cloudtrail::Client::new(&world.management());
    trails.create_trail().name(TRAIL).s3_bucket_name(BUCKET).send().await.unwrap();

    let estate = deployment.look(&aws).await;
    let Some(Resource::Bucket(bucket)) = estate.resource(&deployment.bucket()) else { panic!("no bucket") };
    assert!(!bucket.untouched);
    let mut made = BTreeMap::new();
    for wish in &deployment.wishes {
        if estate.resource(&wish.address).is_none() {
            deployment.make_one(&aws, wish, &mut made).await.unwrap();
            continue;
        }
        let fields: Vec<String> = wish.resource.wished_fields().into_iter().map(|field| field.path).collect();
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        let update = update(wish, &estate, &fields);
        let Step::Update { desired, observed, fields } = update.step.clone() else { panic!("{update:?}") };
        let mut change = Change { step: Step::Adopt { desired, observed, fields: fields.into() }, ..update };
        change.desired_mut().unwrap().resolve(&|key| match made.get(key) {
            Some(Resource::Key(key)) => key.arn.clone(),
            _ => None,
        });
        aws.execute(&change).await.unwrap();
    }
    assert_eq!(deployment.differences(&deployment.look(&aws).await), [""; 0]);
    assert!(s3.head_object().bucket(BUCKET).key("somebody's").send().await.is_ok());
}

#[tokio::test]
async fn nothing_is_sent_with_a_value_that_is_not_known_yet() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let deployment = Deployment::new(&world, &["web"]);
    let aws = connect(&emulator).await;
    for address in
        [deployment.bucket(), deployment.topic(), deployment.trail(), deployment.reader(world.account("web"))]
    {
        let fault = aws.execute(&creation(deployment.at(&address))).await.unwrap_err();
        assert_eq!((fault.kind, fault.code.as_str()), (CloudFaultKind::Refused, "Unresolved"), "{address}");
    }
    let counts = emulator.proxy().counts();
    assert_eq!(counts.keys().collect::<Vec<_>>(), ["sts:AssumeRole", "sts:GetCallerIdentity"]);
}

#[tokio::test]
async fn a_connection_for_looking_cannot_write() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let deployment = Deployment::new(&world, &["web"]);
    let aws = Aws::connect(AwsOptions { read_only: true, ..options(&emulator) }).await.unwrap();

    let fault = aws.execute(&creation(deployment.at(&deployment.log_group()))).await.unwrap_err();
    assert_eq!(fault.code, "ReadOnly");
    assert_eq!(emulator.proxy().count("logs:CreateLogGroup"), 0);

    deployment.look(&aws).await;
    let calls = emulator.proxy().calls();
    let assumed: Vec<_> = calls.iter().filter(|call| call.action == "AssumeRole").collect();
    assert_eq!(assumed.len(), 2, "the log account and one member");
    assert!(assumed.iter().all(|call| call.body.contains("&Policy=")), "the session has no policy of its own");
}
