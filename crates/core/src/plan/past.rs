//! Earlier logs: what is watched where they lie, what is left there, and what a move to another bucket, region or log
//! account cannot do.
//!
//! What they lie in is never changed and never removed. Drift there is a finding, and who reads there is proved like
//! the rest.

use std::collections::BTreeSet;

use super::change::{Change, Risk};
use super::diff;
use super::finding::{Finding, Harm};
use super::harm::{Deleted, Sooner, deletes_sooner};
use super::isolation::{ArchivePolicies, ProofOutcome, proved};
use super::{Leftover, PlanOptions};
use crate::estate::place::{Reading, assumed_roles};
use crate::estate::{
    ACCOUNT_TAG, Address, Bucket, Desired, EarlierPlace, Estate, Kind, Policy, Problem, Resource, Role, Sighting,
    Stage, Trail,
};
use crate::ids::{AccountId, Arn};
use crate::log_path::LogRoot;
use crate::organization::Organization;

/// The code of a place that is not given up yet, or is none.
pub(super) const NOT_GIVEN_UP: &str = "NotGivenUp";

/// The code of a bucket whose name is taken in another region or account.
pub(super) const BUCKET_TAKEN: &str = "BucketNameTaken";

/// The code of a trail whose name is taken in another region.
pub(super) const TRAIL_TAKEN: &str = "TrailNameTaken";

/// Proves who reads the earlier logs once the plan is done.
pub(super) fn check(
    desired: &Desired,
    observed: &Estate,
    organization: &Organization,
    changes: &[Change],
) -> ProofOutcome {
    let mut all = ProofOutcome::default();
    for place in &desired.past.places {
        let policies = ArchivePolicies::of_place(desired, observed, organization, changes, place);
        let ProofOutcome { violations, unproven } = policies.map(|policies| proved(&policies)).unwrap_or_default();
        all.violations.extend(violations);
        all.unproven.extend(unproven);
    }
    all
}

/// Judges what most readers lose: logs of another bucket, below another prefix, or in another log account. What one
/// reader alone loses was added to it by a hand, and is taken out without a question. The two layouts below one prefix
/// are `readers.earlier_logs`.
pub(super) fn judge(desired: &Desired, changes: &mut [Change]) {
    let readers = desired.wanted.keys().filter(|address| address.kind == Kind::Policy).count();
    let losing: Vec<usize> = changes.iter().enumerate().filter(|(_, change)| loses(change)).map(|(n, _)| n).collect();
    let of_kind = |kind: Kind| losing.iter().filter(|n| changes[**n].address.kind == kind).count();
    let most = [Kind::Role, Kind::Policy].map(|kind| (kind, of_kind(kind) * 2 > readers));
    for n in losing {
        let change = &mut changes[n];
        if most.contains(&(change.address.kind, true)) {
            change.risk.remove(&Risk::Safe);
            change.risk.insert(Risk::Weakens);
        }
    }
}

fn loses(change: &Change) -> bool {
    match (change.desired(), change.observed()) {
        (Some(Resource::Role(wish)), Some(Resource::Role(seen))) => {
            let Some(account) = seen.tags.get(ACCOUNT_TAG) else { return false };
            let read = |role: &Role| prefixes(Reading::of(role.inline.values(), account));
            !read(seen).is_subset(&read(wish))
        }
        (Some(Resource::Policy(wish)), Some(Resource::Policy(seen))) => {
            let account = change.address.account.as_str();
            let read = |policy: &Policy| prefixes(Reading::of([&policy.document], account));
            let entered = |policy: &Policy| -> BTreeSet<AccountId> {
                assumed_roles(&policy.document).map(|role| role.account).collect()
            };
            // A change of the readers' mode takes all roles or all folders away, and gives the other.
            let lost = |before: bool, none_left: bool| before && !none_left;
            lost(!read(seen).is_subset(&read(wish)), read(wish).is_empty())
                || lost(!entered(seen).is_subset(&entered(wish)), entered(wish).is_empty())
        }
        _ => false,
    }
}

/// Returns the buckets, each with a prefix before `AWSLogs`.
fn prefixes(reading: Reading) -> BTreeSet<(String, String)> {
    reading.folders.into_iter().map(|(bucket, root)| (bucket, root.prefix().to_owned())).collect()
}

