//! What a blocker stands against: mostly one resource or one account, seldom everything.
//!
//! A member that tags its own policy with another deployment's name, or has five trails of its own, is one account's
//! trouble: the rest is planned, applied and repaired. Only what says that the plan as a whole may be wrong stops the
//! whole plan.

use super::change::{Change, Step};
use super::{Plan, limits, past};
use crate::estate::{Address, Kind, Problem};

impl Plan {
    /// Returns what stands against doing any of it.
    pub fn blocks_all(&self) -> impl Iterator<Item = &Problem> {
        self.blockers.iter().filter(|blocker| is_global(blocker))
    }

    /// Returns what stands against one change: something global, or a blocker of its own.
    pub fn stands_against(&self, change: &Change) -> Option<&Problem> {
        self.blockers.iter().find(|blocker| is_global(blocker) || concerns(blocker, change))
    }
}

/// A name that is taken stops everything: what hangs on the bucket or the trail would be moved to a place that cannot
/// be made. So does a place that is not given up yet: readers, documents and tags would be led away from it.
fn is_global(blocker: &Problem) -> bool {
    let is_everywhere = [past::BUCKET_TAKEN, past::TRAIL_TAKEN, past::NOT_GIVEN_UP].contains(&blocker.code.as_str());
    is_everywhere || (blocker.address.is_none() && blocker.code != limits::EXCEEDED)
}

fn concerns(blocker: &Problem, change: &Change) -> bool {
    match &blocker.address {
        None => limits::concerns(blocker, change),
        Some(address) if address.kind == Kind::Trail && blocker.code != super::diff::OTHER_DEPLOYMENT => {
            // CloudTrail would refuse the trail as the archive's documents will be: none of them is written.
            *address == change.address || is_document_of_archive(change)
        }
        Some(address) => *address == change.address || owns(address, &change.address),
    }
}

fn is_document_of_archive(change: &Change) -> bool {
    matches!(change.address.kind, Kind::BucketPolicy | Kind::KeyPolicy | Kind::Topic)
}

/// A policy carries no tags: whose bucket or key it is of, his it is.
fn owns(owner: &Address, policy: &Address) -> bool {
    let kind = match owner.kind {
        Kind::Bucket => Kind::BucketPolicy,
        Kind::Key => Kind::KeyPolicy,
        _ => return false,
    };
    owner.with_kind(kind) == *policy
}

impl Change {
    /// Tells whether a resource is all that is wanted but for the tags that say whose it is: they were taken away, by
    /// hand. What depends on it need not wait until a person has decided to take it over again.
    pub fn lost_its_tag(&self) -> bool {
        matches!(&self.step, Step::Adopt { fields, .. } if !fields.is_empty() && fields.iter().all(|field| field.path == "tags"))
    }
}
