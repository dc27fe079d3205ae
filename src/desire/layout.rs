//! What all rules share: which account plays which part, what everything is called, which trails there will be.

use std::collections::BTreeMap;

use super::{BadDesign, Brief, choices};
use crate::config::Config;
use crate::config::names::{self, NameContext};
use crate::config::schema::{Encryption, Owner, Regions, Scope, TrailConfig};
use crate::estate::key::key_reference;
use crate::estate::{Address, Kind};
use crate::ids::{AccountId, Arn, BucketName, Partition, Region, TrailName};
use crate::organization::Organization;
use crate::organization::select::chosen;

/// The fixed points of a design.
pub(super) struct Layout<'a> {
    pub partition: Partition,
    pub log_account: AccountId,
    pub management_account: AccountId,
    /// Accounts to be registered as delegated administrators.
    pub administrators: Vec<AccountId>,
    pub selected: Vec<AccountId>,
    pub bucket: Address,
    pub key_alias: Address,
    pub trails: Vec<TrailSite<'a>>,
}

/// One trail that will exist.
pub(super) struct TrailSite<'a> {
    pub config: &'a TrailConfig,
    pub address: Address,
    /// Whose credentials manage it.
    pub operator: AccountId,
    /// It is the one that records the events of global services.
    pub global_events: bool,
    pub multi_region: bool,
}

impl TrailSite<'_> {
    pub(super) fn region<'s>(&'s self, config: &'s Config) -> &'s Region {
        self.address.region.as_ref().unwrap_or(&config.home_region)
    }

    pub(super) fn arn(&self, partition: Partition, config: &Config) -> String {
        let resource = format!("trail/{}", self.address.name);
        let account = self.address.account.as_str();
        Arn::new(partition, "cloudtrail", self.region(config).as_str(), account, &resource).to_string()
    }
}

impl<'a> Layout<'a> {
    pub(super) fn new(brief: &Brief<'a>) -> Result<Self, Vec<BadDesign>> {
        let (config, organization) = (brief.config, brief.organization);
        let mut faults = Vec::new();
        check_organization(config, organization, &mut faults);
        let mut keep = |result: Result<AccountId, BadDesign>| result.map_err(|fault| faults.push(fault)).ok();
        let log_account = keep(super::log_account(config, organization));
        let mut administrators: Vec<AccountId> = config
            .organization
            .delegated_administrators
            .iter()
            .filter_map(|text| keep(find_account(organization, "organization.delegated_administrators", text)))
            .collect();
        for trail in &config.trails {
            if let Owner::Account(id) = &trail.owner {
                administrators.extend(keep(find_account(organization, "trails.owner", id.as_str())));
            }
        }
        administrators.sort();
        administrators.dedup();
        refuse_management(organization, &administrators, &mut faults);
        let selected = selected(config, organization, &mut faults);
        let Some(log_account) = log_account else {
            return Err(faults);
        };
        let names = Names { config, organization };
        let bucket = names.bucket(&log_account).map_err(|fault| faults.push(fault)).ok();
        let alias = names.key_alias(&log_account).map_err(|fault| faults.push(fault)).ok();
        let trails = sites(config, organization, &selected, &mut faults);
        match (bucket, alias) {
            (Some(bucket), Some(alias)) if faults.is_empty() => Ok(Self {
                partition: organization.partition,
                management_account: organization.management_account.clone(),
                administrators,
                selected,
                bucket: Address::regional(&log_account, &config.home_region, Kind::Bucket, bucket),
                key_alias: Address::regional(&log_account, &config.home_region, Kind::Key, alias),
                log_account,
                trails,
            }),
            _ => Err(faults),
        }
    }

    /// Returns the bucket's ARN.
    pub(super) fn bucket_arn(&self) -> String {
        Arn::new(self.partition, "s3", "", "", &self.bucket.name).to_string()
    }

