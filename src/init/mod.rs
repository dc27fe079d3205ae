//! The first configuration: what an organization has already, and an `orgtrail.yaml` for it. Pure.
//!
//! [`found`] tells what is there. A configuration comes from answers ([`fresh`]) or from an existing organization trail
//! ([`adopt`]); [`text`] writes it with comments, so that it reads back as the same configuration.

use std::collections::BTreeMap;

use crate::config::names;
use crate::config::schema::{
    Accounts, BucketConfig, Config, Encryption, Guard, ManagementEvents, NotifyConfig, OrganizationConfig, Owner,
    Readers, Reconcile, Regions, TrailConfig, TrailScope,
};
use crate::ids::{AccountId, Partition, Region};
use crate::organization::Organization;
use crate::organization::selector::{OuPattern, Selector};

pub mod adopt;
pub mod found;
pub mod text;

/// What only a person can know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answers {
    /// The name of the deployment.
    pub deployment: String,
    /// The account of the bucket, the key and the reader roles.
    pub log_account: AccountId,
    /// The region of the bucket, the key and the trail.
    pub home_region: Region,
    /// The bucket's name; a template.
    pub bucket: String,
    /// The role that is assumed in member accounts.
    pub member_role: String,
}

/// The name of a deployment for which nobody has a better one.
pub const DEPLOYMENT_DEFAULT: &str = "main";

/// A bucket name that is unique in the world as long as nobody takes it on purpose: it ends in the log account's id.
pub const BUCKET_DEFAULT: &str = "{{deployment}}-org-cloudtrail-{{account.id}}";

/// The name of the organization trail.
const TRAIL_DEFAULT: &str = "{{deployment}}-org-trail";

/// Says what is wrong with the name of a deployment.
///
/// # Errors
/// The rule that it breaks.
pub fn check_deployment(name: &str) -> Result<(), String> {
    names::check_deployment(name).map_err(|error| error.to_string())
}

/// Returns the account that is called like a log account, if there is exactly one such active account.
pub fn guess_log_account(organization: &Organization) -> Option<&AccountId> {
    const NAMES: [&str; 8] =
        ["logarchive", "logsarchive", "logging", "logs", "log", "centrallogging", "auditlogs", "logarchiveaccount"];
    let is_named = |name: &str| {
        let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        NAMES.contains(&plain.to_ascii_lowercase().as_str())
    };
    let mut named =
        organization.accounts.iter().filter(|(_, account)| account.state.is_active() && is_named(&account.name));
    match (named.next(), named.next()) {
        (Some((id, _)), None) => Some(id),
        _ => None,
    }
}

/// Returns the configuration that a new deployment begins with: one organization trail of all regions, encrypted with a
/// key of its own, validated, with a reader role for each account.
pub fn fresh(organization: &Organization, answers: &Answers) -> Config {
    let bucket = bucket(answers.bucket.clone());
    let trail = trail(TRAIL_DEFAULT.to_owned());
    config(organization, answers, bucket, vec![trail])
}

/// Puts a configuration together whose readers, guard and daemon have their defaults.
fn config(organization: &Organization, answers: &Answers, bucket: BucketConfig, trails: Vec<TrailConfig>) -> Config {
    Config {
        version: 1,
        deployment: answers.deployment.clone(),
        organization: OrganizationConfig {
            id: Some(organization.id.clone()),
            member_role: answers.member_role.clone(),
            delegated_administrators: Vec::new(),
            own_roles: Vec::new(),
            known_buckets: Vec::new(),
        },
        accounts: Accounts {
            log: answers.log_account.to_string(),
            include: vec![Selector::Ou(OuPattern::everything())],
            exclude: Vec::new(),
        },
        home_region: answers.home_region.clone(),
        bucket,
        trails,
        readers: Readers::default(),
        guard: Guard::default(),
        reconcile: Reconcile::default(),
        lake: None,
        aws_config: None,
        notify: NotifyConfig::default(),
        tags: BTreeMap::new(),
        earlier: Vec::new(),
        new_regions: Vec::new(),
    }
}

fn bucket(name: String) -> BucketConfig {
    BucketConfig {
        name,
        prefix: String::new(),
        versioning: true,
        encryption: Encryption::Kms,
        key_alias: KEY_ALIAS_DEFAULT.to_owned(),
        object_lock: None,
        lifecycle: None,
        access_logs: None,
        trusted_readers: Vec::new(),
        break_glass_roles: Vec::new(),
        administrators: Vec::new(),
        tags: BTreeMap::new(),
    }
}

/// The alias of the key that a deployment makes.
pub const KEY_ALIAS_DEFAULT: &str = "alias/orgtrail-{{deployment}}";

fn trail(name: String) -> TrailConfig {
    TrailConfig {
        name,
        scope: TrailScope::Organization,
        owner: Owner::Management,
        regions: Regions::All,
        global_events: true,
        validation: true,
        management_events: ManagementEvents::default(),
        data_events: Vec::new(),
        insights: Vec::new(),
        notify: None,
        cloudwatch_logs: None,
        tags: BTreeMap::new(),
    }
}

/// The region that a partition's global services answer in: where to begin when none is named.
pub fn first_region(partition: Partition) -> Option<Region> {
    partition.global_region().parse().ok()
}