/// Returns what is wrong with the buckets and keys of earlier logs, and what this plan means for the readers.
pub(super) fn findings(desired: &Desired, observed: &Estate, changes: &[Change]) -> Vec<Finding> {
    let today = desired.log_bucket().and_then(|address| desired.wanted.get(address));
    let today = today.and_then(|wanted| match &wanted.resource {
        Resource::Bucket(bucket) => Some(bucket),
        _ => None,
    });
    let elsewhere = |place: &&EarlierPlace| !desired.wanted.contains_key(&place.bucket);
    let places = desired.past.places.iter().filter(elsewhere).flat_map(|place| of_place(place, today, observed));
    let keys = observed.resources().filter_map(|(address, resource)| match resource {
        Resource::Key(key) if key.arn.as_ref().is_some_and(|arn| needs_key(desired, arn)) => Some((address, key)),
        _ => None,
    });
    let keys = keys.filter(|(_, key)| !key.enabled || key.pending_deletion).map(|(address, key)| {
        let state = match (key.pending_deletion, &key.deletion_date) {
            (true, Some(date)) => format!("will be deleted at {date}"),
            (true, None) => "waits for its deletion".to_owned(),
            (false, _) => "is disabled".to_owned(),
        };
        let message = format!("the key that encrypted earlier logs {state}: they cannot be read");
        let help = if key.pending_deletion { "cancel the deletion, and enable the key" } else { "enable the key" };
        let found = Finding::new(Harm::LogsLost, address, "earlier-key-unusable", message, help);
        Finding { until: key.deletion_date.clone(), ..found }
    });
    let moved = desired.past.places.iter().filter(|_| !changes.is_empty()).map(|place| {
        let message = format!(
            "earlier logs lie here, below {}; members go on to read them, and they are watched",
            place.roots.iter().map(LogRoot::as_str).collect::<Vec<_>>().join(" and ")
        );
        let help = format!("`orgtrail apply --give-up {}` ends that, and deletes nothing", place.bucket.name);
        Finding::new(Harm::Harmless, &place.bucket, "earlier-logs", message, help)
    });
    let foreign = changes.iter().filter_map(|change| foreign_key(desired, change));
    places.chain(keys).chain(moved).chain(foreign).collect()
}

/// A trail that encrypted with a key of another account leaves log files that readers cannot decrypt: nothing remembers
/// that key once the trail uses another one.
fn foreign_key(desired: &Desired, change: &Change) -> Option<Finding> {
    let (Some(Resource::Trail(wish)), Some(Resource::Trail(seen))) = (change.desired(), change.observed()) else {
        return None;
    };
    let key = seen.key.as_ref().filter(|key| wish.key.as_ref() != Some(*key) && !needs_key(desired, key))?;
    let arn: Arn = key.parse().ok()?;
    if arn.service() != "kms" || arn.account() == desired.log_account.as_str() {
        return None;
    }
    let message = format!("log files until now are encrypted with {key}, which is no key of the log account");
    let help = "name it as `key` of a place under `earlier` while members are to read those logs".to_owned();
    Some(Finding::new(Harm::LessProtected, &change.address, "encrypted-elsewhere", message, help))
}

fn needs_key(desired: &Desired, arn: &str) -> bool {
    desired.past.keys.contains(arn) || desired.past.places.iter().any(|place| place.key.as_deref() == Some(arn))
}

/// The rule that orgtrail writes (`desire::archive`), and how many days it has at least where nobody changed it: fewer
/// are a mistake, whoever made it.
const OWN_RULE: &str = "orgtrail";
const OWN_RULE_DAYS_MIN: u32 = 90;

/// Says that a rule deletes earlier logs sooner than today's bucket keeps its own. A rule of this deployment was
/// configured once.
fn expires(at: &Address, sooner: &Sooner<'_>) -> Finding {
    let Sooner { what, rule, days } = sooner;
    let what = match what {
        Deleted::LogFiles => "earlier logs",
        Deleted::OldVersions => "old versions of earlier logs",
    };
    let when = days.map_or_else(|| "at a time of its own".to_owned(), |days| format!("after {days} days"));
    let is_own = rule.id == OWN_RULE && days.is_some_and(|days| days >= OWN_RULE_DAYS_MIN);
    let message = format!(
        "the lifecycle rule {:?} deletes {what} {when}, sooner than `bucket.lifecycle` says: nothing keeps them longer",
        rule.id
    );
    let help = "orgtrail changes nothing there: change the rule by hand, or copy the logs while they are there";
    let harm = if is_own { Harm::Harmless } else { Harm::LogsLost };
    Finding::new(harm, at, "earlier-logs-expire", message, help)
}

