//! What all rules share: which account plays which part, what everything is called, which trails there will be.

use std::collections::BTreeSet;
use std::fmt::Display;

use super::alike::alike;
use super::{BadDesign, Brief, EarlierTrail, choices};
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
    /// Trails that are not configured any more and still write.
    pub earlier: &'a [EarlierTrail],
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
    /// Where it tells of new files: in the log account and in the trail's region.
    pub topic: Option<Address>,
    /// The log group that it writes to, and the role with which it does. Both must be in the account that manages the
    /// trail (CloudTrail API, `CreateTrail`).
    pub logs: Option<(Address, Address)>,
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
    /// Returns the ARN of orgtrail's own role in an account, or in any account for `*`.
    pub fn own_role(&self, config: &Config, account: &str) -> Arn {
        let role = config.organization.member_role.trim_start_matches('/');
        Arn::new(self.partition, "iam", "", account, &format!("role/{role}"))
    }

    pub(super) fn new(brief: &Brief<'a>) -> Result<Self, Vec<BadDesign>> {
        let (config, organization) = (brief.config, brief.organization);
        let mut faults = Vec::new();
        check_organization(config, organization, &mut faults);
        let mut keep = |result: Result<AccountId, BadDesign>| result.map_err(|fault| faults.push(fault)).ok();
        let log_account = keep(find_account(organization, "accounts.log", &config.accounts.log));
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
        let trails = sites(config, organization, &log_account, &selected, &mut faults);
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
                earlier: brief.earlier,
            }),
            _ => Err(faults),
        }
    }

    /// Returns the bucket's ARN.
    pub(super) fn bucket_arn(&self) -> String {
        Arn::new(self.partition, "s3", "", "", &self.bucket.name).to_string()
    }

    /// Returns the ARNs of all trails that a document of the archive lets in: those that will be, and those that still
    /// come through it.
    pub(super) fn trail_arns(&self, config: &Config, document: &Address) -> Vec<String> {
        let wanted = self.trails.iter().map(|trail| trail.arn(self.partition, config));
        wanted.chain(self.earlier_arns(document)).collect()
    }

    /// Returns the folders below which log files are written, from the top of the bucket, each once.
    ///
    /// The management account's own folder keeps an organization trail working if it is ever turned back into a trail of
    /// one account (CloudTrail user guide, "Amazon S3 bucket policy for CloudTrail").
    pub(super) fn written_folders(&self, config: &Config, organization: &Organization) -> BTreeSet<String> {
        let folders = |root: &str, is_organization: bool, account: &AccountId| -> Vec<String> {
            let of = |name: &str| format!("{root}/{name}");
            match is_organization {
                true => vec![of(account.as_str()), of(organization.id.as_str())],
                false => vec![of(account.as_str())],
            }
        };
        let root = logs_root(config);
        let wanted = self
            .trails
            .iter()
            .flat_map(|trail| folders(&root, trail.config.scope == Scope::Organization, &trail.address.account));
        let earlier = self.earlier.iter().flat_map(|trail| {
            let root = trail.prefix.as_deref().map_or_else(|| root.clone(), root_below);
            folders(&root, trail.organization, &trail.address.account)
        });
        wanted.chain(earlier).collect()
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
    root_below(&config.bucket.prefix)
}

