//! Amazon EventBridge: the rules that send events to the wake queue.

use std::collections::BTreeMap;

use aws_sdk_eventbridge::types::{RuleState, Tag, Target};

use super::change_context::{ChangeContext, writable};
use super::session::{Session, none_if_absent};
use crate::cloud::{CloudFault, Done};
use crate::estate::{Address, OWNER_TAG, Resource, Rule, Sighting, Tags};
use crate::operations::events as op;

/// How the ids of our targets begin.
const TARGET_PREFIX: &str = "orgtrail-";

/// Looks at a rule of the default bus.
pub(super) async fn look(session: &Session, address: &Address) -> Result<Sighting, CloudFault> {
    let request = session.eventbridge().describe_rule().name(&address.name);
    let Some(answer) = none_if_absent(session.read(op::DESCRIBE_RULE, request.send()).await)? else {
        return Ok(Sighting::Absent);
    };
    session.needed(op::DESCRIBE_RULE, answer.name(), "name")?;
    let state = session.needed(op::DESCRIBE_RULE, answer.state(), "state")?;
    let pattern = serde_json::from_str(answer.event_pattern().unwrap_or("null")).map_err(|why| {
        session.unexpected_response(
            op::DESCRIBE_RULE,
            format!("the pattern of the rule {} is no JSON: {why}", address.name),
        )
    })?;
    let enabled = matches!(state, RuleState::Enabled);
    let targets = targets(session, &address.name).await?;
    let targets = targets.iter().map(|target| (target.arn().to_owned(), target.role_arn().map(str::to_owned)));
    let targets: BTreeMap<_, _> = targets.collect();
    let tags = tags(session, &address.name).await?;
    Ok(Sighting::present(Rule { pattern, enabled, targets, tags }))
}

/// Returns all targets of a rule.
async fn targets(session: &Session, rule: &str) -> Result<Vec<Target>, CloudFault> {
    let client = session.eventbridge();
    let mut targets = Vec::new();
    let mut token = None;
    let mut pages = session.pages(op::LIST_TARGETS);
    loop {
        let request = client.list_targets_by_rule().rule(rule).set_next_token(token);
        let page = session.read(op::LIST_TARGETS, request.send()).await?;
        targets.extend(session.needed(op::LIST_TARGETS, page.targets, "list of targets")?);
        token = pages.next(page.next_token)?;
        if token.is_none() {
            return Ok(targets);
        }
    }
}

fn arn(session: &Session, name: &str) -> String {
    session.arn("events", &format!("rule/{name}"))
}

async fn tags(session: &Session, name: &str) -> Result<Tags, CloudFault> {
    let request = session.eventbridge().list_tags_for_resource().resource_arn(arn(session, name));
    let answer = session.read(op::LIST_TAGS, request.send()).await?;
    Ok(answer.tags().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect())
}

/// Makes the rule, or brings it to what is wanted. Targets of others stay: only ours are put.
pub(super) async fn put(job: &ChangeContext<'_>, desired: &Rule) -> Result<Done, CloudFault> {
    let session = &job.session;
    let tags_wire = wire_tags(job, &desired.tags)?;
    let mut is_new = false;
    if job.is_creation() {
        let request = session.eventbridge().describe_rule().name(job.name());
        match none_if_absent(session.read(op::DESCRIBE_RULE, request.send()).await)? {
            Some(_) => job.must_be_ours(&tags(session, job.name()).await?)?,
            None => is_new = true,
        }
    }
    if job.sets("pattern") || job.sets("enabled") {
        let state = if desired.enabled { RuleState::Enabled } else { RuleState::Disabled };
        let request = session.eventbridge().put_rule().name(job.name()).event_pattern(desired.pattern.to_string());
        // Tags are only taken when a rule is made (EventBridge API, `PutRule`).
        let request = request.state(state).set_tags(is_new.then(|| tags_wire.clone()));
        session.write(op::PUT_RULE, || request.clone().send()).await?;
    }
    if job.sets("targets") {
        put_targets(job, desired).await?;
    }
    if job.sets("tags") && !is_new {
        let request = session.eventbridge().tag_resource().resource_arn(arn(session, job.name()));
        let request = request.set_tags(Some(tags_wire));
        session.write(op::TAG_RESOURCE, || request.clone().send()).await?;
    }
    Ok(Done::default())
}

async fn put_targets(job: &ChangeContext<'_>, desired: &Rule) -> Result<(), CloudFault> {
    let odd = |why: &dyn std::fmt::Display| {
        job.session.stale_plan(job.address(), format!("a target cannot be written: {why}"))
    };
    let target = |(n, (arn, role)): (usize, (&String, &Option<String>))| {
        Target::builder()
            .id(format!("{TARGET_PREFIX}{n}"))
            .arn(arn)
            .set_role_arn(role.clone())
            .build()
            .map_err(|e| odd(&e))
    };
    let targets = desired.targets.iter().enumerate().map(target).collect::<Result<Vec<_>, _>>()?;
    let request = job.session.eventbridge().put_targets().rule(job.name()).set_targets(Some(targets));
    let answer = job.session.write(op::PUT_TARGETS, || request.clone().send()).await?;
    // A call that takes some targets and refuses others succeeds.
    match answer.failed_entries().first() {
        None => Ok(()),
        Some(entry) => Err(odd(&entry.error_message().unwrap_or("EventBridge gave no reason"))),
    }
}

/// Removes the rule with the targets that we gave it, if it is still this deployment's. Others may have the events sent
/// to them as well: their targets are not taken from them.
pub(super) async fn retire(job: &ChangeContext<'_>) -> Result<Done, CloudFault> {
    let session = &job.session;
    let request = session.eventbridge().describe_rule().name(job.name());
    if none_if_absent(session.read(op::DESCRIBE_RULE, request.send()).await)?.is_none() {
        return Ok(Done::default());
    }
    let owner = job.change.observed().and_then(Resource::deployment);
    if owner.is_none() || tags(session, job.name()).await?.get(OWNER_TAG).map(String::as_str) != owner {
        return Err(session.stale_plan(job.address(), "the rule does not carry the tag of this deployment any more"));
    }
    let targets = targets(session, job.name()).await?;
    let (ours, others): (Vec<_>, Vec<_>) = targets.iter().map(Target::id).partition(|id| id.starts_with(TARGET_PREFIX));
    if let Some(other) = others.first() {
        let message = format!("others have the events of the rule sent to the target {other}");
        return Err(session.stale_plan(job.address(), message));
    }
    if !ours.is_empty() {
        let ids = ours.into_iter().map(str::to_owned).collect();
        let request = session.eventbridge().remove_targets().rule(job.name()).set_ids(Some(ids));
        session.remove(op::REMOVE_TARGETS, request.send()).await?;
    }
    session.remove(op::DELETE_RULE, session.eventbridge().delete_rule().name(job.name()).send()).await?;
    Ok(Done::default())
}

fn wire_tags(job: &ChangeContext<'_>, tags: &Tags) -> Result<Vec<Tag>, CloudFault> {
    writable(tags)
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect::<Result<_, _>>()
        .map_err(|why| job.session.stale_plan(job.address(), format!("a tag cannot be written: {why}")))
}