    /// Returns the ARNs of all trails that write to the bucket.
    pub(super) fn trail_arns(&self, config: &Config) -> Vec<String> {
        self.trails.iter().map(|trail| trail.arn(self.partition, config)).collect()
    }

    /// Returns the key that encrypts logs: an ARN, or a reference to the key that will be made; none for SSE-S3.
    pub(super) fn key(&self, config: &Config) -> Option<String> {
        match &config.bucket.encryption {
            Encryption::Kms => Some(key_reference(&self.key_alias)),
            Encryption::KeyArn(arn) => Some(arn.to_string()),
            Encryption::S3 => None,
        }
    }

    /// Tells whether the key is ours to make.
    pub(super) fn makes_key(&self, config: &Config) -> bool {
        config.bucket.encryption == Encryption::Kms
    }

    /// Returns whether there are organization trails, and whether there are trails of single accounts.
    pub(super) fn scopes(&self) -> (bool, bool) {
        let is = |scope: Scope| self.trails.iter().any(|trail| trail.config.scope == scope);
        (is(Scope::Organization), is(Scope::Accounts))
    }
}

/// Returns `prefix/AWSLogs`, or `AWSLogs` without a prefix: never with two slashes side by side.
pub(super) fn logs_root(config: &Config) -> String {
    if config.bucket.prefix.is_empty() { "AWSLogs".into() } else { format!("{}/AWSLogs", config.bucket.prefix) }
}

fn check_organization(config: &Config, organization: &Organization, faults: &mut Vec<BadDesign>) {
    if let Some(wanted) = &config.organization.id
        && wanted != &organization.id
    {
        let (wanted, found) = (wanted.to_string(), organization.id.to_string());
        faults.push(BadDesign::OtherOrganization { wanted, found });
    }
    if !organization.accounts.values().any(|account| account.state.is_active()) {
        faults.push(BadDesign::NoActiveAccount(organization.id.to_string()));
    }
}

/// A delegated administrator is a member (Organizations API, `CannotDelegateManagementAccountException`).
fn refuse_management(organization: &Organization, administrators: &[AccountId], faults: &mut Vec<BadDesign>) {
    if administrators.contains(&organization.management_account) {
        faults.push(BadDesign::Account {
            field: "organization.delegated_administrators",
            text: organization.management_account.to_string(),
            why: "the management account cannot be a delegated administrator; write `owner: management`".into(),
        });
    }
}

fn selected(config: &Config, organization: &Organization, faults: &mut Vec<BadDesign>) -> Vec<AccountId> {
    let choices = choices(config, organization);
    let selected: Vec<AccountId> = chosen(&choices).cloned().collect();
    if selected.is_empty() {
        let include: Vec<String> = config.accounts.include.iter().map(ToString::to_string).collect();
        faults.push(BadDesign::NothingSelected(include.join(", ")));
    }
    selected
}

pub(super) fn find_account(
    organization: &Organization,
    field: &'static str,
    text: &str,
) -> Result<AccountId, BadDesign> {
    let bad = |why: String| Err(BadDesign::Account { field, text: text.to_owned(), why });
    match organization.find(text)[..] {
        [] => bad(format!("organization {} has no such account", organization.id)),
        [id] => match organization.accounts.get(id).map(|account| account.state) {
            Some(state) if !state.is_active() => bad(format!("account {id} is {}", state.as_str())),
            _ => Ok(id.clone()),
        },
        ref many => {
            let ids: Vec<&str> = many.iter().map(|id| id.as_str()).collect();
            bad(format!("several accounts have this name ({}); write the id", ids.join(", ")))
        }
    }
}

/// Renders names that are the same for all accounts.
struct Names<'a> {
    config: &'a Config,
    organization: &'a Organization,
}

