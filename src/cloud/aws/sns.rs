//! Amazon SNS: the topic that tells of new log files, who is subscribed to a topic, and messages to people.

use std::collections::HashMap;

use aws_sdk_sns::types::Tag;

use super::change_context::{ChangeContext, writable};
use super::session::{Session, Sessions, none_if_absent};
use crate::cloud::{CloudFault, Done};
use crate::estate::surroundings::Subscription;
use crate::estate::{Address, Sighting, Tags, Topic};
use crate::ids::Arn;
use crate::monitoring::alarm::Subscribers;
use crate::operations::sns as op;
use crate::policy::PolicyDocument;

const POLICY: &str = "Policy";
const KEY: &str = "KmsMasterKeyId";

/// Looks at a topic.
pub(super) async fn look(session: &Session, address: &Address) -> Result<Sighting, CloudFault> {
    let arn = session.arn("sns", &address.name);
    let Some(attributes) = attributes(session, &arn).await? else {
        return Ok(Sighting::Absent);
    };
    let policy = policy(session, &arn, &attributes)?;
    Ok(Sighting::present(Topic { policy, key: key(&attributes), tags: tags(session, &arn).await? }))
}

type Attributes = HashMap<String, String>;

fn policy(session: &Session, arn: &str, attributes: &Attributes) -> Result<PolicyDocument, CloudFault> {
    let text = attributes.get(POLICY).map(String::as_str).unwrap_or_default();
    let odd =
        |why| session.unexpected_response(op::GET_ATTRIBUTES, format!("the policy of {arn} is not a policy: {why}"));
    PolicyDocument::parse(text).map_err(odd)
}

fn key(attributes: &Attributes) -> Option<String> {
    attributes.get(KEY).filter(|key| !key.is_empty()).cloned()
}

async fn attributes(session: &Session, arn: &str) -> Result<Option<Attributes>, CloudFault> {
    let request = session.sns().get_topic_attributes().topic_arn(arn);
    let Some(answer) = none_if_absent(session.read(op::GET_ATTRIBUTES, request.send()).await)? else { return Ok(None) };
    let attributes = answer.attributes.filter(|attributes| !attributes.is_empty());
    session.needed(op::GET_ATTRIBUTES, attributes, "attributes").map(Some)
}

/// Returns the tags of a topic.
pub(super) async fn tags(session: &Session, arn: &str) -> Result<Tags, CloudFault> {
    let answer = session.read(op::LIST_TAGS, session.sns().list_tags_for_resource().resource_arn(arn).send()).await?;
    Ok(answer.tags().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect())
}

/// Asks who is subscribed to a topic, with the credentials of its account.
pub(super) async fn subscribers(sessions: &Sessions, topic: &Arn) -> Result<Subscribers, CloudFault> {
    let (Ok(account), Ok(region)) = (topic.account().parse(), topic.region().parse()) else {
        let odd = format!("{topic} is not the ARN of a topic");
        return Err(sessions.base().unexpected_response(op::LIST_SUBSCRIPTIONS, odd));
    };
    let session = sessions.of(&account).await?.in_region(&region);
    // A topic that is gone has nobody who hears.
    let Some(attributes) = attributes(&session, topic.as_str()).await? else {
        return Ok(Subscribers::default());
    };
    let policy = Some(policy(&session, topic.as_str(), &attributes)?);
    let mut found = Subscribers { key: key(&attributes), policy, ..Subscribers::default() };
    let client = session.sns();
    let mut token = None;
    let mut pages = session.pages(op::LIST_SUBSCRIPTIONS);
    loop {
        let request = client.list_subscriptions_by_topic().topic_arn(topic.as_str()).set_next_token(token);
        let page = session.read(op::LIST_SUBSCRIPTIONS, request.send()).await?;
        for subscription in page.subscriptions() {
            // Instead of an ARN it is `PendingConfirmation`, or `Deleted` for a while.
            match subscription.subscription_arn() {
                Some(arn) if arn.starts_with("arn:") => {
                    found.confirmed.push(subscription.protocol().unwrap_or_default().to_owned());
                }
                Some("PendingConfirmation") => found.pending += 1,
                _ => {}
            }
        }
        token = pages.next(page.next_token)?;
        if token.is_none() {
            found.confirmed.sort();
            return Ok(found);
        }
    }
}

