//! What is ours and no longer wanted: the readers of accounts that left the selection, earlier trails, and a guard that was
//! switched off.
//!
//! Readers are kept for a while, because an account may come back: a role bears the day on which a run first saw that its
//! account had left, and is due some days later. Trails are retired only where a person names them, and only after what
//! takes over ([`handover`](super::handover)). Buckets, keys, topics and groups are never removed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use jiff::civil::Date;

use super::change::{Action, Change, Risk};
use super::{Leftover, PlanOptions, diff, handover};
use crate::estate::{
    ACCOUNT_TAG, Address, DATE_OF_RUN, Desired, Estate, Kind, LEFT_TAG, Problem, Resource, Role, Sighting,
};
use crate::organization::{AccountState, Organization};

/// What is done with leftovers.
#[derive(Default)]
pub(super) struct Sorted {
    /// What this plan does with some of them.
    pub changes: Vec<Change>,
    /// What stays.
    pub kept: Vec<Leftover>,
}

/// When something may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// At any time.
    Due,
    /// From a day on; its account left on another.
    From(Date, Date),
    /// Some days after the day that has still to be noted.
    Undated,
}

/// Sorts what is ours and no longer wanted.
pub(super) fn sort(desired: &Desired, observed: &Estate, organization: &Organization, options: &PlanOptions) -> Sorted {
    let mut sorted = Sorted::default();
    let finder = Finder::new(desired, observed, organization);
    for (address, resource) in observed.resources() {
        if desired.wanted.contains_key(address) || resource.deployment() != Some(desired.deployment.as_str()) {
            continue;
        }
        if let Resource::Trail(trail) = resource {
            if options.names(address, desired) {
                sorted.changes.push(handover::retire(desired, address, trail, organization));
            } else {
                sorted.kept.push(handover::kept(desired, address, trail));
            }
        } else if let Some(fate) = finder.fate(address, resource) {
            finder.sort(address, resource, fate, options, &mut sorted);
        }
    }
    sorted.kept.extend(handover::unreadable(desired, observed));
    sorted
}

struct Finder<'a> {
    desired: &'a Desired,
    organization: &'a Organization,
    selected: BTreeSet<&'a str>,
    /// What becomes of the reader roles, by the account that they read for.
    roles: BTreeMap<&'a str, Fate>,
}

impl<'a> Finder<'a> {
    fn new(desired: &'a Desired, observed: &'a Estate, organization: &'a Organization) -> Self {
        // Every selected account has its member policy, however it reads.
        let policies = desired.wanted.keys().filter(|address| address.kind == Kind::Policy);
        let selected = policies.map(|address| address.account.as_str()).collect();
        let mut finder = Self { desired, organization, selected, roles: BTreeMap::new() };
        let roles = observed.resources().filter_map(|(address, resource)| match resource {
            Resource::Role(role) if !desired.wanted.contains_key(address) => {
                Some((role.tags.get(ACCOUNT_TAG)?.as_str(), role))
            }
            _ => None,
        });
        finder.roles = roles.map(|(account, role)| (account, finder.fate_of_role(account, role))).collect();
        finder
    }

    /// Returns what becomes of a reader role, a member policy or a guard; nothing where it is none of them, or its account is
    /// new.
    fn fate(&self, address: &Address, resource: &Resource) -> Option<Fate> {
        let account = match resource {
            Resource::Role(role) => role.tags.get(ACCOUNT_TAG)?.as_str(),
            Resource::Policy(_) => address.account.as_str(),
            Resource::ServiceControlPolicy(_) => return Some(Fate::Due),
            _ => return None,
        };
        let state = self.organization.accounts.get(account).map(|account| account.state);
        if state == Some(AccountState::PendingActivation) {
            return None;
        }
        match resource {
            Resource::Role(role) => Some(self.fate_of_role(account, role)),
            // It opens nothing without the role.
            _ => Some(self.roles.get(account).copied().unwrap_or(Fate::Due)),
        }
    }

