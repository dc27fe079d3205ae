//! What another hand changes is seen, and put right with the calls that it needs and no others.

use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use orgtrail::cloud::{CloudReader, CloudWriter};
use orgtrail::estate::{Estate, Resource};

use crate::fixture::{BUCKET, Deployment, TRAIL, connect, update};
use crate::support::world::HOME;
use crate::support::{Emulator, World};

/// Changes something of every kind, as people and other tools do.
async fn tamper(world: &World, deployment: &Deployment) {
    let management = world.management();
    let log = world.hand_in("log-archive").await;
    let trail = aws_sdk_cloudtrail::Client::new(&management);
    trail.stop_logging().name(TRAIL).send().await.unwrap();
    trail.update_trail().name(TRAIL).enable_log_file_validation(false).send().await.unwrap();
    let basic = aws_sdk_cloudtrail::types::EventSelector::builder().include_management_events(true).build();
    trail.put_event_selectors().trail_name(TRAIL).event_selectors(basic).send().await.unwrap();

    let s3 = aws_sdk_s3::Client::from_conf(aws_sdk_s3::config::Builder::from(&log).force_path_style(true).build());
    s3.delete_public_access_block().bucket(BUCKET).send().await.unwrap();
    let suspended = VersioningConfiguration::builder().status(BucketVersioningStatus::Suspended).build();
    s3.put_bucket_versioning().bucket(BUCKET).versioning_configuration(suspended).send().await.unwrap();
    s3.delete_bucket_lifecycle().bucket(BUCKET).send().await.unwrap();
    let open = format!(
        r#"{{"Statement":[{{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::{BUCKET}/*"}}]}}"#
    );
    s3.put_bucket_policy().bucket(BUCKET).policy(open).send().await.unwrap();

    let key = deployment.key().name;
    let kms = aws_sdk_kms::Client::new(&log);
    let id = kms.describe_key().key_id(&key).send().await.unwrap().key_metadata().unwrap().key_id().to_owned();
    kms.disable_key_rotation().key_id(&id).send().await.unwrap();
    kms.disable_key().key_id(&id).send().await.unwrap();

    let iam = aws_sdk_iam::Client::new(&log);
    let reader = deployment.reader(world.account("web")).name;
    let all = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    iam.put_role_policy().role_name(&reader).policy_name("Backdoor").policy_document(all).send().await.unwrap();
    let made = iam.create_policy().policy_name("Wide").policy_document(all).send().await.unwrap();
    let wide = made.policy().unwrap().arn().unwrap();
    iam.attach_role_policy().role_name(&reader).policy_arn(wide).send().await.unwrap();
    let anybody = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}"#;
    iam.update_assume_role_policy().role_name(&reader).policy_document(anybody).send().await.unwrap();

    let member = aws_sdk_iam::Client::new(&world.hand_in("web").await);
    let arn = format!("arn:aws:iam::{}:policy/CloudTrailReadLogs", world.account("web"));
    let request = member.create_policy_version().policy_arn(arn).policy_document(all).set_as_default(true);
    request.send().await.unwrap();

    let logs = aws_sdk_cloudwatchlogs::Client::new(&management);
    logs.put_retention_policy().log_group_name("/orgtrail/acme").retention_in_days(1).send().await.unwrap();
    let topic = format!("arn:aws:sns:{HOME}:{}:{TRAIL}", world.log());
    let sns = aws_sdk_sns::Client::new(&log);
    let request = sns.set_topic_attributes().topic_arn(topic).attribute_name("KmsMasterKeyId").attribute_value("");
    request.send().await.unwrap();
}

/// What a look finds then: kind and field.
const FOUND: [&str; 14] = [
    "bucket block_public_access",
    "bucket lifecycle",
    "bucket versioning",
    "bucket_policy policy",
    "key enabled",
    "key rotation",
    "log_group retention_days",
    "policy document",
    "role attached",
    "role trust",
    "topic key",
    "trail logging",
    "trail selectors",
    "trail validation",
];

#[tokio::test]
async fn drift_of_every_kind_is_seen_and_repaired() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let deployment = Deployment::new(&world, &["web", "api"]);
    let aws = connect(&emulator).await;
    deployment.make(&aws).await;
    tamper(&world, &deployment).await;

    let estate = deployment.look(&aws).await;
    assert_eq!(kinds_and_fields(&deployment, &estate), FOUND);
    let reader = |estate: &Estate| match estate.resource(&deployment.reader(world.account("web"))) {
        Some(Resource::Role(role)) => role.clone(),
        other => panic!("no reader: {other:?}"),
    };
    assert!(reader(&estate).inline.contains_key("Backdoor"));

    emulator.proxy().clear();
    for wish in &deployment.wishes {
        let prefix = format!("{} ", wish.address);
        let differences = deployment.differences(&estate);
        let fields: Vec<&str> = differences.iter().filter_map(|line| line.strip_prefix(&prefix)).collect();
        if !fields.is_empty() {
            aws.execute(&update(wish, &estate, &fields)).await.unwrap();
        }
    }
    let repaired = deployment.look(&aws).await;
    assert_eq!(deployment.differences(&repaired), [""; 0]);
    let counts = emulator.proxy().counts();
    // What was right is not sent again.
    for needless in [
        "s3:PutBucketEncryption",
        "s3:PutBucketTagging",
        "s3:PutObjectLockConfiguration",
        "cloudtrail:PutInsightSelectors",
        "cloudtrail:CreateTrail",
        "iam:PutRolePolicy",
        "iam:TagRole",
        "kms:PutKeyPolicy",
        "sns:CreateTopic",
    ] {
        assert!(!counts.contains_key(needless), "{needless}");
    }
    assert!(!reader(&repaired).inline.contains_key("Backdoor") && reader(&repaired).attached.is_empty());
}

fn kinds_and_fields(deployment: &Deployment, estate: &Estate) -> Vec<String> {
    let mut lines: Vec<String> = deployment
        .differences(estate)
        .into_iter()
        .map(|line| {
            let (address, field) = line.rsplit_once(' ').unwrap();
            let address: orgtrail::estate::Address = address.parse().unwrap();
            format!("{} {field}", address.kind)
        })
        .collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn a_policy_never_runs_out_of_versions() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let deployment = Deployment::new(&world, &["web"]);
    let aws = connect(&emulator).await;
    deployment.make(&aws).await;
    let estate = deployment.look(&aws).await;
    let address = Deployment::member_policy(world.account("web"));
    for _ in 0..6 {
        aws.execute(&update(deployment.at(&address), &estate, &["document"])).await.unwrap();
    }
    assert_eq!(deployment.differences(&deployment.look(&aws).await), [""; 0]);
}

#[tokio::test]
async fn delivery_is_what_the_trail_says_of_itself() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let deployment = Deployment::new(&world, &[]);
    let aws = connect(&emulator).await;
    deployment.make(&aws).await;

    let delivery = aws.delivery(&deployment.trail(), world.account("management")).await.unwrap();
    assert_eq!(delivery.latest_error, None);
    assert!(delivery.latest_time.is_some() && delivery.stopped_time.is_none());

    aws_sdk_cloudtrail::Client::new(&world.management()).stop_logging().name(TRAIL).send().await.unwrap();
    let delivery = aws.delivery(&deployment.trail(), world.account("management")).await.unwrap();
    assert!(delivery.stopped_time.is_some());
}
