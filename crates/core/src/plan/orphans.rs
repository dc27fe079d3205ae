//! What is ours and no longer wanted: the readers of accounts that left the selection, earlier trails with what woke
//! the daemon for them, and a guard that was switched off.
//!
//! Readers are kept for a while, because an account may come back: a role bears the day on which a run first saw that
//! its account had left, and is due some days later. Trails are retired only where a person names them, and only after
//! what takes over ([`handover`](super::handover)); the rule and the role that watched them go with the last of an
//! account. Buckets, keys, topics and groups are never removed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use jiff::civil::Date;

use super::change::{Action, Change, Risk, Step};
use super::finding::Harm;
use super::{Leftover, PlanOptions, diff, handover};
use crate::estate::{
    ACCOUNT_TAG, Address, DATE_OF_RUN, Desired, Estate, Kind, LEFT_TAG, Problem, Resource, Role, Sighting, wake_name,
};
use crate::organization::{AccountState, Organization};

/// What is done with leftovers.
#[derive(Default)]
pub(super) struct OrphanPlan {
    /// What this plan does with some of them.
    pub changes: Vec<Change>,
    /// What stays.
    pub kept: Vec<Leftover>,
}

/// When something may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Retention {
    /// At any time.
    Due,
    /// From a day on; its account left on another.
    From(Date, Date),
    /// Some days after the day that has still to be noted.
    Undated,
}

/// Sorts what this deployment has and no longer configures.
pub(super) fn sort(
    desired: &Desired,
    observed: &Estate,
    organization: &Organization,
    options: &PlanOptions,
) -> OrphanPlan {
    let mut sorted = OrphanPlan::default();
    let finder = Finder::new(desired, observed, organization, options);
    for (address, resource) in observed.resources() {
        if desired.wanted.contains_key(address) || resource.deployment() != Some(desired.deployment.as_str()) {
            continue;
        }
        if desired.past.is_reader(address) && finder.is_selected(resource) {
            let how = "reads earlier logs in that account, until they are given up with --give-up".to_owned();
            sorted.kept.push(Leftover { address: address.clone(), until: None, how });
        } else if let Resource::Trail(trail) = resource {
            if options.names(address, desired) {
                sorted.changes.push(handover::retire(desired, address, trail, organization));
            } else {
                sorted.kept.push(handover::kept(desired, address, trail));
            }
        } else if let Some(fate) = finder.fate(address, resource) {
            finder.sort(address, resource, fate, options, &mut sorted);
        }
    }
    finder.put_in_order(&mut sorted.changes);
    sorted.kept.extend(handover::unreadable(desired, observed));
    sorted
}

struct Finder<'a> {
    desired: &'a Desired,
    organization: &'a Organization,
    selected: BTreeSet<&'a str>,
    /// What becomes of the reader roles, by the account that they read for.
    roles: BTreeMap<&'a str, Retention>,
    /// The earlier trails, each with whether a person named it to be destroyed.
    earlier: Vec<(&'a Address, bool)>,
    /// The accounts whose member policy could not be read.
    unread_policies: BTreeSet<&'a str>,
}

impl<'a> Finder<'a> {
    fn new(desired: &'a Desired, observed: &'a Estate, organization: &'a Organization, options: &PlanOptions) -> Self {
        // Every selected account has its member policy, however it reads.
        let policies = desired.wanted.keys().filter(|address| address.kind == Kind::Policy);
        let selected = policies.map(|address| address.account.as_str()).collect();
        let earlier = observed.resources().filter(|(address, resource)| {
            let is_ours = || resource.deployment() == Some(desired.deployment.as_str());
            address.kind == Kind::Trail && is_ours() && !desired.wanted.contains_key(address)
        });
        let earlier = earlier.map(|(address, _)| (address, options.names(address, desired))).collect();
        let unread = observed
            .sightings
            .iter()
            .filter(|(address, sighting)| address.kind == Kind::Policy && matches!(sighting, Sighting::Unreadable(_)));
        let unread_policies = unread.map(|(address, _)| address.account.as_str()).collect();
        let roles = BTreeMap::new();
        let mut finder = Self { desired, organization, selected, roles, earlier, unread_policies };
        let roles = observed.resources().filter_map(|(address, resource)| match resource {
            Resource::Role(role) if !desired.wanted.contains_key(address) => {
                Some((role.tags.get(ACCOUNT_TAG)?.as_str(), role))
            }
            _ => None,
        });
        finder.roles = roles.map(|(account, role)| (account, finder.fate_of_role(account, role))).collect();
        finder
    }

