//! The document through which replicas agree: a write whose condition does not hold changes nothing.

use orgtrail::cloud::document::{Condition, WriteOutcome};

use crate::fixture::connect;
use crate::support::{Emulator, World};

#[tokio::test]
async fn of_two_writes_under_the_same_condition_one_is_lost() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let s3 = aws_sdk_s3::Client::new(&world.management());
    let place = aws_sdk_s3::types::CreateBucketConfiguration::builder()
        .location_constraint(aws_sdk_s3::types::BucketLocationConstraint::EuCentral1);
    let bucket = s3.create_bucket().bucket("acme-operations").create_bucket_configuration(place.build());
    bucket.send().await.unwrap();
    let aws = connect(&emulator).await;
    let document = aws.document("acme-operations", "orgtrail/acme.json", 100);

    assert_eq!(document.read().await.unwrap(), None);
    assert_eq!(document.write("one", &Condition::Absent).await.unwrap(), WriteOutcome::Done);
    assert_eq!(document.write("two", &Condition::Absent).await.unwrap(), WriteOutcome::Conflict);
    let first = document.read().await.unwrap().unwrap();
    assert_eq!(first.text, "one");
    let as_it_was = Condition::Version(first.version);
    assert_eq!(document.write("three", &as_it_was).await.unwrap(), WriteOutcome::Done);
    assert_eq!(document.write("four", &as_it_was).await.unwrap(), WriteOutcome::Conflict);
    let last = document.read().await.unwrap().unwrap();
    assert_eq!(last.text, "three");

    document.write(&"x".repeat(200), &Condition::Version(last.version)).await.unwrap();
    let fault = document.read().await.unwrap_err();
    assert!(fault.message.contains("more than 100 bytes"), "{}", fault.message);
}
