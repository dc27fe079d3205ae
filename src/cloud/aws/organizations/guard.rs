//! The service control policy that guards the trail.

use aws_sdk_organizations::types::{PolicyType, PolicyTypeStatus, Root, Tag};

use super::op;
use crate::cloud::aws::change_context::{ChangeContext, writable};
use crate::cloud::aws::fault::refusal;
use crate::cloud::aws::session::Session;
use crate::cloud::{CloudFault, Done};
use crate::estate::{Address, ServiceControlPolicy, Sighting, Tags};
use crate::policy::PolicyDocument;
use crate::policy::guard::binds;

const WHAT_FOR: &str = "Keeps members from stopping or changing the organization's trail";

/// Looks for a service control policy by its name.
pub(crate) async fn look(session: &Session, address: &Address) -> Result<Sighting, CloudFault> {
    must_be_enabled(session).await?;
    Ok(match read(session, &address.name).await? {
        Some(policy) => Sighting::present(policy),
        None => Sighting::Absent,
    })
}

/// A policy of a type that is switched off binds nobody, and cannot be attached.
async fn must_be_enabled(session: &Session) -> Result<(), CloudFault> {
    let answer = session.read(op::LIST_ROOTS, session.organizations().list_roots().send()).await?;
    let is_on = |root: &Root| {
        root.policy_types().iter().any(|summary| {
            summary.r#type() == Some(&PolicyType::ServiceControlPolicy)
                && summary.status() == Some(&PolicyTypeStatus::Enabled)
        })
    };
    if answer.roots().is_empty() || answer.roots().iter().any(is_on) {
        return Ok(());
    }
    Err(refusal(
        &session.account,
        op::LIST_ROOTS.as_str(),
        "PolicyTypeNotEnabledException",
        "service control policies (SERVICE_CONTROL_POLICY) are switched off in the root of the organization: a guard \
         has no effect",
        "switch the policy type on in AWS Organizations (`aws organizations enable-policy-type`), or leave \
         guard.service_control_policy out",
    ))
}

async fn read(session: &Session, name: &str) -> Result<Option<ServiceControlPolicy>, CloudFault> {
    let Some(id) = find(session, name).await? else {
        return Ok(None);
    };
    let client = session.organizations();
    let described = session.read(op::DESCRIBE_POLICY, client.describe_policy().policy_id(&id).send()).await?;
    let content = described.policy().and_then(|policy| policy.content()).unwrap_or_default();
    let document = PolicyDocument::parse(content)
        .map_err(|why| session.unexpected_response(op::DESCRIBE_POLICY, format!("{name} is not a policy: {why}")))?;
    let targets = targets(session, &id).await?;
    let tags = super::discover::tags(session, &id).await?;
    Ok(Some(ServiceControlPolicy { id: Some(id), document, targets, tags }))
}

async fn find(session: &Session, name: &str) -> Result<Option<String>, CloudFault> {
    let client = session.organizations();
    let mut token = None;
    let mut pages = session.pages(op::LIST_POLICIES);
    loop {
        let request = client.list_policies().filter(PolicyType::ServiceControlPolicy).set_next_token(token);
        let page = session.read(op::LIST_POLICIES, request.send()).await?;
        let policies = session.needed(op::LIST_POLICIES, page.policies.as_ref(), "list of policies")?;
        if let Some(policy) = policies.iter().find(|policy| policy.name() == Some(name)) {
            return session.needed(op::LIST_POLICIES, policy.id(), "id of a policy").map(|id| Some(id.to_owned()));
        }
        token = pages.next(page.next_token)?;
        if token.is_none() {
            return Ok(None);
        }
    }
}

async fn targets(session: &Session, id: &str) -> Result<std::collections::BTreeSet<String>, CloudFault> {
    let client = session.organizations();
    let mut targets = std::collections::BTreeSet::new();
    let mut token = None;
    let mut pages = session.pages(op::LIST_TARGETS_FOR_POLICY);
    loop {
        let request = client.list_targets_for_policy().policy_id(id).set_next_token(token);
        let page = session.read(op::LIST_TARGETS_FOR_POLICY, request.send()).await?;
        session.needed(op::LIST_TARGETS_FOR_POLICY, page.targets.as_ref(), "list of targets")?;
        targets.extend(page.targets().iter().filter_map(|target| target.target_id().map(str::to_owned)));
        token = pages.next(page.next_token)?;
        if token.is_none() {
            return Ok(targets);
        }
    }
}

