//! The rule of the guard: the service control policy that keeps members from stopping, changing, deleting or blinding
//! what orgtrail made, where it is attached, and what it is held to before that.
//!
//! Only orgtrail's own roles and the break-glass roles are let off. A role that others could make or change would be a
//! way around the guard, so the guard protects those roles too, and lets no deployment tool off.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::topology::{Topology, logs_root};
use super::{DesignInput, tags};
use crate::config::Config;
use crate::config::schema::TrailScope;
use crate::estate::{ACCOUNT_TAG, Address, Desired, GuardTerms, Kind, Resource, ServiceControlPolicy};
use crate::event::catalog::{self, Target};
use crate::ids::{AccountId, Arn};
use crate::log_path::{Folder, LogKind, Sample};
use crate::organization::Organization;
use crate::policy::guard::GuardedAction;
use crate::policy::template::BadTemplate;

/// How many accounts stand for all in the proof, beside the log account.
const MEMBERS_TRIED: usize = 2;

/// Adds the guard where the configuration asks for one and there is a member that it could bind.
pub(super) fn add(brief: &DesignInput<'_>, layout: &Topology<'_>, desired: &mut Desired) -> Result<(), BadTemplate> {
    let config = brief.config;
    let members = bound(layout);
    if !config.guard.is_wanted() || members.is_empty() {
        return Ok(());
    }
    let things = Things::of(brief, layout, desired);
    let own_role = |account: &str| layout.own_role(config, account);
    let let_off = let_off(brief, layout);
    let document = brief.templates.render(
        "guard.json.hbs",
        &json!({
            "trail_arns": things.trails,
            "identity_arns": things.identities.iter().chain(&let_off).collect::<BTreeSet<_>>(),
            "archive_arns": things.archive(layout, config),
            "exempt_principals": let_off,
        }),
    )?;
    let mut tried: Vec<AccountId> = members.iter().take(MEMBERS_TRIED).map(|id| (*id).clone()).collect();
    if members.contains(&layout.log_account) && !tried.contains(&layout.log_account) {
        tried.push(layout.log_account.clone());
    }
    desired.guard = Some(GuardTerms {
        own_roles: tried.iter().map(|id| own_role(id.as_str())).chain(named_roles(&let_off)).collect(),
        protected: things.protected(layout, config),
        needed: needed(brief, layout),
        members: tried,
    });
    let policy = ServiceControlPolicy {
        id: None,
        document,
        targets: targets(brief.organization, &members),
        tags: tags(config, &BTreeMap::new()),
    };
    let address = address(config, &layout.management_account);
    let needs = if layout.makes_key(config) { vec![layout.key_alias.clone()] } else { Vec::new() };
    desired.want(address, policy, "guard.service_control_policy", needs);
    Ok(())
}

/// Returns the roles that the guard lets off: orgtrail's own in every account, those that the configuration names as
/// its own, and the break-glass roles, which otherwise could open nothing.
fn let_off(brief: &DesignInput<'_>, layout: &Topology<'_>) -> BTreeSet<String> {
    let config = brief.config;
    let own = [layout.own_role(config, "*").to_string()];
    own.into_iter()
        .chain(config.organization.own_roles.clone())
        .chain(config.bucket.break_glass_roles.clone())
        .collect()
}

/// Returns one role of an account for each pattern that names the account, to be tried.
fn named_roles(patterns: &BTreeSet<String>) -> impl Iterator<Item = Arn> {
    let arns = patterns.iter().filter_map(|pattern| pattern.parse::<Arn>().ok());
    let of_account = arns.filter(|arn| arn.account().parse::<AccountId>().is_ok());
    of_account.filter_map(|arn| arn.to_string().replace(['*', '?'], "x").parse().ok())
}

fn address(config: &Config, management_account: &AccountId) -> Address {
    let name = format!("orgtrail-{}", config.deployment);
    Address::global(management_account, Kind::ServiceControlPolicy, name)
}

/// Returns where a guard of this deployment would be that the configuration wants to be rid of.
pub(super) fn unwanted(config: &Config, organization: &Organization) -> Option<Address> {
    config.guard.is_unwanted().then(|| address(config, &organization.management_account))
}

/// The selected accounts and the log account. Service control policies do not bind the management account
/// (Organizations user guide, "Service control policies").
fn bound<'a>(layout: &'a Topology<'_>) -> BTreeSet<&'a AccountId> {
    let all = layout.selected.iter().chain([&layout.log_account]);
    all.filter(|id| **id != layout.management_account).collect()
}

