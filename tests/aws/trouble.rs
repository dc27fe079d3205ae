//! Throttling, broken connections, and changes that AWS has not told all its parts yet.

use std::time::Duration;

use orgtrail::cloud::aws::{Aws, AwsOptions, Timing};
use orgtrail::cloud::{CloudFaultKind, CloudReader, CloudWriter, DiscoverOptions};

use crate::fixture::{Deployment, connect, creation, options};
use crate::support::world::MANAGEMENT;
use crate::support::{Emulator, Trouble, World};

#[tokio::test]
async fn throttling_and_broken_connections_are_survived() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let deployment = Deployment::new(&world, &["web", "api"]);
    let aws = connect(&emulator).await;
    let throttle = |code| Trouble::Error(400, code);
    for (service, action, trouble) in [
        // Organizations throttles with HTTP 400, which tools that look at the status take for a final error.
        ("organizations", "ListAccounts", throttle("TooManyRequestsException")),
        ("organizations", "EnableAWSServiceAccess", throttle("ConcurrentModificationException")),
        ("cloudtrail", "CreateTrail", throttle("ThrottlingException")),
        ("cloudtrail", "DescribeTrails", throttle("ThrottlingException")),
        ("iam", "CreateRole", throttle("Throttling")),
        ("kms", "DescribeKey", throttle("ThrottlingException")),
        ("sts", "AssumeRole", throttle("Throttling")),
        ("s3", "PutBucketPolicy", Trouble::Reset),
        ("s3", "GetBucketVersioning", Trouble::Reset),
        ("sns", "GetTopicAttributes", Trouble::Reset),
        ("s3", "GetBucketPolicy", Trouble::Error(503, "SlowDown")),
    ] {
        emulator.proxy().trouble(service, action, 2, trouble);
    }

    aws.discover(DiscoverOptions::default()).await.unwrap();
    deployment.make(&aws).await;
    let estate = deployment.look(&aws).await;

    assert_eq!(deployment.differences(&estate), [""; 0]);
    assert_eq!(emulator.proxy().count("organizations:ListAccounts"), 3);
    assert!(emulator.proxy().count("cloudtrail:CreateTrail") >= 3);
}

#[tokio::test]
async fn what_aws_is_not_ready_for_is_tried_again_and_then_explained() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let deployment = Deployment::new(&world, &[]);
    let aws = connect(&emulator).await;
    let not_yet = |code| Trouble::Error(400, code);
    for (code, service, action) in [
        ("InsufficientS3BucketPolicyException", "cloudtrail", "CreateTrail"),
        ("InvalidCloudWatchLogsRoleArnException", "cloudtrail", "CreateTrail"),
        ("ConflictException", "cloudtrail", "StartLogging"),
        ("MalformedPolicyDocument", "iam", "CreateRole"),
        ("OperationAborted", "s3", "CreateBucket"),
    ] {
        emulator.proxy().trouble(service, action, 2, not_yet(code));
    }
    deployment.make(&aws).await;
    assert_eq!(deployment.differences(&deployment.look(&aws).await), [""; 0]);

    let forever = not_yet("InsufficientEncryptionPolicyException");
    emulator.proxy().trouble("cloudtrail", "CreateTrail", usize::MAX, forever);
    let mut change = creation(deployment.at(&deployment.trail()));
    change.desired_mut().unwrap().resolve(&|_| Some("arn:aws:kms:eu-central-1:1:key/k".into()));
    let fault = aws.execute(&change).await.unwrap_err();
    assert_eq!((fault.kind, fault.operation.as_str()), (CloudFaultKind::NotYet, "cloudtrail:CreateTrail"));
    assert!(fault.help.contains("kms:GenerateDataKey*"), "{}", fault.help);
}

/// Looks at the trail so often at once; the management account's CloudTrail answers each look.
async fn ask_at_once(aws: &Aws, deployment: &Deployment, times: usize) {
    let (trail, management) = (deployment.trail(), MANAGEMENT.parse().unwrap());
    let asks = (0..times).map(|_| aws.delivery(&trail, &management));
    futures::future::try_join_all(asks).await.unwrap();
}

