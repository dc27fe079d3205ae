//! The path of a role: what records say of it where an actor is asked for by the ARN of a role.
//!
//! The ARN of a session has the name of its role without the path (IAM user guide, "IAM identifiers"); the issuer of
//! the session and the call that began it have the whole ARN. Names are unique in an account whatever the path is, so
//! that a role of the same name with another path is one of another time, or was not what the person meant.

use std::collections::BTreeSet;

use super::actor_query::ActorQuery;
use super::tally::SeenEvents;
use crate::event::{Actor, Record};

/// How many ARNs of roles of the same name are kept.
const OTHERS_MAX: usize = 10;

/// What records say of the path of a role that is asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct RolePaths {
    /// The ARN that is asked for. `None`: no role is.
    asked: Option<String>,
    seen: SeenEvents,
    unsaid: u64,
    others: BTreeSet<String>,
}

impl RolePaths {
    /// Begins.
    pub(super) fn of(query: &ActorQuery) -> Self {
        let asked = match query {
            ActorQuery::Role(arn) => Some(arn.clone()),
            _ => None,
        };
        Self { asked, ..Self::default() }
    }

    /// Takes one record, whoever called.
    pub(super) fn add(&mut self, record: &Record<'_>) {
        let Some(asked) = &self.asked else { return };
        let actor = Actor::of(record);
        if ActorQuery::is_of_unsaid_path(asked, &actor) {
            self.unsaid += u64::from(self.seen.is_new(record));
        } else if let Some(role) = &actor.role {
            self.add_named(role);
        }
    }

    /// Takes the ARN of a role that a record names as the one that was assumed, and tells whether it may be the one
    /// that is asked for.
    pub(super) fn may_be(&mut self, role: &str) -> bool {
        !self.add_named(role)
    }

    /// Tells whether an ARN is that of a role of the same name with another path.
    fn add_named(&mut self, role: &str) -> bool {
        let Some(asked) = &self.asked else { return false };
        let is_other = is_namesake(asked, role);
        if is_other && self.others.len() < OTHERS_MAX {
            self.others.insert(role.to_owned());
        }
        is_other
    }

    /// Returns how many records name the role without its path, each event once.
    pub(super) fn unsaid(&self) -> u64 {
        self.unsaid
    }

    /// Returns the ARNs of roles of the same name with another path.
    pub(super) fn others(self) -> BTreeSet<String> {
        self.others
    }
}

/// Tells whether two ARNs are of roles, or of two things of another type of IAM, of one name in one account, with
/// different paths. Capitals do not make another name.
pub(super) fn is_namesake(asked: &str, other: &str) -> bool {
    let parts = |arn: &str| {
        let (kind, path) = arn.split_once('/')?;
        let is_iam = arn.split(':').nth(2) == Some("iam");
        Some((kind.to_owned(), path.rsplit('/').next()?.to_ascii_lowercase())).filter(|_| is_iam)
    };
    let same = parts(asked).zip(parts(other)).is_some_and(|(a, b)| a == b);
    same && !asked.eq_ignore_ascii_case(other)
}

/// Tells whether an ARN of IAM has a path beside the name.
pub(super) fn has_path(arn: &str) -> bool {
    arn.split(':').nth(2) == Some("iam") && arn.matches('/').count() > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namesake_has_the_same_name_in_the_same_account_and_another_path() {
        let own = "arn:aws:iam::1:role/a/x";
        for other in ["arn:aws:iam::1:role/b/x", "arn:aws:iam::1:role/x", "arn:aws:iam::1:role/a/a/X"] {
            assert!(is_namesake(own, other) && is_namesake(other, own), "{other}");
        }
        for other in [own, "arn:aws:iam::1:role/a/X", "arn:aws:iam::2:role/b/x", "arn:aws:iam::1:role/b/y", "x", ""] {
            assert!(!is_namesake(own, other), "{other}");
        }
    }
}