    fn is_selected(&self, resource: &Resource) -> bool {
        matches!(resource, Resource::Role(role) if role.tags.get(ACCOUNT_TAG).is_some_and(|it| self.selected.contains(it.as_str())))
    }

    /// Returns what becomes of a reader role, a member policy, a guard or what woke the daemon; nothing where it is
    /// none of them, or its account is new.
    fn fate(&self, address: &Address, resource: &Resource) -> Option<Retention> {
        if self.is_wake_rule(address) {
            return Some(Retention::Due);
        }
        let account = match resource {
            Resource::Role(role) => role.tags.get(ACCOUNT_TAG)?.as_str(),
            Resource::Policy(_) => address.account.as_str(),
            Resource::ServiceControlPolicy(_) => return Some(Retention::Due),
            _ => return None,
        };
        let state = self.organization.accounts.get(account).map(|account| account.state);
        if state == Some(AccountState::PendingActivation) {
            return None;
        }
        match resource {
            Resource::Role(role) => Some(self.fate_of_role(account, role)),
            // It opens nothing without the role.
            _ => Some(self.roles.get(account).copied().unwrap_or(Retention::Due)),
        }
    }

    /// Tells whether the policy of a reader role's account could not be read although the account is active: without
    /// the role nobody would find it again.
    fn has_unread_policy(&self, resource: &Resource) -> bool {
        let Resource::Role(role) = resource else { return false };
        let Some(account) = role.tags.get(ACCOUNT_TAG) else { return false };
        let is_active = self.organization.accounts.get(account.as_str()).is_some_and(|found| found.state.is_active());
        is_active && self.unread_policies.contains(account.as_str())
    }

    /// The role in the log account may still be some rule's there that nobody looks for.
    fn is_wake_rule(&self, address: &Address) -> bool {
        let is_kind =
            address.kind == Kind::Rule || (address.kind == Kind::Role && address.account != self.desired.log_account);
        is_kind && address.name == wake_name(&self.desired.deployment)
    }

    /// Tells whether all trails are destroyed that a rule or a role watched: those of its region, or, where there are
    /// none, those of the account.
    fn watches_nothing_more(&self, waker: &Address) -> bool {
        let of_account = || self.earlier.iter().filter(|(trail, _)| trail.account == waker.account);
        let here: Vec<bool> = of_account().filter(|(t, _)| t.region == waker.region).map(|(_, named)| *named).collect();
        let watched = if here.is_empty() { of_account().map(|(_, named)| *named).collect() } else { here };
        !watched.is_empty() && watched.iter().all(|named| *named)
    }

    fn fate_of_role(&self, account: &str, role: &Role) -> Retention {
        let days = self.desired.keep_readers_days;
        if days == 0 || self.selected.contains(account) {
            return Retention::Due;
        }
        let left: Option<Date> = role.tags.get(LEFT_TAG).and_then(|text| text.parse().ok());
        let due = left.and_then(|left| Some((left.checked_add(i64::from(days).days()).ok()?, left)));
        due.map_or(Retention::Undated, |(due, left)| Retention::From(due, left))
    }

