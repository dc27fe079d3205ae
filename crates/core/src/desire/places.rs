//! Where earlier logs lie: what the configuration names under `earlier`, and what the trails and the readers that were
//! observed tell.
//!
//! There is no state file. What readers were allowed to read stays allowed: the policies of most readers of a log
//! account are the memory. A bucket is believed only if it bears the tag of this deployment, so that a hand that points
//! a trail or some readers elsewhere makes no earlier place.

use std::collections::{BTreeMap, BTreeSet};

use super::earlier_lakes::{self, EarlierLakes};
use super::{BadDesign, log_account};
use crate::config::Config;
use crate::config::schema::EarlierLogs;
use crate::estate::place::{Reading, assumed_roles};
use crate::estate::{
    ACCOUNT_TAG, Address, Desired, EarlierPlace, Estate, Kind, OWNER_TAG, Past, Resource, Sighting, Trail, Wanted,
};
use crate::ids::{AccountId, Arn};
use crate::log_path::LogRoot;
use crate::organization::Organization;

/// Finds what is known of earlier logs; what a person gives up is left out.
///
/// # Errors
/// [`BadDesign::Account`] for a log account of `earlier` that the organization does not have.
pub fn past(
    config: &Config,
    desired: &Desired,
    observed: &Estate,
    organization: &Organization,
    give_up: &BTreeSet<String>,
) -> Result<Past, Vec<BadDesign>> {
    let Some(bucket) = desired.log_bucket() else {
        return Ok(Past::default());
    };
    let lakes = earlier_lakes::find(desired, observed, organization, give_up);
    let today = Today { desired, observed, bucket, lakes: &lakes, key: key_of_today(desired, observed, bucket) };
    let mut finder = Finder { today, give_up, places: BTreeMap::new(), past: Past::default() };
    let mut faults = Vec::new();
    for written in &config.earlier {
        match account(config, organization, written) {
            Ok(account) => finder.configured(config, written, &account),
            Err(fault) => faults.push(fault),
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    finder.trails();
    finder.readers();
    finder.member_policies();
    let Finder { places, mut past, today, .. } = finder;
    past.key_of_today = today.key;
    past.places = places.into_values().collect();
    past.given_up.extend(lakes.given_up.iter().cloned());
    past.lakes = lakes.there;
    past.lakes_given_up = lakes.given_up;
    Ok(past)
}

/// Returns what has to be looked at because the configuration names it, each with the account that looks.
pub fn configured_addresses(config: &Config, organization: &Organization) -> BTreeMap<Address, AccountId> {
    let found = config.earlier.iter().filter_map(|written| {
        let account = account(config, organization, written).ok()?;
        let region = written.region.as_ref().unwrap_or(&config.home_region);
        let bucket = Address::regional(&account, region, Kind::Bucket, written.bucket.to_string());
        Some([(bucket.with_kind(Kind::BucketPolicy), account.clone()), (bucket, account)])
    });
    found.flatten().collect()
}

fn account(config: &Config, organization: &Organization, written: &EarlierLogs) -> Result<AccountId, BadDesign> {
    let Some(text) = &written.log_account else { return log_account(config, organization) };
    match organization.find(text)[..] {
        [id] => Ok(id.clone()),
        ref found => Err(BadDesign::Account {
            field: "earlier.log_account",
            text: text.clone(),
            why: format!("{} accounts of the organization are called so; write the id of one", found.len()),
        }),
    }
}

/// The ARN of the key that encrypts logs from now on; none where there is none, or it is still to be made. Of a key
/// that could not be read, the trails and the bucket that use it tell.
fn key_of_today(desired: &Desired, observed: &Estate, bucket: &Address) -> Option<String> {
    if let Some(key) = desired.wanted.keys().find(|address| address.kind == Kind::Key) {
        return match observed.sightings.get(key) {
            Some(Sighting::Present(resource)) => match resource.as_ref() {
                Resource::Key(key) => key.arn.clone(),
                _ => None,
            },
            Some(Sighting::Absent) => None,
            Some(Sighting::Unreadable(_)) | None => key_in_use(desired, observed, bucket),
        };
    }
    match desired.wanted.get(bucket) {
        Some(Wanted { resource: Resource::Bucket(bucket), .. }) => bucket.key().cloned(),
        _ => None,
    }
}

fn key_in_use(desired: &Desired, observed: &Estate, bucket: &Address) -> Option<String> {
    let mut trails = desired.wanted.keys().filter_map(|address| match observed.resource(address) {
        Some(Resource::Trail(trail)) if trail.bucket == bucket.name => trail.key.clone(),
        _ => None,
    });
    let of_bucket = || match observed.resource(bucket) {
        Some(Resource::Bucket(bucket)) => bucket.key().cloned(),
        _ => None,
    };
    trails.next().or_else(of_bucket)
}

struct Today<'a> {
    desired: &'a Desired,
    observed: &'a Estate,
    bucket: &'a Address,
    lakes: &'a EarlierLakes,
    key: Option<String>,
}

impl Today<'_> {
    fn is_ours(&self, resource: &Resource) -> bool {
        resource.deployment() == Some(self.desired.deployment.as_str())
    }

    /// Returns where a bucket of this deployment of this name is, beside that of today; what cannot be read counts
    /// where readers are allowed to read it.
    fn bucket(&self, name: &str, may_be_unread: bool) -> Option<Address> {
        if name == self.bucket.name && self.observed.resource(self.bucket).is_some() {
            return Some(self.bucket.clone());
        }
        // No log lies in the lake: whoever lets readers in there does not make it a place of earlier logs.
        let is_earlier_lake = || self.lakes.there.iter().any(|lake| lake.name == name);
        let is_lake = self.desired.lake.as_ref().is_some_and(|lake| lake.bucket.name == name);
        if is_lake || is_earlier_lake() || self.lakes.given_up.contains(name) {
            return None;
        }
        let mut there = self.observed.sightings.iter().filter(|(a, _)| a.kind == Kind::Bucket && a.name == name);
        let is_believed = |sighting: &Sighting| match sighting {
            Sighting::Present(resource) => self.is_ours(resource),
            Sighting::Unreadable(_) => may_be_unread,
            Sighting::Absent => false,
        };
        there.find(|(_, sighting)| is_believed(sighting)).map(|(address, _)| address.clone())
    }

    fn is_of_today(&self, bucket: &Address, root: &LogRoot) -> bool {
        bucket == self.bucket && self.desired.reading.roots.contains(root)
    }

    /// Of the bucket of today, only another prefix is an earlier place: the other layout below the same prefix is
    /// `readers.earlier_logs`.
    fn is_same_prefix(&self, bucket: &Address, root: &LogRoot) -> bool {
        bucket == self.bucket && self.desired.reading.roots.iter().any(|own| own.prefix() == root.prefix())
    }
}

