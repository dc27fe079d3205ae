//! Names that templates give for one account, and what becomes of an account whose own name cannot be part of one.
//!
//! Whoever administers an account may rename it, also into another account's name or id. So a name with
//! `{{account.name}}` that is unusable, or belongs to another account already, is that account's problem alone: what is
//! named for it bears the account's id in the place of its name, which nobody can choose. A reader role that is there
//! keeps its name.

use std::collections::BTreeMap;
use std::fmt::Display;

use super::BadDesign;
use crate::config::Config;
use crate::config::names::{self, NameContext, Variable};
use crate::estate::{ACCOUNT_TAG, Address, Estate, Kind, OWNER_TAG, Problem, Resource, Role, Stage};
use crate::ids::{AccountId, Region};
use crate::organization::Organization;
use crate::organization::selector::Glob;

/// The code of the problem of an account whose name cannot be used.
const NOT_USABLE: &str = "AccountNameNotUsable";

/// Makes names for one account in one region.
pub(super) struct Naming<'a> {
    config: &'a Config,
    organization: &'a Organization,
    account: &'a AccountId,
    region: &'a Region,
    /// What could not be named as the configuration says.
    pub problems: Vec<Problem>,
}

impl<'a> Naming<'a> {
    pub(super) fn new(
        config: &'a Config,
        organization: &'a Organization,
        account: &'a AccountId,
        region: &'a Region,
    ) -> Self {
        Self { config, organization, account, region, problems: Vec::new() }
    }

    /// Returns the name that a template gives, or, where the account's own name makes it unusable, the same with the
    /// account's id in its place, which is a problem of the account.
    ///
    /// # Errors
    /// [`BadDesign::Name`] where no account could make it usable.
    pub(super) fn name<E: Display>(
        &mut self,
        field: &'static str,
        template: &str,
        check: impl Fn(&str) -> Result<(), E>,
    ) -> Result<String, BadDesign> {
        self.name_or(field, template, None, check)
    }

    /// The same, with a name that is kept before the id is taken.
    pub(super) fn name_or<E: Display>(
        &mut self,
        field: &'static str,
        template: &str,
        kept: Option<&str>,
        check: impl Fn(&str) -> Result<(), E>,
    ) -> Result<String, BadDesign> {
        let own_name = self.organization.name_of(self.account);
        let name = self.rendered(field, template, own_name)?;
        let why = match check(&name) {
            Err(error) => error.to_string(),
            Ok(()) if holds_account_name(template) && self.is_another(own_name) => {
                format!("the account calls itself {own_name:?}, which is the id of another")
            }
            Ok(()) => return Ok(name),
        };
        if !holds_account_name(template) {
            return Err(self.bad(field, why));
        }
        let instead = match kept {
            Some(kept) => kept.to_owned(),
            None => self.rendered(field, template, self.account.as_str())?,
        };
        if kept.is_none() {
            check(&instead).map_err(|error| self.bad(field, error.to_string()))?;
        }
        self.problems.push(self.problem(field, &why, &instead));
        Ok(instead)
    }

    /// An account that bears the id of another as its name would take what is named by that id.
    fn is_another(&self, name: &str) -> bool {
        name != self.account.as_str() && name.parse::<AccountId>().is_ok()
    }

    fn rendered(&self, field: &'static str, template: &str, account_name: &str) -> Result<String, BadDesign> {
        let context = NameContext {
            account_id: Some(self.account.as_str()),
            account_name: Some(account_name),
            deployment: Some(&self.config.deployment),
            organization_id: Some(self.organization.id.as_str()),
            region: Some(self.region.as_str()),
        };
        names::render_name(template, &context).map_err(|error| self.bad(field, format!("{error}; {}", error.help())))
    }

    fn bad(&self, field: &'static str, why: String) -> BadDesign {
        BadDesign::Name { field, account: Some(self.account.clone()), why }
    }

    fn problem(&self, field: &'static str, why: &str, instead: &str) -> Problem {
        Problem {
            account: self.account.clone(),
            address: None,
            stage: Stage::Plan,
            code: NOT_USABLE.into(),
            message: format!("the account's own name gives no usable {field}: {why}; it is called {instead} instead"),
            help: format!(
                "rename the account, or write {{{{account.id}}}} in {field}: only names are the members' to choose"
            ),
        }
    }
}

/// Tells whether what a template gives depends on the name that an account chose.
pub(super) fn holds_account_name(template: &str) -> bool {
    names::variables(template).is_ok_and(|used| used.contains(&Variable::AccountName))
}

/// Renders a name template for one account in the home region; nothing is put in the place of the account's name.
pub(super) fn account_name(
    config: &Config,
    organization: &Organization,
    id: &AccountId,
    field: &'static str,
    template: &str,
) -> Result<String, BadDesign> {
    Naming::new(config, organization, id, &config.home_region).rendered(field, template, organization.name_of(id))
}

/// Returns the pattern of the names of all reader roles, with their path: `?` for each digit of an account's id, `*`
/// for its name. None where the template gives no name.
pub(super) fn reader_pattern(config: &Config, organization: &Organization) -> Option<String> {
    let context = NameContext {
        account_id: Some("????????????"),
        account_name: Some("*"),
        deployment: Some(&config.deployment),
        organization_id: Some(organization.id.as_str()),
        region: Some(config.home_region.as_str()),
    };
    names::render_name(config.readers.role_template(), &context).ok()
}

/// Returns the names of the reader roles that are there, by the account that each reads for, where a member's renaming
/// would move them: such a role keeps its name.
///
/// A role counts that bears the tags of this deployment and of the account, and whose name the template gives for some
/// name of the account. Of several the first, or the one of the name that the account has now.
pub fn reader_names(
    config: &Config,
    organization: &Organization,
    log_account: &AccountId,
    observed: &Estate,
) -> BTreeMap<AccountId, String> {
    let mut held: BTreeMap<AccountId, String> = BTreeMap::new();
    if !holds_account_name(config.readers.role_template()) {
        return held;
    }
    let roles = observed.resources().filter_map(|(address, resource)| match resource {
        Resource::Role(role) if address.kind == Kind::Role && &address.account == log_account => Some((address, role)),
        _ => None,
    });
    for (address, role) in roles {
        let Some(id) = reads_for(config, organization, address, role) else {
            continue;
        };
        let now = account_name(config, organization, id, "readers.role", config.readers.role_template());
        if !held.contains_key(id) || now.is_ok_and(|now| now == address.name) {
            held.insert(id.clone(), address.name.clone());
        }
    }
    held
}

fn reads_for<'a>(
    config: &Config,
    organization: &'a Organization,
    address: &Address,
    role: &Role,
) -> Option<&'a AccountId> {
    if role.tags.get(OWNER_TAG) != Some(&config.deployment) {
        return None;
    }
    let (id, _) = organization.accounts.get_key_value(role.tags.get(ACCOUNT_TAG)?.as_str())?;
    let naming = Naming::new(config, organization, id, &config.home_region);
    let pattern = naming.rendered("readers.role", config.readers.role_template(), "*").ok()?;
    Glob::new(pattern).matches(&address.name).then_some(id)
}
