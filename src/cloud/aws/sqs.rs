//! Amazon SQS: the queue that wakes the daemon, and its dead-letter queue.

use std::collections::HashMap;

use aws_sdk_sqs::types::QueueAttributeName as Name;
use serde_json::{Value, json};

use super::change_context::{ChangeContext, writable};
use super::session::{Session, none_if_absent};
use crate::cloud::{CloudFault, CloudFaultKind, Done};
use crate::estate::{Address, DeadLetters, Queue, Sighting, Tags};
use crate::operations::sqs as op;
use crate::policy::PolicyDocument;

/// Returns the URL of a queue.
///
/// # Errors
/// [`CloudFault`] where it is not there, with what makes it.
pub(super) async fn url(session: &Session, name: &str) -> Result<String, CloudFault> {
    let request = session.sqs().get_queue_url().queue_name(name);
    let answer = session.read(op::GET_QUEUE_URL, request.send()).await.map_err(|fault| match fault.kind {
        CloudFaultKind::Absent => CloudFault { help: "make it with `orgtrail apply`".into(), ..fault },
        _ => fault,
    })?;
    answer
        .queue_url()
        .map(str::to_owned)
        .ok_or_else(|| session.unexpected_response(op::GET_QUEUE_URL, "the answer has no URL"))
}

/// Looks at a queue.
pub(super) async fn look(session: &Session, address: &Address) -> Result<Sighting, CloudFault> {
    let Some(url) = none_if_absent(url(session, &address.name).await)? else {
        return Ok(Sighting::Absent);
    };
    let request = session.sqs().get_queue_attributes().queue_url(&url).attribute_names(Name::All);
    let Some(answer) = none_if_absent(session.read(op::GET_ATTRIBUTES, request.send()).await)? else {
        return Ok(Sighting::Absent);
    };
    let attributes = session.needed(op::GET_ATTRIBUTES, answer.attributes, "attributes")?;
    let odd = |what: &str| {
        session.unexpected_response(op::GET_ATTRIBUTES, format!("{what} of the queue {} is odd", address.name))
    };
    let text = |name: Name| attributes.get(&name).map(String::as_str).filter(|text| !text.is_empty());
    let policy = text(Name::Policy).map(PolicyDocument::parse).transpose().map_err(|_| odd("the policy"))?;
    let dead_letters = match text(Name::RedrivePolicy) {
        Some(text) => Some(dead_letters(text).ok_or_else(|| odd("the redrive policy"))?),
        None => None,
    };
    let retention_s = text(Name::MessageRetentionPeriod).and_then(|text| text.parse().ok());
    let retention_s = retention_s.ok_or_else(|| odd("the retention"))?;
    // A key of one's own is as good; orgtrail does not take it away.
    let encrypted = text(Name::SqsManagedSseEnabled) == Some("true") || text(Name::KmsMasterKeyId).is_some();
    let tags = tags(session, &url).await?;
    Ok(Sighting::present(Queue { policy, dead_letters, retention_s, encrypted, tags }))
}

/// Reads a redrive policy. The number is a text in what some versions of the API answer.
fn dead_letters(text: &str) -> Option<DeadLetters> {
    let value: Value = serde_json::from_str(text).ok()?;
    let count = &value["maxReceiveCount"];
    let receptions_max = count.as_u64().or_else(|| count.as_str()?.parse().ok())?;
    let queue = value["deadLetterTargetArn"].as_str()?.to_owned();
    Some(DeadLetters { queue, receptions_max: u32::try_from(receptions_max).ok()? })
}

async fn tags(session: &Session, url: &str) -> Result<Tags, CloudFault> {
    let answer = session.read(op::LIST_TAGS, session.sqs().list_queue_tags().queue_url(url).send()).await?;
    Ok(answer.tags.unwrap_or_default().into_iter().collect())
}

/// Makes the queue, or brings it to what is wanted.
pub(super) async fn put(job: &ChangeContext<'_>, desired: &Queue) -> Result<Done, CloudFault> {
    let session = &job.session;
    let there = if job.is_creation() { none_if_absent(url(session, job.name()).await)? } else { None };
    match there {
        Some(url) => job.must_be_ours(&tags(session, &url).await?)?,
        None if job.is_creation() => create(job, desired).await?,
        None => {}
    }
    let url = url(session, job.name()).await?;
    let attributes = attributes(job, desired);
    if !attributes.is_empty() {
        let request = session.sqs().set_queue_attributes().queue_url(&url).set_attributes(Some(attributes));
        session.write(op::SET_ATTRIBUTES, || request.clone().send()).await?;
    }
    if job.sets("tags") {
        let request = session.sqs().tag_queue().queue_url(&url).set_tags(Some(wire_tags(&desired.tags)));
        session.write(op::TAG_QUEUE, || request.clone().send()).await?;
    }
    Ok(Done::default())
}

async fn create(job: &ChangeContext<'_>, desired: &Queue) -> Result<(), CloudFault> {
    let request = job.session.sqs().create_queue().queue_name(job.name()).set_tags(Some(wire_tags(&desired.tags)));
    job.session.write(op::CREATE_QUEUE, || request.clone().send()).await.map(drop)
}

fn attributes(job: &ChangeContext<'_>, desired: &Queue) -> HashMap<Name, String> {
    let Queue { policy, dead_letters, retention_s, encrypted, tags: _ } = desired;
    let mut attributes = HashMap::new();
    if job.sets("policy") {
        attributes.insert(Name::Policy, policy.as_ref().map(PolicyDocument::to_minified).unwrap_or_default());
    }
    if job.sets("dead_letters") {
        let redrive = dead_letters
            .as_ref()
            .map(|to| json!({"deadLetterTargetArn": to.queue, "maxReceiveCount": to.receptions_max}).to_string());
        attributes.insert(Name::RedrivePolicy, redrive.unwrap_or_default());
    }
    if job.sets("retention_s") {
        attributes.insert(Name::MessageRetentionPeriod, retention_s.to_string());
    }
    if job.sets("encrypted") {
        attributes.insert(Name::SqsManagedSseEnabled, encrypted.to_string());
    }
    attributes
}

fn wire_tags(tags: &Tags) -> HashMap<String, String> {
    writable(tags).map(|(key, value)| (key.clone(), value.clone())).collect()
}