fn of_place(place: &EarlierPlace, wish: Option<&Bucket>, observed: &Estate) -> Vec<Finding> {
    let at = &place.bucket;
    match observed.sightings.get(at) {
        Some(Sighting::Present(resource)) => match resource.as_ref() {
            Resource::Bucket(bucket) => {
                let open = (!bucket.block_public_access).then(|| {
                    let message = "Block Public Access is not on where earlier logs lie".to_owned();
                    Finding::new(
                        Harm::LessProtected,
                        at,
                        "earlier-bucket-unblocked",
                        message,
                        "switch all four settings on",
                    )
                });
                let shared = (bucket.object_ownership.as_deref() != Some("BucketOwnerEnforced")).then(|| {
                    let message = "access control lists can open the earlier logs".to_owned();
                    let help = "set the bucket's object ownership to BucketOwnerEnforced";
                    Finding::new(Harm::LessProtected, at, "earlier-bucket-has-acls", message, help)
                });
                let unversioned = (!bucket.versioning).then(|| {
                    let message =
                        "versioning is off where earlier logs lie: what is overwritten or deleted is gone".to_owned();
                    let help = "switch the bucket's versioning on";
                    Finding::new(Harm::LessProtected, at, "earlier-bucket-unversioned", message, help)
                });
                let expiring = wish.and_then(|wish| deletes_sooner(wish, bucket)).map(|sooner| expires(at, &sooner));
                open.into_iter().chain(shared).chain(unversioned).chain(expiring).collect()
            }
            _ => Vec::new(),
        },
        Some(Sighting::Absent) => {
            let message = "the bucket with earlier logs is not there".to_owned();
            let help = "take it out of `earlier`, if its logs are not needed";
            vec![Finding::new(Harm::LogsLost, at, "earlier-bucket-gone", message, help)]
        }
        Some(Sighting::Unreadable(_)) | None => Vec::new(),
    }
}

/// Returns what keeps us from knowing how the places of earlier logs are.
pub(super) fn unknown(desired: &Desired, observed: &Estate) -> Vec<Problem> {
    let places = desired.past.places.iter().map(|place| &place.bucket);
    let problem = |address: &Address| match observed.sightings.get(address) {
        Some(Sighting::Unreadable(problem)) => Some(problem.clone()),
        Some(Sighting::Present(_) | Sighting::Absent) => None,
        None => Some(diff::not_looked_at(address)),
    };
    places.filter_map(problem).collect()
}

/// Returns the buckets, their policies and the keys that this deployment made and that nothing wants any more.
pub(super) fn leftovers(desired: &Desired, observed: &Estate) -> Vec<Leftover> {
    let ours = |resource: &Resource| resource.deployment() == Some(desired.deployment.as_str());
    let is_lake = |address: &Address| {
        let bucket = address.with_kind(Kind::Bucket);
        desired.is_lake(&bucket) || desired.past.lakes.contains(&bucket)
    };
    let unwanted =
        observed.resources().filter(|(address, _)| !desired.wanted.contains_key(*address) && !is_lake(address));
    let left = unwanted.filter_map(|(address, resource)| {
        let is_needed = match resource {
            Resource::Bucket(_) if ours(resource) => desired.past.places.iter().any(|place| place.bucket == *address),
            Resource::BucketPolicy(_) => {
                observed.resource(&address.with_kind(Kind::Bucket)).filter(|bucket| ours(bucket))?;
                desired.past.places.iter().any(|place| place.bucket == address.with_kind(Kind::Bucket))
            }
            Resource::Key(key) if ours(resource) => key.arn.as_ref().is_some_and(|arn| needs_key(desired, arn)),
            _ => return None,
        };
        let how = match (is_needed, address.kind) {
            (true, Kind::Key) => "decrypts earlier logs; orgtrail never deletes it",
            (true, _) => "holds earlier logs until they are given up with --give-up; orgtrail never deletes it",
            (false, _) => "nothing of today needs it and nothing watches it; orgtrail never deletes it",
        };
        Some(Leftover { address: address.clone(), until: None, how: how.to_owned() })
    });
    left.collect()
}

