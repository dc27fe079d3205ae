//! What a drift does now, apart from what its repair risks: one judgement a kind of resource, from what was observed
//! and what should be.
//!
//! What is not there yet because the deployment is only being made does no harm: a trail that is missing does, because
//! it records nothing. What policies do is not guessed from their words: the proof of isolation is tried with the
//! policies as they were observed, and what they refuse CloudTrail is found by `preflight::now`.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Action, Change, Step};
use super::finding::{Finding, Harm};
use super::isolation;
use crate::estate::aggregator;
use crate::estate::bucket::LifecycleRule;
use crate::estate::trail::EventSelector;
use crate::estate::{Address, Bucket, Desired, Estate, Key, Kind, Resource, Sighting, Trail};
use crate::organization::Organization;
use crate::policy::PolicyDocument;
use crate::policy::grants::{Attached, beyond, is_within};
use crate::policy::lint::outside_grants;

/// Judges every change.
pub(super) fn judge(changes: &mut [Change], desired: &Desired, observed: &Estate, organization: &Organization) {
    let ground = Ground::new(changes, desired, observed, organization);
    for change in changes {
        change.harm = ground.of(change);
    }
}

/// What the statements that let readers of the lake in have in their names.
const OF_LAKE: &str = "OrgtrailLake";

/// The code of a document that lets somebody in beside doing something worse.
pub const EXPOSED: &str = "policy-exposes-logs";

/// Gives each change the worst that was found at its address. A document that lets somebody in is told as such also
/// where it refuses CloudTrail, which is worse.
pub(super) fn worsened(changes: &mut [Change], findings: &[Finding]) -> Vec<Finding> {
    let mut exposed = Vec::new();
    for change in changes {
        let worst = of_findings(&change.address, findings);
        if change.harm == Harm::LogsExposed && worst < Harm::LogsExposed {
            let message = "besides, the policy lets outsiders read or change logs";
            let help = "`orgtrail access --live` says who; `orgtrail apply` takes out what lets in an outsider";
            exposed.push(Finding::new(Harm::LogsExposed, &change.address, EXPOSED, message, help));
        }
        change.harm = change.harm.min(worst);
    }
    exposed
}

/// Returns the worst that was found at an address.
fn of_findings(address: &Address, findings: &[Finding]) -> Harm {
    let here = findings.iter().filter(|finding| finding.address == *address);
    here.map(|finding| finding.harm).min().unwrap_or(Harm::Harmless)
}

/// What harm is judged by.
struct Ground<'a> {
    desired: &'a Desired,
    observed: &'a Estate,
    /// The buckets that wanted trails deliver to now; of a trail that could not be read, the wanted one.
    delivered_to: BTreeSet<&'a str>,
    /// Some wanted trail is there, or may be.
    is_deployed: bool,
    /// What isolation breaks by the documents as they are, by the address to blame.
    broken: BTreeMap<Address, Harm>,
}

impl<'a> Ground<'a> {
    fn new(changes: &[Change], desired: &'a Desired, observed: &'a Estate, organization: &Organization) -> Self {
        let mut delivered_to = BTreeSet::new();
        let mut is_deployed = false;
        for (address, wanted) in &desired.wanted {
            let Resource::Trail(wish) = &wanted.resource else { continue };
            match observed.sightings.get(address) {
                Some(Sighting::Present(seen)) => {
                    is_deployed = true;
                    delivered_to.extend(bucket_of(seen));
                }
                Some(Sighting::Unreadable(_)) => {
                    is_deployed = true;
                    delivered_to.insert(wish.bucket.as_str());
                }
                Some(Sighting::Absent) | None => {}
            }
        }
        let mut ground = Self { desired, observed, delivered_to, is_deployed, broken: BTreeMap::new() };
        // It costs an evaluation of many requests, and is asked only where a document has drifted.
        let has_drifted = |kinds: &[Kind]| {
            changes.iter().any(|change| change.observed().is_some() && kinds.contains(&change.address.kind))
        };
        if has_drifted(&[Kind::BucketPolicy, Kind::KeyPolicy, Kind::Role, Kind::Policy]) {
            for violation in isolation::live(desired, observed, organization) {
                let harm = ground.broken.entry(violation.address.clone()).or_insert(Harm::Harmless);
                *harm = violation.harm().min(*harm);
            }
        }
        ground
    }

