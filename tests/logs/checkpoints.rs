//! Runs that go on where earlier ones ended: what they take for proved, and what they read.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use orgtrail::logs::checkpoint::Checkpoint;
use orgtrail::logs::digest::keys::KeyRing;
use orgtrail::logs::finding::State;
use orgtrail::logs::verify::{KeyFinder, Recheck, Source, Verification, Verifier, VerifyRequest};
use serde_json::json;

use crate::bucket::{ACCOUNT, Bucket, Layout, MemoryStore, REGION, Stored, gz, link};
use crate::proof::{findings, only, request};
use crate::properties::go_on;

fn layout(hours: usize) -> Layout {
    Layout { hours, logs: vec![1], contents: vec!["{}".into()], ..Layout::default() }
}

/// A checkpoint that is carried from run to run, as its file does.
#[derive(Default, Clone)]
struct Runs(Checkpoint);

impl Runs {
    async fn of(
        &mut self,
        stores: &[MemoryStore],
        bucket: &Bucket,
        change: impl FnOnce(&mut VerifyRequest),
    ) -> Verification {
        let ring = KeyRing::parse(&bucket.keys().to_string()).unwrap();
        let source = |store: &MemoryStore| Source { store: Arc::new(store.clone()), prefix: String::new() };
        let (checkpoint, open) = (self.0.marks.clone(), self.0.open.clone());
        let mut request = VerifyRequest { checkpoint, open, ..request(bucket) };
        change(&mut request);
        let places = stores.iter().map(source).collect();
        let answer = Verifier::over(places, Arc::new(KeyFinder::new(ring, None))).run(&request, |_| {}).await.unwrap();
        self.0.advance(&answer);
        self.0 = Checkpoint::parse_any(&self.0.text()).unwrap();
        answer
    }

    async fn one(&mut self, bucket: &Bucket, change: impl FnOnce(&mut VerifyRequest)) -> Verification {
        self.of(&[MemoryStore::of(bucket)], bucket, change).await
    }

    /// Returns the hours, from the start of a bucket, up to which chains are proved.
    fn ends(&self, bucket: &Bucket) -> Vec<i64> {
        self.0.marks.iter().map(|(_, mark)| mark.end.duration_since(bucket.layout.start).as_hours()).collect()
    }
}

fn hour(bucket: &Bucket, hour: i64) -> Option<Timestamp> {
    Some(bucket.layout.start + SignedDuration::from_hours(hour))
}

fn change_log(bucket: &mut Bucket, hour: usize) {
    let log = bucket.layout.log(ACCOUNT, REGION, hour, 0);
    bucket.objects.get_mut(&log).unwrap().body = gz(b"{\"Records\":[]}");
}

fn range(from: Option<Timestamp>, to: Option<Timestamp>) -> impl FnOnce(&mut VerifyRequest) {
    move |request| {
        request.from = from;
        request.to = to.or(request.to);
    }
}

#[tokio::test]
async fn hours_that_no_run_read_are_read_by_the_next_one() {
    let mut bucket = layout(72).write();
    change_log(&mut bucket, 5);
    let (from, broken) =
        (hour(&bucket, 24), ["BROKEN log.hash_mismatch 20 05:00 20261120T0520Z_000005000000Abcd.json.gz"]);
    let mut runs = Runs::default();
    let answer = runs.one(&bucket, range(from, None)).await;
    assert_eq!((answer.state(), runs.ends(&bucket)), (State::Attested, vec![72]));
    // The same range goes on from there, a wider one does not.
    let answer = runs.clone().one(&bucket, range(from, None)).await;
    assert_eq!((answer.state(), only(&answer).digests), (State::Attested, 0));
    for recheck in [Recheck::Nothing, Recheck::OneIn(100), Recheck::Full] {
        let answer = runs.clone().one(&bucket, |request| request.recheck = recheck).await;
        assert_eq!((findings(only(&answer)), only(&answer).digests), (broken.map(str::to_owned).to_vec(), 72));
    }
    // Of a day long ago only the last hour is kept, so that the next run begins anew, and finds it again.
    for _ in 0..2 {
        let answer = runs.one(&bucket, |_| {}).await;
        assert_eq!((answer.state(), runs.ends(&bucket)), (State::Broken, vec![]));
    }
}

