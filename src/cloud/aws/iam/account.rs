//! All roles of an account with a handful of calls, and its quotas.

use std::collections::BTreeMap;

use aws_sdk_iam::types::{EntityType, RoleDetail, SummaryKeyType};

use super::{document, op};
use crate::cloud::Fault;
use crate::cloud::aws::session::Session;
use crate::estate::{Limits, OWNER_TAG, Role};

/// Items of a page (IAM API, `GetAccountAuthorizationDetails`); AWS may return fewer.
const PAGE: i32 = 1000;

/// Reads the roles that `wanted` chooses by name and those of this deployment, by name: never one call a role.
pub(crate) async fn roles(
    session: &Session,
    deployment: &str,
    wanted: impl Fn(&str) -> bool,
) -> Result<BTreeMap<String, Role>, Fault> {
    let client = session.iam();
    let mut roles = BTreeMap::new();
    let mut marker = None;
    let mut pages = session.pages(op::GET_ACCOUNT_DETAILS);
    loop {
        let request = client
            .get_account_authorization_details()
            .filter(EntityType::Role)
            .max_items(PAGE)
            .set_marker(marker.take());
        let page = session.read(op::GET_ACCOUNT_DETAILS, request.send()).await?;
        session.needed(op::GET_ACCOUNT_DETAILS, page.role_detail_list.as_ref(), "list of roles")?;
        for detail in page.role_detail_list() {
            let name = session.needed(op::GET_ACCOUNT_DETAILS, detail.role_name(), "name of a role")?;
            let ours = || detail.tags().iter().any(|tag| tag.key() == OWNER_TAG && tag.value() == deployment);
            if wanted(name) || ours() {
                roles.insert(name.to_owned(), read(session, detail)?);
            }
        }
        marker = pages.after(page.is_truncated, page.marker)?;
        if marker.is_none() {
            break;
        }
    }
    if !roles.is_empty() {
        add_sessions(session, &mut roles).await?;
    }
    Ok(roles)
}

fn read(session: &Session, detail: &RoleDetail) -> Result<Role, Fault> {
    let parse = |text: Option<&str>| document(session, op::GET_ACCOUNT_DETAILS, text.unwrap_or_default());
    let inline = detail.role_policy_list().iter().map(|policy| {
        let name = policy.policy_name().unwrap_or_default().to_owned();
        Ok((name, parse(policy.policy_document())?))
    });
    let attached = detail.attached_managed_policies().iter().filter_map(|policy| policy.policy_arn());
    Ok(Role {
        trust: parse(detail.assume_role_policy_document())?,
        inline: inline.collect::<Result<_, Fault>>()?,
        attached: attached.map(str::to_owned).collect(),
        max_session_s: None,
        description: None,
        unique_id: detail.role_id().map(str::to_owned),
        tags: detail.tags().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect(),
    })
}

/// Adds what only `ListRoles` tells: the longest session and the description.
async fn add_sessions(session: &Session, roles: &mut BTreeMap<String, Role>) -> Result<(), Fault> {
    let client = session.iam();
    let mut marker = None;
    let mut pages = session.pages(op::LIST_ROLES);
    loop {
        let request = client.list_roles().max_items(PAGE).set_marker(marker.take());
        let page = session.read(op::LIST_ROLES, request.send()).await?;
        for listed in &page.roles {
            if let Some(role) = roles.get_mut(listed.role_name()) {
                role.max_session_s = listed.max_session_duration().and_then(|s| u32::try_from(s).ok());
                role.description = listed.description().map(str::to_owned);
            }
        }
        marker = pages.after(page.is_truncated, page.marker)?;
        if marker.is_none() {
            return Ok(());
        }
    }
}

/// Reads the account's quotas.
pub(crate) async fn limits(session: &Session) -> Result<Limits, Fault> {
    let answer = session.read(op::GET_ACCOUNT_SUMMARY, session.iam().get_account_summary().send()).await?;
    let summary = answer.summary_map.unwrap_or_default();
    let number = |key: &str| summary.get(&SummaryKeyType::from(key)).and_then(|n| u32::try_from(*n).ok());
    Ok(Limits {
        roles: number("Roles"),
        roles_quota: number("RolesQuota"),
        trust_policy_size: number("AssumeRolePolicySizeQuota"),
        role_policy_size: number("RolePolicySizeQuota"),
        policy_size: number("PolicySizeQuota"),
    })
}