/// The ARNs of what is protected.
struct Things {
    trails: BTreeSet<String>,
    /// Member policies, reader roles and the roles of services.
    identities: BTreeSet<String>,
    keys: Vec<String>,
    /// The bucket of the lake; none where orgtrail keeps none.
    lake: Option<String>,
    /// Topics, log groups, queues and rules.
    others: BTreeMap<Kind, BTreeSet<String>>,
}

/// So many names of one kind are listed; more are put together in one pattern, as the ARNs of 10,000 accounts would not
/// fit.
const LISTED_MAX: usize = 3;

impl Things {
    fn of(brief: &DesignInput<'_>, layout: &Topology<'_>, desired: &Desired) -> Self {
        let arn = |service: &str, region: &str, account: &str, resource: String| {
            Arn::new(layout.partition, service, region, account, &resource).to_string()
        };
        // One pattern stands for the same name in every account.
        let of_any = |name: &str, account: &AccountId| name.replace(account.as_str(), "*");
        let trails = layout.trails.iter().map(|site| {
            let (account, region) = (&site.address.account, site.region(brief.config).as_str());
            match site.config.scope {
                TrailScope::Organization => site.arn(layout.partition, brief.config),
                TrailScope::Accounts => {
                    arn("cloudtrail", region, "*", format!("trail/{}", of_any(&site.address.name, account)))
                }
            }
        });
        // A trail of an account that still records is not to be stopped before the one that takes over delivers.
        let earlier = layout.earlier.iter().filter(|trail| !trail.organization).map(|trail| {
            let (name, account) = (&trail.address.name, &trail.address.account);
            let region = trail.address.region.as_ref().unwrap_or(&brief.config.home_region);
            arn("cloudtrail", region.as_str(), "*", format!("trail/{}", of_any(name, account)))
        });
        let mut things = Self {
            trails: trails.chain(earlier).collect(),
            identities: BTreeSet::new(),
            keys: layout.makes_key(brief.config).then(|| layout.key(brief.config)).flatten().into_iter().collect(),
            lake: None,
            others: BTreeMap::new(),
        };
        let (mut policies, mut readers) = (BTreeSet::new(), BTreeSet::new());
        for (address, wanted) in &desired.wanted {
            let region = address.region.as_ref().map_or("", |region| region.as_str());
            let own = |service: &str, resource: String| arn(service, region, address.account.as_str(), resource);
            match &wanted.resource {
                Resource::Policy(_) => drop(policies.insert(of_any(&address.name, &address.account))),
                Resource::Role(role) => match role.tags.get(ACCOUNT_TAG) {
                    Some(account) => drop(readers.insert(address.name.replace(account, "*"))),
                    // The same name in every account where events are sent on.
                    None => drop(things.identities.insert(arn("iam", "", "*", format!("role/{}", address.name)))),
                },
                Resource::Topic(_) => things.add(Kind::Topic, own("sns", address.name.clone())),
                Resource::LogGroup(_) => {
                    let group = own("logs", format!("log-group:{}", address.name));
                    things.add(Kind::LogGroup, format!("{group}:*"));
                    things.add(Kind::LogGroup, group);
                }
                Resource::Queue(_) => things.add(Kind::Queue, own("sqs", address.name.clone())),
                Resource::Rule(_) => {
                    things.add(Kind::Rule, arn("events", "*", "*", format!("rule/{}", address.name)));
                }
                _ => {}
            }
        }
        let log_account = layout.log_account.as_str();
        things.lake = desired.managed_lake().and_then(|lake| Some(lake.bucket.arn(layout.partition)?.to_string()));
        things.identities.extend(patterns(policies).map(|name| arn("iam", "", "*", format!("policy/{name}"))));
        things.identities.extend(patterns(readers).map(|name| arn("iam", "", log_account, format!("role/{name}"))));
        things
    }

    fn add(&mut self, kind: Kind, arn: String) {
        self.others.entry(kind).or_default().insert(arn);
    }

