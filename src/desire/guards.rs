//! The rule of the guard: the service control policy that keeps members from stopping, changing, deleting or blinding what
//! orgtrail made, where it is attached, and what it is held to before that.
//!
//! Only orgtrail's own role is let off. A role that others could make or change would be a way around the guard, so the
//! guard protects that role too, and lets no deployment tool off.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::layout::{Layout, logs_root};
use super::{Brief, tags};
use crate::config::Config;
use crate::config::schema::Scope;
use crate::estate::{Address, Desired, GuardTerms, Kind, Resource, ServiceControlPolicy};
use crate::ids::{AccountId, Arn};
use crate::organization::Organization;
use crate::policy::guard::Deed;
use crate::policy::template::BadTemplate;

/// How many accounts stand for all in the proof, beside the log account.
const MEMBERS_TRIED: usize = 2;

/// Adds the guard where the configuration asks for one and there is a member that it could bind.
pub(super) fn add(brief: &Brief<'_>, layout: &Layout<'_>, desired: &mut Desired) -> Result<(), BadTemplate> {
    let config = brief.config;
    let members = bound(layout);
    if !config.guard.is_wanted() || members.is_empty() {
        return Ok(());
    }
    let things = Things::of(brief, layout, desired);
    let own_role = |account: &str| layout.own_role(config, account);
    let document = brief.templates.render(
        "guard.json.hbs",
        &json!({
            "trail_arns": things.trails,
            "member_policy_arns": things.member_policies,
            "role_arns": [own_role("*")],
            "bucket": {"arn": layout.bucket_arn()},
            "log_arns": [format!("{}/{}/*", layout.bucket_arn(), logs_root(config))],
            "key_arns": things.keys,
            "exempt_principals": [own_role("*")],
        }),
    )?;
    let mut tried: Vec<AccountId> = members.iter().take(MEMBERS_TRIED).map(|id| (*id).clone()).collect();
    if members.contains(&layout.log_account) && !tried.contains(&layout.log_account) {
        tried.push(layout.log_account.clone());
    }
    desired.guard = Some(GuardTerms {
        own_roles: tried.iter().map(|id| own_role(id.as_str())).collect(),
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

fn address(config: &Config, management_account: &AccountId) -> Address {
    let name = format!("orgtrail-{}", config.deployment);
    Address::global(management_account, Kind::ServiceControlPolicy, name)
}

/// Returns where a guard of this deployment would be that the configuration wants to be rid of.
pub(super) fn unwanted(config: &Config, organization: &Organization) -> Option<Address> {
    config.guard.is_unwanted().then(|| address(config, &organization.management_account))
}

/// The selected accounts and the log account. Service control policies do not bind the management account (Organizations
/// user guide, "Service control policies").
fn bound<'a>(layout: &'a Layout<'_>) -> BTreeSet<&'a AccountId> {
    let all = layout.selected.iter().chain([&layout.log_account]);
    all.filter(|id| **id != layout.management_account).collect()
}

/// The ARNs of what is protected.
struct Things {
    trails: BTreeSet<String>,
    member_policies: BTreeSet<String>,
    keys: Vec<String>,
}

impl Things {
    fn of(brief: &Brief<'_>, layout: &Layout<'_>, desired: &Desired) -> Self {
        let arn = |service: &str, region: &str, account: &str, resource: String| {
            Arn::new(layout.partition, service, region, account, &resource).to_string()
        };
        // One pattern stands for the same name in every account: the ARNs of 10,000 accounts would not fit.
        let of_any = |name: &str, account: &AccountId| name.replace(account.as_str(), "*");
        let trails = layout.trails.iter().map(|site| {
            let (account, region) = (&site.address.account, site.region(brief.config).as_str());
            match site.config.scope {
                Scope::Organization => site.arn(layout.partition, brief.config),
                Scope::Accounts => {
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
        let trails = trails.chain(earlier);
        let policies = desired.wanted.iter().filter(|(_, w)| matches!(w.resource, Resource::Policy(_)));
        let member_policies =
            policies.map(|(a, _)| arn("iam", "", "*", format!("policy/{}", of_any(&a.name, &a.account))));
        let own_key = layout.makes_key(brief.config).then(|| layout.key(brief.config)).flatten();
        Self {
            trails: trails.collect(),
            member_policies: member_policies.collect(),
            keys: own_key.into_iter().collect(),
        }
    }

    /// Returns what no member may do, one deed for each thing and each way to harm it.
    fn protected(&self, layout: &Layout<'_>, config: &Config) -> Vec<Deed> {
        let account = layout.log_account.as_str();
        let fill = |pattern: &String| pattern.replace('*', account);
        let of = |actions: &[&str], resource: String| -> Vec<Deed> {
            actions.iter().map(|action| Deed { action: (*action).to_owned(), resource: resource.clone() }).collect()
        };
        let own_role = layout.own_role(config, account).to_string();
        let bucket = layout.bucket_arn();
        let mut deeds = Vec::new();
        self.trails.iter().take(1).for_each(|arn| deeds.extend(of(&TRAIL_DEEDS, fill(arn))));
        self.member_policies.iter().take(1).for_each(|arn| deeds.extend(of(&POLICY_DEEDS, fill(arn))));
        deeds.extend(of(&ROLE_DEEDS, own_role));
        deeds.extend(of(&OBJECT_DEEDS, format!("{bucket}/{}/{account}/CloudTrail/file.json.gz", logs_root(config))));
        deeds.extend(of(&BUCKET_DEEDS, bucket));
        self.keys.iter().for_each(|arn| deeds.extend(of(&KEY_DEEDS, arn.clone())));
        deeds
    }
}

const TRAIL_DEEDS: [&str; 5] = [
    "cloudtrail:StopLogging",
    "cloudtrail:DeleteTrail",
    "cloudtrail:UpdateTrail",
    "cloudtrail:PutEventSelectors",
    "cloudtrail:PutInsightSelectors",
];
const POLICY_DEEDS: [&str; 2] = ["iam:DeletePolicy", "iam:CreatePolicyVersion"];
const ROLE_DEEDS: [&str; 4] =
    ["iam:DeleteRole", "iam:UpdateAssumeRolePolicy", "iam:PutRolePolicy", "iam:DetachRolePolicy"];
const OBJECT_DEEDS: [&str; 2] = ["s3:DeleteObject", "s3:DeleteObjectVersion"];
const BUCKET_DEEDS: [&str; 4] =
    ["s3:DeleteBucket", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy", "s3:PutLifecycleConfiguration"];
const KEY_DEEDS: [&str; 3] = ["kms:ScheduleKeyDeletion", "kms:DisableKey", "kms:PutKeyPolicy"];

/// What must go on under the guard: members' own trails, roles, buckets and keys, and reading the logs.
fn needed(brief: &Brief<'_>, layout: &Layout<'_>) -> Vec<Deed> {
    let account = layout.log_account.as_str();
    let region = brief.config.home_region.as_str();
    let arn = |service: &str, region: &str, account: &str, resource: &str| {
        Arn::new(layout.partition, service, region, account, resource).to_string()
    };
    let log = format!("{}/{}/{account}/CloudTrail/file.json.gz", layout.bucket_arn(), logs_root(brief.config));
    [
        ("cloudtrail:LookupEvents", "*".to_owned()),
        ("cloudtrail:StopLogging", arn("cloudtrail", region, account, "trail/a-trail-of-the-team")),
        ("iam:UpdateAssumeRolePolicy", arn("iam", "", account, "role/a-role-of-the-team")),
        ("iam:DeletePolicy", arn("iam", "", account, "policy/a-policy-of-the-team")),
        ("kms:ScheduleKeyDeletion", arn("kms", region, account, "key/a-key-of-the-team")),
        ("s3:PutBucketPolicy", arn("s3", "", "", "a-bucket-of-the-team")),
        ("s3:DeleteObject", arn("s3", "", "", "a-bucket-of-the-team/file")),
        ("s3:GetObject", log),
    ]
    .map(|(action, resource)| Deed { action: action.to_owned(), resource })
    .into()
}

/// Returns the fewest roots, units and accounts that hold every bound account and none that is left out on purpose.
///
/// A unit is taken where no active account below it is left out. The management account is in no one's way, because it is
/// not bound; neither are accounts that are not active.
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
}
