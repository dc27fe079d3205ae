//! Managed policies: the one in each member account that may assume its reader role.

use std::collections::BTreeSet;

use super::{document, op, wire_tags};
use crate::cloud::aws::change_context::ChangeContext;
use crate::cloud::aws::session::{Session, none_if_absent};
use crate::cloud::{CloudFault, CloudFaultKind, Done};
use crate::estate::{Address, OWNER_TAG, Policy, Sighting, Tags};

/// Versions that a policy may have (IAM API, `CreatePolicyVersion`).
const VERSIONS_MAX: usize = 5;

/// Looks at a managed policy with two calls, and with one more where it matters what it is attached to.
pub(crate) async fn look(session: &Session, address: &Address, attachments: bool) -> Result<Sighting, CloudFault> {
    let arn = arn(session, &address.name);
    let request = session.iam().get_policy().policy_arn(&arn);
    let Some(answer) = none_if_absent(session.read(op::GET_POLICY, request.send()).await)? else {
        return Ok(Sighting::Absent);
    };
    let policy = session.needed(op::GET_POLICY, answer.policy, "policy")?;
    let version = session.needed(op::GET_POLICY, policy.default_version_id(), "default version")?;
    let request = session.iam().get_policy_version().policy_arn(&arn).version_id(version);
    let answer = session.read(op::GET_POLICY_VERSION, request.send()).await?;
    let text = answer.policy_version().and_then(|version| version.document()).unwrap_or_default();
    let attached = match (attachments, policy.attachment_count()) {
        (false, _) | (true, Some(0)) => Attached::default(),
        (true, _) => attached(session, &arn).await?,
    };
    Ok(Sighting::present(Policy {
        document: document(session, op::GET_POLICY_VERSION, text)?,
        description: policy.description().map(str::to_owned),
        groups: attached.groups,
        roles: attached.roles,
        tags: policy.tags().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect(),
    }))
}

fn arn(session: &Session, name: &str) -> String {
    session.arn("iam", &format!("policy/{name}"))
}

/// Who has a policy.
#[derive(Default)]
struct Attached {
    groups: BTreeSet<String>,
    roles: BTreeSet<String>,
    users: BTreeSet<String>,
}

async fn attached(session: &Session, arn: &str) -> Result<Attached, CloudFault> {
    let client = session.iam();
    let mut attached = Attached::default();
    let mut marker = None;
    let mut pages = session.pages(op::LIST_ENTITIES);
    loop {
        let request = client.list_entities_for_policy().policy_arn(arn).set_marker(marker.take());
        let page = session.read(op::LIST_ENTITIES, request.send()).await?;
        attached.groups.extend(page.policy_groups().iter().filter_map(|g| g.group_name().map(str::to_owned)));
        attached.roles.extend(page.policy_roles().iter().filter_map(|r| r.role_name().map(str::to_owned)));
        attached.users.extend(page.policy_users().iter().filter_map(|u| u.user_name().map(str::to_owned)));
        marker = pages.after(page.is_truncated, page.marker)?;
        if marker.is_none() {
            return Ok(attached);
        }
    }
}

/// Makes the policy, or brings it to what is wanted. Who else has it is the member's own decision.
pub(crate) async fn put(job: &ChangeContext<'_>, desired: &Policy) -> Result<Done, CloudFault> {
    let arn = arn(&job.session, job.name());
    let made = job.is_creation() && create(job, desired, &arn).await?;
    if !made && job.sets("document") {
        put_document(job, &arn, desired).await?;
    }
    if !made && job.sets("tags") {
        let request = job.session.iam().tag_policy().policy_arn(&arn).set_tags(Some(wire_tags(job, &desired.tags)?));
        job.session.write(op::TAG_POLICY, || request.clone().send()).await?;
    }
    attach(job, desired, &arn).await?;
    Ok(Done::default())
}

/// Makes the policy; tells whether it was not there.
async fn create(job: &ChangeContext<'_>, desired: &Policy, arn: &str) -> Result<bool, CloudFault> {
    let client = job.session.iam();
    let request = client
        .create_policy()
        .policy_name(job.name())
        .policy_document(desired.document.to_minified())
        .set_description(desired.description.clone())
        .set_tags(Some(wire_tags(job, &desired.tags)?));
    match job.session.write(op::CREATE_POLICY, || request.clone().send()).await {
        Ok(_) => Ok(true),
        Err(fault) if fault.code == "EntityAlreadyExists" => {
            job.must_be_ours(&tags(&job.session, arn).await?)?;
            Ok(false)
        }
        Err(fault) => Err(fault),
    }
}

async fn tags(session: &Session, arn: &str) -> Result<Tags, CloudFault> {
    let answer = none_if_absent(session.read(op::GET_POLICY, session.iam().get_policy().policy_arn(arn).send()).await)?;
    let policy = answer.and_then(|answer| answer.policy);
    let tags = policy.as_ref().map(|policy| policy.tags()).unwrap_or_default();
    Ok(tags.iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect())
}

