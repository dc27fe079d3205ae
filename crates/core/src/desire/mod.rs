//! Configuration and organization in, desired estate out. Pure.
//!
//! [`design`] applies its rules in this order: the names and accounts that all rules share (`layout`), trusted access
//! and delegated administrators (`access`), the log archive (`archive`), the trails (`trails`), the wake queue
//! (`wake`), the readers (`readers`), the lake (`lake`), AWS Config (`aws_config`), the guard of all that (`guards`). A
//! rule only adds resources; the lake and the guard alone read what was added, to know whom to keep out and what to
//! protect.
//!
//! One thing of the world comes in: the trails of ours that still write though nobody configures them (`earlier`). What
//! they write through stays open until they are gone, so that a migration has no gap.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::Config;
use crate::config::names::check_policy_name;
use crate::config::schema::ReaderMode;
use crate::estate::{Address, Desired, Estate, Limits, Past, ReadingTerms, Tags};
use crate::ids::{AccountId, Region};
use crate::organization::Organization;
use crate::organization::select::{Choice, chosen, select};
use crate::policy::template::{BadTemplate, Templates};

mod access;
pub mod alike;
mod archive;
mod aws_config;
mod earlier;
mod earlier_lakes;
mod guards;
mod lake;
mod lake_bucket;
mod naming;
mod places;
mod readers;
mod superseded;
mod topology;
mod trails;
mod unmatched;
mod wake;

pub use earlier::earlier_trails;
pub use lake_bucket::lake_bucket_faults;
pub use naming::reader_names;
pub use places::past;
pub use superseded::SupersededTrail;
pub use topology::organization_faults;
pub use unmatched::{Unmatched, unmatched};
pub use wake::dead_letter_queue;

use topology::Topology;

/// How members read their logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReaderStrategy {
    /// One role an account, in the log account.
    Roles,
    /// One pair of statements in the bucket policy for all accounts.
    Dynamic,
}

/// Says why a configuration cannot be met in this organization.
#[derive(Debug, thiserror::Error)]
pub enum BadDesign {
    /// The organization is another one than the configuration names.
    #[error("the credentials belong to organization {found}, but organization.id says {wanted}")]
    OtherOrganization {
        /// What the configuration says.
        wanted: String,
        /// What was discovered.
        found: String,
    },
    /// An account that the configuration names cannot be used.
    #[error("{field} says {text:?}: {why}")]
    Account {
        /// The field.
        field: &'static str,
        /// What it says.
        text: String,
        /// Why that account cannot be used.
        why: String,
    },
    /// The organization has no active account, so what was discovered cannot be right.
    #[error(
        "no account of organization {0} is ACTIVE, which cannot be: nothing is planned on such an answer; look at the \
         output of `orgtrail discover`"
    )]
    NoActiveAccount(String),
    /// `accounts.include` and `accounts.exclude` leave nothing.
    #[error(
        "accounts.include selects no active account ({include}){meant}; `orgtrail discover` shows every account with the \
         reason"
    )]
    NothingSelected {
        /// The selectors.
        include: String,
        /// What they may have meant, as the end of a sentence; empty where nothing is known.
        meant: String,
    },
    /// A name template gives no valid name.
    #[error("{field} gives no usable name{}: {why}", for_account(.account))]
    Name {
        /// The field.
        field: &'static str,
        /// The account that it was rendered for.
        account: Option<AccountId>,
        /// Why not.
        why: String,
    },
    /// A template of readers lets nobody read.
    #[error("the template {file} does not let account {account} do {action}: its logs could not be read there")]
    LetsNobodyRead {
        /// The template.
        file: &'static str,
        /// The account.
        account: AccountId,
        /// What is not allowed.
        action: &'static str,
    },
    /// A policy template is broken.
    #[error(transparent)]
    Template(#[from] BadTemplate),
}

impl BadDesign {
    /// Returns the field of the configuration that cannot be met. `None`: it is no single one, or none of the file.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::OtherOrganization { .. } => Some("organization.id"),
            Self::Account { field, .. } | Self::Name { field, .. } => Some(field),
            Self::NothingSelected { .. } => Some("accounts.include"),
            Self::NoActiveAccount(_) | Self::LetsNobodyRead { .. } | Self::Template(_) => None,
        }
    }
}

fn for_account(account: &Option<AccountId>) -> String {
    account.as_ref().map(|id| format!(" for account {id}")).unwrap_or_default()
}

/// What a design is made of.
pub struct DesignInput<'a> {
    /// The checked configuration.
    pub config: &'a Config,
    /// The organization.
    pub organization: &'a Organization,
    /// The policy templates in force.
    pub templates: &'a Templates,
    /// How members read.
    pub strategy: ReaderStrategy,
    /// Trails of ours that are not configured any more and still write: they are let in until they are gone.
    pub earlier: &'a [SupersededTrail],
    /// The names of the reader roles that are there and that a renamed account must not move ([`reader_names`]).
    pub reader_names: &'a BTreeMap<AccountId, String>,
    /// What is known of earlier logs.
    pub past: &'a Past,
}

/// Returns the log account as the configuration names it, found in the organization.
///
/// # Errors
/// [`BadDesign::Account`] where it is not in the organization, not unique or not active.
pub fn log_account(config: &Config, organization: &Organization) -> Result<AccountId, BadDesign> {
    topology::find_account(organization, "accounts.log", &config.accounts.log)
}