/// Returns what a move cannot do, and why a place cannot be given up yet.
pub(super) fn blockers(desired: &Desired, observed: &Estate, options: &PlanOptions) -> Vec<Problem> {
    let buckets = desired.wanted.keys().filter(|address| address.kind == Kind::Bucket);
    let taken = buckets.filter_map(|bucket| taken_bucket(observed, bucket, desired.is_lake(bucket)));
    let trails = desired.wanted.iter().filter_map(|(address, wanted)| match &wanted.resource {
        Resource::Trail(trail) => taken_trail(observed, address, trail),
        _ => None,
    });
    taken.chain(trails).chain(options.give_up.iter().filter_map(|name| not_given_up(desired, observed, name))).collect()
}

fn blocker(at: &Address, code: &str, message: String, help: String) -> Problem {
    Problem {
        account: at.account.clone(),
        address: Some(at.clone()),
        stage: Stage::Plan,
        code: code.into(),
        message,
        help,
    }
}

/// A bucket's name is taken in its whole partition (Amazon S3 user guide, "General purpose bucket naming rules").
fn taken_bucket(observed: &Estate, wanted: &Address, taken_by_lake: bool) -> Option<Problem> {
    let same_name =
        |address: &&Address| address.kind == Kind::Bucket && address.name == wanted.name && *address != wanted;
    let mut others = observed.resources().map(|(address, _)| address).filter(same_name);
    let other = others.next().filter(|_| observed.resource(wanted).is_none())?;
    let message = format!("the bucket name {} is taken by {other}", wanted.name);
    let help = match taken_by_lake {
        true => "a bucket cannot be moved: name another one in `lake.place`, and build the lake again there",
        false => "a bucket cannot be moved: write another `bucket.name`; the logs in the old bucket stay readable",
    };
    Some(blocker(wanted, BUCKET_TAKEN, message, help.to_owned()))
}

/// The name of a trail of all regions is taken in each of them (CloudTrail API, `TrailAlreadyExistsException`).
fn taken_trail(observed: &Estate, wanted: &Address, wish: &Trail) -> Option<Problem> {
    if observed.resource(wanted).is_some() {
        return None;
    }
    let mut others = observed.resources().filter(|(address, resource)| {
        let elsewhere =
            address.account == wanted.account && address.name == wanted.name && address.region != wanted.region;
        matches!(resource, Resource::Trail(trail) if elsewhere && (trail.multi_region || wish.multi_region))
    });
    let (other, _) = others.next()?;
    let message = format!("the trail name {} is taken by {other}", wanted.name);
    let help =
        "a trail cannot be moved: write another name under `trails`; the old trail goes on until --destroy".to_owned();
    Some(blocker(wanted, TRAIL_TAKEN, message, help))
}

/// A place is given up once what takes its place was seen to work.
fn not_given_up(desired: &Desired, observed: &Estate, name: &str) -> Option<Problem> {
    let bucket = desired.log_bucket()?;
    let problem = |message: String, help: &str| Some(blocker(bucket, NOT_GIVEN_UP, message, help.to_owned()));
    if desired.past.places.iter().any(|place| place.is_configured && place.bucket.name == name) {
        return problem(format!("{name} is named under `earlier`"), "take it out of the configuration");
    }
    if !desired.past.given_up.contains(name) {
        return problem(
            format!("no place of earlier logs and no earlier lake is called {name}"),
            "`orgtrail plan` lists them",
        );
    }
    // Nothing is delivered to a lake.
    if desired.past.lakes_given_up.contains(name) {
        return None;
    }
    let silent =
        desired.wanted.iter().find_map(|(address, wanted)| match (&wanted.resource, observed.resource(address)) {
            (Resource::Trail(wish), Some(Resource::Trail(seen))) => (!delivers(wish, seen)).then_some(address),
            (Resource::Trail(_), _) => Some(address),
            _ => None,
        })?;
    let message = format!("{silent} was not yet seen to deliver to the new place");
    problem(message, "run `orgtrail apply` without --give-up, and wait until a log file has arrived there")
}

/// What was delivered before the trail was changed says nothing: where it was looked, a file lies below the new prefix.
fn delivers(wish: &Trail, seen: &Trail) -> bool {
    let delivery = seen.delivery.as_ref();
    let arrived = delivery.is_some_and(|delivery| {
        delivery.latest_time.is_some() && delivery.latest_error.is_none() && delivery.arrived != Some(false)
    });
    seen.bucket == wish.bucket && seen.prefix == wish.prefix && arrived
}
