//! Runs of every hour over a bucket, each from the checkpoint of the one before: what they read, and that it is enough.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::SignedDuration;
use orgtrail::cloud::aws::archive::Connection;
use orgtrail::logs::checkpoint::Checkpoint;
use orgtrail::logs::digest::keys::KeyRing;
use orgtrail::logs::finding::State;
use orgtrail::logs::verify::{Chain, Verification, VerifyRequest};
use serde_json::json;

use crate::bucket::{ACCOUNT, Bucket, Layout, REGION, Stored, gz};
use crate::proof::{findings, only, verify_with};
use crate::s3::{S3Server, Settings};

/// The hours of the first run: none of its digests is so young that its time tells nothing.
const FIRST: usize = 14;

fn layout(hours: usize, logs: &[usize]) -> Layout {
    Layout { hours, logs: logs.to_vec(), contents: vec!["{}".into()], ..Layout::default() }
}

/// A bucket whose checkpoint is carried from hour to hour.
#[derive(Clone, Default)]
struct Hourly {
    checkpoint: Checkpoint,
    /// When objects were written, where it was not as usual.
    written: BTreeMap<String, String>,
}

impl Hourly {
    /// Proves a bucket as of its last hour and returns the answer and how many objects were read.
    async fn look(&self, bucket: &Bucket, skips_unchanged: bool) -> (Verification, usize) {
        let (objects, written) = (bucket.objects.clone(), self.written.clone());
        let server = S3Server::start(Settings { objects, written, ..Settings::default() });
        let store = Connection::new(server.config()).bucket(&bucket.layout.bucket, None).await.unwrap();
        let now = bucket.layout.end() + SignedDuration::from_mins(20);
        let request =
            VerifyRequest { checkpoint: self.checkpoint.marks.clone(), skips_unchanged, ..VerifyRequest::all(now) };
        let ring = KeyRing::parse(&bucket.keys().to_string()).unwrap();
        let answer = verify_with(Arc::new(store), ring, request).await;
        (answer, server.settings.seen.gets.load(Ordering::SeqCst))
    }

    /// Proves a bucket and keeps what was proved, as its file does.
    async fn run(&mut self, bucket: &Bucket) -> (Verification, usize) {
        let (answer, gets) = self.look(bucket, true).await;
        self.checkpoint.advance(&answer);
        self.checkpoint = Checkpoint::parse_any(&self.checkpoint.text()).unwrap();
        (answer, gets)
    }

    /// Returns the runs up to an hour over a bucket that nobody touches.
    async fn until(hours: usize, logs: &[usize]) -> Self {
        let mut hourly = Self::default();
        for hours in FIRST..=hours {
            let (answer, _) = hourly.run(&layout(hours, logs).write()).await;
            assert_eq!(answer.state(), State::Attested, "{answer:#?}");
        }
        hourly
    }
}

#[tokio::test]
async fn an_hour_takes_at_most_three_gets_an_object() {
    for logs in [&[0][..], &[1], &[0, 1], &[4], &[5], &[12], &[12, 0, 1, 5]] {
        let mut hourly = Hourly::until(21, logs).await;
        let mut known = layout(21, logs).write().objects.len();
        let (mut gets, mut fresh) = (0, 0);
        for hours in 22..30 {
            let bucket = layout(hours, logs).write();
            let (answer, asked) = hourly.run(&bucket).await;
            let chain = only(&answer);
            assert_eq!(answer.state(), State::Attested, "{answer:#?}");
            assert_eq!(chain.logs, chain.logs_attested);
            let new = bucket.objects.len() - known;
            if logs.iter().all(|logs| *logs <= 4) {
                assert_eq!(asked, new, "{logs:?}: only what is new is read");
            }
            (gets, fresh, known) = (gets + asked, fresh + new, bucket.objects.len());
        }
        assert!(gets <= 3 * fresh, "{logs:?}: {gets} GETs for {fresh} objects");
    }
}

/// A bucket that was touched between two runs, and when its objects were written.
type Touch = fn(&mut Bucket, &mut BTreeMap<String, String>);

fn digest(bucket: &Bucket, hour: usize) -> String {
    bucket.layout.digest(ACCOUNT, REGION, hour, "")
}

fn overwrite(bucket: &mut Bucket, hour: usize) -> String {
    let key = digest(bucket, hour);
    bucket.resign(&key, |digest| digest["newestEventTime"] = json!("2026-11-20T00:00:01Z"));
    key
}

