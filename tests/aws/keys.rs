//! The key that counts is the one that is in use, wherever its alias points and however late KMS tells of it.

use orgtrail::cloud::CloudWriter;
use orgtrail::estate::{Estate, Kind, Resource};

use crate::fixture::{Deployment, connect, update};
use crate::support::{Emulator, Trouble, World};

fn key_arn(estate: &Estate, deployment: &Deployment) -> Option<String> {
    match estate.resource(&deployment.key()) {
        Some(Resource::Key(key)) => key.arn.clone(),
        _ => None,
    }
}

#[tokio::test]
async fn a_moved_alias_is_seen_and_moved_back() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let deployment = Deployment::new(&world, &["web"]);
    let aws = connect(&emulator).await;
    deployment.make(&aws).await;
    let before = deployment.look(&aws).await;
    assert_eq!(deployment.differences(&before), [""; 0]);

    let kms = aws_sdk_kms::Client::new(&world.hand_in("log-archive").await);
    let other = kms.create_key().send().await.unwrap().key_metadata.unwrap();
    let alias = deployment.key().name;
    kms.update_alias().alias_name(&alias).target_key_id(other.key_id()).send().await.unwrap();

    let moved = deployment.look(&aws).await;
    assert_eq!(key_arn(&moved, &deployment), key_arn(&before, &deployment), "what encrypts is what counts");
    assert_eq!(deployment.differences(&moved), [format!("{} alias", deployment.key())]);
    assert!(moved.keys.contains_key(other.arn().unwrap()), "the other key is named");
    let policy = deployment.key().with_kind(Kind::KeyPolicy);
    assert_eq!(moved.resource(&policy), before.resource(&policy));

    let change = update(deployment.at(&deployment.key()), &moved, &["alias"]);
    aws.execute(&change).await.unwrap();
    let after = deployment.look(&aws).await;
    assert_eq!(deployment.differences(&after), [""; 0]);
    assert!(after.keys.is_empty());
}

#[tokio::test]
async fn a_second_key_is_found_although_the_alias_was_not_moved() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let deployment = Deployment::new(&world, &["web"]);
    let aws = connect(&emulator).await;
    deployment.make(&aws).await;
    let kms = aws_sdk_kms::Client::new(&world.hand_in("log-archive").await);
    kms.create_key().send().await.unwrap();
    assert!(deployment.look(&aws).await.keys.is_empty(), "a key of others is none of ours");

    let tag = aws_sdk_kms::types::Tag::builder().tag_key("orgtrail:deployment").tag_value("acme").build().unwrap();
    let second = kms.create_key().tags(tag).send().await.unwrap().key_metadata.unwrap();
    kms.create_alias().alias_name("alias/theirs").target_key_id(second.key_id()).send().await.unwrap();
    let seen = deployment.look(&aws).await;
    let names: Vec<&String> = seen.keys.keys().collect();
    assert_eq!(names, [second.arn().unwrap()]);
    assert_eq!(seen.keys[second.arn().unwrap()].deployment.as_deref(), Some("acme"));

    let arn = key_arn(&seen, &deployment).unwrap();
    kms.schedule_key_deletion().key_id(arn.rsplit('/').next().unwrap()).send().await.unwrap();
    let waiting = deployment.look(&aws).await;
    let Some(Resource::Key(key)) = waiting.resource(&deployment.key()) else { panic!("{:?}", waiting.keys) };
    assert!(key.pending_deletion && key.deletion_date.as_ref().is_some_and(|date| date.ends_with('Z')), "{key:?}");
}

#[tokio::test]
async fn old_answers_after_a_write_are_waited_out_and_make_no_second_key() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let deployment = Deployment::new(&world, &["web"]);
    let aws = connect(&emulator).await;
    let old = || Trouble::Error(400, "NotFoundException");
    emulator.proxy().trouble_where("kms", "DescribeKey", "alias/", 6, old());
    emulator.proxy().trouble("cloudtrail", "GetTrailStatus", 3, Trouble::Answer(r#"{"IsLogging":false}"#.into()));
    deployment.make(&aws).await;
    assert_eq!(deployment.differences(&deployment.look(&aws).await), [""; 0]);
    assert_eq!(emulator.proxy().count("kms:CreateKey"), 1);
}
