//! Which risks a person has allowed. Whatever was not allowed stops the run before its first call.

use std::collections::{BTreeMap, BTreeSet};

use crate::estate::{Address, Problem, Stage};
use crate::plan::{Action, Change, Plan, Risk};

/// What was allowed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Consent {
    /// The risks; safe changes need no word.
    pub risks: BTreeSet<Risk>,
    /// Which resources that orgtrail did not create may be taken over.
    pub adopt: Adopt,
}

/// Which resources that orgtrail did not create may be taken over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Adopt {
    /// None.
    #[default]
    Nothing,
    /// Those at these addresses.
    Only(BTreeSet<Address>),
    /// All that the plan adopts.
    All,
}

impl Adopt {
    fn covers(&self, address: &Address) -> bool {
        match self {
            Adopt::Nothing => false,
            Adopt::Only(addresses) => addresses.contains(address),
            Adopt::All => true,
        }
    }

    /// Returns the named addresses at which the plan adopts nothing.
    pub fn not_adopted<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = &'a Address> {
        let named = match self {
            Adopt::Only(addresses) => Some(addresses),
            Adopt::Nothing | Adopt::All => None,
        };
        let adopts =
            |address: &Address| plan.changes.iter().any(|c| c.action() == Action::Adopt && c.address == *address);
        named.into_iter().flatten().filter(move |address| !adopts(address))
    }
}

/// One kind of consent that is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingConsent {
    /// The flag that gives it.
    pub flag: String,
    /// The changes that need it.
    pub changes: Vec<Address>,
}

impl Consent {
    /// Lists what the plan needs and was not allowed, by flag.
    pub fn missing(&self, plan: &Plan) -> Vec<MissingConsent> {
        let mut by_flag: BTreeMap<String, Vec<Address>> = BTreeMap::new();
        for change in &plan.changes {
            let mut need = |flag: String| by_flag.entry(flag).or_default().push(change.address.clone());
            if change.action() == Action::Adopt && !self.adopt.covers(&change.address) && !is_left_out(plan, change) {
                need("--adopt".into());
            }
            for risk in change.risk.iter().filter(|risk| **risk != Risk::Safe && !self.risks.contains(risk)) {
                need(format!("--allow {risk}"));
            }
        }
        by_flag.into_iter().map(|(flag, changes)| MissingConsent { flag, changes }).collect()
    }

    /// Leaves out of a plan what may wait for its consent while the rest is made: resources of this deployment that
    /// have lost the tag which says so. Each is a problem of the run.
    pub fn leave_out(&self, plan: &mut Plan) {
        let is_left = |change: &Change| is_left_out(plan, change) && !self.adopt.covers(&change.address);
        let (left, changes): (Vec<Change>, Vec<Change>) = plan.changes.clone().into_iter().partition(is_left);
        plan.changes = changes;
        plan.problems.extend(left.iter().map(|change| Problem {
            account: change.address.account.clone(),
            address: Some(change.address.clone()),
            stage: Stage::Apply,
            code: "LostItsTag".into(),
            message: format!("this {} has lost the tag that says whose it is", change.address.kind.words()),
            help: "take it over again with --adopt".into(),
        }));
    }
}

/// Tells whether a change only brings back the tag by which a deployment that is there knows its own.
fn is_left_out(plan: &Plan, change: &Change) -> bool {
    plan.unchanged > 0 && change.lost_its_tag()
}