/// What somebody with the right to write may do to the digests of the last hours: 22 of them are there, 14 is the
/// mark's.
const TOUCHES: [(&str, State, Touch); 14] = [
    ("nothing", State::Attested, |_, _| {}),
    ("a digest overwritten by another one of CloudTrail's", State::Broken, |bucket, written| {
        let key = overwrite(bucket, 18);
        written.insert(key, "2026-11-20T21:00:00Z".into());
    }),
    ("the same, with the old time, as a multipart upload has", State::Broken, |bucket, _| {
        overwrite(bucket, 18);
    }),
    ("the newest known digest overwritten", State::Broken, |bucket, _| {
        overwrite(bucket, 20);
    }),
    ("the mark's digest overwritten", State::Broken, |bucket, _| {
        overwrite(bucket, 14);
    }),
    ("the digest after the mark's overwritten", State::Broken, |bucket, _| {
        overwrite(bucket, 15);
    }),
    ("a digest overwritten by rubbish", State::Broken, |bucket, _| {
        let key = digest(bucket, 17);
        bucket.objects.get_mut(&key).unwrap().body = gz(b"{}");
    }),
    ("a digest's metadata is gone, and it was written anew", State::Attested, |bucket, written| {
        let key = digest(bucket, 17);
        bucket.objects.get_mut(&key).unwrap().metadata.clear();
        written.insert(key, "2026-11-20T21:00:00Z".into());
    }),
    ("a digest's signature is another one", State::Broken, |bucket, written| {
        let key = digest(bucket, 17);
        bucket.objects.get_mut(&key).unwrap().metadata.insert("signature".into(), "00".into());
        written.insert(key, "2026-11-20T21:00:00Z".into());
    }),
    ("a digest is gone", State::Broken, |bucket, _| {
        let key = digest(bucket, 17);
        bucket.objects.remove(&key);
    }),
    ("two digests are gone, the mark's among them", State::Broken, |bucket, _| {
        for hour in [14, 16] {
            let key = digest(bucket, hour);
            bucket.objects.remove(&key);
        }
    }),
    ("a log file of an hour that is not read again is gone", State::Broken, |bucket, _| {
        let key = bucket.layout.log(ACCOUNT, REGION, 18, 0);
        bucket.objects.remove(&key);
    }),
    ("a log file of the mark's hour is gone", State::Broken, |bucket, _| {
        let key = bucket.layout.log(ACCOUNT, REGION, 14, 0);
        bucket.objects.remove(&key);
    }),
    ("a log file of the new hour is gone", State::Broken, |bucket, _| {
        let key = bucket.layout.log(ACCOUNT, REGION, 21, 0);
        bucket.objects.remove(&key);
    }),
];

fn counts(chain: &Chain) -> [u64; 6] {
    [chain.digests, chain.logs, chain.logs_attested, chain.logs_read, chain.logs_pending, chain.logs_unlisted]
}

#[tokio::test]
async fn what_is_spared_hides_nothing_that_reading_would_show() {
    for logs in [&[1][..], &[6], &[6, 1]] {
        let before = Hourly::until(21, logs).await;
        for (what, state, touch) in TOUCHES {
            let mut hourly = before.clone();
            let mut bucket = layout(22, logs).write();
            touch(&mut bucket, &mut hourly.written);
            let ((skipped, few), (read, many)) = (hourly.look(&bucket, true).await, hourly.look(&bucket, false).await);
            let (chain, of_all) = (only(&skipped), only(&read));
            assert_eq!(skipped.state(), state, "{what} {logs:?} {:#?}", chain.findings);
            assert_eq!(chain.findings, of_all.findings, "{what} {logs:?}");
            assert_eq!((&chain.hours, counts(chain)), (&of_all.hours, counts(of_all)), "{what} {logs:?}");
            let from =
                |chain: &Chain| chain.attested_to.as_ref().map(|mark| (mark.object.clone(), mark.sha256.clone()));
            assert_eq!(from(chain), from(of_all), "{what} {logs:?}");
            assert!(few <= many, "{what} {logs:?}: {few} GETs instead of {many}");
        }
    }
}

#[tokio::test]
async fn a_digest_overwritten_in_the_last_hours_is_found_by_every_run() {
    for hour in [15, 18, 20] {
        let mut hourly = Hourly::until(21, &[1]).await;
        for hours in 22..32 {
            let mut bucket = layout(hours, &[1]).write();
            overwrite(&mut bucket, hour);
            let (answer, _) = hourly.run(&bucket).await;
            let found = &only(&answer).findings;
            let own = found.iter().find(|finding| finding.detail.contains("it is another one now"));
            assert_eq!(own.and_then(|finding| finding.object.clone()), Some(digest(&bucket, hour)), "{found:#?}");
            assert_eq!(answer.state(), State::Broken);
        }
    }
}

#[tokio::test]
async fn a_log_file_planted_in_the_last_hours_is_told_by_every_run() {
    let mut hourly = Hourly::until(21, &[1]).await;
    for hours in 22..34 {
        let mut bucket = layout(hours, &[1]).write();
        let planted = bucket.layout.log(ACCOUNT, REGION, 19, 3);
        bucket.objects.insert(planted, Stored { body: gz(b"{}"), metadata: BTreeMap::new() });
        let (answer, _) = hourly.run(&bucket).await;
        let chain = only(&answer);
        // Its slot is 19:35: at 01:40 the six hours are over.
        let expected = if hours < 26 { (1, 0, vec![]) } else { (0, 1, vec![TOLD.to_owned()]) };
        assert_eq!((chain.logs_pending, chain.logs_unlisted, findings(chain)), expected, "after {hours} hours");
    }
}

const TOLD: &str = "UNPROVEN log.unlisted 20 19:00 20261120T1935Z_000019000003Abcd.json.gz";

#[tokio::test]
async fn a_digest_that_was_written_just_now_is_read_once_more() {
    let mut hourly = Hourly::until(20, &[1]).await;
    let bucket = layout(21, &[1]).write();
    // Ten minutes before this run, whose clock may be wrong by as much.
    hourly.written.insert(digest(&bucket, 20), "2026-11-20T21:15:00Z".into());
    hourly.run(&bucket).await;
    let (_, gets) = hourly.run(&layout(22, &[1]).write()).await;
    assert_eq!(gets, 3);
    let (_, gets) = hourly.run(&layout(23, &[1]).write()).await;
    assert_eq!(gets, 2);
}

#[tokio::test]
async fn a_checkpoint_stays_small() {
    let sizes = |text: String| text.len();
    let quiet = sizes(Hourly::until(24, &[0]).await.checkpoint.text());
    let busy = sizes(Hourly::until(24, &[4]).await.checkpoint.text());
    assert!(quiet < 4_000 && busy < 5_500, "{quiet} and {busy} bytes");
}
