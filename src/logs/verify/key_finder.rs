//! Finds the public key that a digest names: in the keys at hand, else from CloudTrail in the digest's region.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use crate::ids::Region;
use crate::logs::digest::keys::{KeyRing, PublicKey};
use crate::logs::store::Fault;

/// How much time one question to CloudTrail spans. Keys live for about a month.
const SPAN: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Where keys come from that are not at hand.
#[async_trait]
pub trait KeyService: Send + Sync {
    /// Returns the keys with which CloudTrail signed in a region in a span of time.
    ///
    /// # Errors
    /// When CloudTrail does not answer there.
    async fn keys(&self, region: &Region, from: Timestamp, to: Timestamp) -> Result<Vec<PublicKey>, Fault>;
}

/// The keys at hand, and where to get more.
pub struct KeyFinder {
    service: Option<Arc<dyn KeyService>>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    ring: KeyRing,
    /// Which region and span were asked for already.
    asked: BTreeSet<(Region, i64)>,
    problems: BTreeMap<Region, String>,
}

impl KeyFinder {
    /// Returns a finder of the keys of a ring and, where it is given, of a service.
    pub fn new(ring: KeyRing, service: Option<Arc<dyn KeyService>>) -> Self {
        Self { service, known: Mutex::new(Known { ring, ..Known::default() }) }
    }

    /// Returns the key of a region with a fingerprint, asking CloudTrail for the time around `at` when it is not at hand.
    ///
    /// # Errors
    /// A sentence that says why there is none.
    pub async fn find(&self, region: &Region, fingerprint: &str, at: Timestamp) -> Result<PublicKey, String> {
        let mut known = self.known.lock().await;
        if known.ring.get(region, fingerprint).is_none() {
            self.ask(&mut known, region, at).await;
        }
        if let Some(key) = known.ring.get(region, fingerprint) {
            return Ok(key.clone());
        }
        let why = known.problems.get(region).map(|problem| format!(": {problem}")).unwrap_or_default();
        Err(format!("the public key {fingerprint} of {region} is not known{why}"))
    }

    /// Returns every key that is known now.
    pub async fn ring(&self) -> KeyRing {
        self.known.lock().await.ring.clone()
    }

    /// Returns what went wrong in asking, one sentence a region, and which keys bear a foreign name.
    pub async fn problems(&self) -> Vec<String> {
        let known = self.known.lock().await;
        let asking = known.problems.iter().map(|(region, problem)| format!("keys of {region}: {problem}"));
        let foreign = known.ring.iter().filter(|(_, key)| !key.has_own_fingerprint()).map(|(region, key)| {
            format!("keys of {region}: {} is not the fingerprint of the key that bears it", key.fingerprint)
        });
        asking.chain(foreign).collect()
    }

    async fn ask(&self, known: &mut Known, region: &Region, at: Timestamp) {
        let Some(service) = &self.service else { return };
        let span = at.as_second().div_euclid(SPAN.as_secs());
        if !known.asked.insert((region.clone(), span)) {
            return;
        }
        let from = Timestamp::from_second(span * SPAN.as_secs()).unwrap_or(at);
        let to = from.saturating_add(SPAN).unwrap_or(at);
        match service.keys(region, from, to).await {
            Ok(keys) => keys.into_iter().for_each(|key| known.ring.add(region, key)),
            Err(fault) => {
                known.problems.insert(region.clone(), fault.message);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::store::FaultKind;
    use std::sync::atomic::{AtomicUsize, Ordering};

    struct Service(AtomicUsize);

    #[async_trait]
    impl KeyService for Service {
        async fn keys(&self, region: &Region, _: Timestamp, _: Timestamp) -> Result<Vec<PublicKey>, Fault> {
            self.0.fetch_add(1, Ordering::Relaxed);
            match region.as_str() {
                // The MD5 of one byte of value 1.
                "us-east-1" => Ok(vec![PublicKey::new("55a54008ad1ba589aa210d2629c1df41", vec![1])]),
                _ => Err(Fault::new(FaultKind::Denied, "no access")),
            }
        }
    }

    #[tokio::test]
    async fn a_region_is_asked_once_a_month_of_digests() {
        let service = Arc::new(Service(AtomicUsize::new(0)));
        let finder = KeyFinder::new(KeyRing::default(), Some(service.clone()));
        let at: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let region = "us-east-1".parse().unwrap();
        assert!(finder.find(&region, "55a54008ad1ba589aa210d2629c1df41", at).await.is_ok());
        assert!(finder.find(&region, "b", at).await.is_err());
        assert!(finder.find(&region, "b", at).await.is_err());
        assert_eq!(service.0.load(Ordering::Relaxed), 1);
        let closed = "ap-east-1".parse().unwrap();
        assert!(finder.find(&closed, "a", at).await.unwrap_err().ends_with("is not known: no access"));
        assert_eq!(finder.problems().await, ["keys of ap-east-1: no access"]);
        assert_eq!(finder.ring().await.iter().count(), 1);
    }

    #[tokio::test]
    async fn a_key_under_a_foreign_name_is_told() {
        let mut ring = KeyRing::default();
        ring.add(&"us-east-1".parse().unwrap(), PublicKey::new("00", vec![1]));
        let problems = KeyFinder::new(ring, None).problems().await;
        assert_eq!(problems, ["keys of us-east-1: 00 is not the fingerprint of the key that bears it"]);
    }
}