impl Names<'_> {
    fn bucket(&self, log_account: &AccountId) -> Result<String, BadDesign> {
        let field = "bucket.name";
        let name = account_name(self.config, self.organization, log_account, field, &self.config.bucket.name)?;
        let parsed = name.parse::<BucketName>();
        parsed.map(|name| name.to_string()).map_err(|e| BadDesign::Name { field, account: None, why: e.to_string() })
    }

    fn key_alias(&self, log_account: &AccountId) -> Result<String, BadDesign> {
        let field = "bucket.key_alias";
        let name = account_name(self.config, self.organization, log_account, field, &self.config.bucket.key_alias)?;
        names::check_key_alias(&name).map_err(|e| BadDesign::Name { field, account: None, why: e.to_string() })?;
        Ok(name)
    }
}

/// Renders a name template for one account in the home region.
pub(super) fn account_name(
    config: &Config,
    organization: &Organization,
    id: &AccountId,
    field: &'static str,
    template: &str,
) -> Result<String, BadDesign> {
    // Most names have no variable but the account's id, and there may be 10,000 of them.
    let context = NameContext {
        account_id: Some(id.as_str()),
        account_name: Some(organization.name_of(id)),
        deployment: Some(&config.deployment),
        organization_id: Some(organization.id.as_str()),
        region: Some(config.home_region.as_str()),
    };
    names::render_name(template, &context).map_err(|error| BadDesign::Name {
        field,
        account: Some(id.clone()),
        why: format!("{error}; {}", error.help()),
    })
}

/// Lists the trails: an organization trail in each of its regions, or one in each account and region.
fn sites<'a>(
    config: &'a Config,
    organization: &Organization,
    selected: &[AccountId],
    faults: &mut Vec<BadDesign>,
) -> Vec<TrailSite<'a>> {
    let mut sites = Vec::new();
    let mut taken: BTreeMap<Address, ()> = BTreeMap::new();
    for trail in &config.trails {
        let management = &organization.management_account;
        let accounts: &[AccountId] = match trail.scope {
            Scope::Organization => std::slice::from_ref(management),
            Scope::Accounts => selected,
        };
        for account in accounts {
            let name = match trail_name(config, organization, account, trail) {
                Ok(name) => name,
                Err(fault) => {
                    faults.push(fault);
                    continue;
                }
            };
            for site in account_sites(config, trail, account, &name) {
                if taken.insert(site.address.clone(), ()).is_some() {
                    let why = format!("two trails of {account} would both be called {name:?}");
                    faults.push(BadDesign::Name { field: "trails.name", account: Some(account.clone()), why });
                }
                sites.push(site);
            }
        }
    }
    sites
}

fn trail_name(
    config: &Config,
    organization: &Organization,
    account: &AccountId,
    trail: &TrailConfig,
) -> Result<String, BadDesign> {
    let field = "trails.name";
    let name = account_name(config, organization, account, field, &trail.name)?;
    match name.parse::<TrailName>() {
        Ok(name) => Ok(name.to_string()),
        Err(error) => Err(BadDesign::Name { field, account: Some(account.clone()), why: error.to_string() }),
    }
}

/// Events of global services are delivered to every trail that asks for them, so of several single-region trails only
/// one asks: the one in the home region, or the first one.
fn account_sites<'a>(config: &Config, trail: &'a TrailConfig, account: &AccountId, name: &str) -> Vec<TrailSite<'a>> {
    let operator = match (&trail.scope, &trail.owner) {
        (Scope::Organization, Owner::Account(id)) => id.clone(),
        _ => account.clone(),
    };
    let site = |region: &Region, multi_region: bool, global_events: bool| TrailSite {
        config: trail,
        address: Address::regional(account, region, Kind::Trail, name),
        operator: operator.clone(),
        global_events,
        multi_region,
    };
    match &trail.regions {
        Regions::All => vec![site(&config.home_region, true, trail.global_events)],
        Regions::Only(regions) => {
            let global =
                if regions.contains(&config.home_region) { Some(&config.home_region) } else { regions.first() };
            regions.iter().map(|r| site(r, false, trail.global_events && Some(r) == global)).collect()
        }
    }
}