    fn fate_of_role(&self, account: &str, role: &Role) -> Fate {
        let days = self.desired.keep_readers_days;
        if days == 0 || self.selected.contains(account) {
            return Fate::Due;
        }
        let left: Option<Date> = role.tags.get(LEFT_TAG).and_then(|text| text.parse().ok());
        let due = left.and_then(|left| Some((left.checked_add(i64::from(days).days()).ok()?, left)));
        due.map_or(Fate::Undated, |(due, left)| Fate::From(due, left))
    }

    fn sort(&self, address: &Address, resource: &Resource, fate: Fate, options: &PlanOptions, sorted: &mut Sorted) {
        let is_due = match fate {
            Fate::Due => true,
            Fate::From(due, _) => options.today.is_some_and(|today| today >= due),
            Fate::Undated => false,
        };
        if options.prune && is_due {
            sorted.changes.push(retire(address, resource));
            return;
        }
        if let (Fate::Undated, Resource::Role(role)) = (fate, resource) {
            sorted.changes.push(note(address, role));
        }
        let (until, how) = match fate {
            Fate::Due => (None, "removed with --prune".to_owned()),
            Fate::From(due, left) => {
                (Some(due), format!("kept until {due}, its account left on {left}; then removed with --prune"))
            }
            Fate::Undated => {
                let days = self.desired.keep_readers_days;
                (None, format!("its account left; kept for {days} days from the day that apply notes"))
            }
        };
        sorted.kept.push(Leftover { address: address.clone(), until, how });
    }
}

/// Returns what keeps us from knowing whether a guard that should go is still there, and what other trails record. Of
/// earlier trails that the documents let in, such as one in a suspended account, the leftovers tell.
pub(super) fn unknown(desired: &Desired, observed: &Estate) -> Vec<Problem> {
    let unwanted = observed.sightings.iter().filter(|(address, _)| !desired.wanted.contains_key(address));
    let let_in: BTreeSet<Address> = handover::unreadable(desired, observed).map(|left| left.address).collect();
    let asked = unwanted.filter(|(address, _)| match address.kind {
        Kind::ServiceControlPolicy => true,
        Kind::Trail => !let_in.contains(*address),
        _ => false,
    });
    let problem = |(_, sighting): (&Address, &Sighting)| match sighting {
        Sighting::Unreadable(problem) => Some(problem.clone()),
        Sighting::Present(_) | Sighting::Absent => None,
    };
    asked.filter_map(problem).collect()
}

/// Makes the change that removes a reader or a guard.
fn retire(address: &Address, resource: &Resource) -> Change {
    let (reason, risk) = match address.kind {
        Kind::Role => ("readers.role", BTreeSet::from([Risk::Destroys])),
        Kind::ServiceControlPolicy => ("guard.service_control_policy", BTreeSet::from([Risk::Destroys, Risk::Weakens])),
        _ => ("readers.member_policy", BTreeSet::from([Risk::Destroys])),
    };
    Change {
        address: address.clone(),
        operator: address.account.clone(),
        action: Action::Retire,
        risk,
        reason: reason.to_owned(),
        fields: Vec::new(),
        depends_on: Vec::new(),
        desired: None,
        observed: Some(resource.clone()),
    }
}

/// Makes the change that notes on a role the day on which its account was first seen to have left.
fn note(address: &Address, role: &Role) -> Change {
    let mut noted = role.clone();
    noted.tags.insert(LEFT_TAG.to_owned(), DATE_OF_RUN.to_owned());
    let (desired, observed) = (Resource::from(noted), Resource::from(role.clone()));
    Change {
        address: address.clone(),
        operator: address.account.clone(),
        action: Action::Update,
        risk: BTreeSet::from([Risk::Safe]),
        reason: "readers.keep_days".to_owned(),
        fields: diff::differences(&desired, Some(&observed), &Default::default()),
        depends_on: Vec::new(),
        desired: Some(desired),
        observed: Some(observed),
    }
}