    fn of(&self, change: &Change) -> Harm {
        match &change.step {
            Step::Retire { .. } => Harm::Harmless,
            Step::Create { begun: None, .. } => self.missing(change),
            Step::Create { desired, begun: Some(begun) } => self.differing(change, desired, &begun.observed),
            Step::Update { desired, observed, .. } | Step::Adopt { desired, observed, .. } => {
                self.differing(change, desired, observed)
            }
        }
    }

    /// What is wanted and is not there.
    fn missing(&self, change: &Change) -> Harm {
        match change.address.kind {
            // A trail of this deployment that has another name goes on until the new one is there.
            Kind::Trail if self.is_recorded_meanwhile(change) => Harm::LessProtected,
            Kind::Trail => Harm::NothingRecorded,
            // Before anything is recorded there is nothing to lose and nothing to read.
            _ if !self.is_deployed => Harm::Harmless,
            // No log is touched by what AWS Config collects.
            _ if change.reason == aggregator::REASON => Harm::Harmless,
            Kind::TrustedAccess => Harm::NothingRecorded,
            Kind::Bucket | Kind::BucketPolicy if self.delivered_to.contains(change.address.name.as_str()) => {
                Harm::LogsLost
            }
            // Without its policy, what keeps readers out of the lake is their own policies alone.
            Kind::BucketPolicy if self.has_lake(change) => Harm::LessProtected,
            // A bucket that no trail delivers to yet is the next one; a lake is built again from the logs.
            Kind::Bucket | Kind::BucketPolicy => Harm::Harmless,
            Kind::Key
            | Kind::KeyPolicy
            | Kind::DelegatedAdministrator
            | Kind::Topic
            | Kind::LogGroup
            | Kind::Role
            | Kind::Policy
            | Kind::ServiceControlPolicy
            | Kind::Queue
            | Kind::Rule
            | Kind::ConfigAggregator => Harm::LessProtected,
        }
    }

    /// Tells whether another trail of this deployment records all that a wanted one would, into the same place.
    fn is_recorded_meanwhile(&self, change: &Change) -> bool {
        let Some(Resource::Trail(wish)) = change.desired() else { return false };
        self.observed.resources().any(|(_, resource)| {
            matches!(resource, Resource::Trail(other)
                if (&other.bucket, &other.prefix) == (&wish.bucket, &wish.prefix) && !records_less(wish, other))
                && resource.deployment() == Some(self.desired.deployment.as_str())
        })
    }

    fn differing(&self, change: &Change, wish: &Resource, seen: &Resource) -> Harm {
        let differs_only_in = |paths: &[&str]| change.fields().iter().all(|field| paths.contains(&field.path.as_str()));
        match (wish, seen) {
            _ if differs_only_in(&["tags"]) => Harm::Harmless,
            // Rules that keep more, or longer, than wanted protect nothing less.
            (Resource::Bucket(wish), Resource::Bucket(seen))
                if differs_only_in(&["tags", "lifecycle"]) && deletes_sooner(wish, seen).is_none() =>
            {
                Harm::Harmless
            }
            (Resource::ConfigAggregator(_), _) => Harm::Harmless,
            (Resource::Trail(wish), Resource::Trail(seen)) => self.trail(wish, seen),
            // No log is lost with what lies in the lake.
            (Resource::Bucket(_), _) if self.has_lake(change) => self.so_far(change, Harm::LessProtected),
            (Resource::Bucket(wish), Resource::Bucket(seen)) => self.so_far(change, bucket(wish, seen)),
            (Resource::Key(_), Resource::Key(seen)) => self.so_far(change, key(seen)),
            (Resource::BucketPolicy(_) | Resource::KeyPolicy(_) | Resource::Role(_) | Resource::Policy(_), _) => {
                self.so_far(change, self.document(change, wish, seen))
            }
            _ => self.so_far(change, Harm::LessProtected),
        }
    }

