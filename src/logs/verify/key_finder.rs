//! Finds the public key that a digest names: from CloudTrail in the digest's region, else in the keys at hand.
//!
//! CloudTrail's own answer counts most: a key at hand that it does not have of that time is not its own. Where it
//! cannot be asked, or serves no key of that time any more, the keys at hand count, and the answer says whose they are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use crate::archive::Fault;
use crate::ids::Region;
use crate::logs::digest::chain::MissingKey;
use crate::logs::digest::keys::{KeyRing, PublicKey};

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

/// Who says that a key is CloudTrail's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeySource {
    /// CloudTrail itself, asked in this run.
    CloudTrail,
    /// The key ring file, which holds what CloudTrail said in earlier runs.
    Ring,
    /// A file that the user named.
    File,
    /// The evidence bundle that is checked: whoever made it chose them.
    Bundle,
}

impl KeySource {
    /// Returns the source's name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            KeySource::CloudTrail => "CloudTrail",
            KeySource::Ring => "key ring",
            KeySource::File => "file",
            KeySource::Bundle => "bundle",
        }
    }
}

/// A key that digests of a run named, and who vouches for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyUse {
    /// The region.
    pub region: Region,
    /// The name under which digests refer to it.
    pub fingerprint: String,
    /// Who says that it is CloudTrail's.
    pub source: KeySource,
    /// When CloudTrail began to sign with it, where known.
    pub valid_from: Option<Timestamp>,
    /// When CloudTrail stopped, where known.
    pub valid_to: Option<Timestamp>,
}

/// The keys at hand, and where to get more.
pub struct KeyFinder {
    service: Option<Arc<dyn KeyService>>,
    known: Mutex<KnownKeys>,
}

#[derive(Default)]
struct KnownKeys {
    /// The keys at hand, those that are trusted more first.
    at_hand: Vec<(KeySource, KeyRing)>,
    /// What CloudTrail answered.
    served: KeyRing,
    /// How many keys CloudTrail has of a region and span; nothing when it did not answer.
    asked: BTreeMap<(Region, i64), Option<usize>>,
    problems: BTreeMap<Region, String>,
    remarks: BTreeSet<String>,
    used: BTreeMap<(Region, String), KeyUse>,
}

impl KeyFinder {
    /// Returns a finder of the keys of a file and, where it is given, of a service.
    pub fn new(ring: KeyRing, service: Option<Arc<dyn KeyService>>) -> Self {
        Self::of(vec![(KeySource::File, ring)], service)
    }

    /// Returns a finder of keys at hand, those that are trusted more first, and of a service.
    pub fn of(at_hand: Vec<(KeySource, KeyRing)>, service: Option<Arc<dyn KeyService>>) -> Self {
        Self { service, known: Mutex::new(KnownKeys { at_hand, ..KnownKeys::default() }) }
    }

    /// Returns the key of a region with a fingerprint. CloudTrail is asked once for the time around `at`, where it can
    /// be: a key at hand that it does not have is not its own.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn find(&self, region: &Region, fingerprint: &str, at: Timestamp) -> Result<PublicKey, MissingKey> {
        let mut known = self.known.lock().await;
        let has_of_that_time = self.ask(&mut known, region, at).await;
        let found = known.choose(region, fingerprint, has_of_that_time);
        if let Ok((source, key)) = &found {
            known.used.entry((region.clone(), fingerprint.to_owned())).or_insert_with(|| KeyUse {
                region: region.clone(),
                fingerprint: fingerprint.to_owned(),
                source: *source,
                valid_from: key.valid_from,
                valid_to: key.valid_to,
            });
        }
        found.map(|(_, key)| key)
    }

    /// Returns every key that is known now, for an evidence bundle.
    pub async fn ring(&self) -> KeyRing {
        let known = self.known.lock().await;
        let mut all = known.served.clone();
        known.at_hand.iter().for_each(|(_, ring)| all.merge(ring));
        all
    }

    /// Returns what CloudTrail answered in this run: nothing else may enter a key ring file.
    pub async fn served(&self) -> KeyRing {
        self.known.lock().await.served.clone()
    }

    /// Returns the keys that digests named, with their sources.
    pub async fn used(&self) -> Vec<KeyUse> {
        self.known.lock().await.used.values().cloned().collect()
    }

    /// Returns what went wrong in asking, one sentence a region, and which keys are not what they are called.
    pub async fn problems(&self) -> Vec<String> {
        let known = self.known.lock().await;
        let asking = known.problems.iter().map(|(region, problem)| format!("keys of {region}: {problem}"));
        let rings = known.at_hand.iter().map(|(_, ring)| ring).chain([&known.served]);
        let foreign =
            rings.flat_map(KeyRing::iter).filter(|(_, key)| !key.has_own_fingerprint()).map(|(region, key)| {
                format!("keys of {region}: {} is not the fingerprint of the key that bears it", key.fingerprint)
            });
        asking.chain(foreign).chain(known.remarks.iter().cloned()).collect()
    }

    /// Asks CloudTrail once a region and span; returns how many keys it has of that time, nothing when that is not
    /// known.
    async fn ask(&self, known: &mut KnownKeys, region: &Region, at: Timestamp) -> Option<usize> {
        let service = self.service.as_ref()?;
        let span = at.as_second().div_euclid(SPAN.as_secs());
        let place = (region.clone(), span);
        if let Some(answer) = known.asked.get(&place) {
            return *answer;
        }
        let from = Timestamp::from_second(span * SPAN.as_secs()).unwrap_or(at);
        let to = from.saturating_add(SPAN).unwrap_or(at);
        let answer = match service.keys(region, from, to).await {
            Ok(keys) => {
                let count = keys.len();
                keys.into_iter().for_each(|key| known.served.add(region, key));
                Some(count)
            }
            Err(fault) => {
                known.problems.insert(region.clone(), fault.message);
                None
            }
        };
        known.asked.insert(place, answer);
        answer
    }
}