/// Writes a new default version. The oldest one goes if there is no room.
async fn put_document(job: &ChangeContext<'_>, arn: &str, desired: &Policy) -> Result<(), CloudFault> {
    let client = job.session.iam();
    let listed =
        job.session.read(op::LIST_POLICY_VERSIONS, client.list_policy_versions().policy_arn(arn).send()).await?;
    let versions = listed.versions();
    if versions.len() >= VERSIONS_MAX {
        let oldest =
            versions.iter().filter(|v| !v.is_default_version()).min_by_key(|v| v.create_date().map(|d| d.secs()));
        if let Some(id) = oldest.and_then(|version| version.version_id()) {
            let request = client.delete_policy_version().policy_arn(arn).version_id(id);
            job.session.remove(op::DELETE_POLICY_VERSION, request.send()).await?;
        }
    }
    let request = client.create_policy_version().policy_arn(arn).set_as_default(true);
    let request = request.policy_document(desired.document.to_minified());
    job.session.write(op::CREATE_POLICY_VERSION, || request.clone().send()).await.map(drop)
}

/// Attaches the policy to each group and role. One that an account lacks is told when the others have it.
async fn attach(job: &ChangeContext<'_>, desired: &Policy, arn: &str) -> Result<(), CloudFault> {
    let client = job.session.iam();
    let mut missing = None;
    for group in desired.groups.iter().filter(|_| job.sets("groups")) {
        let request = client.attach_group_policy().policy_arn(arn).group_name(group);
        note_missing(job.session.write(op::ATTACH_GROUP_POLICY, || request.clone().send()).await, &mut missing)?;
    }
    for role in desired.roles.iter().filter(|_| job.sets("roles")) {
        let request = client.attach_role_policy().policy_arn(arn).role_name(role);
        note_missing(job.session.write(op::ATTACH_ROLE_POLICY, || request.clone().send()).await, &mut missing)?;
    }
    missing.map_or(Ok(()), Err)
}

fn note_missing<T>(attached: Result<T, CloudFault>, missing: &mut Option<CloudFault>) -> Result<(), CloudFault> {
    match attached {
        Err(fault) if fault.kind == CloudFaultKind::Absent => {
            let help = "make it in this account, or take it out of readers.attach_to".into();
            missing.get_or_insert(CloudFault { help, ..fault });
            Ok(())
        }
        other => other.map(drop),
    }
}

/// Takes the policy from everybody who has it and deletes it, if it is still ours.
pub(crate) async fn retire(job: &ChangeContext<'_>) -> Result<Done, CloudFault> {
    let arn = arn(&job.session, job.name());
    let client = job.session.iam();
    let Some(policy) =
        none_if_absent(job.session.read(op::GET_POLICY, client.get_policy().policy_arn(&arn).send()).await)?
    else {
        return Ok(Done::default());
    };
    let tags = policy.policy().map(|policy| policy.tags()).unwrap_or_default();
    let observed = job.change.observed().and_then(|seen| seen.deployment());
    let owner = tags.iter().find(|tag| tag.key() == OWNER_TAG).map(|tag| tag.value());
    if owner.is_none() || owner != observed {
        return Err(job
            .session
            .stale_plan(job.address(), "the policy does not carry the tag of this deployment any more"));
    }
    detach_all(job, &arn).await?;
    delete_versions(job, &arn).await?;
    job.session.remove(op::DELETE_POLICY, client.delete_policy().policy_arn(&arn).send()).await?;
    Ok(Done::default())
}

async fn detach_all(job: &ChangeContext<'_>, arn: &str) -> Result<(), CloudFault> {
    let client = job.session.iam();
    let attached = attached(&job.session, arn).await?;
    for group in &attached.groups {
        let request = client.detach_group_policy().policy_arn(arn).group_name(group);
        job.session.remove(op::DETACH_GROUP_POLICY, request.send()).await?;
    }
    for role in &attached.roles {
        let request = client.detach_role_policy().policy_arn(arn).role_name(role);
        job.session.remove(op::DETACH_ROLE_POLICY, request.send()).await?;
    }
    for user in &attached.users {
        let request = client.detach_user_policy().policy_arn(arn).user_name(user);
        job.session.remove(op::DETACH_USER_POLICY, request.send()).await?;
    }
    Ok(())
}

async fn delete_versions(job: &ChangeContext<'_>, arn: &str) -> Result<(), CloudFault> {
    let client = job.session.iam();
    let listed =
        job.session.read(op::LIST_POLICY_VERSIONS, client.list_policy_versions().policy_arn(arn).send()).await?;
    let old = listed.versions().iter().filter(|version| !version.is_default_version());
    for id in old.filter_map(|version| version.version_id()) {
        let request = client.delete_policy_version().policy_arn(arn).version_id(id);
        job.session.remove(op::DELETE_POLICY_VERSION, request.send()).await?;
    }
    Ok(())
}
