//! Proofs over a bucket: what goes over the wire, and what goes wrong there.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use orgtrail::archive::Store;
use orgtrail::cloud::aws::archive::{Connection, S3Store};
use orgtrail::logs::digest::keys::KeyRing;
use orgtrail::logs::finding::State;
use orgtrail::logs::verify::{Verification, VerifyRequest};

use crate::bucket::{ACCOUNT, Bucket, Layout, REGION};
use crate::proof::{findings, only, request, verify_with};
use crate::s3::{S3Server, Settings, Wrong};

async fn store(server: &S3Server, bucket: &Bucket) -> S3Store {
    Connection::new(server.config()).bucket(&bucket.layout.bucket, None).await.unwrap()
}

async fn verify(store: S3Store, bucket: &Bucket, request: VerifyRequest) -> Verification {
    let ring = KeyRing::parse(&bucket.keys().to_string()).unwrap();
    verify_with(Arc::new(store), ring, request).await
}

fn settings(bucket: &Bucket) -> Settings {
    Settings { objects: bucket.objects.clone(), ..Settings::default() }
}

#[tokio::test]
async fn one_get_an_object_and_nothing_else() {
    let bucket = Layout { prefix: "a b/c+d/".into(), hours: 30, ..Layout::default() }.write();
    let server = S3Server::start(settings(&bucket));
    let store = store(&server, &bucket).await;
    assert_eq!(store.name(), "s3://acme-org-cloudtrail");
    let before = server.settings.seen.others.load(Ordering::SeqCst);
    let answer = verify(store, &bucket, request(&bucket)).await;
    assert_eq!((only(&answer).digests, answer.state()), (30, State::Attested), "{answer:#?}");
    let seen = &server.settings.seen;
    assert_eq!(seen.gets.load(Ordering::SeqCst), bucket.objects.len());
    // The lifecycle rules are asked once, for what they delete is not missing.
    assert_eq!(seen.others.load(Ordering::SeqCst), before + 1, "no HEAD, no versions while all is well");
}

#[tokio::test]
async fn one_bad_object_is_one_finding_and_passing_faults_are_none() {
    let bucket = Layout::default().write();
    let layout = &bucket.layout;
    let [denied, archived, gone] =
        [layout.log(ACCOUNT, REGION, 0, 0), layout.log(ACCOUNT, REGION, 2, 0), layout.log(ACCOUNT, REGION, 3, 0)];
    let (reset, short) = (layout.digest(ACCOUNT, REGION, 4, ""), layout.log(ACCOUNT, REGION, 5, 0));
    let server = S3Server::start(settings(&bucket));
    *server.settings.wrong.lock().unwrap() = [
        (denied, Wrong::Error(403, "AccessDenied")),
        (archived, Wrong::Error(403, "InvalidObjectState")),
        (gone, Wrong::Error(404, "NoSuchKey")),
        (reset, Wrong::Reset(2)),
        (short, Wrong::Short(2)),
    ]
    .into();
    let answer = verify(store(&server, &bucket).await, &bucket, request(&bucket)).await;
    let chain = only(&answer);
    let expected = [
        "UNPROVEN log.unreadable 20 00:00 20261120T0020Z_000000000000Abcd.json.gz",
        "UNPROVEN log.archived 20 02:00 20261120T0220Z_000002000000Abcd.json.gz",
        "BROKEN log.missing 20 03:00 20261120T0320Z_000003000000Abcd.json.gz",
    ];
    assert_eq!(findings(chain), expected);
    assert!(chain.findings[0].detail.contains("AccessDenied"), "{}", chain.findings[0].detail);
    let bytes = bucket.objects[&layout.log(ACCOUNT, REGION, 2, 0)].body.len();
    let told = &chain.findings[1];
    let detail =
        format!("1 log file ({bytes} bytes) is in the archive class GLACIER, and can only be read after a restore");
    let next = format!(
        "restore it and run again: aws s3api restore-object --bucket acme-org-cloudtrail --key {} --restore-request \
         '{{\"Days\":7,\"GlacierJobParameters\":{{\"Tier\":\"Bulk\"}}}}'",
        layout.log(ACCOUNT, REGION, 2, 0)
    );
    assert_eq!((&told.detail, told.next.as_ref()), (&detail, Some(&next)));
}

#[tokio::test]
async fn requests_in_flight_adapt_to_refusals() {
    let bucket = Layout { hours: 24, logs: vec![20], contents: vec!["{}".into()], ..Layout::default() }.write();
    let mut settings = settings(&bucket);
    settings.in_flight_max = Some(12);
    settings.latency = Duration::from_millis(2);
    let server = S3Server::start(settings);
    let store = store(&server, &bucket).await;
    let answer = verify(store.clone(), &bucket, request(&bucket)).await;
    assert_eq!((only(&answer).logs_attested, answer.state()), (480, State::Attested), "{:#?}", only(&answer).findings);
    assert!(server.settings.seen.refused.load(Ordering::SeqCst) > 0, "the limit was never met");
    assert!(store.in_flight_max() <= 32, "it ended with {} in flight", store.in_flight_max());
}

#[tokio::test]
async fn a_bucket_that_refuses_everything_for_a_time_is_waited_for() {
    let bucket = Layout::default().write();
    let server = S3Server::start(settings(&bucket));
    let store = store(&server, &bucket).await.with_delays(Duration::from_millis(5), Duration::from_millis(200));
    // Eight tries with these delays last less than a second and a half.
    *server.settings.down_until.lock().unwrap() = Some(std::time::Instant::now() + Duration::from_secs(4));
    let answer = verify(store, &bucket, request(&bucket)).await;
    assert_eq!((only(&answer).logs_attested, answer.state()), (6, State::Attested), "{:#?}", only(&answer).findings);
    assert!(server.settings.seen.refused.load(Ordering::SeqCst) > 8);
}

#[tokio::test]
async fn a_bucket_that_may_not_be_listed_is_an_error() {
    let bucket = Layout::default().write();
    let server = S3Server::start(Settings { in_flight_max: None, ..settings(&bucket) });
    let mut config = server.config().into_builder();
    config.set_endpoint_url(Some("http://127.0.0.1:9".into()));
    let store = Connection::new(config.build()).bucket("acme-org-cloudtrail", None).await.unwrap();
    let fault = tokio::time::timeout(Duration::from_secs(60), store.level("")).await.unwrap().unwrap_err();
    assert!(fault.message.starts_with("ListObjectsV2"), "{}", fault.message);
}
