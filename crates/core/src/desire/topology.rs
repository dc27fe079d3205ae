//! What all rules share: which account plays which part, what everything is called, which trails there will be.

use std::collections::BTreeSet;

use super::alike::alike;
use super::naming::{Naming, account_name};
use super::unmatched::unmatched;
use super::{BadDesign, DesignInput, SupersededTrail, choices};
use crate::config::Config;
use crate::config::names;
use crate::config::schema::{Encryption, Owner, Regions, TrailConfig, TrailScope};
use crate::estate::key::key_reference;
use crate::estate::{Address, Kind, Problem};
use crate::ids::{AccountId, Arn, BucketName, Partition, Region, TrailName};
use crate::log_path::LogRoot;
use crate::organization::Organization;
use crate::organization::select::chosen;

/// The fixed points of a design.
pub(super) struct Topology<'a> {
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
    pub earlier: &'a [SupersededTrail],
    /// Accounts whose own names cannot be used in names of trails.
    pub problems: Vec<Problem>,
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
    /// Where it tells of new files: in the log account and in the trail's region; none where it tells no topic.
    pub topic: Option<Address>,
    /// The log group that it writes to, and the role with which it does; none where events are not sent to CloudWatch
    /// Logs. Both must be in the account that manages the trail (CloudTrail API, `CreateTrail`).
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

impl<'a> Topology<'a> {
    /// Returns the ARN of orgtrail's own role in an account, or in any account for `*`.
    pub fn own_role(&self, config: &Config, account: &str) -> Arn {
        let role = config.organization.member_role.trim_start_matches('/');
        Arn::new(self.partition, "iam", "", account, &format!("role/{role}"))
    }

