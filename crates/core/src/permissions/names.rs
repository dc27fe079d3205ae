//! The configured names as patterns of ARNs: `*` stands for what the configuration alone does not tell.

use std::collections::BTreeSet;

use super::{AccountKind, AthenaPlace, LakePlace, PermissionsRequest, Purpose};
use crate::config::Config;
use crate::config::names::{NameContext, render_name};
use crate::config::schema::{Encryption, LakeBucket, Notify, Owner, ReaderMode, Regions, TrailConfig, TrailScope};
use crate::estate::wake_name;
use crate::ids::{AccountId, Arn, Partition, Region};

const ANY: &str = "*";

/// Accounts that the configuration does not tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownAccounts {
    /// The organization's management account; none where it is not known.
    pub management: Option<AccountId>,
    /// The log account, where the configuration has only its name.
    pub log: Option<AccountId>,
}

/// Everything that is needed to write an ARN.
pub(super) struct Names<'a> {
    ask: &'a PermissionsRequest<'a>,
    log: Option<AccountId>,
}

impl<'a> Names<'a> {
    pub(super) fn new(ask: &'a PermissionsRequest<'a>) -> Self {
        Self { ask, log: ask.config.accounts.log.parse().ok().or_else(|| ask.known.log.clone()) }
    }

    pub(super) fn config(&self) -> &'a Config {
        self.ask.config
    }

    pub(super) fn purpose(&self) -> Purpose {
        self.ask.purpose
    }

    pub(super) fn place(&self) -> AccountKind {
        self.ask.place
    }

    pub(super) fn signing_key(&self) -> Option<&'a Arn> {
        self.ask.sign
    }

    /// The lake that the question names, else that of the configuration; none where the command has nothing to do with
    /// its files.
    pub(super) fn lake(&self) -> Option<NamedLake> {
        if !matches!(self.ask.purpose, Purpose::Lake | Purpose::Query | Purpose::Reconcile) {
            return None;
        }
        self.ask.lake.map(|place| self.named_lake(place)).or_else(|| self.configured_lake())
    }

    pub(super) fn athena(&self) -> Option<AthenaPlace<'a>> {
        self.ask.athena.filter(|_| self.ask.purpose == Purpose::Query)
    }

    /// Tells whether AWS Config is looked at.
    pub(super) fn asks_recorders(&self) -> bool {
        self.ask.recorders
    }

    fn named_lake(&self, LakePlace { bucket, prefix, key }: LakePlace<'_>) -> NamedLake {
        let named = NamedLake {
            bucket: bucket.to_string(),
            prefix: prefix.to_owned(),
            key: key.map_or(LakeKey::None, |key| LakeKey::Of(key.clone())),
            is_kept: false,
        };
        // Whoever names the lake of the configuration means that one.
        let own = self.configured_lake().filter(|own| (&own.bucket, &own.prefix) == (&named.bucket, &named.prefix));
        match own {
            Some(own) if key.is_none() => own,
            Some(own) => NamedLake { is_kept: own.is_kept, ..named },
            None => named,
        }
    }

    fn configured_lake(&self) -> Option<NamedLake> {
        let lake = self.config().lake.as_ref()?;
        let is_kept = lake.bucket == LakeBucket::Managed;
        let key = match &self.config().bucket.encryption {
            Encryption::Kms if is_kept => LakeKey::Archive,
            Encryption::KeyArn(arn) if is_kept => LakeKey::Of(arn.clone()),
            _ => LakeKey::None,
        };
        let prefix = format!("{}/", lake.place.key);
        Some(NamedLake { bucket: lake.place.bucket.to_string(), prefix, key, is_kept })
    }

    pub(super) fn known(&self) -> &'a KnownAccounts {
        self.ask.known
    }

    pub(super) fn log_account(&self) -> Option<&AccountId> {
        self.log.as_ref()
    }

    pub(super) fn partition(&self) -> Partition {
        self.config().home_region.partition()
    }

    /// The account of a place, as far as it is known.
    fn account(&self, place: AccountKind) -> &str {
        let id = match place {
            AccountKind::Management => self.known().management.as_ref(),
            AccountKind::Log => self.log.as_ref(),
            AccountKind::Member => None,
        };
        id.map_or(ANY, |id| id.as_str())
    }

    /// The account whose policy this is.
    pub(super) fn here(&self) -> &str {
        self.account(self.place())
    }

    /// Makes the ARN of something in an account, in the home region.
    pub(super) fn arn(&self, service: &str, account: &str, resource: &str) -> String {
        self.arn_in(self.config().home_region.as_str(), service, account, resource)
    }

    /// Makes the ARN of something in an account, in another region.
    pub(super) fn arn_in(&self, region: &str, service: &str, account: &str, resource: &str) -> String {
        let region = if service == "iam" { "" } else { region };
        Arn::new(self.partition(), service, region, account, resource).to_string()
    }

    /// Makes the ARN of an identity in the account whose policy this is: `role/x`.
    pub(super) fn identity(&self, resource: &str) -> String {
        self.arn("iam", self.here(), resource)
    }

    /// Makes the ARN of a bucket.
    pub(super) fn bucket_arn(&self, name: &str) -> String {
        Arn::new(self.partition(), "s3", "", "", name).to_string()
    }

    /// The regions where rules are made here: the home region, those of the trails that are owned here, and for what
    /// all depends on the partition's global region. None where nothing is listened to.
    pub(super) fn wake_regions(&self) -> BTreeSet<&str> {
        let config = self.config();
        let is_owned = |trail: &&TrailConfig| match trail.scope {
            TrailScope::Organization => self.place() == AccountKind::Management,
            TrailScope::Accounts => true,
        };
        let owned = config.trails.iter().filter(is_owned).flat_map(|trail| regions(config, trail));
        let mut all: BTreeSet<&str> = owned.map(Region::as_str).collect();
        if self.place() != AccountKind::Member {
            all.insert(self.partition().global_region());
        }
        if !all.is_empty() {
            all.insert(config.home_region.as_str());
        }
        all
    }

    /// Renders a name for an account, with `*` for every value that is not known. A template that gives no name would
    /// be refused when it is used; here it stands for any name.
    fn render(&self, template: &str, account: &str, region: &Region) -> String {
        let config = self.config();
        let is_log = self.log.as_ref().is_some_and(|id| id.as_str() == account);
        let log_name = &config.accounts.log;
        let has_name = is_log && log_name.parse::<AccountId>().is_err();
        let context = NameContext {
            account_id: Some(account),
            account_name: Some(if has_name { log_name } else { ANY }),
            deployment: Some(&config.deployment),
            organization_id: Some(config.organization.id.as_ref().map_or(ANY, |id| id.as_str())),
            region: Some(region.as_str()),
        };
        render_name(template, &context).unwrap_or_else(|_| ANY.to_owned())
    }

    fn render_for(&self, template: &str, place: AccountKind) -> String {
        self.render(template, self.account(place), &self.config().home_region)
    }

    pub(super) fn bucket(&self) -> String {
        self.render_for(&self.config().bucket.name, AccountKind::Log)
    }

    pub(super) fn key_alias(&self) -> String {
        self.render_for(&self.config().bucket.key_alias, AccountKind::Log)
    }

    /// The reader roles, which all are in the log account: any account is the reader's.
    pub(super) fn reader_role(&self) -> String {
        self.render(self.config().readers.role_template(), ANY, &self.config().home_region)
    }

    pub(super) fn member_policy(&self) -> String {
        self.render_for(&self.config().readers.member_policy, self.place())
    }

    /// The name of the rules and the role that lead events into the wake queue.
    pub(super) fn wake(&self) -> String {
        wake_name(&self.config().deployment)
    }

    /// Tells whether there is an organization trail or a delegated administrator: both need trusted access.
    pub(super) fn needs_trusted_access(&self) -> bool {
        self.config().trails.iter().any(|trail| trail.scope == TrailScope::Organization) || self.has_administrators()
    }

    pub(super) fn has_administrators(&self) -> bool {
        let config = self.config();
        !config.organization.delegated_administrators.is_empty()
            || config.trails.iter().any(|trail| matches!(trail.owner, Owner::Account(_)))
    }

    /// The trails that are managed from here, one for each region.
    pub(super) fn sites(&self) -> Vec<TrailRegion<'a>> {
        let here = self.place();
        let managed = |trail: &&TrailConfig| match (trail.scope, &trail.owner) {
            (TrailScope::Organization, Owner::Management) => here == AccountKind::Management,
            (TrailScope::Organization, Owner::Account(_)) => here == AccountKind::Member,
            (TrailScope::Accounts, _) => true,
        };
        self.config().trails.iter().filter(managed).flat_map(|trail| self.sites_of(trail, here)).collect()
    }

    /// The trails of this account that a person named to be destroyed, by ARN or by name.
    pub(super) fn destroyed(&self) -> BTreeSet<String> {
        let arn = |named: &String| match named.parse::<Arn>() {
            Ok(arn) => (self.here() == ANY || arn.account() == self.here()).then(|| arn.to_string()),
            Err(_) => Some(self.arn_in(ANY, "cloudtrail", self.here(), &format!("trail/{named}"))),
        };
        self.ask.destroy.iter().filter_map(arn).collect()
    }

    /// The topics of all trails: they are in the log account, whoever manages the trail.
    pub(super) fn topics(&self) -> BTreeSet<String> {
        let trails = self.config().trails.iter().filter_map(|trail| Some((trail, trail.notify.as_ref()?)));
        let topic = |(trail, notify): (&TrailConfig, &Notify)| {
            let owner = match trail.scope {
                TrailScope::Organization => self.account(AccountKind::Management).to_owned(),
                TrailScope::Accounts => ANY.to_owned(),
            };
            regions(self.config(), trail)
                .into_iter()
                .map(|region| {
                    let name = self.render(&notify.sns, &owner, region);
                    self.arn_in(region.as_str(), "sns", self.account(AccountKind::Log), &name)
                })
                .collect::<Vec<_>>()
        };
        trails.flat_map(topic).collect()
    }

    fn sites_of(&self, trail: &'a TrailConfig, here: AccountKind) -> Vec<TrailRegion<'a>> {
        // An organization trail belongs to the management account, whoever manages it.
        let owner = if trail.scope == TrailScope::Organization { AccountKind::Management } else { here };
        let account = self.account(owner);
        let site = |region: &'a Region| {
            let name = self.render(&trail.name, account, region);
            let arn = self.arn_in(region.as_str(), "cloudtrail", account, &format!("trail/{name}"));
            let logs = trail.cloudwatch_logs.as_ref().map(|logs| {
                let group = self.render(&logs.group, account, region);
                let arn = self.arn_in(region.as_str(), "logs", self.here(), &format!("log-group:{group}"));
                (arn, self.render(&logs.role, account, region))
            });
            TrailRegion { config: trail, region, arn, logs }
        };
        regions(self.config(), trail).into_iter().map(site).collect()
    }

    /// The roles that are made here, by name.
    pub(super) fn roles(&self) -> BTreeSet<String> {
        let mut roles = self.single_roles();
        if self.place() == AccountKind::Log && self.has_reader_roles() {
            roles.insert(self.reader_role());
        }
        roles
    }

    /// The roles that are made here, but the reader roles.
    pub(super) fn single_roles(&self) -> BTreeSet<String> {
        let mut roles: BTreeSet<String> =
            self.sites().into_iter().filter_map(|site| site.logs.map(|(_, role)| role)).collect();
        if self.has_wake_role() {
            roles.insert(self.wake());
        }
        if self.administers_config() {
            roles.insert(self.config_role());
        }
        roles
    }

    /// Tells whether AWS Config may be administered from here: the log account by default, else the member that is
    /// named, of which the place does not tell more.
    pub(super) fn administers_config(&self) -> bool {
        let Some(section) = &self.config().aws_config else { return false };
        let log = &self.config().accounts.log;
        let is_log = section
            .administrator
            .as_ref()
            .is_none_or(|named| named == log || self.log.as_ref().is_some_and(|id| id.as_str() == named));
        self.place() == if is_log { AccountKind::Log } else { AccountKind::Member }
    }

    /// The role of the aggregator of AWS Config.
    pub(super) fn config_role(&self) -> String {
        let section = self.config().aws_config.as_ref();
        section.map_or_else(|| ANY.to_owned(), |section| self.render_for(&section.role, self.place()))
    }

    pub(super) fn has_reader_roles(&self) -> bool {
        self.config().readers.mode != ReaderMode::Dynamic
    }

    /// Tells whether the role is made here with which EventBridge sends events on: from another account into the queue,
    /// and from another region home.
    pub(super) fn has_wake_role(&self) -> bool {
        let regions = self.wake_regions();
        let sends = if self.place() == AccountKind::Log { regions.len() > 1 } else { !regions.is_empty() };
        self.config().reconcile.wake_queue.is_some() && sends
    }
}