/// Returns the accounts with the configuration's choice of each.
pub fn choices(config: &Config, organization: &Organization) -> BTreeMap<AccountId, Choice> {
    select(organization, &config.accounts.include, &config.accounts.exclude)
}

/// Returns the estate that the configuration asks for in this organization.
///
/// # Errors
/// Every reason why it cannot be met that could be found in one go.
pub fn design(brief: &DesignInput<'_>) -> Result<Desired, Vec<BadDesign>> {
    let layout = Topology::new(brief)?;
    let organization = brief.organization;
    let mut known_accounts: BTreeSet<AccountId> = organization.accounts.keys().cloned().collect();
    known_accounts.extend(brief.config.bucket.trusted_readers.iter().cloned());
    let mut desired = Desired {
        organization: organization.id.clone(),
        partition: organization.partition,
        deployment: brief.config.deployment.clone(),
        log_account: layout.log_account.clone(),
        own_role: layout.own_role(brief.config, layout.log_account.as_str()),
        own_roles: brief.config.organization.own_roles.clone(),
        break_glass: brief.config.bucket.break_glass_roles.clone(),
        wanted: BTreeMap::new(),
        known_accounts,
        reading: reading(brief, &layout),
        past: brief.past.clone(),
        keep_readers_days: brief.config.readers.keep_days,
        removed: BTreeSet::new(),
        lake: None,
        guard: None,
        problems: layout.problems.clone(),
    };
    access::add(&layout, &mut desired);
    archive::add(brief, &layout, &mut desired).map_err(one)?;
    trails::add(brief, &layout, &mut desired).map_err(one)?;
    wake::add(brief, &layout, &mut desired).map_err(one)?;
    readers::add(brief, &layout, &mut desired)?;
    lake::add(brief, &layout, &mut desired)?;
    aws_config::add(brief, &layout, &mut desired)?;
    guards::add(brief, &layout, &mut desired).map_err(one)?;
    Ok(desired)
}

fn reading(brief: &DesignInput<'_>, layout: &Topology<'_>) -> ReadingTerms {
    let config = brief.config;
    ReadingTerms {
        roots: layout.read_roots(config, &brief.organization.id),
        require_mfa: config.readers.require_mfa,
        external_id: config.readers.external_id.clone(),
        trusted: config.bucket.trusted_readers.iter().cloned().collect(),
        administrators: config.bucket.administrators.clone(),
        known_buckets: config.organization.known_buckets.iter().cloned().collect(),
    }
}

fn one(error: BadTemplate) -> Vec<BadDesign> {
    vec![error.into()]
}

/// Returns the names that the member policy has in every account of the organization, selected or not.
pub fn member_policy_names(config: &Config, organization: &Organization) -> BTreeMap<AccountId, String> {
    let name = |id: &AccountId| {
        let mut naming = naming::Naming::new(config, organization, id, &config.home_region);
        naming.name("readers.member_policy", &config.readers.member_policy, check_policy_name).ok()
    };
    organization.accounts.keys().filter_map(|id| Some((id.clone(), name(id)?))).collect()
}

/// Returns what is not wanted and still has to be looked for, each with the account that looks: a guard that was
/// switched off goes on binding every member, and earlier logs stay where they are.
pub fn unwanted(config: &Config, organization: &Organization) -> Vec<(Address, AccountId)> {
    let guard = guards::unwanted(config, organization);
    let guard = guard.map(|address| (address, organization.management_account.clone()));
    guard.into_iter().chain(places::configured_addresses(config, organization)).collect()
}

/// Returns how members read as long as no quota is known: by one role each, unless the configuration says otherwise.
pub fn first_strategy(config: &Config) -> ReaderStrategy {
    match config.readers.mode {
        ReaderMode::Roles | ReaderMode::Auto => ReaderStrategy::Roles,
        ReaderMode::Dynamic => ReaderStrategy::Dynamic,
    }
}

/// Decides how members read: as the configuration says, or, for `auto`, by roles while the log account's quota has room
/// for one role for each selected account. An account whose quota is not known is taken to have room.
pub fn strategy(
    config: &Config,
    organization: &Organization,
    log_account: &AccountId,
    estate: &Estate,
) -> ReaderStrategy {
    match config.readers.mode {
        ReaderMode::Roles => ReaderStrategy::Roles,
        ReaderMode::Dynamic => ReaderStrategy::Dynamic,
        ReaderMode::Auto => {
            let choices = choices(config, organization);
            let held = reader_names(config, organization, log_account, estate);
            let there = |id: &&AccountId| {
                held.contains_key(*id) || readers::role_exists(config, organization, log_account, id, estate)
            };
            let missing = chosen(&choices).filter(|id| !there(id)).count();
            match estate.limits.get(log_account).and_then(room_for_roles) {
                Some(room) if room < missing => ReaderStrategy::Dynamic,
                _ => ReaderStrategy::Roles,
            }
        }
    }
}

fn room_for_roles(limits: &Limits) -> Option<usize> {
    Some(limits.roles_quota?.saturating_sub(limits.roles?) as usize)
}

/// The tags of everything that the deployment makes.
fn tags(config: &Config, more: &BTreeMap<String, String>) -> Tags {
    let mut tags: Tags = config.tags.clone();
    tags.extend(more.clone());
    tags.insert(crate::estate::OWNER_TAG.into(), config.deployment.clone());
    tags
}

/// The region of an archive: where its bucket and its key are.
fn archive_region(config: &Config) -> &Region {
    &config.home_region
}