/// Refuses a guard that would bind the role that orgtrail was started with, where it manages something with it: the
/// next run could change nothing there. Only here is it known which role that is. Nothing binds the management account.
fn must_stay_let_in(job: &ChangeContext<'_>, desired: &ServiceControlPolicy) -> Result<(), CloudFault> {
    let starter = job.session.starter().filter(|starter| starter.account() != job.address().account.as_str());
    let bound = starter.and_then(|starter| Some((starter, binds(&desired.document, starter)?)));
    let Some((starter, (guarded, place))) = bound else { return Ok(()) };
    let message = format!(
        "{place} would keep {starter}, with which orgtrail runs, from {} on {}",
        guarded.action, guarded.resource
    );
    let help = "name the role in organization.own_roles, and make a new plan".into();
    Err(CloudFault { code: "LocksOut".into(), help, ..job.session.stale_plan(job.address(), message) })
}

/// Makes the policy, or brings it and its targets to what is wanted.
pub(crate) async fn put(job: &ChangeContext<'_>, desired: &ServiceControlPolicy) -> Result<Done, CloudFault> {
    must_stay_let_in(job, desired)?;
    let live = match read(&job.session, job.name()).await? {
        Some(live) => {
            if job.is_creation() {
                job.must_be_ours(&live.tags)?;
            }
            live
        }
        None => create(job, desired).await?,
    };
    let id = live.id.clone().unwrap_or_default();
    if live.document != desired.document && job.sets("document") {
        let request =
            job.session.organizations().update_policy().policy_id(&id).content(desired.document.to_minified());
        job.session.write(op::UPDATE_POLICY, || request.clone().send()).await?;
    }
    if job.sets("tags") && writable(&desired.tags).any(|(key, value)| live.tags.get(key) != Some(value)) {
        let tags = wire_tags(job, &desired.tags)?;
        let request = job.session.organizations().tag_resource().resource_id(&id).set_tags(Some(tags));
        job.session.write(op::TAG_RESOURCE, || request.clone().send()).await?;
    }
    if job.sets("targets") {
        retarget(job, &id, &live, desired).await?;
    }
    Ok(Done::default())
}

async fn create(job: &ChangeContext<'_>, desired: &ServiceControlPolicy) -> Result<ServiceControlPolicy, CloudFault> {
    let request = job
        .session
        .organizations()
        .create_policy()
        .name(job.name())
        .description(WHAT_FOR)
        .r#type(PolicyType::ServiceControlPolicy)
        .content(desired.document.to_minified())
        .set_tags(Some(wire_tags(job, &desired.tags)?));
    let answer = match job.session.write(op::CREATE_POLICY, || request.clone().send()).await {
        Ok(answer) => answer,
        Err(fault) if fault.code == "DuplicatePolicyException" => return made_meanwhile(job, fault).await,
        Err(fault) => return Err(fault),
    };
    let id = answer.policy().and_then(|policy| policy.policy_summary()).and_then(|summary| summary.id());
    let id = id.ok_or_else(|| job.session.unexpected_response(op::CREATE_POLICY, "the answer has no id"))?;
    Ok(ServiceControlPolicy { id: Some(id.to_owned()), targets: Default::default(), ..desired.clone() })
}

/// A request that was repeated because its first answer was lost meets the policy that it made.
async fn made_meanwhile(job: &ChangeContext<'_>, fault: CloudFault) -> Result<ServiceControlPolicy, CloudFault> {
    let live = read(&job.session, job.name()).await?.ok_or(fault)?;
    job.must_be_ours(&live.tags)?;
    Ok(live)
}

async fn retarget(
    job: &ChangeContext<'_>,
    id: &str,
    live: &ServiceControlPolicy,
    desired: &ServiceControlPolicy,
) -> Result<(), CloudFault> {
    let client = job.session.organizations();
    for target in desired.targets.difference(&live.targets) {
        let request = client.attach_policy().policy_id(id).target_id(target);
        job.session.write(op::ATTACH_POLICY, || request.clone().send()).await?;
    }
    for target in live.targets.difference(&desired.targets) {
        let request = client.detach_policy().policy_id(id).target_id(target);
        job.session.remove(op::DETACH_POLICY, request.send()).await?;
    }
    Ok(())
}

/// Detaches the policy from all its targets and deletes it.
pub(crate) async fn retire(job: &ChangeContext<'_>) -> Result<Done, CloudFault> {
    let Some(live) = read(&job.session, job.name()).await? else {
        return Ok(Done::default());
    };
    let id = live.id.clone().unwrap_or_default();
    let bare = ServiceControlPolicy { targets: Default::default(), ..live.clone() };
    retarget(job, &id, &live, &bare).await?;
    job.session.remove(op::DELETE_POLICY, job.session.organizations().delete_policy().policy_id(&id).send()).await?;
    Ok(Done::default())
}

fn wire_tags(job: &ChangeContext<'_>, tags: &Tags) -> Result<Vec<Tag>, CloudFault> {
    writable(tags)
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect::<Result<_, _>>()
        .map_err(|why| job.session.stale_plan(job.address(), format!("a tag cannot be written: {why}")))
}