#[tokio::test]
async fn a_mark_does_not_jump_over_hours() {
    let mut bucket = layout(72).write();
    let mut runs = Runs::default();
    let (first, second) = (range(hour(&bucket, 10), hour(&bucket, 20)), range(hour(&bucket, 40), None));
    runs.one(&bucket, first).await;
    change_log(&mut bucket, 30);
    assert_eq!(runs.one(&bucket, second).await.state(), State::Attested, "of its own range");
    assert_eq!(runs.ends(&bucket), [20]);
    assert_eq!(runs.one(&bucket, |_| {}).await.state(), State::Broken);
    // Ranges that follow each other are one.
    let bucket = layout(72).write();
    let mut runs = Runs::default();
    for (from, to) in [(10, 20), (20, 30), (30, 40)] {
        let asked = range(hour(&bucket, from), hour(&bucket, to));
        let answer = runs.one(&bucket, asked).await;
        assert_eq!((answer.state(), only(&answer).digests, runs.ends(&bucket)), (State::Attested, 10, vec![to]));
    }
}

#[tokio::test]
async fn nothing_new_is_attested_only_while_it_is_fresh() {
    let bucket = layout(24).write();
    let mut runs = Runs::default();
    let now = bucket.layout.end();
    let fresh = |now: Timestamp| move |request: &mut VerifyRequest| (request.to, request.now) = (None, now);
    runs.one(&bucket, fresh(now + SignedDuration::from_hours(7))).await;
    assert_eq!(runs.ends(&bucket), [24]);
    let answer = runs.clone().one(&bucket, fresh(now + SignedDuration::from_hours(1))).await;
    assert_eq!((answer.state(), only(&answer).digests), (State::Attested, 0));
    let answer = runs.one(&bucket, fresh(now + SignedDuration::from_hours(9))).await;
    assert_eq!(findings(only(&answer)), ["UNPROVEN chain.tail_missing 21 00:00"]);
}

/// A chain that goes on in another layout of the same bucket, or in another bucket.
fn moved(at: usize, hours: usize, second: Layout) -> (Bucket, Bucket) {
    let old = layout(at).write();
    let mut new = Layout { start: old.layout.end(), hours: hours - at, ..second }.write();
    go_on(&mut new, &old);
    (old, new)
}

#[tokio::test]
async fn a_chain_that_moved_is_proved_by_every_run() {
    for at in [10, 20, 30, 36] {
        for second in [
            Layout { organization: None, ..layout(0) },
            Layout { prefix: "p/".into(), ..layout(0) },
            Layout { bucket: "the-next-bucket".into(), ..layout(0) },
        ] {
            let is_bucket = second.bucket != layout(0).bucket;
            let (old, mut new) = moved(at, 40, second);
            let stores = if is_bucket {
                vec![MemoryStore::of(&new), MemoryStore::of(&old)]
            } else {
                new.objects.extend(old.objects.clone());
                vec![MemoryStore::of(&new)]
            };
            for given in [stores.clone(), stores.into_iter().rev().collect()] {
                let mut runs = Runs::default();
                for run in 0..3 {
                    // The first one ends before all is there.
                    let to = hour(&old, if run == 0 { 34 } else { 40 });
                    let answer = runs.of(&given, &new, |request| request.to = to).await;
                    let told: Vec<_> = answer.chains.iter().map(findings).collect();
                    assert_eq!((answer.state(), told.concat()), (State::Attested, vec![]), "at {at}, run {run}");
                    assert_eq!(answer.chains.len(), 1, "at {at}, run {run}: {:?}", new.layout);
                }
                assert_eq!(runs.ends(&old), [40]);
            }
        }
    }
}