pub(super) fn root_below(prefix: &str) -> String {
    if prefix.is_empty() { "AWSLogs".into() } else { format!("{prefix}/AWSLogs") }
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
    let mut found = organization.find(text);
    // Accounts that are suspended or closed keep their names; the one in use is meant.
    let in_use = |id: &&AccountId| organization.accounts.get(*id).is_some_and(|account| account.state.is_active());
    if found.iter().filter(|id| in_use(id)).count() == 1 {
        found.retain(in_use);
    }
    match found[..] {
        [] => bad(format!("organization {} has no such account{}", organization.id, alike(organization, text))),
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
    rendered(config, organization, id, &config.home_region, field, template)
}

fn rendered(
    config: &Config,
    organization: &Organization,
    id: &AccountId,
    region: &Region,
    field: &'static str,
    template: &str,
) -> Result<String, BadDesign> {
    let context = NameContext {
        account_id: Some(id.as_str()),
        account_name: Some(organization.name_of(id)),
        deployment: Some(&config.deployment),
        organization_id: Some(organization.id.as_str()),
        region: Some(region.as_str()),
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
    log_account: &AccountId,
    selected: &[AccountId],
    faults: &mut Vec<BadDesign>,
) -> Vec<TrailSite<'a>> {
    let mut sites: Vec<TrailSite<'a>> = Vec::new();
    let mut taken: BTreeSet<Address> = BTreeSet::new();
    for trail in &config.trails {
        let accounts: &[AccountId] = match trail.scope {
            Scope::Organization => std::slice::from_ref(&organization.management_account),
            Scope::Accounts => selected,
        };
        for account in accounts {
            let namer = Namer { config, organization, log_account, trail, account };
            for (region, multi_region, global_events) in regions(config, trail) {
                match namer.site(region, multi_region, global_events) {
                    Ok(site) if taken.insert(site.address.clone()) => sites.push(site),
                    Ok(site) => {
                        let why = format!("two trails of {account} would both be called {:?}", site.address.name);
                        faults.push(BadDesign::Name { field: "trails.name", account: Some(account.clone()), why });
                    }
                    Err(fault) => faults.push(fault),
                }
            }
        }
    }
    sites
}

/// Returns the home regions of a trail's copies, each with whether it records every region and global services.
///
/// Events of global services are delivered to every trail that asks for them, so of several single-region trails only
/// one asks: the one in the home region, or else the first by its code, in whatever order they are written.
fn regions<'a>(config: &'a Config, trail: &'a TrailConfig) -> Vec<(&'a Region, bool, bool)> {
    match &trail.regions {
        Regions::All => vec![(&config.home_region, true, trail.global_events)],
        Regions::Only(list) => {
            let global = if list.contains(&config.home_region) { Some(&config.home_region) } else { list.iter().min() };
            list.iter().map(|region| (region, false, trail.global_events && Some(region) == global)).collect()
        }
    }
}

/// Renders the names that belong to one trail in one account.
struct Namer<'n, 'a> {
    config: &'a Config,
    organization: &'n Organization,
    log_account: &'n AccountId,
    trail: &'a TrailConfig,
    account: &'n AccountId,
}

impl<'a> Namer<'_, 'a> {
    fn site(&self, region: &Region, multi_region: bool, global_events: bool) -> Result<TrailSite<'a>, BadDesign> {
        let operator = match (&self.trail.scope, &self.trail.owner) {
            (Scope::Organization, Owner::Account(id)) => id.clone(),
            _ => self.account.clone(),
        };
        let name = self.name("trails.name", &self.trail.name, region, |name| name.parse::<TrailName>().map(drop))?;
        Ok(TrailSite {
            config: self.trail,
            address: Address::regional(self.account, region, Kind::Trail, name),
            topic: self.topic(region)?,
            logs: self.logs(region, &operator)?,
            operator,
            global_events,
            multi_region,
        })
    }

    fn topic(&self, region: &Region) -> Result<Option<Address>, BadDesign> {
        let Some(notify) = &self.trail.notify else {
            return Ok(None);
        };
        let name = self.name("trails.notify.sns", &notify.sns, region, names::check_topic_name)?;
        Ok(Some(Address::regional(self.log_account, region, Kind::Topic, name)))
    }

    fn logs(&self, region: &Region, operator: &AccountId) -> Result<Option<(Address, Address)>, BadDesign> {
        let Some(logs) = &self.trail.cloudwatch_logs else {
            return Ok(None);
        };
        let group = self.name("trails.cloudwatch_logs.group", &logs.group, region, names::check_log_group_name)?;
        let role = self.name("trails.cloudwatch_logs.role", &logs.role, region, names::check_role_name)?;
        Ok(Some((
            Address::regional(operator, region, Kind::LogGroup, group),
            Address::global(operator, Kind::Role, role),
        )))
    }

    fn name<E: Display>(
        &self,
        field: &'static str,
        template: &str,
        region: &Region,
        check: impl Fn(&str) -> Result<(), E>,
    ) -> Result<String, BadDesign> {
        let name = rendered(self.config, self.organization, self.account, region, field, template)?;
        let bad = |why: String| BadDesign::Name { field, account: Some(self.account.clone()), why };
        check(&name).map_err(|error| bad(error.to_string()))?;
        Ok(name)
    }
}