/// Returns the subscriptions of a topic, the unconfirmed ones too: whoever holds the message confirms them.
pub(super) async fn subscriptions(session: &Session, arn: &str) -> Result<Vec<Subscription>, CloudFault> {
    let client = session.sns();
    let mut found = Vec::new();
    let mut token = None;
    let mut pages = session.pages(op::LIST_SUBSCRIPTIONS);
    loop {
        let request = client.list_subscriptions_by_topic().topic_arn(arn).set_next_token(token);
        let page = session.read(op::LIST_SUBSCRIPTIONS, request.send()).await?;
        let listed = session.needed(op::LIST_SUBSCRIPTIONS, page.subscriptions.as_ref(), "list of subscriptions")?;
        for one in listed.iter().filter(|one| one.subscription_arn() != Some("Deleted")) {
            let protocol = session.needed(op::LIST_SUBSCRIPTIONS, one.protocol(), "protocol of a subscription")?;
            let endpoint = session.needed(op::LIST_SUBSCRIPTIONS, one.endpoint(), "endpoint of a subscription")?;
            let owner = one.owner().filter(|id| !id.is_empty()).map(str::to_owned);
            found.push(Subscription { protocol: protocol.to_owned(), endpoint: where_to(protocol, endpoint), owner });
        }
        token = pages.next(page.next_token)?;
        if token.is_none() {
            found.sort();
            found.dedup();
            return Ok(found);
        }
    }
}

/// Returns as much of an endpoint as tells where it leads: an address may be a person's, a link may hold a secret.
fn where_to(protocol: &str, endpoint: &str) -> String {
    match protocol {
        "email" | "email-json" => endpoint.rsplit('@').next().unwrap_or_default().to_owned(),
        "http" | "https" => {
            let host = endpoint.split("//").nth(1).unwrap_or_default();
            let host = host.split(['/', '?', '#']).next().unwrap_or_default();
            host.rsplit('@').next().unwrap_or_default().to_owned()
        }
        "sms" => String::new(),
        _ => endpoint.to_owned(),
    }
}

/// Makes the topic, or brings it to what is wanted.
pub(super) async fn put(job: &ChangeContext<'_>, desired: &Topic) -> Result<Done, CloudFault> {
    let session = &job.session;
    let arn = session.arn("sns", job.name());
    if job.is_creation() {
        match attributes(session, &arn).await? {
            Some(_) => job.must_be_ours(&tags(session, &arn).await?)?,
            None => create(job, desired).await?,
        }
    }
    if job.sets("key") {
        set(session, &arn, KEY, desired.key.as_deref().unwrap_or_default()).await?;
    }
    if job.sets("policy") {
        set(session, &arn, POLICY, &desired.policy.to_minified()).await?;
    }
    if job.sets("tags") {
        let request = session.sns().tag_resource().resource_arn(&arn).set_tags(Some(wire_tags(job, &desired.tags)?));
        session.write(op::TAG_RESOURCE, || request.clone().send()).await?;
    }
    Ok(Done::default())
}

/// Sends a message.
pub(super) async fn publish(session: &Session, topic: &Arn, subject: &str, text: &str) -> Result<(), CloudFault> {
    let request = session.sns().publish().topic_arn(topic.as_str()).subject(subject).message(text);
    session.write_once(op::PUBLISH, request.send()).await.map(drop)
}

async fn create(job: &ChangeContext<'_>, desired: &Topic) -> Result<(), CloudFault> {
    let request = job.session.sns().create_topic().name(job.name()).set_tags(Some(wire_tags(job, &desired.tags)?));
    job.session.write(op::CREATE_TOPIC, || request.clone().send()).await.map(drop)
}

async fn set(session: &Session, arn: &str, name: &str, value: &str) -> Result<(), CloudFault> {
    let request = session.sns().set_topic_attributes().topic_arn(arn).attribute_name(name).attribute_value(value);
    session.write(op::SET_ATTRIBUTES, || request.clone().send()).await.map(drop)
}

fn wire_tags(job: &ChangeContext<'_>, tags: &Tags) -> Result<Vec<Tag>, CloudFault> {
    writable(tags)
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect::<Result<_, _>>()
        .map_err(|why| job.session.stale_plan(job.address(), format!("a tag cannot be written: {why}")))
}