#[tokio::test]
async fn a_chain_that_could_not_be_proved_is_looked_at_by_every_run() {
    let mut bucket = layout(30).write();
    let other = Layout { trail: "other-trail".into(), ..layout(30) }.write();
    bucket.objects.extend(other.objects);
    // Its first log file is gone.
    let lost = Layout { trail: "other-trail".into(), ..layout(30) };
    let digest = lost.digest(ACCOUNT, REGION, 0, "");
    bucket.resign(&digest, |digest| digest["logFiles"][0]["hashValue"] = json!("00".repeat(32)));
    let mut runs = Runs::default();
    let told = |answer: &Verification| answer.chains.iter().map(findings).collect::<Vec<_>>();
    let first = runs.one(&bucket, |_| {}).await;
    assert_eq!((first.state(), runs.ends(&bucket).len(), runs.0.open.len()), (State::Broken, 1, 1));
    for _ in 0..2 {
        let next = runs.one(&bucket, |_| {}).await;
        assert_eq!((next.state(), told(&next)), (State::Broken, told(&first)));
        assert_eq!(
            next.chains.iter().map(|chain| chain.digests).sum::<u64>(),
            30,
            "the other one goes on from its mark"
        );
    }
}

#[tokio::test]
async fn a_late_digest_may_name_one_before_the_mark() {
    let mut bucket = layout(40).write();
    let late = |bucket: &mut Bucket, hour: usize, previous: Option<&crate::bucket::Predecessor>| {
        let log = bucket.layout.log(ACCOUNT, REGION, hour, 2);
        bucket.objects.insert(log.clone(), Stored { body: gz(b"{}"), metadata: BTreeMap::new() });
        let object = bucket.layout.digest(ACCOUNT, REGION, hour, "_backfill");
        let mut digest = bucket.read(&bucket.layout.digest(ACCOUNT, REGION, hour, ""));
        let mut file = digest["logFiles"][0].clone();
        file["s3Object"] = json!(log);
        for field in ["S3Bucket", "S3Object", "HashValue", "HashAlgorithm", "Signature"] {
            digest[format!("previousDigest{field}")] = json!(null);
        }
        (digest["digestS3Object"], digest["logFiles"]) = (json!(object), json!([file]));
        if let Some(previous) = previous {
            link(&mut digest, previous);
        }
        let signed = bucket.sign(&digest, 0);
        let made = bucket.layout.end().to_string();
        bucket.objects.get_mut(&object).unwrap().metadata.insert("backfill-generation-timestamp".into(), made);
        signed
    };
    let first = late(&mut bucket, 3, None);
    let mut runs = Runs::default();
    let until = hour(&bucket, 34);
    runs.one(&bucket, |request| request.to = until).await;
    assert_eq!(runs.ends(&bucket), [34]);
    late(&mut bucket, 36, Some(&first));
    for _ in 0..2 {
        let answer = runs.one(&bucket, |_| {}).await;
        assert_eq!((findings(only(&answer)), answer.state()), (vec![], State::Attested));
    }
}

#[tokio::test]
async fn what_is_planted_meanwhile_is_seen_in_every_folder() {
    let bucket = layout(40).write();
    let mut runs = Runs::default();
    let until = hour(&bucket, 30);
    runs.one(&bucket, |request| request.to = until).await;
    let own = bucket.layout.log(ACCOUNT, REGION, 33, 3);
    let old_layout = Layout { organization: None, ..bucket.layout.clone() }.log(ACCOUNT, REGION, 33, 3);
    for (key, code) in [
        (own.clone(), "log.unlisted"),
        (own.replace("2026/11/21/", "2026/11/20/"), "log.unlisted"),
        (old_layout, "log.under_no_digest"),
    ] {
        let mut touched = layout(40).write();
        touched.objects.insert(key.clone(), Stored { body: gz(b"{}"), metadata: BTreeMap::new() });
        let mut runs = runs.clone();
        for _ in 0..2 {
            let answer = runs.one(&touched, |_| {}).await;
            let told: Vec<_> = answer.chains.iter().flat_map(|chain| &chain.findings).collect();
            assert_eq!(
                told.iter().map(|f| (f.code.as_str(), f.object.as_ref())).collect::<Vec<_>>(),
                [(code, Some(&key))]
            );
        }
    }
}