impl KnownKeys {
    /// Chooses the key to judge with. `served` is how many keys CloudTrail has of the time; nothing when it was not
    /// asked or did not answer.
    fn choose(
        &mut self,
        region: &Region,
        fingerprint: &str,
        served: Option<usize>,
    ) -> Result<(KeySource, PublicKey), MissingKey> {
        let at_hand = self.at_hand.iter().find_map(|(source, ring)| Some((*source, ring.get(region, fingerprint)?)));
        if let Some(key) = self.served.get(region, fingerprint) {
            if at_hand.is_some_and(|(_, own)| own.der() != key.der()) {
                self.remarks.insert(format!(
                    "keys of {region}: the key {fingerprint} at hand is not CloudTrail's; CloudTrail's is used"
                ));
            }
            return Ok((KeySource::CloudTrail, key.clone()));
        }
        if served.is_some_and(|count| count > 0) {
            let why = format!(
                "CloudTrail was asked for its public keys of {region} at that time, and {fingerprint} is none of them"
            );
            return Err(MissingKey { why, is_foreign: true });
        }
        let why = self.problems.get(region).map(|problem| format!(": {problem}")).unwrap_or_default();
        let unknown = |why: String| MissingKey { why, is_foreign: false };
        let Some((source, key)) = at_hand else {
            return Err(unknown(format!("the public key {fingerprint} of {region} is not known{why}")));
        };
        if !key.has_own_fingerprint() {
            return Err(unknown(format!("the key at hand that is called {fingerprint} is another one")));
        }
        if served == Some(0) {
            self.remarks.insert(format!(
                "keys of {region}: CloudTrail serves none of the time of {fingerprint} any more, so that the {} vouches for it",
                source.as_str()
            ));
        }
        Ok((source, key.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::FaultKind;
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
        assert!(finder.find(&closed, "a", at).await.unwrap_err().why.ends_with("is not known: no access"));
        assert_eq!(finder.problems().await, ["keys of ap-east-1: no access"]);
        assert_eq!(finder.ring().await.iter().count(), 1);
    }

    #[tokio::test]
    async fn a_key_at_hand_that_cloudtrail_does_not_have_is_foreign() {
        let region: Region = "us-east-1".parse().unwrap();
        // The MD5 of one byte of value 2.
        let forged = PublicKey::new("9e688c58a5487b8eaf69c9e1005ad0bf", vec![2]);
        let mut ring = KeyRing::default();
        ring.add(&region, forged.clone());
        ring.add(&"ap-east-1".parse().unwrap(), forged);
        let service = Arc::new(Service(AtomicUsize::new(0)));
        let finder = KeyFinder::of(vec![(KeySource::Ring, ring)], Some(service));
        let at: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let missing = finder.find(&region, "9e688c58a5487b8eaf69c9e1005ad0bf", at).await.unwrap_err();
        assert!(missing.is_foreign, "{missing:?}");
        // Where CloudTrail does not answer, the ring counts, and its use is told.
        let closed = "ap-east-1".parse().unwrap();
        assert!(finder.find(&closed, "9e688c58a5487b8eaf69c9e1005ad0bf", at).await.is_ok());
        let used: Vec<_> = finder.used().await.into_iter().map(|key| (key.region.to_string(), key.source)).collect();
        assert_eq!(used, [("ap-east-1".to_owned(), KeySource::Ring)]);
        assert_eq!(finder.served().await.iter().count(), 1, "the ring's keys are not CloudTrail's answer");
    }

    #[tokio::test]
    async fn a_key_under_a_foreign_name_is_told_and_not_used() {
        let mut ring = KeyRing::default();
        ring.add(&"us-east-1".parse().unwrap(), PublicKey::new("00", vec![1]));
        let finder = KeyFinder::new(ring, None);
        let at: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        assert!(finder.find(&"us-east-1".parse().unwrap(), "00", at).await.is_err());
        let problems = finder.problems().await;
        assert_eq!(problems, ["keys of us-east-1: 00 is not the fingerprint of the key that bears it"]);
    }
}
