//! Layouts that must be read as they are.

use orgtrail::logs::finding::State;

use super::bucket;
use crate::bucket::{ACCOUNT, Layout, Predecessor, REGION, link};
use crate::proof::verify;

#[tokio::test]
async fn two_trails_in_one_bucket_are_two_chains() {
    let mut bucket = bucket();
    let second =
        Layout { trail: "second_trail".into(), logs: vec![1], contents: vec!["{}".into()], ..Layout::default() };
    let other = second.write();
    for (key, stored) in &other.objects {
        if !key.contains("Digest") {
            bucket.objects.insert(key.replace("Abcd.json.gz", "Efgh.json.gz"), stored.clone());
        }
    }
    let mut previous: Option<Predecessor> = None;
    for hour in 0..second.hours {
        let object = second.digest(ACCOUNT, REGION, hour, "");
        let mut digest = other.read(&object);
        let renamed = digest["logFiles"].to_string().replace("Abcd.json.gz", "Efgh.json.gz");
        digest["logFiles"] = serde_json::from_str(&renamed).unwrap();
        if let Some(previous) = &previous {
            link(&mut digest, previous);
        }
        previous = Some(bucket.sign(&digest, 0));
    }
    let answer = verify(&bucket).await;
    let trails: Vec<_> = answer.chains.iter().map(|chain| chain.trail.as_ref().unwrap().0.to_string()).collect();
    assert_eq!((trails, answer.state()), (vec!["org-trail".into(), "second_trail".into()], State::Attested));
}
