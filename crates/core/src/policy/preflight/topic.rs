//! CloudTrail's requests to a topic: publishing, and using the topic's key.

use super::diagnosis::{
    condition, denied_by, judge, names_cloudtrail, outdated, record, refusal, right_but_for_conditions,
};
use super::key::{KeyCheck, this_key};
use super::requests::{CLOUDTRAIL, by_cloudtrail};
use super::{Cause, Doubt, Preflight, PreflightTrail, Refusal, named};
use crate::ids::Arn;
use crate::policy::document::PolicyDocument;
use crate::policy::evaluate::{Denial, Failure, Request, misses};

const CODE: &str = "InsufficientSnsTopicPolicyException";
const NAME: &str = "topic policy";
pub(super) const KEY_NAME: &str = "key policy of the topic";

/// A topic that a trail notifies.
#[derive(Debug, Clone)]
pub struct Topic<'a> {
    /// The topic.
    pub arn: &'a Arn,
    /// Its policy; none where it has none.
    pub policy: Option<&'a PolicyDocument>,
    /// What it is encrypted with.
    pub key: TopicKey<'a>,
}

/// What a topic is encrypted with.
#[derive(Debug, Clone)]
pub enum TopicKey<'a> {
    /// Nothing.
    None,
    /// SNS's own key, whose policy cannot be opened to CloudTrail.
    AwsManaged,
    /// A key with this policy.
    Customer(&'a PolicyDocument),
}

/// Checks a topic.
pub fn topic(delivery: &PreflightTrail, topic: &Topic) -> Preflight {
    let mut result = Preflight::default();
    let request = by_cloudtrail(delivery, "sns:Publish", topic.arn.as_str());
    if topic.arn.region() != delivery.trail_arn.region() {
        result.doubt(other_region(delivery, topic));
    }
    let empty = PolicyDocument::default();
    let policy = topic.policy.unwrap_or(&empty);
    let verdict = judge(&request, named(NAME, policy));
    record(&mut result, NAME, &request, verdict, |denial| match denial {
        Denial::Explicit(place) => denied_by(place, CODE, NAME, &request),
        Denial::Implicit { .. } => explain(delivery, policy, &request),
    });
    check_key(delivery, topic, &request, &mut result);
    result
}

/// AWS's documents speak of topics in the trail's region and refuse no other: whether CloudTrail takes one is not
/// known.
fn other_region(delivery: &PreflightTrail, topic: &Topic) -> Doubt {
    let (has, home) = (topic.arn.region(), delivery.trail_arn.region());
    Doubt {
        document: NAME.into(),
        action: "sns:Publish".into(),
        resource: topic.arn.to_string(),
        why: vec![format!(
            "the topic is in {has} and the trail's home region is {home}; whether that works is not documented"
        )],
    }
}

fn explain(delivery: &PreflightTrail, policy: &PolicyDocument, request: &Request) -> Refusal {
    let misses = misses(request, named(NAME, policy));
    if let Some(refusal) = outdated(&misses, policy, &delivery.trail_arn, CODE, NAME, request) {
        return refusal;
    }
    if let Some(miss) = right_but_for_conditions(&misses, policy) {
        return condition(miss, Cause::TopicNotOpen, CODE, NAME, request);
    }
    let help = format!("allow {CLOUDTRAIL} sns:Publish on {}", request.resource);
    let base = refusal(Cause::TopicNotOpen, CODE, NAME, request);
    let mut own = misses.iter().filter(|miss| names_cloudtrail(miss, policy));
    let other_topic = own.find_map(|miss| match miss.failures.as_slice() {
        [Failure::Resource { policy, .. }] => Some((miss.place.clone(), policy.join(", "))),
        _ => None,
    });
    match other_topic {
        Some((place, has)) => Refusal {
            message: format!("{place}: publishing is allowed on {has}, the topic is {}", request.resource),
            statement: Some(place),
            key: Some("Resource".into()),
            has: Some(has),
            needs: Some(request.resource.clone()),
            help,
            ..base
        },
        None => Refusal {
            message: format!("{NAME}: no statement lets CloudTrail publish to {}", request.resource),
            needs: Some(request.resource.clone()),
            help,
            ..base
        },
    }
}

fn check_key(delivery: &PreflightTrail, topic: &Topic, publish: &Request, result: &mut Preflight) {
    match topic.key {
        TopicKey::None => {}
        TopicKey::AwsManaged => result.refuse(Refusal {
            message: format!("{} is encrypted with alias/aws/sns, which CloudTrail cannot use", topic.arn),
            help: "encrypt the topic with a key of your own that CloudTrail may use".into(),
            ..refusal(Cause::TopicKeyNotOpen, CODE, KEY_NAME, publish)
        }),
        TopicKey::Customer(policy) => {
            let check = KeyCheck { name: KEY_NAME, policy, cause: Cause::TopicKeyNotOpen, code: CODE };
            let arn = this_key(delivery, policy);
            for action in ["kms:GenerateDataKey", "kms:Decrypt"] {
                let mut request = by_cloudtrail(delivery, action, &arn);
                request.context = std::mem::take(&mut request.context)
                    .with("kms:EncryptionContext:aws:sns:topicArn", topic.arn.as_str())
                    .with("kms:EncryptionContextKeys", "aws:sns:topicArn");
                check.run(&request, result);
            }
        }
    }
}