    /// Returns everything that logs go through or lie in.
    fn archive(&self, layout: &Topology<'_>, config: &Config) -> BTreeSet<String> {
        let bucket = layout.bucket_arn();
        let logs = format!("{bucket}/{}", logs_root(config).pattern());
        let others = self.others.values().flatten().cloned();
        let lake = self.lake.iter().flat_map(|lake| [lake.clone(), format!("{lake}/*")]);
        [bucket, logs].into_iter().chain(lake).chain(self.keys.iter().cloned()).chain(others).collect()
    }

    /// Returns what no member may do, one action for each thing and each way to harm it.
    fn protected(&self, layout: &Topology<'_>, config: &Config) -> Vec<GuardedAction> {
        let account = layout.log_account.as_str();
        let fill = |pattern: &String| pattern.replace('*', account);
        let of = |targets: &[Target], resource: String| -> Vec<GuardedAction> {
            let actions = catalog::guarded_actions(targets).into_iter();
            actions.map(|action| GuardedAction { action, resource: resource.clone() }).collect()
        };
        let bucket = layout.bucket_arn();
        let mut actions = Vec::new();
        self.trails.iter().take(1).for_each(|arn| actions.extend(of(&[Target::Trail], fill(arn))));
        for arn in &self.identities {
            let target = if arn.contains(":policy/") { Target::ManagedPolicy } else { Target::Role };
            actions.extend(of(&[target], fill(arn)));
        }
        actions.extend(of(&[Target::Role], layout.own_role(config, account).to_string()));
        let own = config.organization.own_roles.iter().chain(&config.bucket.break_glass_roles);
        own.for_each(|role| actions.extend(of(&[Target::Role], fill(role))));
        actions.extend(of(&[Target::Object], some_log(layout, config)));
        actions.extend(of(&[Target::Bucket, Target::BucketPolicy], bucket));
        if let Some(lake) = &self.lake {
            actions.extend(of(&[Target::Object], format!("{lake}/lake.json")));
            actions.extend(of(&[Target::Bucket, Target::BucketPolicy], lake.clone()));
        }
        self.keys.iter().for_each(|arn| actions.extend(of(&[Target::Key, Target::KeyPolicy], arn.clone())));
        for (kind, arns) in &self.others {
            arns.iter().for_each(|arn| actions.extend(of(&[kind.target()], fill(arn))));
        }
        actions
    }
}

/// Returns the names, or the pattern of how all of them begin where there are many. Names that have nothing in common
/// cannot be guarded: a pattern for them would be one for everybody's.
fn patterns(names: BTreeSet<String>) -> impl Iterator<Item = String> {
    let is_many = names.len() > LISTED_MAX;
    let first = names.first().cloned().unwrap_or_default();
    let last = names.last().cloned().unwrap_or_default();
    let common: String = first.chars().zip(last.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a).collect();
    let one = Some(format!("{common}*")).filter(|_| is_many && !common.is_empty());
    one.into_iter().chain(if is_many { BTreeSet::new() } else { names })
}

/// Returns the ARN of a log file of the log account.
fn some_log(layout: &Topology<'_>, config: &Config) -> String {
    let sample = Sample::of(layout.log_account.as_str(), config.home_region.as_str());
    format!("{}/{}", layout.bucket_arn(), sample.key(&logs_root(config), Folder::Logs(LogKind::CloudTrail)))
}

/// What must go on under the guard: members' own trails, roles, buckets and keys, and reading the logs.
fn needed(brief: &DesignInput<'_>, layout: &Topology<'_>) -> Vec<GuardedAction> {
    let account = layout.log_account.as_str();
    let region = brief.config.home_region.as_str();
    let arn = |service: &str, region: &str, account: &str, resource: &str| {
        Arn::new(layout.partition, service, region, account, resource).to_string()
    };
    [
        ("cloudtrail:LookupEvents", "*".to_owned()),
        ("cloudtrail:StopLogging", arn("cloudtrail", region, account, "trail/a-trail-of-the-team")),
        ("iam:UpdateAssumeRolePolicy", arn("iam", "", account, "role/a-role-of-the-team")),
        ("iam:DeletePolicy", arn("iam", "", account, "policy/a-policy-of-the-team")),
        ("kms:ScheduleKeyDeletion", arn("kms", region, account, "key/a-key-of-the-team")),
        ("s3:PutBucketPolicy", arn("s3", "", "", "a-bucket-of-the-team")),
        ("s3:DeleteObject", arn("s3", "", "", "a-bucket-of-the-team/file")),
        ("s3:GetObject", some_log(layout, brief.config)),
    ]
    .map(|(action, resource)| GuardedAction { action: action.to_owned(), resource })
    .into()
}

