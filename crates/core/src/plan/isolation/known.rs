//! What is known beside the documents of an archive: its topics, log groups and queue, and where the accounts are in
//! the organization.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{Find, gap};
use crate::estate::{Address, Desired, Estate, Kind, Resource, Sighting};
use crate::ids::AccountId;
use crate::organization::Organization;
use crate::policy::PolicyDocument;
use crate::policy::isolation::{BrokenInvariant, Invariant, SharedKind, Unproven};
use crate::policy::preflight::RESOURCE_POLICY;

/// Returns orgtrail's own roles and those that the configuration lets off, as ARNs in which `*` stands for any text.
pub(super) fn own_principals(desired: &Desired) -> Vec<String> {
    let named = desired.own_roles.iter().chain(&desired.break_glass).cloned();
    named.chain([desired.own_role.to_string()]).collect()
}

/// A document beside those of bucket, key and readers that others may write to.
pub(super) struct Beside<'a> {
    /// Of what it is attached to.
    pub(super) address: Address,
    pub(super) kind: SharedKind,
    /// The ARN of what it is attached to.
    pub(super) arn: String,
    /// What people call it.
    pub(super) name: String,
    pub(super) policy: Cow<'a, PolicyDocument>,
}

impl Beside<'_> {
    /// Tells whether a violation is about this document. A resource policy of CloudWatch Logs may reach several log
    /// groups.
    pub(super) fn is_of(&self, document: &str, violation: &BrokenInvariant) -> bool {
        self.name == document && (self.kind != SharedKind::LogGroup || self.arn == violation.resource)
    }
}

/// Returns the policies of the topics that trails of this deployment notify and of the queue, and the resource policies
/// of CloudWatch Logs, which may reach the log groups that trails of this deployment write to.
pub(super) fn beside<'a>(desired: &Desired, observed: &'a Estate, find: Find<'_, 'a>) -> Vec<Beside<'a>> {
    let mut list = Vec::new();
    for address in desired.wanted.keys() {
        let kind = match address.kind {
            Kind::Topic => SharedKind::Topic,
            Kind::Queue => SharedKind::Queue,
            Kind::LogGroup => {
                list.extend(of_log_group(desired, observed, address));
                continue;
            }
            _ => continue,
        };
        let (Some(arn), Some(policy)) = (address.arn(desired.partition), find(address).and_then(policy_of)) else {
            continue;
        };
        let name = format!("policy of {} {}", address.kind.words(), address.name);
        list.push(Beside { address: address.clone(), kind, arn: arn.to_string(), name, policy });
    }
    list.extend(of_lake(desired, observed, find));
    list
}

/// Returns the policy of the lake's bucket: an empty one where the bucket has none. None where there is no bucket, or
/// the policy is not known.
fn of_lake<'a>(desired: &Desired, observed: &Estate, find: Find<'_, 'a>) -> Option<Beside<'a>> {
    let lake = desired.lake.as_ref()?;
    let address = lake.bucket.with_kind(Kind::BucketPolicy);
    let is_absent = |address: &Address| matches!(observed.sightings.get(address), Some(Sighting::Absent));
    let policy = match find(&address).and_then(shared_policy_of) {
        Some(policy) => policy,
        None if is_absent(&address) && !is_absent(&lake.bucket) => Cow::default(),
        None => return None,
    };
    let arn = lake.bucket.arn(desired.partition)?.to_string();
    let name = format!("policy of {} {}", lake.bucket.kind.words(), lake.bucket.name);
    Some(Beside { address, kind: SharedKind::Lake, arn, name, policy })
}

/// Returns what cannot be proved of a lake whose bucket somebody else keeps.
pub(super) fn unknown_lake(desired: &Desired, observed: &Estate) -> Option<Unproven> {
    gap(observed, &desired.existing_lake()?.bucket.with_kind(Kind::BucketPolicy), Invariant::NobodyOutside)
}

fn shared_policy_of(resource: Cow<'_, Resource>) -> Option<Cow<'_, PolicyDocument>> {
    match resource {
        Cow::Borrowed(resource) => resource.shared_policy().map(Cow::Borrowed),
        Cow::Owned(resource) => resource.shared_policy().cloned().map(Cow::Owned),
    }
}

fn policy_of(resource: Cow<'_, Resource>) -> Option<Cow<'_, PolicyDocument>> {
    match resource {
        Cow::Borrowed(resource) => resource.own_policy().map(Cow::Borrowed),
        Cow::Owned(resource) => resource.own_policy().cloned().map(Cow::Owned),
    }
}

fn of_log_group<'a>(desired: &Desired, observed: &'a Estate, group: &Address) -> Vec<Beside<'a>> {
    let exposure = observed.surroundings.as_ref().and_then(|all| all.log_groups.get(group));
    let policies = exposure.and_then(|exposure| exposure.policies.read());
    let (Some(policies), Some(arn)) = (policies, group.arn(desired.partition)) else { return Vec::new() };
    let policy = |(name, policy): (&String, &'a PolicyDocument)| Beside {
        address: group.clone(),
        kind: SharedKind::LogGroup,
        arn: arn.to_string(),
        name: format!("{RESOURCE_POLICY}{name}"),
        policy: Cow::Borrowed(policy),
    };
    policies.iter().map(policy).collect()
}

/// Returns where each account is, as `aws:PrincipalOrgPaths` has it: from the root down, each unit with its slash (IAM
/// user guide, "aws:PrincipalOrgPaths"). An account whose place is not known is not among them.
pub(super) fn paths(organization: &Organization) -> BTreeMap<AccountId, String> {
    let known = organization.accounts.iter().filter(|(_, account)| !account.path.is_empty());
    let path = |path: &[String]| path.iter().fold(format!("{}/", organization.id), |text, unit| text + unit + "/");
    known.map(|(id, account)| (id.clone(), path(&account.path))).collect()
}