    pub(super) fn new(brief: &DesignInput<'a>) -> Result<Self, Vec<BadDesign>> {
        let (config, organization) = (brief.config, brief.organization);
        let mut faults = Vec::new();
        faults.extend(organization_faults(config, organization));
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
        let mut problems = Vec::new();
        let sites = Sites { config, organization, log_account: &log_account };
        let trails = sites.of(&selected, &mut faults, &mut problems);
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
                problems,
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

    /// Returns the patterns of the folders below which log files are written, from the top of the bucket, each once.
    ///
    /// The management account's own folder keeps an organization trail working if it is ever turned back into a trail
    /// of one account (CloudTrail user guide, "Amazon S3 bucket policy for CloudTrail").
    pub(super) fn written_patterns(&self, config: &Config, organization: &Organization) -> BTreeSet<String> {
        let patterns = |root: &LogRoot, is_organization: bool, account: &AccountId| -> Vec<String> {
            let own = root.account_pattern(account.as_str());
            match is_organization {
                true => vec![own, root.in_organization(organization.id.as_str()).pattern()],
                false => vec![own],
            }
        };
        let root = logs_root(config);
        let wanted = self
            .trails
            .iter()
            .flat_map(|trail| patterns(&root, trail.config.scope == TrailScope::Organization, &trail.address.account));
        let earlier = self.earlier.iter().flat_map(|trail| {
            let root = trail.prefix.as_deref().map_or_else(|| root.clone(), LogRoot::below);
            patterns(&root, trail.organization, &trail.address.account)
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
        let is = |scope: TrailScope| self.trails.iter().any(|trail| trail.config.scope == scope);
        (is(TrailScope::Organization), is(TrailScope::Accounts))
    }
}

/// Returns what everything lies in that trails of the configuration deliver.
pub(super) fn logs_root(config: &Config) -> LogRoot {
    LogRoot::below(&config.bucket.prefix)
}

/// Returns why what was read cannot be the configuration's organization; empty where it can. Without `organization.id`
/// every organization with an active account can.
pub fn organization_faults(config: &Config, organization: &Organization) -> Vec<BadDesign> {
    let mut faults = Vec::new();
    if let Some(wanted) = &config.organization.id
        && wanted != &organization.id
    {
        let (wanted, found) = (wanted.to_string(), organization.id.to_string());
        faults.push(BadDesign::OtherOrganization { wanted, found });
    }
    if !organization.accounts.values().any(|account| account.state.is_active()) {
        faults.push(BadDesign::NoActiveAccount(organization.id.to_string()));
    }
    faults
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
        let meant = unmatched(config, organization).into_iter().filter_map(|one| one.meant);
        let meant = meant.map(|meant| format!(", did you mean {meant}?")).collect();
        faults.push(BadDesign::NothingSelected { include: include.join(", "), meant });
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
            let ids = ids.join(", ");
            bad(format!("several accounts have this name, which each of them may choose ({ids}); write the id"))
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

/// Lists the trails.
struct Sites<'n, 'a> {
    config: &'a Config,
    organization: &'n Organization,
    log_account: &'n AccountId,
}

impl<'a> Sites<'_, 'a> {
    /// An organization trail in each of its regions, or one in each account and region.
    fn of(
        &self,
        selected: &[AccountId],
        faults: &mut Vec<BadDesign>,
        problems: &mut Vec<Problem>,
    ) -> Vec<TrailSite<'a>> {
        let mut sites: Vec<TrailSite<'a>> = Vec::new();
        let mut taken: BTreeSet<Address> = BTreeSet::new();
        for trail in &self.config.trails {
            let accounts: &[AccountId] = match trail.scope {
                TrailScope::Organization => std::slice::from_ref(&self.organization.management_account),
                TrailScope::Accounts => selected,
            };
            for account in accounts {
                for (region, multi_region, global_events) in regions(self.config, trail) {
                    let mut namer = self.namer(trail, account, region);
                    let site = namer.site(&taken, multi_region, global_events);
                    problems.append(&mut namer.naming.problems);
                    match site {
                        Ok(site) => {
                            taken.insert(site.address.clone());
                            sites.push(site);
                        }
                        Err(fault) => faults.push(fault),
                    }
                }
            }
        }
        problems.sort();
        problems.dedup();
        sites
    }

    fn namer<'s>(&'s self, trail: &'a TrailConfig, account: &'s AccountId, region: &'s Region) -> TrailNames<'s, 'a> {
        let naming = Naming::new(self.config, self.organization, account, region);
        TrailNames { log_account: self.log_account, trail, account, region, naming }
    }
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

/// Makes the names that belong to one trail in one account and region.
struct TrailNames<'n, 'a> {
    log_account: &'n AccountId,
    trail: &'a TrailConfig,
    account: &'n AccountId,
    region: &'n Region,
    naming: Naming<'n>,
}

impl<'a> TrailNames<'_, 'a> {
    fn site(
        &mut self,
        taken: &BTreeSet<Address>,
        multi_region: bool,
        global_events: bool,
    ) -> Result<TrailSite<'a>, BadDesign> {
        let operator = match (&self.trail.scope, &self.trail.owner) {
            (TrailScope::Organization, Owner::Account(id)) => id.clone(),
            _ => self.account.clone(),
        };
        Ok(TrailSite {
            config: self.trail,
            address: self.address(taken)?,
            topic: self.topic()?,
            logs: self.logs(&operator)?,
            operator,
            global_events,
            multi_region,
        })
    }

    fn address(&mut self, taken: &BTreeSet<Address>) -> Result<Address, BadDesign> {
        let (account, region) = (self.account, self.region);
        let address = |name: &str| Address::regional(account, region, Kind::Trail, name);
        let name = self.naming.name("trails.name", &self.trail.name, |name| {
            name.parse::<TrailName>().map_err(|error| error.to_string())?;
            match taken.contains(&address(name)) {
                true => Err(format!("two trails of {account} would both be called {name:?}")),
                false => Ok(()),
            }
        })?;
        Ok(address(&name))
    }

    fn topic(&mut self) -> Result<Option<Address>, BadDesign> {
        let Some(notify) = &self.trail.notify else {
            return Ok(None);
        };
        let name = self.naming.name("trails.notify.sns", &notify.sns, names::check_topic_name)?;
        Ok(Some(Address::regional(self.log_account, self.region, Kind::Topic, name)))
    }

    fn logs(&mut self, operator: &AccountId) -> Result<Option<(Address, Address)>, BadDesign> {
        let Some(logs) = &self.trail.cloudwatch_logs else {
            return Ok(None);
        };
        let group = self.naming.name("trails.cloudwatch_logs.group", &logs.group, names::check_log_group_name)?;
        let role = self.naming.name("trails.cloudwatch_logs.role", &logs.role, names::check_role_name)?;
        Ok(Some((
            Address::regional(operator, self.region, Kind::LogGroup, group),
            Address::global(operator, Kind::Role, role),
        )))
    }
}