    /// Tells whether a change is about the bucket of a lake that is there.
    fn has_lake(&self, change: &Change) -> bool {
        let bucket = change.address.with_kind(Kind::Bucket);
        self.desired.is_lake(&bucket) && self.observed.resource(&bucket).is_some()
    }

    /// Before a trail is there, what is not as wanted yet protects nothing less; of what is ours, logs may be lost all
    /// the same.
    fn so_far(&self, change: &Change, harm: Harm) -> Harm {
        let is_early = !self.is_deployed && (change.action() == Action::Adopt || harm == Harm::LessProtected);
        if is_early { Harm::Harmless } else { harm }
    }

    fn trail(&self, wish: &Trail, seen: &Trail) -> Harm {
        if records_less(wish, seen) {
            return Harm::NothingRecorded;
        }
        // Where the wanted bucket is still to be made, the trail is about to be moved there. Where it is there, the
        // trail was led away from it.
        if wish.bucket != seen.bucket && self.is_there(&wish.bucket) {
            return Harm::LogsLost;
        }
        Harm::LessProtected
    }

    fn is_there(&self, bucket: &str) -> bool {
        let mut buckets = self.observed.resources().filter(|(address, _)| address.kind == Kind::Bucket);
        buckets.any(|(address, _)| address.name == bucket)
    }

    /// A policy as it is: somebody reads who should not, or less than that. Whether it refuses CloudTrail is found by
    /// `preflight::now`.
    fn document(&self, change: &Change, wish: &Resource, seen: &Resource) -> Harm {
        let breaks = self.broken.get(&change.address).copied();
        let opens = seen.shared_policy().filter(|policy| self.lets_outsiders_in(policy)).map(|_| Harm::LogsExposed);
        let without = if self.lacks_lake_readers(change, wish, seen) { Harm::Harmless } else { Harm::LessProtected };
        [breaks, opens, Some(without)].into_iter().flatten().min().unwrap_or(without)
    }

    /// Tells whether all that a policy lacks is to let in roles that are to read the lake: it protects nothing less.
    fn lacks_lake_readers(&self, change: &Change, wish: &Resource, seen: &Resource) -> bool {
        let (Some(wish), Some(seen)) = (wish.shared_policy(), seen.shared_policy()) else { return false };
        let is_of_lake = match change.address.kind {
            Kind::BucketPolicy => self.has_lake(change),
            // The key of the archive lets others in too, who have to be there.
            Kind::KeyPolicy => {
                let sid = |at: usize| wish.statements.get(at).and_then(|one| one.sid.as_deref());
                let lacking = beyond(wish, seen, Attached::Other);
                !lacking.is_empty() && lacking.into_iter().all(|at| sid(at).is_some_and(|sid| sid.contains(OF_LAKE)))
            }
            _ => false,
        };
        is_of_lake && is_within(seen, wish, Attached::Other)
    }

    fn lets_outsiders_in(&self, policy: &PolicyDocument) -> bool {
        let Desired { organization, known_accounts, .. } = self.desired;
        policy.statements.iter().any(|s| outside_grants(s, Some(organization), known_accounts, &[]).is_some())
    }
}

fn bucket_of(seen: &Resource) -> Option<&str> {
    match seen {
        Resource::Trail(trail) => Some(trail.bucket.as_str()),
        _ => None,
    }
}

/// Tells whether a trail records fewer events, accounts or regions than wanted. Data events and insights that are
/// missing are less of what is wanted, and not the end of the record.
pub(super) fn records_less(wish: &Trail, seen: &Trail) -> bool {
    let lost = |wish: bool, seen: bool| wish && !seen;
    lost(wish.logging, seen.logging)
        || lost(wish.multi_region, seen.multi_region)
        || lost(wish.organization, seen.organization)
        || lost(wish.global_events, seen.global_events)
        || wish.selectors.iter().any(|selector| selector.is_management() && !records(seen, selector))
}

