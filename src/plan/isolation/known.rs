//! What is known beside the documents of an archive: its topics, and where the accounts are in the organization.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::Find;
use crate::estate::{Address, Desired, Kind, Resource};
use crate::ids::AccountId;
use crate::organization::Organization;

/// Returns orgtrail's own roles and those that the configuration lets off, as ARNs in which `*` stands for any text.
pub(super) fn own_principals(desired: &Desired) -> Vec<String> {
    let named = desired.own_roles.iter().chain(&desired.break_glass).cloned();
    named.chain([desired.own_role.to_string()]).collect()
}

/// Returns what the policy of a topic is called.
pub(super) fn topic_document(address: &Address) -> String {
    format!("policy of topic {}", address.name)
}

/// Returns the topics that trails of ours notify.
pub(super) fn topics<'a>(desired: &Desired, find: Find<'_, 'a>) -> Vec<(Address, String, Cow<'a, Resource>)> {
    let wanted = desired.wanted.keys().filter(|address| address.kind == Kind::Topic);
    wanted
        .filter_map(|address| Some((address.clone(), address.arn(desired.partition)?.to_string(), find(address)?)))
        .collect()
}

/// Returns where each account is, as `aws:PrincipalOrgPaths` has it: from the root down, each unit with its slash (IAM user
/// guide, "aws:PrincipalOrgPaths"). An account whose place is not known is not among them.
pub(super) fn paths(organization: &Organization) -> BTreeMap<AccountId, String> {
    let known = organization.accounts.iter().filter(|(_, account)| !account.path.is_empty());
    let path = |path: &[String]| path.iter().fold(format!("{}/", organization.id), |text, unit| text + unit + "/");
    known.map(|(id, account)| (id.clone(), path(&account.path))).collect()
}