/// Returns the fewest roots, units and accounts that hold every bound account and none that is left out on purpose.
///
/// A unit is taken where no active account below it is left out. The management account is in no one's way, because it
/// is not bound; neither are accounts that are not active.
fn targets(organization: &Organization, bound: &BTreeSet<&AccountId>) -> BTreeSet<String> {
    let left_out = organization.accounts.iter().filter(|(id, account)| {
        account.state.is_active() && **id != organization.management_account && !bound.contains(id)
    });
    let barred: BTreeSet<&String> = left_out.flat_map(|(_, account)| &account.path).collect();
    let target = |id: &&AccountId| {
        let path = organization.accounts.get(*id).map_or(&[][..], |account| account.path.as_slice());
        path.iter().find(|unit| !barred.contains(unit)).cloned().unwrap_or_else(|| id.to_string())
    };
    bound.iter().map(target).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Partition;
    use crate::organization::{Account, AccountState};
    use crate::policy::evaluate::glob;

    fn organization(accounts: &[(&str, AccountState, &[&str])]) -> Organization {
        let account = |(id, state, path): &(&str, AccountState, &[&str])| {
            let path = path.iter().map(|unit| (*unit).to_owned()).collect();
            let account = Account { name: "x".into(), email: "x@example.com".into(), state: *state, path, tags: None };
            (id.parse().unwrap(), account)
        };
        Organization {
            id: "o-exampleorgid".parse().unwrap(),
            partition: Partition::Aws,
            management_account: "111111111111".parse().unwrap(),
            units: BTreeMap::new(),
            accounts: accounts.iter().map(account).collect(),
        }
    }

    fn targets_of(bound: &[&str]) -> Vec<String> {
        let (active, suspended) = (AccountState::Active, AccountState::Suspended);
        let organization = organization(&[
            ("111111111111", active, &["r-1"]),
            ("222222222222", active, &["r-1", "ou-security"]),
            ("333333333333", active, &["r-1", "ou-work", "ou-prod"]),
            ("444444444444", active, &["r-1", "ou-work", "ou-test"]),
            ("555555555555", suspended, &["r-1", "ou-work", "ou-test"]),
            ("666666666666", active, &["r-1", "ou-work", "ou-test"]),
        ]);
        let ids: Vec<AccountId> = bound.iter().map(|id| id.parse().unwrap()).collect();
        targets(&organization, &ids.iter().collect()).into_iter().collect()
    }

    #[test]
    fn the_fewest_targets_cover_the_selection_and_nobody_who_is_left_out() {
        assert_eq!(targets_of(&["222222222222", "333333333333", "444444444444", "666666666666"]), ["r-1"]);
        assert_eq!(targets_of(&["333333333333", "444444444444", "666666666666"]), ["ou-work"]);
        assert_eq!(targets_of(&["333333333333", "444444444444"]), ["444444444444", "ou-prod"]);
        assert_eq!(targets_of(&["222222222222"]), ["ou-security"]);
    }

    /// The template and the catalog know of the same calls: what can harm a log is denied, and what is denied by its
    /// name is in the table.
    #[test]
    fn the_guard_denies_each_call_of_the_catalog_that_can_harm_a_log() {
        let template = include_str!("../../../../policies/guard.json.hbs");
        let denied: BTreeSet<&str> =
            template.split('"').filter(|text| text.contains(':') && !text.contains(' ')).collect();
        let denied: Vec<&str> = denied.into_iter().filter(|text| !text.contains("aws:") && text.len() > 3).collect();
        let services = || catalog::SERVICES.iter();
        let guarded: BTreeSet<Target> = services()
            .flat_map(|service| service.calls)
            .filter(|call| call.is_guarded)
            .map(|call| call.target)
            .collect();
        let harmful = services()
            .flat_map(|service| service.actions(|call| !call.effects.is_empty() && guarded.contains(&call.target)));
        for action in harmful {
            assert!(denied.iter().any(|pattern| glob(pattern, &action)), "{action} is not denied");
        }
        let known: BTreeSet<String> = services().flat_map(|service| service.actions(|_| true)).collect();
        for action in denied.iter().filter(|action| !action.contains('*')) {
            assert!(known.contains(*action), "{action} is not in the catalog");
        }
    }
}
