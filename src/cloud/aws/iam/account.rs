//! Everybody of an account with a handful of calls, and its quotas.

use std::collections::BTreeMap;

use aws_sdk_iam::operation::get_account_authorization_details::GetAccountAuthorizationDetailsOutput;
use aws_sdk_iam::types::{EntityType, RoleDetail, SummaryKeyType, Tag};

use super::details::{Details, boundary};
use super::role::with_path;
use super::{document, op};
use crate::cloud::CloudFault;
use crate::cloud::aws::session::Session;
use crate::estate::role::Boundary;
use crate::estate::{ACCOUNT_TAG, Limits, OWNER_TAG, Role};
use crate::ids::AccountId;

/// Items of a page (IAM API, `GetAccountAuthorizationDetails`); AWS may return fewer.
const PAGE: i32 = 1000;

/// Who is in an account.
#[derive(Default)]
pub(crate) struct AccountIdentities {
    /// The roles that are wanted or of this deployment, by name with path.
    pub(crate) roles: BTreeMap<String, Role>,
    /// Everybody else, where that was asked for.
    pub(crate) others: Details,
}

/// What is read of an account beside its roles where everybody is asked for.
const EVERYBODY: [EntityType; 4] =
    [EntityType::User, EntityType::Group, EntityType::LocalManagedPolicy, EntityType::AwsManagedPolicy];

/// Reads the roles that `wanted` chooses by name and those of this deployment, and with `everybody` all others who may
/// do something: never one call a role.
pub(crate) async fn found(
    session: &Session,
    deployment: &str,
    wanted: impl Fn(&str) -> bool,
    everybody: bool,
) -> Result<AccountIdentities, CloudFault> {
    let client = session.iam();
    let mut found = AccountIdentities::default();
    let mut marker = None;
    let mut pages = session.pages(op::GET_ACCOUNT_DETAILS);
    let kinds = if everybody { &EVERYBODY[..] } else { &[] };
    loop {
        let mut request = client.get_account_authorization_details().filter(EntityType::Role);
        for kind in kinds {
            request = request.filter(kind.clone());
        }
        let request = request.max_items(PAGE).set_marker(marker.take());
        let page = session.read(op::GET_ACCOUNT_DETAILS, request.send()).await?;
        session.needed(op::GET_ACCOUNT_DETAILS, page.role_detail_list.as_ref(), "list of roles")?;
        for detail in page.role_detail_list() {
            let name = session.needed(op::GET_ACCOUNT_DETAILS, detail.role_name(), "name of a role")?;
            let name = &with_path(detail.path().unwrap_or("/"), name);
            let tag = |key: &str| detail.tags().iter().find(|tag| tag.key() == key).map(Tag::value);
            let ours = tag(OWNER_TAG) == Some(deployment);
            if wanted(name) || ours {
                found.roles.insert(name.clone(), read(session, detail)?);
            }
            // A role of ours that is neither wanted nor a reader is nobody's proof: it is looked at as a stranger's.
            let is_reader = ours && tag(ACCOUNT_TAG).is_some_and(|account| account.parse::<AccountId>().is_ok());
            if everybody && !wanted(name) && !is_reader {
                found.others.add_role(session, detail)?;
            }
        }
        if everybody {
            add_others(session, &page, &mut found.others)?;
        }
        marker = pages.after(page.is_truncated, page.marker)?;
        if marker.is_none() {
            break;
        }
    }
    for boundary in found.roles.values_mut().filter_map(|role| role.boundary.as_mut()) {
        boundary.document = found.others.managed(&boundary.arn).cloned();
    }
    if !found.roles.is_empty() {
        add_sessions(session, &mut found.roles).await?;
    }
    Ok(found)
}

/// Adds the users, groups and managed policies of a page. All three were asked for, so all three are answered.
fn add_others(
    session: &Session,
    page: &GetAccountAuthorizationDetailsOutput,
    others: &mut Details,
) -> Result<(), CloudFault> {
    for user in session.needed(op::GET_ACCOUNT_DETAILS, page.user_detail_list.as_ref(), "list of users")? {
        others.add_user(session, user)?;
    }
    for group in session.needed(op::GET_ACCOUNT_DETAILS, page.group_detail_list.as_ref(), "list of groups")? {
        others.add_group(session, group)?;
    }
    for policy in session.needed(op::GET_ACCOUNT_DETAILS, page.policies.as_ref(), "list of policies")? {
        others.add_policy(session, policy)?;
    }
    Ok(())
}

fn read(session: &Session, detail: &RoleDetail) -> Result<Role, CloudFault> {
    let parse = |text: Option<&str>| document(session, op::GET_ACCOUNT_DETAILS, text.unwrap_or_default());
    let inline = detail.role_policy_list().iter().map(|policy| {
        let name = policy.policy_name().unwrap_or_default().to_owned();
        Ok((name, parse(policy.policy_document())?))
    });
    let attached = detail.attached_managed_policies().iter().filter_map(|policy| policy.policy_arn());
    Ok(Role {
        trust: parse(detail.assume_role_policy_document())?,
        inline: inline.collect::<Result<_, CloudFault>>()?,
        attached: attached.map(str::to_owned).collect(),
        boundary: boundary(detail.permissions_boundary()).map(|arn| Box::new(Boundary { arn, document: None })),
        max_session_s: None,
        description: None,
        unique_id: detail.role_id().map(str::to_owned),
        tags: detail.tags().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect(),
    })
}

/// Adds what only `ListRoles` tells: the longest session and the description.
async fn add_sessions(session: &Session, roles: &mut BTreeMap<String, Role>) -> Result<(), CloudFault> {
    let client = session.iam();
    let mut marker = None;
    let mut pages = session.pages(op::LIST_ROLES);
    loop {
        let request = client.list_roles().max_items(PAGE).set_marker(marker.take());
        let page = session.read(op::LIST_ROLES, request.send()).await?;
        for listed in &page.roles {
            if let Some(role) = roles.get_mut(&with_path(listed.path(), listed.role_name())) {
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
pub(crate) async fn limits(session: &Session) -> Result<Limits, CloudFault> {
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
