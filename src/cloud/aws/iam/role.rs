//! One role: looked at alone, made, changed, retired.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::types::AttachedPermissionsBoundary;

use super::details::boundary;
use super::{document, op, wire_tags};
use crate::cloud::aws::change_context::ChangeContext;
use crate::cloud::aws::session::{Session, none_if_absent};
use crate::cloud::{CloudFault, Done};
use crate::estate::role::Boundary;
use crate::estate::{Address, OWNER_TAG, Role, Sighting, Tags};
use crate::policy::PolicyDocument;

/// Returns the name of a role without the path that addresses have before it.
pub(crate) fn bare(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// Returns the path of a role as IAM writes it, with a slash at both ends; none for the path that all roles have.
fn path_of(name: &str) -> Option<String> {
    name.rsplit_once('/').map(|(path, _)| format!("/{path}/"))
}

/// Returns a name as addresses have it: with its path, without the slash at its beginning.
pub(crate) fn with_path(path: &str, name: &str) -> String {
    format!("{}{name}", path.strip_prefix('/').unwrap_or(path))
}

/// Looks at one role. For an account with many, `account::roles` is cheaper.
pub(crate) async fn look(session: &Session, address: &Address) -> Result<Sighting, CloudFault> {
    Ok(match read(session, &address.name).await? {
        Some(role) => Sighting::present(role),
        None => Sighting::Absent,
    })
}

/// Reads a role by its name with its path. A role of the same name with another path is another role.
async fn read(session: &Session, address_name: &str) -> Result<Option<Role>, CloudFault> {
    let name = bare(address_name);
    let request = session.iam().get_role().role_name(name);
    let Some(answer) = none_if_absent(session.read(op::GET_ROLE, request.send()).await)? else { return Ok(None) };
    let role = session.needed(op::GET_ROLE, answer.role, "role")?;
    if with_path(role.path(), name) != address_name {
        return Ok(None);
    }
    Ok(Some(Role {
        trust: document(session, op::GET_ROLE, role.assume_role_policy_document().unwrap_or_default())?,
        inline: inline(session, name).await?,
        attached: attached(session, name).await?,
        boundary: limit(session, role.permissions_boundary()).await,
        max_session_s: role.max_session_duration().and_then(|s| u32::try_from(s).ok()),
        description: role.description().map(str::to_owned),
        unique_id: Some(role.role_id().to_owned()),
        tags: role.tags().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect(),
    }))
}

/// Returns the tags of a role that is there.
pub(crate) async fn tags(session: &Session, name: &str) -> Result<Tags, CloudFault> {
    let answer = session.read(op::GET_ROLE, session.iam().get_role().role_name(name).send()).await?;
    let role = session.needed(op::GET_ROLE, answer.role, "role")?;
    Ok(role.tags().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect())
}

/// Returns what limits a role, with what it says where that can be read.
async fn limit(session: &Session, attached: Option<&AttachedPermissionsBoundary>) -> Option<Box<Boundary>> {
    let arn = boundary(attached)?;
    let document = limit_document(session, &arn).await.ok().flatten();
    Some(Box::new(Boundary { arn, document }))
}

async fn limit_document(session: &Session, arn: &str) -> Result<Option<PolicyDocument>, CloudFault> {
    let answer = session.read(op::GET_POLICY, session.iam().get_policy().policy_arn(arn).send()).await?;
    let Some(version) = answer.policy.and_then(|policy| policy.default_version_id) else { return Ok(None) };
    let request = session.iam().get_policy_version().policy_arn(arn).version_id(version);
    let answer = session.read(op::GET_POLICY_VERSION, request.send()).await?;
    let text = answer.policy_version.and_then(|version| version.document).unwrap_or_default();
    document(session, op::GET_POLICY_VERSION, &text).map(Some)
}

async fn inline(session: &Session, role: &str) -> Result<BTreeMap<String, PolicyDocument>, CloudFault> {
    let mut policies = BTreeMap::new();
    for name in inline_names(session, role).await? {
        let request = session.iam().get_role_policy().role_name(role).policy_name(&name);
        let answer = session.read(op::GET_ROLE_POLICY, request.send()).await?;
        policies.insert(name, document(session, op::GET_ROLE_POLICY, answer.policy_document())?);
    }
    Ok(policies)
}

async fn inline_names(session: &Session, role: &str) -> Result<Vec<String>, CloudFault> {
    let client = session.iam();
    let mut names = Vec::new();
    let mut marker = None;
    let mut pages = session.pages(op::LIST_ROLE_POLICIES);
    loop {
        let request = client.list_role_policies().role_name(role).set_marker(marker.take());
        let page = session.read(op::LIST_ROLE_POLICIES, request.send()).await?;
        names.extend(page.policy_names);
        marker = pages.after(page.is_truncated, page.marker)?;
        if marker.is_none() {
            return Ok(names);
        }
    }
}

async fn attached(session: &Session, role: &str) -> Result<BTreeSet<String>, CloudFault> {
    let client = session.iam();
    let mut arns = BTreeSet::new();
    let mut marker = None;
    let mut pages = session.pages(op::LIST_ATTACHED);
    loop {
        let request = client.list_attached_role_policies().role_name(role).set_marker(marker.take());
        let page = session.read(op::LIST_ATTACHED, request.send()).await?;
        arns.extend(page.attached_policies().iter().filter_map(|policy| policy.policy_arn().map(str::to_owned)));
        marker = pages.after(page.is_truncated, page.marker)?;
        if marker.is_none() {
            return Ok(arns);
        }
    }
}

/// Makes the role, or brings it to what is wanted; policies that are not wanted go. Returns the role with its unique
/// id.
pub(crate) async fn put(job: &ChangeContext<'_>, desired: &Role, observed: Option<&Role>) -> Result<Done, CloudFault> {
    if !job.is_creation() {
        update(job, desired, observed).await?;
        return Ok(Done::default());
    }
    match create(job, desired).await {
        Ok(role) => {
            put_policies(job, desired, &Role { inline: BTreeMap::new(), attached: BTreeSet::new(), ..role.clone() })
                .await?;
            Ok(Done { resource: Some(role.into()) })
        }
        Err(fault) if fault.code == "EntityAlreadyExists" => resume(job, desired, fault).await,
        Err(fault) => Err(fault),
    }
}

/// Goes on with a role that a run made which was then stopped.
async fn resume(job: &ChangeContext<'_>, desired: &Role, fault: CloudFault) -> Result<Done, CloudFault> {
    let Some(live) = read(&job.session, job.name()).await? else {
        let help = "a role of that name has another path, and IAM has each name once: remove that role, or choose another \
                    name";
        return Err(CloudFault { help: help.into(), ..fault });
    };
    job.must_be_ours(&live.tags)?;
    update(job, desired, Some(&live)).await?;
    Ok(Done { resource: Some(Role { unique_id: live.unique_id, ..desired.clone() }.into()) })
}

async fn create(job: &ChangeContext<'_>, desired: &Role) -> Result<Role, CloudFault> {
    let request = job
        .session
        .iam()
        .create_role()
        .role_name(bare(job.name()))
        .set_path(path_of(job.name()))
        .assume_role_policy_document(desired.trust.to_minified())
        .set_description(desired.description.clone())
        .set_max_session_duration(desired.max_session_s.and_then(|s| i32::try_from(s).ok()))
        .set_tags(Some(wire_tags(job, &desired.tags)?));
    let answer = job.session.write(op::CREATE_ROLE, || request.clone().send()).await?;
    let unique_id = answer.role.map(|role| role.role_id);
    Ok(Role { unique_id, ..desired.clone() })
}

async fn update(job: &ChangeContext<'_>, desired: &Role, observed: Option<&Role>) -> Result<(), CloudFault> {
    let session = &job.session;
    let client = session.iam();
    if job.sets("trust") {
        let request = client.update_assume_role_policy().role_name(bare(job.name()));
        let request = request.policy_document(desired.trust.to_minified());
        session.write(op::UPDATE_TRUST, || request.clone().send()).await?;
    }
    if let Some(duration) = desired.max_session_s.filter(|_| job.sets("max_session_s")) {
        let request = client.update_role().role_name(bare(job.name()));
        let request = request
            .max_session_duration(i32::try_from(duration).unwrap_or(i32::MAX))
            // What is not sent is cleared (IAM API, `UpdateRole`).
            .set_description(desired.description.clone().or_else(|| observed.and_then(|o| o.description.clone())));
        session.write(op::UPDATE_ROLE, || request.clone().send()).await?;
    }
    let nothing = Role { inline: BTreeMap::new(), attached: BTreeSet::new(), ..desired.clone() };
    put_policies(job, desired, observed.unwrap_or(&nothing)).await?;
    if job.sets("boundary") && desired.boundary.is_none() {
        let request = client.delete_role_permissions_boundary().role_name(bare(job.name()));
        session.remove(op::DELETE_ROLE_BOUNDARY, request.send()).await?;
    }
    if job.sets("tags") {
        let request = client.tag_role().role_name(bare(job.name())).set_tags(Some(wire_tags(job, &desired.tags)?));
        session.write(op::TAG_ROLE, || request.clone().send()).await?;
    }
    Ok(())
}

async fn put_policies(job: &ChangeContext<'_>, desired: &Role, live: &Role) -> Result<(), CloudFault> {
    let session = &job.session;
    let client = session.iam();
    for (name, policy) in desired.inline.iter().filter(|(name, _)| job.sets(&format!("inline.{name}"))) {
        let request = client.put_role_policy().role_name(bare(job.name())).policy_name(name);
        let request = request.policy_document(policy.to_minified());
        session.write(op::PUT_ROLE_POLICY, || request.clone().send()).await?;
    }
    for arn in desired.attached.difference(&live.attached) {
        let request = client.attach_role_policy().role_name(bare(job.name())).policy_arn(arn);
        session.write(op::ATTACH_ROLE_POLICY, || request.clone().send()).await?;
    }
    let extra_inline = live.inline.keys().filter(|name| !desired.inline.contains_key(*name));
    remove_policies(job, extra_inline, live.attached.difference(&desired.attached)).await
}

async fn remove_policies(
    job: &ChangeContext<'_>,
    inline: impl Iterator<Item = &String>,
    attached: impl Iterator<Item = &String>,
) -> Result<(), CloudFault> {
    let client = job.session.iam();
    for name in inline {
        let request = client.delete_role_policy().role_name(bare(job.name())).policy_name(name);
        job.session.remove(op::DELETE_ROLE_POLICY, request.send()).await?;
    }
    for arn in attached {
        let request = client.detach_role_policy().role_name(bare(job.name())).policy_arn(arn);
        job.session.remove(op::DETACH_ROLE_POLICY, request.send()).await?;
    }
    Ok(())
}

/// Removes the role and its policies, if it is still the one that was observed.
pub(crate) async fn retire(job: &ChangeContext<'_>, observed: Option<&Role>) -> Result<Done, CloudFault> {
    let Some(live) = read(&job.session, job.name()).await? else {
        return Ok(Done::default());
    };
    let owner = |tags: &Tags| tags.get(OWNER_TAG).cloned();
    if owner(&live.tags).is_none() || observed.is_some_and(|seen| owner(&seen.tags) != owner(&live.tags)) {
        return Err(job
            .session
            .stale_plan(job.address(), "the role does not carry the tag of this deployment any more"));
    }
    remove_policies(job, live.inline.keys(), live.attached.iter()).await?;
    job.session.remove(op::DELETE_ROLE, job.session.iam().delete_role().role_name(bare(job.name())).send()).await?;
    Ok(Done::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stands_before_the_name() {
        for (path, name, whole) in
            [("/", "r", "r"), ("", "r", "r"), ("/audit/", "r", "audit/r"), ("/a/b/", "r", "a/b/r")]
        {
            assert_eq!(with_path(path, name), whole);
            assert_eq!(bare(whole), name);
            assert_eq!(path_of(whole), Some(path.to_owned()).filter(|path| path.len() > 1));
        }
    }
}
