//! From an earlier trail of ours to those that take over: what takes over, and what is lost where nothing does.
//!
//! The earlier trail is deleted last, and `apply` asks those that take over whether they deliver before it does.

use std::collections::BTreeSet;

use super::change::{Change, Risk, Step};
use super::finding::Harm;
use super::removal::{self, means_statement};
use super::{Leftover, PlanOptions};
use crate::estate::{Address, Desired, Estate, Kind, Problem, Resource, Sighting, Stage, Trail};
use crate::ids::AccountId;
use crate::organization::Organization;
use crate::policy::merge::sources;

impl PlanOptions {
    /// Tells whether a person named this trail to be destroyed: by its ARN, or by its name for all of this name.
    pub(super) fn names(&self, trail: &Address, desired: &Desired) -> bool {
        self.destroy.contains(&trail.name)
            || trail.arn(desired.partition).is_some_and(|arn| self.destroy.contains(arn.as_str()))
    }
}

/// Makes the change that deletes an earlier trail. It waits for the trails that take over.
pub(super) fn retire(desired: &Desired, address: &Address, trail: &Trail, organization: &Organization) -> Change {
    let mut risk = BTreeSet::from([Risk::Destroys]);
    if trail.logging && loses_coverage(desired, address, trail, organization) {
        risk.insert(Risk::Weakens);
    }
    Change {
        address: address.clone(),
        operator: operator(desired, address),
        step: Step::Retire { observed: trail.clone().into() },
        risk,
        harm: Harm::Harmless,
        reason: "trails".to_owned(),
        depends_on: successors(desired, address, trail).map(|(address, _)| address.clone()).collect(),
    }
}

/// Says how an earlier trail that stays can be retired.
pub(super) fn kept(desired: &Desired, address: &Address, trail: &Trail) -> Leftover {
    let state = if trail.logging { "it still records" } else { "it does not record any more" };
    let arn = address.arn(desired.partition).map(|arn| arn.to_string()).unwrap_or_default();
    Leftover { address: address.clone(), until: None, how: format!("{state}; deleted with --destroy {arn}") }
}

/// Returns the trails that could not be read and that the documents let in until somebody knows that they are gone.
pub(super) fn unreadable<'a>(desired: &'a Desired, observed: &'a Estate) -> impl Iterator<Item = Leftover> + 'a {
    let documents = desired.wanted.values().filter_map(|wanted| wanted.resource.shared_policy());
    let let_in: BTreeSet<Address> = documents.flat_map(sources).filter_map(|arn| Address::of_trail(&arn)).collect();
    let unwanted = let_in.into_iter().filter(|address| !desired.wanted.contains_key(address));
    unwanted.filter_map(|address| match observed.sightings.get(&address)? {
        Sighting::Unreadable(problem) => {
            let how = format!("let in until it can be read that it is gone: {}", problem.message);
            Some(Leftover { address, until: None, how })
        }
        Sighting::Present(_) | Sighting::Absent => None,
    })
}

/// What a delegated administrator manages for the management account, it deletes too.
fn operator(desired: &Desired, address: &Address) -> AccountId {
    let mut trails = desired.wanted.iter().filter(|(wanted, _)| wanted.kind == Kind::Trail);
    let same_owner = trails.find(|(wanted, _)| wanted.account == address.account);
    same_owner.map_or_else(|| address.account.clone(), |(_, wanted)| wanted.operator.clone())
}

/// Returns the wanted trails that record any account that this one records.
fn successors<'a>(
    desired: &'a Desired,
    address: &'a Address,
    trail: &'a Trail,
) -> impl Iterator<Item = (&'a Address, &'a Trail)> {
    desired.wanted.iter().filter_map(move |(ours, wanted)| match &wanted.resource {
        Resource::Trail(wish) if wish.organization || trail.organization || ours.account == address.account => {
            Some((ours, wish))
        }
        _ => None,
    })
}

/// Tells whether an account is recorded less, or not at all, once a trail is gone.
fn loses_coverage(desired: &Desired, address: &Address, trail: &Trail, organization: &Organization) -> bool {
    let active = organization.accounts.iter().filter(|(_, account)| account.state.is_active()).map(|(id, _)| id);
    let mut recorded = active.filter(|id| trail.organization || **id == address.account);
    recorded.any(|account| {
        let mut heirs = successors(desired, address, trail)
            .filter(|(ours, wish)| wish.organization || ours.account == *account)
            .filter(|(ours, wish)| wish.multi_region || (!trail.multi_region && ours.region == address.region));
        !heirs.any(|(_, wish)| takes_over(wish, trail))
    })
}

fn takes_over(wish: &Trail, trail: &Trail) -> bool {
    let events = trail.selectors.iter().all(|before| wish.selectors.iter().any(|after| after.covers(before)));
    events && (wish.validation || !trail.validation) && (wish.global_events || !trail.global_events)
}

/// Says of every trail that was named to be destroyed and is not one of the earlier ones, why it is not.
pub(super) fn misnamed(desired: &Desired, observed: &Estate, options: &PlanOptions) -> Vec<Problem> {
    let problem = |name: &String| {
        let why = if means_statement(name) {
            removal::why_not(desired, observed, name)?
        } else {
            why_not(desired, observed, name)?
        };
        Some(Problem {
            account: desired.log_account.clone(),
            address: None,
            stage: Stage::Plan,
            code: "NotDestroyed".into(),
            message: format!("--destroy {name}: {why}"),
            help: "`orgtrail plan` lists the earlier trails of this deployment, and the statements of others that do harm, with the \
                   text that names each".into(),
        })
    };
    options.destroy.iter().filter_map(problem).collect()
}

fn why_not(desired: &Desired, observed: &Estate, name: &str) -> Option<String> {
    let only = PlanOptions { destroy: BTreeSet::from([name.to_owned()]), ..PlanOptions::default() };
    let is_meant = |address: &&Address| address.kind == Kind::Trail && only.names(address, desired);
    // One of them may have the name still: it is what took over from the others.
    let is_earlier = |address: &&Address| is_meant(address) && !desired.wanted.contains_key(*address);
    let mut seen = observed.sightings.iter().filter(|(address, _)| is_earlier(address));
    let ours = |sighting: &Sighting| {
        sighting.resource().is_some_and(|resource| resource.deployment() == Some(desired.deployment.as_str()))
    };
    let configured = desired.wanted.keys().find(is_meant);
    match (seen.clone().any(|(_, sighting)| ours(sighting)), configured) {
        (true, _) => None,
        (false, Some(wanted)) => {
            Some(format!("{wanted} is configured; a trail is deleted only after it has left the configuration"))
        }
        (false, None) => Some(match seen.next() {
            Some((address, Sighting::Present(_))) => format!("{address} is not of this deployment"),
            Some((address, Sighting::Unreadable(problem))) => {
                format!("{address} could not be read: {}", problem.message)
            }
            Some((_, Sighting::Absent)) | None => "there is no such trail".to_owned(),
        }),
    }
}
