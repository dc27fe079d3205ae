//! How much of a plan one round may do by itself, and what waits for a person. Pure.
//!
//! A change is held for its own sake (its risk, somebody else's resource, a conflict, a paused account), for the sake
//! of a change that it depends on, or together with all others, when they are too many or the hour is wrong. None of
//! that holds what brings back a log or its protection: the [urgent](crate::plan::urgent) part of a change is made
//! whatever becomes of the rest.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::schema::{AllowedRisk, Percent};
use crate::estate::{Address, Problem};
use crate::ids::AccountId;
use crate::plan::urgent::rest;
use crate::plan::{Action, Change, Plan, Risk};

/// What a round may do.
#[derive(Debug, Clone)]
pub struct RoundLimits {
    /// Nothing at all: it only observes.
    pub observe: bool,
    /// The risks that need no person.
    pub risks: BTreeSet<Risk>,
    /// The share of the managed resources that may change.
    pub max_change: Percent,
    /// The hour is one in which changes may be made.
    pub window_open: bool,
    /// Accounts that keep failing and are left alone for a while.
    pub paused: BTreeSet<AccountId>,
    /// Addresses that another principal sets back each time and whose next try is not yet, with the sentence that says
    /// so.
    pub conflicts: BTreeMap<Address, String>,
    /// Addresses whose urgent part was set back so often that its next try waits for a moment.
    pub urgent_conflicts: BTreeSet<Address>,
    /// Operators whose accounts were read in this round. What is only remembered is no ground to change anything.
    pub fresh: BTreeSet<AccountId>,
}

/// Why a change waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HoldReason {
    /// The daemon only observes.
    Observing,
    /// Something stands against it, or against the whole plan.
    Blocked(Problem),
    /// It has this risk, which the configuration does not allow.
    Risk(Risk),
    /// orgtrail did not create the resource.
    Adoption,
    /// It removes something.
    Removal,
    /// Another principal sets it back each time; the sentence says who.
    Conflict(String),
    /// Its account is paused after failures.
    Paused,
    /// It depends on a change that waits.
    Depends(Address),
    /// The hour is wrong.
    Window,
    /// So many changes are planned, and no more than so many may be made in one round.
    TooMany {
        /// Changes that would be made.
        planned: usize,
        /// Changes that may be made.
        allowed: usize,
    },
    /// It stands on what is only remembered.
    NotFresh,
}

/// A change that waits.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldChange {
    /// The change.
    pub change: Change,
    /// Why.
    pub reason: HoldReason,
}

/// What a round does with a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The part that is applied now: with each change, all that it depends on.
    pub run: Plan,
    /// The rest.
    pub held: Vec<HeldChange>,
}

/// Returns the risks that the configuration allows.
pub fn risks(allowed: &[AllowedRisk]) -> BTreeSet<Risk> {
    let risk = |allowed: &AllowedRisk| match allowed {
        AllowedRisk::Safe => Risk::Safe,
        AllowedRisk::Weakens => Risk::Weakens,
        AllowedRisk::Interrupts => Risk::Interrupts,
        AllowedRisk::Destroys => Risk::Destroys,
        AllowedRisk::Costs => Risk::Costs,
    };
    allowed.iter().map(risk).collect()
}

/// Returns how many of `managed` resources one round may change: at least one.
pub fn changes_max(managed: usize, share: Percent) -> usize {
    (managed * usize::from(share.number())).div_ceil(100).max(1)
}

/// Divides a plan into what is done now and what waits.
pub fn decide(plan: &Plan, limits: &RoundLimits) -> Decision {
    let mut held: BTreeMap<Address, HoldReason> = BTreeMap::new();
    for change in &plan.changes {
        if let Some(why) = own_reason(change, plan, limits) {
            held.insert(change.address.clone(), why);
        }
    }
    hold_dependents(plan, &mut held);
    let left = plan.changes.iter().filter(|change| !held.contains_key(&change.address));
    let left: Vec<Address> = left.map(|change| change.address.clone()).collect();
    let allowed = changes_max(plan.unchanged + plan.changes.len(), limits.max_change);
    if left.len() > allowed {
        let why = HoldReason::TooMany { planned: left.len(), allowed };
        held.extend(left.into_iter().map(|address| (address, why.clone())));
    }
    divide(plan, &held, urgent(plan, limits))
}

/// Returns the parts that wait for nothing: all of what was looked at just now, in accounts that answer, unless the
/// configuration lets the daemon do nothing at all.
fn urgent(plan: &Plan, limits: &RoundLimits) -> Vec<Change> {
    let may = |part: &&Change| {
        !limits.observe
            && limits.risks.contains(&Risk::Safe)
            && limits.fresh.contains(&part.operator)
            && !limits.paused.contains(&part.operator)
            && !limits.urgent_conflicts.contains(&part.address)
    };
    plan.urgent.iter().filter(may).cloned().collect()
}

