//! How long logs are kept and how soon they are archived: what a change of the bucket means for that, and what stands
//! against it.

use std::collections::BTreeSet;

use super::change::{Change, Risk};
use super::finding::{Finding, Harm};
use crate::estate::bucket::{LifecycleRule, needs_restore};
use crate::estate::{Bucket, Resource};

/// Within so many days logs are read again and again: by members, queries, `verify` and detections.
const DAYS_OF_READING: u32 = 90;

/// Tells whether log files, or their old versions, will be deleted sooner than now.
pub(super) fn deletes_sooner(wish: &Bucket, seen: &Bucket) -> bool {
    let current = |rule: &LifecycleRule| rule.expire_after_days;
    let old = |rule: &LifecycleRule| rule.expire_noncurrent_after_days;
    is_sooner(soonest(wish, current), soonest(seen, current)) || is_sooner(soonest(wish, old), soonest(seen, old))
}

/// Returns what it means that logs will be moved sooner than now to a class in which nobody reads them before they are
/// restored: that takes hours and costs money. For logs of few days it is all the more so.
pub(super) fn archived_sooner(wish: &Bucket, seen: &Bucket) -> BTreeSet<Risk> {
    let (wish, seen) = (soonest(wish, unread_after), soonest(seen, unread_after));
    match wish.filter(|_| is_sooner(wish, seen)) {
        None => BTreeSet::new(),
        Some(days) if days < DAYS_OF_READING => BTreeSet::from([Risk::Weakens, Risk::Costs]),
        Some(_) => BTreeSet::from([Risk::Weakens]),
    }
}

/// Leaves the lifecycle of a bucket alone that needs multi-factor authentication for deleting: S3 takes no lifecycle
/// for such a bucket (Amazon S3 user guide, "Lifecycle and other bucket configurations").
pub(super) fn spare_mfa_delete(changes: &mut Vec<Change>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut left = Vec::with_capacity(changes.len());
    for mut change in std::mem::take(changes) {
        let Some(kept) = kept_lifecycle(&change) else {
            left.push(change);
            continue;
        };
        if let Some(Resource::Bucket(wish)) = change.desired_mut() {
            wish.lifecycle = kept;
        }
        findings.push(Finding::new(
            Harm::LessProtected,
            &change.address,
            "mfa-delete-refuses-lifecycle",
            "`bucket.lifecycle` of the configuration cannot be had: deleting from this bucket needs multi-factor \
             authentication (MFA delete), and S3 refuses every lifecycle of such a bucket (InvalidBucketState); it stays as it is",
            "leave `bucket.lifecycle` out of the configuration, or have the root user of the account switch MFA delete off",
        ));
        left.extend(change.without_field("lifecycle"));
    }
    *changes = left;
    findings
}

/// Returns the lifecycle that a bucket keeps whatever is desired; none where the change does not touch it or S3 would
/// take it.
fn kept_lifecycle(change: &Change) -> Option<Vec<LifecycleRule>> {
    match (change.desired(), change.observed()) {
        (Some(Resource::Bucket(_)), Some(Resource::Bucket(seen))) if seen.mfa_delete == Some(true) => {
            change.fields().iter().any(|field| field.path == "lifecycle").then(|| seen.lifecycle.clone())
        }
        _ => None,
    }
}

/// Says what the lifecycles of changed buckets mean, where a person would not expect it.
pub(super) fn remarks(changes: &[Change]) -> Vec<Finding> {
    let buckets = changes.iter().filter(|change| change.touches("lifecycle"));
    let remarks = buckets.flat_map(|change| match (change.desired(), change.observed()) {
        (Some(Resource::Bucket(wish)), seen) => {
            let seen = match seen {
                Some(Resource::Bucket(seen)) => Some(seen),
                _ => None,
            };
            let said = [restored(wish, seen), small_objects(wish), locked(wish, seen)];
            said.into_iter()
                .flatten()
                .map(|(code, message, help)| Finding::new(Harm::Harmless, &change.address, code, message, help))
                .collect()
        }
        _ => Vec::new(),
    });
    remarks.collect()
}

type Said = (&'static str, String, &'static str);

fn restored(wish: &Bucket, seen: Option<&Bucket>) -> Option<Said> {
    let days = soonest(wish, unread_after)?;
    if !is_sooner(Some(days), seen.and_then(|seen| soonest(seen, unread_after))) {
        return None;
    }
    let message = format!(
        "after {days} days no member, no query and no `orgtrail verify` can read a log that was moved, until it is \
         restored: that takes hours and costs money"
    );
    Some(("archived-logs-must-be-restored", message, "GLACIER_IR is read at once and costs little more"))
}

/// Amazon S3 user guide, "Transitioning objects using Amazon S3 Lifecycle": objects smaller than 128 KB are not moved
/// by default; 40 KB of overhead for each object in GLACIER and DEEP_ARCHIVE, 128 KB billed at least in the IR and IA
/// classes.
fn small_objects(wish: &Bucket) -> Option<Said> {
    let classes: BTreeSet<&str> =
        enabled(wish).flat_map(|rule| &rule.transitions).map(|(_, class)| class.as_str()).collect();
    if classes.is_empty() {
        return None;
    }
    let message = "most log files are small, and S3 does not move objects under 128 KB by default: they stay where \
                   they are. If they are made to move, each pays a request, and 40 KB of overhead (GLACIER, DEEP_ARCHIVE) or \
                   the price of 128 KB (GLACIER_IR, STANDARD_IA, ONEZONE_IA), which is often more than it saves";
    Some(("small-objects-stay", message.to_owned(), "look at the sizes of your log files before you count on savings"))
}

fn locked(wish: &Bucket, seen: Option<&Bucket>) -> Option<Said> {
    let lock = wish.object_lock.as_ref().or(seen?.object_lock.as_ref())?;
    let days = soonest(wish, |rule| rule.expire_after_days).filter(|days| *days < lock.days)?;
    let message = format!(
        "logs are hidden after {days} days, but locked for {}: they are paid for and cannot be read",
        lock.days
    );
    Some(("lock-outlasts-expiry", message, "write bucket.lifecycle.expire_after_days no shorter than the lock"))
}

fn unread_after(rule: &LifecycleRule) -> Option<u32> {
    rule.transitions.iter().filter(|(_, class)| needs_restore(class)).map(|(days, _)| *days).min()
}

fn enabled(bucket: &Bucket) -> impl Iterator<Item = &LifecycleRule> {
    bucket.lifecycle.iter().filter(|rule| rule.enabled)
}

fn soonest(bucket: &Bucket, days: impl Fn(&LifecycleRule) -> Option<u32>) -> Option<u32> {
    enabled(bucket).filter_map(days).min()
}

/// What never happens now happens sooner.
fn is_sooner(wish: Option<u32>, seen: Option<u32>) -> bool {
    wish.is_some_and(|days| seen.is_none_or(|now| days < now))
}