struct Finder<'a> {
    today: Today<'a>,
    give_up: &'a BTreeSet<String>,
    places: BTreeMap<Address, EarlierPlace>,
    past: Past,
}

impl Finder<'_> {
    fn configured(&mut self, config: &Config, written: &EarlierLogs, account: &AccountId) {
        let region = written.region.as_ref().unwrap_or(&config.home_region);
        let bucket = Address::regional(account, region, Kind::Bucket, written.bucket.to_string());
        let organization = self.today.desired.organization.as_str();
        let base = LogRoot::below(&written.prefix);
        let root = |own: &LogRoot| match own.organization() {
            Some(_) => base.in_organization(organization),
            None => base.clone(),
        };
        let roots: Vec<LogRoot> = self.today.desired.reading.roots.iter().map(root).collect();
        for root in roots {
            self.add(&bucket, &root, written.key.as_ref(), true);
        }
        self.add_key(account, written.key.as_ref());
    }

    /// A trail of this deployment that writes elsewhere, or with another key, than it will.
    fn trails(&mut self) {
        let trails: Vec<(Address, Trail)> = self
            .today
            .observed
            .resources()
            .filter_map(|(address, resource)| match resource {
                Resource::Trail(trail)
                    if self.today.desired.wanted.contains_key(address) || self.today.is_ours(resource) =>
                {
                    Some((address.clone(), trail.clone()))
                }
                _ => None,
            })
            .collect();
        for (_, trail) in trails {
            let Some(bucket) = self.today.bucket(&trail.bucket, false) else { continue };
            let base = LogRoot::below(&trail.prefix);
            let organization = self.today.desired.organization.as_str();
            let root = if trail.organization { base.in_organization(organization) } else { base };
            self.found(&bucket, &root, trail.key.as_ref());
            // The key of another account would be forgotten once the trail uses ours again: the plan names it
            // (`plan::past`).
            let key = trail.key.as_ref().filter(|key| is_key_of(key, &bucket.account));
            self.add_key(&bucket.account, key);
        }
    }

    /// What most readers of a log account are allowed to read.
    fn readers(&mut self) {
        let mut readings: BTreeMap<AccountId, Vec<Reading>> = BTreeMap::new();
        for (address, resource) in self.today.observed.resources() {
            let Resource::Role(role) = resource else { continue };
            let Some(account) = role.tags.get(ACCOUNT_TAG).filter(|_| self.today.is_ours(resource)) else { continue };
            readings.entry(address.account.clone()).or_default().push(Reading::of(role.inline.values(), account));
        }
        for (account, readings) in readings {
            self.remembered(&account, &readings);
        }
    }

    /// Member policies that read by themselves, and those that name reader roles of earlier log accounts.
    fn member_policies(&mut self) {
        let mut readings = Vec::new();
        for (address, resource) in self.today.observed.resources() {
            let Resource::Policy(policy) = resource else { continue };
            if !self.today.desired.wanted.contains_key(address) {
                continue;
            }
            readings.push(Reading::of([&policy.document], address.account.as_str()));
            for role in assumed_roles(&policy.document) {
                self.earlier_reader(&address.account, role);
            }
        }
        let log_account = self.today.desired.log_account.clone();
        self.remembered(&log_account, &readings);
    }

    /// What is not known is not gone; what is there counts if it is a reader of ours for this account.
    fn earlier_reader(&mut self, account: &AccountId, role: Address) {
        let Today { desired, observed, .. } = self.today;
        if role.account == desired.log_account || !desired.known_accounts.contains(&role.account) {
            return;
        }
        let is_reader = match observed.sightings.get(&role) {
            Some(Sighting::Present(resource)) => matches!(resource.as_ref(), Resource::Role(found)
                if found.tags.get(ACCOUNT_TAG).is_some_and(|own| own == account.as_str())
                    && found.tags.get(OWNER_TAG) == Some(&desired.deployment)),
            Some(Sighting::Absent) => false,
            Some(Sighting::Unreadable(_)) | None => true,
        };
        let given_up = self.places_given_up_in(&role.account);
        if is_reader && !given_up {
            self.past.readers.entry(account.clone()).or_default().insert(role);
        }
    }

    /// The roles of a log account go with its last place.
    fn places_given_up_in(&self, account: &AccountId) -> bool {
        let stays = self.places.keys().any(|bucket| bucket.account == *account);
        let buckets = self.today.observed.sightings.keys().filter(|a| a.kind == Kind::Bucket && a.account == *account);
        !stays && buckets.into_iter().any(|bucket| self.past.given_up.contains(&bucket.name))
    }

    fn remembered(&mut self, holder: &AccountId, readings: &[Reading]) {
        let mut folders: BTreeMap<&(String, LogRoot), usize> = BTreeMap::new();
        let mut keys: BTreeMap<&String, usize> = BTreeMap::new();
        for reading in readings {
            reading.folders.iter().for_each(|folder| *folders.entry(folder).or_default() += 1);
            reading.keys.iter().for_each(|key| *keys.entry(key).or_default() += 1);
        }
        let is_most = |count: usize| count * 2 > readings.len();
        for ((bucket, root), _) in folders.into_iter().filter(|(_, count)| is_most(*count)) {
            if let Some(bucket) = self.today.bucket(bucket, true) {
                self.found(&bucket, root, None);
            }
        }
        for (key, _) in keys.into_iter().filter(|(key, count)| is_most(*count) && is_key_of(key, holder)) {
            self.add_key(holder, Some(key));
        }
    }

    fn found(&mut self, bucket: &Address, root: &LogRoot, key: Option<&String>) {
        if !self.today.is_of_today(bucket, root) && !self.today.is_same_prefix(bucket, root) {
            self.add(bucket, root, key, false);
        }
    }

    fn add(&mut self, bucket: &Address, root: &LogRoot, key: Option<&String>, is_configured: bool) {
        let known = self.places.get(bucket).is_some_and(|place| place.is_configured);
        if !is_configured && !known && self.give_up.contains(&bucket.name) {
            self.past.given_up.insert(bucket.name.clone());
            return;
        }
        let default = match self.today.observed.resource(bucket) {
            Some(Resource::Bucket(found)) => found.key().cloned(),
            _ => None,
        };
        let place = self.places.entry(bucket.clone()).or_insert_with(|| EarlierPlace {
            bucket: bucket.clone(),
            roots: BTreeSet::new(),
            key: None,
            is_configured,
        });
        place.roots.insert(root.clone());
        place.is_configured |= is_configured;
        if place.key.is_none() {
            place.key = key.cloned().or(default.clone());
        }
        let account = bucket.account.clone();
        self.add_key(&account, default.as_ref());
    }

    /// Keeps a key for the readers of the log account of today. Of its own keys, which other accounts cannot make, and
    /// of the key that a place names.
    fn add_key(&mut self, holder: &AccountId, key: Option<&String>) {
        let Some(key) = key.filter(|key| Some(*key) != self.today.key.as_ref()) else { return };
        if *holder != self.today.desired.log_account || key.parse::<Arn>().is_err() {
            return;
        }
        if self.give_up.contains(key) || self.is_key_given_up(key) {
            self.past.given_up.insert(key.clone());
        } else {
            self.past.keys.insert(key.clone());
        }
    }

    /// A key goes with the last bucket that names it.
    fn is_key_given_up(&self, key: &str) -> bool {
        let uses = |address: &Address, resource: &Resource| {
            matches!(resource, Resource::Bucket(bucket) if bucket.key().is_some_and(|own| own == key))
                && address != self.today.bucket
        };
        let users: Vec<&Address> =
            self.today.observed.resources().filter(|(a, resource)| uses(a, resource)).map(|(a, _)| a).collect();
        !users.is_empty() && users.iter().all(|bucket| self.give_up.contains(&bucket.name))
    }
}

/// Tells whether this is the ARN of a key of the account. Other accounts cannot make one, and readers are believed when
/// they name it.
fn is_key_of(key: &str, account: &AccountId) -> bool {
    key.parse::<Arn>().is_ok_and(|arn| arn.is_kms_key() && arn.account() == account.as_str())
}