#[tokio::test]
async fn throttled_answers_lower_the_number_of_calls_in_flight_until_all_goes_well() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let deployment = Deployment::new(&world, &["web"]);
    let aws = connect(&emulator).await;
    deployment.make(&aws).await;
    let proxy = emulator.proxy();
    // Each answer takes a while, so that those in flight meet.
    let slowly =
        || proxy.trouble("cloudtrail", "GetTrailStatus", usize::MAX, Trouble::Delay(Duration::from_millis(20)));
    let most = async |times| {
        proxy.most_under_way("cloudtrail");
        ask_at_once(&aws, &deployment, times).await;
        proxy.most_under_way("cloudtrail")
    };
    slowly();
    assert_eq!(most(32).await, 16, "the concurrency of the connection");

    proxy.clear_up();
    proxy.trouble("cloudtrail", "GetTrailStatus", 4, Trouble::Reset);
    slowly();
    ask_at_once(&aws, &deployment, 16).await;
    assert_eq!(most(32).await, 16, "a broken connection is no throttle");

    proxy.clear_up();
    // All that are in flight at once are throttled together, which halves their number once.
    proxy.trouble("cloudtrail", "GetTrailStatus", 16, Trouble::Error(400, "ThrottlingException"));
    ask_at_once(&aws, &deployment, 16).await;
    slowly();
    let after_one = most(16).await;
    assert!((8..=13).contains(&after_one), "{after_one} in flight after a throttle");
    assert_eq!(proxy.count("sts:AssumeRole"), 2, "no other account has been asked again");

    // One more in flight for each round trip that goes well: from eight to sixteen in about a hundred calls.
    ask_at_once(&aws, &deployment, 150).await;
    assert_eq!(most(32).await, 16, "it has recovered");
}

#[tokio::test]
async fn throttled_attempts_are_counted_by_service() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let deployment = Deployment::new(&world, &["web"]);
    let aws = connect(&emulator).await;
    deployment.make(&aws).await;
    let throttled = || aws.load().get("cloudtrail").map(|load| load.throttled);
    assert_eq!(throttled(), Some(0));
    emulator.proxy().trouble("cloudtrail", "GetTrailStatus", 3, Trouble::Error(400, "ThrottlingException"));
    ask_at_once(&aws, &deployment, 1).await;
    emulator.proxy().trouble("cloudtrail", "GetTrailStatus", 2, Trouble::Reset);
    ask_at_once(&aws, &deployment, 1).await;
    assert_eq!(throttled(), Some(3), "a broken connection is no throttle");
    assert!(aws.load()["cloudtrail"].in_flight_max < 16, "{:?}", aws.load());
    assert_eq!(aws.load()["sts"].throttled, 0);
}

#[tokio::test]
async fn an_answer_that_never_comes_is_a_fault() {
    let emulator = Emulator::start();
    World::three_accounts(&emulator).await;
    let tempo = Timing { answer_max: Duration::from_millis(200), ..Timing::EMULATOR };
    let aws = Aws::connect(AwsOptions { tempo: Some(tempo), ..options(&emulator) }).await.unwrap();
    emulator.proxy().trouble("organizations", "DescribeOrganization", usize::MAX, Trouble::HoldRequest);
    let fault = aws.discover(DiscoverOptions::default()).await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (CloudFaultKind::Unreachable, "NoAnswer"));
    assert_eq!(fault.operation, "organizations:DescribeOrganization");
    assert!(emulator.proxy().held() > 1, "it was tried again");
}

#[tokio::test]
async fn a_throttle_without_end_is_a_fault() {
    let emulator = Emulator::start();
    World::twelve_accounts(&emulator).await;
    let aws = connect(&emulator).await;
    let throttle = Trouble::Error(400, "TooManyRequestsException");
    emulator.proxy().trouble("organizations", "DescribeOrganization", usize::MAX, throttle);
    let fault = aws.discover(DiscoverOptions::default()).await.unwrap_err();
    assert_eq!(fault.kind, CloudFaultKind::Throttled);
    assert!(fault.help.contains("--concurrency"), "{}", fault.help);
}

#[tokio::test]
async fn credentials_that_are_not_taken_and_an_endpoint_that_is_not_there() {
    let emulator = Emulator::start();
    emulator.proxy().trouble("sts", "GetCallerIdentity", 1, Trouble::Error(403, "InvalidClientTokenId"));
    let error = Aws::connect(options(&emulator)).await.err().unwrap();
    assert_eq!(error.code, "InvalidClientTokenId");
    assert!(error.help.contains("sign in"), "{}", error.help);

    let nobody = AwsOptions { endpoint: Some("http://127.0.0.1:1".into()), ..options(&emulator) };
    let error = Aws::connect(nobody).await.err().unwrap();
    assert_eq!(error.code, "NoAnswer");
    assert!(error.help.contains("AWS_ENDPOINT_URL"), "{}", error.help);
    assert!(!error.to_string().contains("secret"), "{error}");
}
