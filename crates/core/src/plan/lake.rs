//! The lake's bucket, where no change of the plan says enough: one that somebody else keeps, and one that is gone.

use super::diff;
use super::finding::{Finding, Harm};
use crate::estate::bucket::LifecycleRule;
use crate::estate::{Address, Bucket, Desired, Estate, LakeNote, LakeTerms, Problem, Resource, Sighting};

/// The words for a bucket that is opened beside its policy.
pub(super) struct Told {
    /// The code of one that does not block public access.
    pub unblocked: &'static str,
    /// The code of one with access control lists.
    pub has_acls: &'static str,
    /// What lies there, as the end of a sentence with "where".
    pub what: &'static str,
}

const TOLD: Told = Told {
    unblocked: "lake-bucket-unblocked",
    has_acls: "lake-bucket-has-acls",
    what: "the lake lies, which has the events of all accounts",
};

/// Returns what is wrong with the bucket. Who can read it is proved with isolation.
pub(super) fn findings(desired: &Desired, observed: &Estate) -> Vec<Finding> {
    let Some(lake @ LakeTerms { bucket: at, .. }) = desired.existing_lake() else {
        return gone(desired, observed).into_iter().collect();
    };
    match observed.sightings.get(at) {
        Some(Sighting::Present(resource)) => match resource.as_ref() {
            Resource::Bucket(bucket) => openings(at, bucket, &TOLD)
                .into_iter()
                .chain(losses(lake, bucket))
                .chain(unversioned(at, bucket))
                .collect(),
            _ => Vec::new(),
        },
        Some(Sighting::Absent) => {
            let message = "the bucket of the lake is not there, so that no lake can be kept; one that was there is \
                           lost, with all events whose log files are deleted already";
            let help = "make it, or take `bucket: existing` out of `lake`, and `orgtrail apply` makes it";
            vec![Finding::new(Harm::LessProtected, at, "lake-bucket-absent", message, help)]
        }
        Some(Sighting::Unreadable(_)) | None => Vec::new(),
    }
}

/// Returns what opens a bucket beside its policy.
pub(super) fn openings(at: &Address, bucket: &Bucket, told: &Told) -> Vec<Finding> {
    let what = told.what;
    let find = |code, message: String, help| Finding::new(Harm::LessProtected, at, code, message, help);
    let unblocked = (!bucket.block_public_access).then(|| {
        let message = format!("Block Public Access is not on where {what}");
        find(told.unblocked, message, "switch all four settings on")
    });
    let enforced = bucket.object_ownership.as_deref() == Some("BucketOwnerEnforced");
    let shared = (!enforced).then(|| {
        let message = format!("access control lists can open the bucket where {what}");
        find(told.has_acls, message, "set the bucket's object ownership to BucketOwnerEnforced")
    });
    unblocked.into_iter().chain(shared).collect()
}

/// Returns the rules that delete what lies in the lake: events whose log files are deleted already, it alone has.
fn losses(lake: &LakeTerms, bucket: &Bucket) -> Vec<Finding> {
    let rules = bucket.lifecycle.iter().filter(|rule| deletes_in(rule, &lake.folder));
    let finding = |rule: &LifecycleRule| {
        let when = match rule.expire_after_days {
            Some(days) => format!("{days} days after they were written"),
            None => "at a time of its own".to_owned(),
        };
        let message = format!(
            "the lifecycle rule {:?} deletes files of the lake {when}: events whose log files are deleted already are \
             lost with them",
            rule.id
        );
        let help = "have it spare what lies below the prefix of `lake.place`, then let `orgtrail lake update` fill what \
                is missing";
        Finding::new(Harm::LogsLost, &lake.bucket, "lake-bucket-expires", message, help)
    };
    rules.map(finding).collect()
}

/// A rule with a filter that is not modelled may concern the lake. Old versions are nobody's: a slot is replaced often.
fn deletes_in(rule: &LifecycleRule, folder: &str) -> bool {
    let meets = rule.prefix.starts_with(folder) || folder.starts_with(&rule.prefix);
    let on_a_date = rule.other.as_deref().is_some_and(|other| other.contains("expiration"));
    rule.enabled && meets && (rule.expire_after_days.is_some() || on_a_date)
}

fn unversioned(at: &Address, bucket: &Bucket) -> Option<Finding> {
    let message = "versioning is off where the lake lies: what a wrong or hostile write replaces is gone";
    let help = "switch the bucket's versioning on, with a rule that removes old versions after some days";
    (!bucket.versioning).then(|| Finding::new(Harm::Harmless, at, "lake-bucket-unversioned", message, help))
}

/// Says what is lost with a lake that orgtrail kept. That it was there, the log bucket remembers.
fn gone(desired: &Desired, observed: &Estate) -> Option<Finding> {
    let at = &desired.managed_lake()?.bucket;
    let log_bucket = desired.log_bucket()?;
    let Resource::Bucket(logs) = observed.resource(log_bucket)? else { return None };
    let was_there = LakeNote::all(&logs.tags).any(|note| note == LakeNote::At(at.clone()));
    if !was_there || !matches!(observed.sightings.get(at), Some(Sighting::Absent)) {
        return None;
    }
    let wish = desired.wanted.get(log_bucket).map(|wanted| &wanted.resource);
    let days = match wish {
        Some(Resource::Bucket(wish)) => wish.lifecycle.iter().filter_map(|rule| rule.expire_after_days).min(),
        _ => None,
    };
    let (harm, lost) = match days {
        Some(days) => (
            Harm::LessProtected,
            format!("events older than {days} days, whose log files `bucket.lifecycle` has deleted, are lost with it"),
        ),
        None => (Harm::Harmless, "the log files that are there fill it again".to_owned()),
    };
    let message = format!("the bucket of the lake is gone, which the log bucket remembers: {lost}");
    let help = "see who deleted it with `orgtrail drift --who`; `orgtrail apply` makes an empty one, and `orgtrail lake \
                update` fills it from the log files that are left";
    Some(Finding::new(harm, at, "lake-bucket-gone", message, help))
}

/// Returns what keeps us from knowing how the bucket is.
pub(super) fn unknown(desired: &Desired, observed: &Estate) -> Option<Problem> {
    let LakeTerms { bucket, .. } = desired.existing_lake()?;
    match observed.sightings.get(bucket) {
        Some(Sighting::Unreadable(problem)) => Some(problem.clone()),
        None => Some(diff::not_looked_at(bucket)),
        Some(Sighting::Present(_) | Sighting::Absent) => None,
    }
}

#[cfg(test)]
mod tests;