fn own_reason(change: &Change, plan: &Plan, limits: &RoundLimits) -> Option<HoldReason> {
    if limits.observe {
        return Some(HoldReason::Observing);
    }
    if let Some(blocker) = plan.stands_against(change) {
        return Some(HoldReason::Blocked(blocker.clone()));
    }
    match change.action() {
        Action::Adopt => return Some(HoldReason::Adoption),
        Action::Retire => return Some(HoldReason::Removal),
        Action::Create | Action::Update => {}
    }
    if let Some(risk) = change.risk.iter().find(|risk| !limits.risks.contains(risk)) {
        return Some(HoldReason::Risk(*risk));
    }
    if let Some(sentence) = limits.conflicts.get(&change.address) {
        return Some(HoldReason::Conflict(sentence.clone()));
    }
    if limits.paused.contains(&change.operator) {
        return Some(HoldReason::Paused);
    }
    if !limits.fresh.contains(&change.operator) {
        return Some(HoldReason::NotFresh);
    }
    (!limits.window_open).then_some(HoldReason::Window)
}

/// A change waits for those that it depends on. Each comes after all of them in the plan, so one pass is enough.
fn hold_dependents(plan: &Plan, held: &mut BTreeMap<Address, HoldReason>) {
    // What is there and right but for the tags that somebody took away holds nothing up, where the deployment is there.
    let is_there = |change: &Change| plan.unchanged > 0 && change.lost_its_tag();
    let there: BTreeSet<&Address> = plan.changes.iter().filter(|c| is_there(c)).map(|c| &c.address).collect();
    for change in &plan.changes {
        let holds = |address: &&Address| match held.get(*address) {
            Some(HoldReason::Adoption) => !there.contains(*address),
            waits => waits.is_some(),
        };
        let waits_for = change.depends_on.iter().find(holds);
        if let Some(address) = waits_for.cloned() {
            held.entry(change.address.clone()).or_insert(HoldReason::Depends(address));
        }
    }
}

fn divide(plan: &Plan, held: &BTreeMap<Address, HoldReason>, urgent: Vec<Change>) -> Decision {
    let mut parts: BTreeMap<&Address, Vec<&Change>> = BTreeMap::new();
    for part in &urgent {
        parts.entry(&part.address).or_default().push(part);
    }
    let none = Vec::new();
    let waits = |change: &Change| {
        let reason = held.get(&change.address)?;
        // What its urgent part does need not be told as something that waits.
        let left = rest(change, parts.get(&change.address).unwrap_or(&none))?;
        Some(HeldChange { change: left, reason: reason.clone() })
    };
    let waiting = plan.changes.iter().filter_map(waits).collect();
    let mut run = plan.clone();
    run.changes.retain(|change| !held.contains_key(&change.address));
    run.urgent = urgent;
    Decision { run, held: waiting }
}

impl HoldReason {
    /// Returns the word by which findings and metrics know the reason.
    pub fn code(&self) -> &'static str {
        match self {
            HoldReason::Observing => "Observing",
            HoldReason::Blocked(_) => "Blocked",
            HoldReason::Risk(_) => "RiskNotAllowed",
            HoldReason::Adoption => "NeedsAdoption",
            HoldReason::Removal => "NeedsRemoval",
            HoldReason::Conflict(_) => "Fight",
            HoldReason::Paused => "AccountPaused",
            HoldReason::Depends(_) => "WaitsForAnother",
            HoldReason::Window => "OutsideWindow",
            HoldReason::TooMany { .. } => "TooManyChanges",
            HoldReason::NotFresh => "NotReadYet",
        }
    }

    /// Says in a sentence why the change waits.
    pub fn sentence(&self) -> String {
        match self {
            HoldReason::Observing => "drift found; the daemon runs with --observe and changes nothing".into(),
            HoldReason::Blocked(blocker) => format!("it is blocked: {}", blocker.message),
            HoldReason::Risk(risk) => format!("the change has the risk `{risk}`, which reconcile.allow does not name"),
            HoldReason::Adoption => "the resource belongs to others, and taking it over needs approval".into(),
            HoldReason::Removal => "the change removes something, and that needs approval".into(),
            HoldReason::Conflict(sentence) => sentence.clone(),
            HoldReason::Paused => "the account failed several times and is paused for a while".into(),
            HoldReason::Depends(address) => format!("it depends on {address}, which waits"),
            HoldReason::Window => "it is outside reconcile.window".into(),
            HoldReason::TooMany { planned, allowed } => {
                format!("{planned} changes are planned at once, and reconcile.max_change allows {allowed}")
            }
            HoldReason::NotFresh => "the account has to be read again before anything is changed there".into(),
        }
    }

    /// Says what a person can do.
    pub fn help(&self) -> String {
        match self {
            HoldReason::Blocked(blocker) => blocker.help.clone(),
            HoldReason::Risk(risk) => {
                format!("look at it with `orgtrail plan` and make it with `orgtrail apply --allow {risk}`")
            }
            HoldReason::Adoption => "look at it with `orgtrail plan` and make it with `orgtrail apply --adopt`".into(),
            HoldReason::Removal => "look at it with `orgtrail plan --prune`".into(),
            HoldReason::Conflict(_) => {
                "find who sets it back and agree on one of the two; it is tried again more and more slowly, at least once a \
                 day"
                    .into()
            }
            HoldReason::TooMany { .. } | HoldReason::Observing => {
                "look at it with `orgtrail plan` and make it with `orgtrail apply`".into()
            }
            HoldReason::Paused | HoldReason::Depends(_) | HoldReason::Window | HoldReason::NotFresh => {
                "no action needed; orgtrail retries".into()
            }
        }
    }

    /// Tells whether it passes without a person.
    pub fn passes(&self) -> bool {
        matches!(self, HoldReason::Paused | HoldReason::Window | HoldReason::NotFresh)
    }
}