    fn sort(
        &self,
        address: &Address,
        resource: &Resource,
        fate: Retention,
        options: &PlanOptions,
        sorted: &mut OrphanPlan,
    ) {
        let is_due = match fate {
            Retention::Due => true,
            Retention::From(due, _) => options.today.is_some_and(|today| today >= due),
            Retention::Undated => false,
        };
        let goes = options.prune || (self.is_wake_rule(address) && self.watches_nothing_more(address));
        if goes && is_due && self.has_unread_policy(resource) {
            let how =
                "removed with --prune once its account can be entered and its member policy is removed".to_owned();
            sorted.kept.push(Leftover { address: address.clone(), until: None, how });
            return;
        }
        if goes && is_due {
            sorted.changes.push(self.retire(address, resource));
            return;
        }
        if let (Retention::Undated, Resource::Role(role)) = (fate, resource) {
            sorted.changes.extend(note(address, role));
        }
        let (until, how) = match fate {
            Retention::Due => (None, "removed with --prune".to_owned()),
            Retention::From(due, left) => {
                (Some(due), format!("kept until {due}, its account left on {left}; then removed with --prune"))
            }
            Retention::Undated => {
                let days = self.desired.keep_readers_days;
                (None, format!("its account left; kept for {days} days from the day that apply notes"))
            }
        };
        sorted.kept.push(Leftover { address: address.clone(), until, how });
    }

    /// Has what watched a trail wait for its end, and a role for the rules that send with it; and a reader role for the
    /// policy of its account, which is found by the role.
    fn put_in_order(&self, changes: &mut [Change]) {
        let removed: Vec<Address> =
            changes.iter().filter(|c| c.action() == Action::Retire).map(|c| c.address.clone()).collect();
        let policies = removed.iter().filter(|address| address.kind == Kind::Policy);
        let policies: BTreeMap<&str, &Address> = policies.map(|policy| (policy.account.as_str(), policy)).collect();
        for change in changes.iter_mut().filter(|change| change.action() == Action::Retire) {
            if let Some(Resource::Role(role)) = change.observed()
                && let Some(account) = role.tags.get(ACCOUNT_TAG)
            {
                change.depends_on.extend(policies.get(account.as_str()).map(|policy| (*policy).clone()));
            }
        }
        for change in changes.iter_mut().filter(|change| self.is_wake_rule(&change.address)) {
            let before = |kind| kind == Kind::Trail || (kind == Kind::Rule && change.address.kind == Kind::Role);
            let needs = removed.iter().filter(|other| other.account == change.address.account && before(other.kind));
            change.depends_on = needs.cloned().collect();
        }
    }

    /// Makes the change that removes a reader, a guard or what woke the daemon.
    fn retire(&self, address: &Address, resource: &Resource) -> Change {
        let destroys = BTreeSet::from([Risk::Destroys]);
        let (reason, risk) = match address.kind {
            _ if self.is_wake_rule(address) => ("reconcile.wake_queue", destroys),
            Kind::Role => ("readers.role", destroys),
            Kind::ServiceControlPolicy => {
                ("guard.service_control_policy", BTreeSet::from([Risk::Destroys, Risk::Weakens]))
            }
            _ => ("readers.member_policy", destroys),
        };
        Change {
            address: address.clone(),
            operator: address.account.clone(),
            step: Step::Retire { observed: resource.clone() },
            risk,
            harm: Harm::Harmless,
            reason: reason.to_owned(),
            depends_on: Vec::new(),
        }
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

/// Makes the change that notes on a role the day on which its account was first seen to have left; none where the note
/// is there.
fn note(address: &Address, role: &Role) -> Option<Change> {
    let mut noted = role.clone();
    noted.tags.insert(LEFT_TAG.to_owned(), DATE_OF_RUN.to_owned());
    let (desired, observed) = (Resource::from(noted), Resource::from(role.clone()));
    let fields = diff::differences(&desired, &observed, &Default::default());
    Some(Change {
        address: address.clone(),
        operator: address.account.clone(),
        step: Step::update(desired, observed, fields)?,
        risk: BTreeSet::from([Risk::Safe]),
        harm: Harm::Harmless,
        reason: "readers.keep_days".to_owned(),
        depends_on: Vec::new(),
    })
}
