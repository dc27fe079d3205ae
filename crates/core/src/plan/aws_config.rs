//! AWS Config beside what is wanted of it: an aggregator of the name that others made, further aggregators of the
//! organization, further accounts that administer AWS Config, and what a deployment left when it wanted them no more.
//! Each is said, and none of it is replaced or removed.

use std::collections::BTreeSet;

use super::Leftover;
use super::field_change::FieldChange;
use super::finding::{Finding, Harm};
use crate::estate::aggregator::ROLE_POLICY;
use crate::estate::trusted_access::CONFIG_PRINCIPAL;
use crate::estate::{Address, ConfigAggregator, Desired, Estate, Kind, Problem, Resource, Role, Sighting, Stage};

/// The code of an aggregator that bears the wanted name and was made by others.
const AGGREGATOR_TAKEN: &str = "AggregatorTaken";

/// The code of an aggregator of this deployment that collects from single accounts.
const AGGREGATOR_OF_ACCOUNTS: &str = "AggregatorOfAccounts";

/// Returns what stands against an aggregator: others made one of that name. It may be the only source of their
/// questions and dashboards, so that it is not even adopted; unless it lacks nothing but the tag, which a hand may have
/// taken away.
pub(super) fn taken(address: &Address, seen: &Resource, differing: &[FieldChange]) -> Option<Problem> {
    let Resource::ConfigAggregator(found) = seen else { return None };
    if differing.iter().all(|field| field.path == "tags") {
        return None;
    }
    Some(Problem {
        account: address.account.clone(),
        address: Some(address.clone()),
        stage: Stage::Plan,
        code: AGGREGATOR_TAKEN.into(),
        message: format!(
            "others made an aggregator of that name, which collects from {}: it is not replaced",
            from(found)
        ),
        help: "choose another name in aws_config.aggregator; or, if it is to be this deployment's, give it the tag \
               `orgtrail:deployment` with the deployment's name"
            .into(),
    })
}

/// Returns what stands against changing an aggregator of this deployment: a hand made it collect from single accounts.
/// AWS Config does not turn one kind into the other (developer guide, "Editing a Configuration Aggregator"), and its
/// list of accounts would be lost.
pub(super) fn collects_from_accounts(address: &Address, wish: &Resource, seen: &Resource) -> Option<Problem> {
    let (Resource::ConfigAggregator(wish), Resource::ConfigAggregator(found)) = (wish, seen) else { return None };
    if found.organization || !wish.organization {
        return None;
    }
    Some(Problem {
        account: address.account.clone(),
        address: Some(address.clone()),
        stage: Stage::Plan,
        code: AGGREGATOR_OF_ACCOUNTS.into(),
        message: format!(
            "the aggregator collects from {} and not from the organization: it is not replaced, as the list of accounts \
             would be lost",
            from(found)
        ),
        help: format!(
            "if the list is not needed: {}; or choose another name in aws_config.aggregator",
            deletion(address)
        ),
    })
}

/// Returns the command that deletes an aggregator.
fn deletion(address: &Address) -> String {
    let region = address.region.as_ref().map(|region| format!(", region {region}")).unwrap_or_default();
    format!(
        "`aws configservice delete-configuration-aggregator --configuration-aggregator-name {}` in account {}{region}",
        address.name, address.account
    )
}

fn from(found: &ConfigAggregator) -> String {
    let accounts = if found.organization { "the organization" } else { "single accounts" };
    match &found.regions {
        None => format!("{accounts} in all regions"),
        Some(regions) => format!("{accounts} in {} regions", regions.len()),
    }
}

/// Returns what is there beside what is wanted.
pub(super) fn findings(desired: &Desired, observed: &Estate) -> Vec<Finding> {
    let beside = observed.resources().filter(|(address, _)| !desired.wanted.contains_key(*address));
    let find =
        |at: &Address, code, message: String, help: String| Finding::new(Harm::Harmless, at, code, message, help);
    let all = beside.filter_map(|(address, resource)| match resource {
        Resource::DelegatedAdministrator(_) if address.service_principal() == Some(CONFIG_PRINCIPAL) => {
            let account = address.administrator().unwrap_or_default();
            let message = format!(
                "account {account} administers AWS Config for the organization too: it can collect what is recorded in every \
                 account"
            );
            let help = format!(
                "if it is not to: `aws organizations deregister-delegated-administrator --account-id {account} \
                 --service-principal {CONFIG_PRINCIPAL}`"
            );
            Some(find(address, "further-config-administrator", message, help))
        }
        Resource::ConfigAggregator(found) if !is_ours(desired, resource) => {
            let message = format!("another aggregator collects from {}; orgtrail does not touch it", from(found));
            let help = "no action needed; ask its owner whether both are".to_owned();
            Some(find(address, "further-aggregator", message, help))
        }
        _ => None,
    });
    all.collect()
}

fn is_ours(desired: &Desired, resource: &Resource) -> bool {
    resource.deployment() == Some(desired.deployment.as_str())
}

/// Returns what this deployment made and does not want any more: an aggregator of another name or in an account that
/// administered AWS Config before, and the role of one.
pub(super) fn leftovers(desired: &Desired, observed: &Estate) -> Vec<Leftover> {
    let left = observed.resources().filter(|(at, found)| !desired.wanted.contains_key(*at) && is_ours(desired, found));
    let how = |(address, resource): (&Address, &Resource)| match resource {
        Resource::ConfigAggregator(aggregator) => {
            let role = aggregator.role_address().filter(|role| !desired.wanted.contains_key(role));
            let role = role.map(|role| format!("; then its role {} may go too", role.name)).unwrap_or_default();
            Some(format!("never removed by orgtrail: {}{role}", deletion(address)))
        }
        Resource::Role(role) if is_of_aggregator(role) => Some(
            "the role of an aggregator of AWS Config, never removed by orgtrail: delete it once no aggregator uses it"
                .to_owned(),
        ),
        _ => None,
    };
    left.filter_map(|found| Some(Leftover { address: found.0.clone(), until: None, how: how(found)? })).collect()
}

fn is_of_aggregator(role: &Role) -> bool {
    role.attached.iter().any(|arn| arn.ends_with(&format!(":policy/{ROLE_POLICY}")))
}

/// Returns why others that administer AWS Config or collect from the organization are not known, and what was left
/// where it was administered before.
pub(super) fn unknown(desired: &Desired, observed: &Estate) -> Vec<Problem> {
    let aggregators = observed.resources().filter_map(|(_, found)| match found {
        Resource::ConfigAggregator(aggregator) if is_ours(desired, found) => aggregator.role_address(),
        _ => None,
    });
    let roles: BTreeSet<Address> = aggregators.collect();
    let asked = |address: &Address| match address.kind {
        Kind::ConfigAggregator => true,
        Kind::Role => roles.contains(address),
        _ => address.kind == Kind::DelegatedAdministrator && address.service_principal() == Some(CONFIG_PRINCIPAL),
    };
    let unwanted = observed.sightings.iter().filter(|(at, _)| !desired.wanted.contains_key(*at) && asked(at));
    let problem = |(_, sighting): (&Address, &Sighting)| match sighting {
        Sighting::Unreadable(problem) => Some(problem.clone()),
        Sighting::Present(_) | Sighting::Absent => None,
    };
    unwanted.filter_map(problem).collect()
}

#[cfg(test)]
mod tests;