/// Tells whether the events of a selector are recorded, by one selector of the trail, or reads and writes by two.
fn records(trail: &Trail, selector: &EventSelector) -> bool {
    let covered = |wanted: &EventSelector| trail.selectors.iter().any(|seen| seen.covers(wanted));
    let half = |value: &str| selector.clone().with("readOnly", "equals", [value]);
    covered(selector)
        || (selector.values("readOnly", "equals").next().is_none() && covered(&half("true")) && covered(&half("false")))
}

fn bucket(wish: &Bucket, seen: &Bucket) -> Harm {
    let refuses = seen.requester_pays && !wish.requester_pays;
    if refuses || deletes_sooner(wish, seen).is_some() { Harm::LogsLost } else { Harm::LessProtected }
}

fn key(seen: &Key) -> Harm {
    if seen.pending_deletion || !seen.enabled { Harm::LogsLost } else { Harm::LessProtected }
}

/// What a rule deletes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Deleted {
    /// Log files.
    LogFiles,
    /// Versions of them that were replaced or deleted: what a damaged log file is restored from.
    OldVersions,
}

/// A rule that deletes log files, or old versions of them, sooner than the configuration says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sooner<'a> {
    /// What it deletes sooner.
    pub what: Deleted,
    /// The rule that deletes first.
    pub rule: &'a LifecycleRule,
    /// After so many days; none where it is a date, or not known.
    pub days: Option<u32>,
}

/// Returns the rule that deletes first, where it deletes sooner than wanted; of log files before that of old versions.
pub(super) fn deletes_sooner<'a>(wish: &Bucket, seen: &'a Bucket) -> Option<Sooner<'a>> {
    let current = |rule: &LifecycleRule| rule.expire_after_days;
    let old = |rule: &LifecycleRule| rule.expire_noncurrent_after_days;
    [sooner(Deleted::LogFiles, wish, seen, current), sooner(Deleted::OldVersions, wish, seen, old)]
        .into_iter()
        .flatten()
        .chain(on_a_date(wish, seen))
        .min_by_key(|found| (found.what, found.days.unwrap_or(0)))
}

fn sooner<'a>(
    what: Deleted,
    wish: &Bucket,
    seen: &'a Bucket,
    days: impl Fn(&LifecycleRule) -> Option<u32>,
) -> Option<Sooner<'a>> {
    let wanted = wish.lifecycle.iter().filter(|rule| rule.enabled).filter_map(&days).min();
    let rules = seen.lifecycle.iter().filter(|rule| rule.enabled);
    let (found, rule) = rules.filter_map(|rule| Some((days(rule)?, rule))).min_by_key(|(days, _)| *days)?;
    wanted.is_none_or(|wanted| found < wanted).then_some(Sooner { what, rule, days: Some(found) })
}

