//! The rule of AWS Config: trusted access, the account that administers it, and one aggregator of the organization
//! there with its role.
//!
//! Recorders are not made: they cost money for each configuration item, and whoever pays for them decides what they
//! record.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::naming::Naming;
use super::topology::{Topology, find_account};
use super::{BadDesign, DesignInput, one, tags};
use crate::config::names::{check_aggregator_name, check_role_name};
use crate::config::schema::Regions;
use crate::estate::aggregator::{REASON, ROLE_POLICY};
use crate::estate::trusted_access::{CONFIG_PRINCIPAL, config_administrator_name};
use crate::estate::{Address, ConfigAggregator, DelegatedAdministrator, Desired, Kind, Role, TrustedAccess};
use crate::ids::{AccountId, Arn};

/// Adds all of it, where the configuration asks for it.
pub(super) fn add(brief: &DesignInput<'_>, layout: &Topology<'_>, desired: &mut Desired) -> Result<(), Vec<BadDesign>> {
    let config = brief.config;
    let Some(section) = &config.aws_config else { return Ok(()) };
    let account = administrator(brief, layout).map_err(|fault| vec![fault])?;
    let mut naming = Naming::new(config, brief.organization, &account, &config.home_region);
    let mut name =
        |field, template: &str, check: &dyn Fn(&str) -> Result<(), String>| naming.name(field, template, check);
    let aggregator = name("aws_config.aggregator", &section.aggregator, &|name| text(check_aggregator_name(name)));
    let role = name("aws_config.role", &section.role, &|name| text(check_role_name(name)));
    let (aggregator, role) = match (aggregator, role) {
        (Ok(aggregator), Ok(role)) => (aggregator, role),
        (one, other) => return Err([one.err(), other.err()].into_iter().flatten().collect()),
    };
    desired.problems.append(&mut naming.problems);
    let role = Address::global(&account, Kind::Role, role);
    let aggregator = Address::regional(&account, &config.home_region, Kind::ConfigAggregator, aggregator);
    if desired.wanted.contains_key(&role) {
        let why = format!("{} is the name of another role of this deployment", role.name);
        return Err(vec![BadDesign::Name { field: "aws_config.role", account: Some(account), why }]);
    }
    let in_organization = |kind, name| Address::global(&layout.management_account, kind, name);
    let access = in_organization(Kind::TrustedAccess, CONFIG_PRINCIPAL.to_owned());
    let delegated = in_organization(Kind::DelegatedAdministrator, config_administrator_name(&account));
    let trust =
        brief.templates.render("config-role-trust.json.hbs", &json!({"account": {"id": account}})).map_err(one)?;
    let wish = Role {
        trust,
        inline: BTreeMap::new(),
        attached: BTreeSet::from([
            Arn::new(layout.partition, "iam", "", "aws", &format!("policy/{ROLE_POLICY}")).to_string()
        ]),
        boundary: None,
        max_session_s: None,
        description: Some("Lets the aggregator of AWS Config read who belongs to the organization".into()),
        unique_id: None,
        tags: tags(config, &BTreeMap::new()),
    };
    let collects = ConfigAggregator {
        organization: true,
        role: role.arn(layout.partition).map(|arn| arn.to_string()),
        regions: match &section.regions {
            Regions::All => None,
            Regions::Only(regions) => Some(regions.iter().cloned().collect()),
        },
        tags: tags(config, &BTreeMap::new()),
    };
    desired.want(access.clone(), TrustedAccess {}, REASON, Vec::new());
    desired.want(delegated.clone(), DelegatedAdministrator {}, REASON, vec![access.clone()]);
    desired.want(role.clone(), wish, REASON, Vec::new());
    desired.want(aggregator, collects, REASON, vec![access, delegated, role]);
    Ok(())
}

/// The account that administers AWS Config. A delegated administrator is a member (Organizations API,
/// `RegisterDelegatedAdministrator`).
fn administrator(brief: &DesignInput<'_>, layout: &Topology<'_>) -> Result<AccountId, BadDesign> {
    let field = "aws_config.administrator";
    let named = brief.config.aws_config.as_ref().and_then(|section| section.administrator.as_deref());
    let account = match named {
        Some(text) => find_account(brief.organization, field, text)?,
        None => layout.log_account.clone(),
    };
    if account == layout.management_account {
        let said = named.unwrap_or(brief.config.accounts.log.as_str()).to_owned();
        let why = "this is the management account, which cannot be a delegated administrator; name a member account";
        return Err(BadDesign::Account { field, text: said, why: why.into() });
    }
    Ok(account)
}

fn text<E: ToString>(checked: Result<(), E>) -> Result<(), String> {
    checked.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
