//! The places in which the digests and logs of one account and region lie: several buckets, prefixes or layouts, when a
//! trail was moved, and copies of them.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use crate::archive::Store;
use crate::archive::inflate::sha256;
use crate::log_path::{ChainScope, DigestKey, LogKey, LogKind};
use crate::logs::digest::chain::{Origin, ReadDigest};
use crate::logs::digest::document::{DigestLogFile, Previous};

use super::expiry::Expiry;

/// One place of an account's and region's digests and logs.
#[derive(Clone)]
pub(super) struct ChainSite {
    pub(super) store: Arc<dyn Store>,
    /// What every key that is looked at in the store starts with.
    pub(super) prefix: String,
    pub(super) scope: ChainScope,
    /// The kinds of logs that have a folder.
    pub(super) kinds: BTreeSet<LogKind>,
    /// Where digests that lie here say that they were delivered.
    pub(super) origins: BTreeSet<Origin>,
    /// What lifecycle rules have deleted of what lay here.
    pub(super) expiry: Expiry,
}

impl ChainSite {
    /// Returns the place and the account's folder there, by which later runs know it.
    pub(super) fn place(&self) -> String {
        format!("{}/{}", self.store.name(), self.scope.account_prefix())
    }

    /// Tells whether CloudTrail delivered here what it says it delivered to a place.
    pub(super) fn is_own(&self, origin: &Origin) -> bool {
        self.store.bucket() == Some(origin.bucket.as_str()) && self.scope.prefix == origin.prefix
    }
}

/// All places of one account and region.
pub(super) struct Sites {
    pub(super) all: Vec<ChainSite>,
    /// Which digests were met, by bucket and key as delivered.
    met: HashSet<u128>,
    /// Whether findings name the place with the key: there are several.
    names_places: bool,
}

impl Sites {
    pub(super) fn new(all: Vec<ChainSite>, names_places: bool) -> Self {
        Self { all, met: HashSet::new(), names_places }
    }

    /// Notes a digest that was met at a site.
    pub(super) fn meet(&mut self, at: usize, seen: &ReadDigest) {
        if let Some(origin) = &seen.origin {
            self.meet_delivered(at, origin, seen.delivered());
        }
    }

    /// Notes a digest that was met at a site, by the place and key under which CloudTrail delivered it.
    pub(super) fn meet_delivered(&mut self, at: usize, origin: &Origin, object: &str) {
        self.met.insert(fingerprint(&origin.bucket, object));
        if let Some(site) = self.all.get_mut(at)
            && !site.origins.contains(origin)
        {
            site.origins.insert(origin.clone());
        }
    }

    /// Tells whether a digest's predecessor was met.
    pub(super) fn has_met(&self, previous: &Previous) -> bool {
        self.met.contains(&fingerprint(&previous.bucket, &previous.object))
    }

    /// Tells whether the predecessor of a digest should lie in one of the places.
    pub(super) fn stand_for(&self, previous: &Previous, newer: &ReadDigest) -> bool {
        let Some(key) = DigestKey::parse(&previous.object) else { return true };
        is_beside(newer, &origin_of(previous, &key), &key) || self.site_of(previous, &key).is_some()
    }

    /// Returns the place where the predecessor of a digest should lie. `at` is the site of the digest itself.
    pub(super) fn site_before(&self, previous: &Previous, newer: &ReadDigest, at: usize) -> Option<&ChainSite> {
        let key = DigestKey::parse(&previous.object)?;
        let own = self.all.get(at).filter(|_| is_beside(newer, &origin_of(previous, &key), &key));
        own.or_else(|| self.site_of(previous, &key))
    }

    /// Returns the place to which CloudTrail delivered the predecessor of a digest.
    fn site_of(&self, previous: &Previous, key: &DigestKey) -> Option<&ChainSite> {
        let origin = origin_of(previous, key);
        let has_delivered =
            |site: &&ChainSite| site.origins.contains(&origin) && key.scope.organization == site.scope.organization;
        let is_bucket = |site: &&ChainSite| {
            site.store.bucket() == Some(previous.bucket.as_str()) && previous.object.starts_with(&site.prefix)
        };
        self.all.iter().find(has_delivered).or_else(|| self.all.iter().find(is_bucket))
    }

    /// Returns where a log file lies that a digest lists: the site and the key there. What lies in none of the places,
    /// or is no log file of this account and region, has no answer: a digest must not lead us elsewhere.
    pub(super) fn locate(
        &self,
        file: &DigestLogFile,
        digest_at: usize,
        digest: &ReadDigest,
    ) -> Option<(usize, String)> {
        let key = LogKey::parse(&file.object)?;
        let own = &self.all.get(digest_at)?.scope;
        if key.scope.account != own.account || key.scope.region != own.region {
            return None;
        }
        let origin = Origin { bucket: file.bucket.clone(), prefix: key.scope.prefix.clone() };
        let here = |at: usize| (at, key.below(&self.all[at].scope.prefix).to_string());
        if digest.origin.as_ref() == Some(&origin) && key.scope.organization == own.organization {
            return Some(here(digest_at));
        }
        let is_there = |site: &ChainSite| {
            site.scope.organization == key.scope.organization
                && (site.is_own(&origin) || site.origins.contains(&origin))
        };
        self.all.iter().position(is_there).map(here)
    }

    /// Returns an object's name in findings.
    pub(super) fn name(&self, at: usize, object: &str) -> String {
        match self.all.get(at) {
            Some(site) if self.names_places => format!("{}/{object}", site.store.name()),
            _ => object.to_owned(),
        }
    }
}

fn origin_of(previous: &Previous, key: &DigestKey) -> Origin {
    Origin { bucket: previous.bucket.clone(), prefix: key.scope.prefix.clone() }
}

/// Tells whether CloudTrail delivered a digest and its predecessor to the same place and layout.
fn is_beside(newer: &ReadDigest, origin: &Origin, key: &DigestKey) -> bool {
    newer.origin.as_ref() == Some(origin) && key.scope.organization == newer.key.scope.organization
}

/// Returns the first half of the SHA-256 of a place and key: 16 bytes each, and nobody can make two of them meet.
pub(super) fn fingerprint(place: &str, object: &str) -> u128 {
    half(&format!("{place}\0{object}"))
}

/// Returns the first half of the SHA-256 of a key, or of another text.
pub(super) fn half(text: &str) -> u128 {
    let mut half = [0; 16];
    half.copy_from_slice(&sha256(text.as_bytes())[..16]);
    u128::from_be_bytes(half)
}