/// A rule with a part that is not modelled may delete: on a date, or all versions but so many.
fn on_a_date<'a>(wish: &Bucket, seen: &'a Bucket) -> Option<Sooner<'a>> {
    let deletes = |rule: &&LifecycleRule| {
        let other = rule.other.as_deref().unwrap_or_default();
        rule.enabled && !wish.lifecycle.contains(rule) && (other.contains("expiration") || other.contains("to keep"))
    };
    seen.lifecycle.iter().find(deletes).map(|rule| Sooner { what: Deleted::LogFiles, rule, days: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estate::trail::ReadWrite;

    fn recording(selectors: impl IntoIterator<Item = EventSelector>) -> Trail {
        Trail { selectors: selectors.into_iter().collect(), ..Trail::sample() }
    }

    fn management(which: ReadWrite) -> EventSelector {
        EventSelector::management(which, &[])
    }

    #[test]
    fn a_trail_that_records_less_records_nothing_of_what_is_missing() {
        let wish = Trail::sample();
        let stopped = Trail { logging: false, ..Trail::sample() };
        let one_region = Trail { multi_region: false, ..Trail::sample() };
        let one_account = Trail { organization: false, ..Trail::sample() };
        let no_iam = Trail { global_events: false, ..Trail::sample() };
        let writes = recording([management(ReadWrite::WriteOnly)]);
        let one_source = recording([EventSelector::management(ReadWrite::All, &["kms.amazonaws.com".into()])]);
        for seen in [stopped, one_region, one_account, no_iam, writes, one_source, recording([])] {
            assert!(records_less(&wish, &seen), "{seen:?}");
        }
        let both = recording([management(ReadWrite::WriteOnly), management(ReadWrite::ReadOnly)]);
        let more = recording([
            management(ReadWrite::All),
            EventSelector(BTreeMap::new()).with("eventCategory", "equals", ["Data"]),
        ]);
        let unproved = Trail { validation: false, ..Trail::sample() };
        for seen in [both, more, unproved, Trail::sample()] {
            assert!(!records_less(&wish, &seen), "{seen:?}");
        }
    }

    fn rule(expire: Option<u32>, old: Option<u32>, other: Option<&str>) -> LifecycleRule {
        LifecycleRule {
            id: "r".into(),
            enabled: true,
            prefix: String::new(),
            transitions: Vec::new(),
            expire_after_days: expire,
            expire_noncurrent_after_days: old,
            abort_upload_after_days: None,
            other: other.map(str::to_owned),
        }
    }

    fn with(rules: Vec<LifecycleRule>) -> Bucket {
        Bucket {
            block_public_access: true,
            object_ownership: None,
            versioning: true,
            encryption: None,
            lifecycle: rules,
            object_lock: None,
            access_logs: None,
            requester_pays: false,
            tags: Default::default(),
            untouched: false,
            mfa_delete: None,
        }
    }

    #[test]
    fn a_rule_that_deletes_sooner_loses_logs_and_one_that_deletes_later_does_not() {
        let wish = with(vec![rule(Some(2555), Some(90), None)]);
        let days = |seen: Bucket| deletes_sooner(&wish, &seen).map(|sooner| sooner.days);
        assert_eq!(days(with(vec![rule(Some(2555), Some(90), None), rule(Some(1), None, None)])), Some(Some(1)));
        assert_eq!(days(with(vec![rule(None, Some(1), None)])), Some(Some(1)));
        // That old versions go sooner says nothing of log files.
        let later = with(vec![rule(Some(2555), Some(30), None)]);
        assert_eq!(
            deletes_sooner(&wish, &later).map(|sooner| (sooner.what, sooner.days)),
            Some((Deleted::OldVersions, Some(30)))
        );
        let both = with(vec![rule(Some(400), Some(30), None)]);
        assert_eq!(
            deletes_sooner(&wish, &both).map(|sooner| (sooner.what, sooner.days)),
            Some((Deleted::LogFiles, Some(400)))
        );
        assert_eq!(days(with(vec![rule(None, None, Some("an expiration on a date"))])), Some(None));
        assert_eq!(days(with(vec![rule(Some(3000), Some(3000), None)])), None);
        assert_eq!(days(with(vec![LifecycleRule { enabled: false, ..rule(Some(1), None, None) }])), None);
        assert_eq!(days(with(vec![])), None);
        let for_ever = with(vec![]);
        assert!(deletes_sooner(&for_ever, &with(vec![rule(Some(3000), None, None)])).is_some());
        assert_eq!(bucket(&wish, &Bucket { requester_pays: true, ..wish.clone() }), Harm::LogsLost);
        assert_eq!(bucket(&wish, &Bucket { versioning: false, ..wish.clone() }), Harm::LessProtected);
    }

    #[test]
    fn a_key_that_cannot_be_used_loses_logs() {
        let seen = Key {
            arn: None,
            has_alias: true,
            enabled: true,
            pending_deletion: false,
            deletion_date: None,
            rotation: false,
            tags: Default::default(),
        };
        assert_eq!(key(&seen), Harm::LessProtected);
        assert_eq!(key(&Key { enabled: false, ..seen.clone() }), Harm::LogsLost);
        assert_eq!(key(&Key { enabled: false, pending_deletion: true, ..seen }), Harm::LogsLost);
    }
}