/// A lake in a bucket.
pub(super) struct NamedLake {
    pub(super) bucket: String,
    /// What its keys begin with: empty, or with a slash at its end.
    pub(super) prefix: String,
    pub(super) key: LakeKey,
    /// orgtrail keeps the bucket, in the log account.
    pub(super) is_kept: bool,
}

/// The key of KMS that encrypts a lake.
pub(super) enum LakeKey {
    /// None, or the one that S3 manages, or one that is not known.
    None,
    /// This one.
    Of(Arn),
    /// The one that orgtrail makes for the archive, known by its alias.
    Archive,
}

/// A trail in one region.
pub(super) struct TrailRegion<'a> {
    pub(super) config: &'a TrailConfig,
    pub(super) region: &'a Region,
    pub(super) arn: String,
    /// The ARN of the log group and the name of the role.
    pub(super) logs: Option<(String, String)>,
}

fn regions<'a>(config: &'a Config, trail: &'a TrailConfig) -> Vec<&'a Region> {
    match &trail.regions {
        Regions::All => vec![&config.home_region],
        Regions::Only(list) => list.iter().collect(),
    }
}

pub(super) fn administrators(config: &Config) -> BTreeSet<AccountId> {
    let owners = config.trails.iter().filter_map(|trail| match &trail.owner {
        Owner::Account(id) => Some(id.clone()),
        Owner::Management => None,
    });
    let named = config.organization.delegated_administrators.iter().filter_map(|text| text.parse().ok());
    owners.chain(named).collect()
}
