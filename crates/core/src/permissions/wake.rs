//! What the daemon is woken by and what it shares with its replicas: queues, rules, the lease and the history.

use super::identity::{READ_ROLE, REMOVE_ROLE};
use super::names::Names;
use super::policy_builder::{GrantScope, PolicyBuilder};
use super::{AccountKind, Purpose};
use crate::config::schema::S3Place;
use crate::desire::dead_letter_queue;
use crate::operations::{document, events, s3, sqs};

/// The service that passes the role of a rule on.
const EVENTBRIDGE_PRINCIPAL: &str = "events.amazonaws.com";

/// Adds queues, rules, the lease and the history.
pub(super) fn add(names: &Names<'_>, draft: &mut PolicyBuilder) {
    add_documents(names, draft);
    let Some(queue) = &names.config().reconcile.wake_queue else { return };
    add_rules(names, draft);
    if names.place() == AccountKind::Member {
        add_left_role(names, draft);
    }
    if names.place() == AccountKind::Log {
        add_queues(names, draft, queue);
    }
}

fn add_queues(names: &Names<'_>, draft: &mut PolicyBuilder, name: &str) {
    let queue = names.arn("sqs", names.here(), name);
    let dead = names.arn("sqs", names.here(), &dead_letter_queue(name));
    let both = GrantScope::on("Queues", [queue.clone(), dead.clone()]);
    draft.allow(
        &both,
        &[
            sqs::GET_QUEUE_URL,
            sqs::GET_ATTRIBUTES,
            sqs::LIST_TAGS,
            sqs::CREATE_QUEUE,
            sqs::SET_ATTRIBUTES,
            sqs::TAG_QUEUE,
        ],
    );
    if names.purpose() == Purpose::Reconcile {
        let taking = [sqs::RECEIVE_MESSAGE, sqs::CHANGE_VISIBILITY, sqs::DELETE_MESSAGE];
        draft.allow(&GrantScope::on("TakeMessages", [queue]), &taking);
        draft.allow(&GrantScope::on("PutMessagesAside", [dead]), &[sqs::SEND_MESSAGE]);
    }
}

fn add_rules(names: &Names<'_>, draft: &mut PolicyBuilder) {
    let rule = format!("rule/{}", names.wake());
    let arn = |region: &str| names.arn_in(region, "events", names.here(), &rule);
    let rules = GrantScope::on("Rules", names.wake_regions().into_iter().map(arn));
    draft.allow(&rules, &[events::PUT_RULE, events::PUT_TARGETS, events::TAG_RESOURCE]);
    // A rule of a trail that nobody wants any more is where that trail is.
    let anywhere = GrantScope::on("RulesAnywhere", [arn("*")]);
    draft.allow(&anywhere, &[events::DESCRIBE_RULE, events::LIST_TARGETS, events::LIST_TAGS]);
    if names.purpose().removes() {
        draft.allow(&anywhere, &[events::REMOVE_TARGETS, events::DELETE_RULE]);
    }
    if names.has_wake_role() {
        let role = names.identity(&format!("role/{}", names.wake()));
        let service = [EVENTBRIDGE_PRINCIPAL.to_owned()];
        let passing = GrantScope::on("PassWakeRole", [role]).when("StringEquals", "iam:PassedToService", service);
        draft.allow_of(&passing, &events::PUT_TARGETS, ["iam:PassRole"]);
    }
}

/// In a member the role stays as long as there is a trail of this deployment, wanted or not.
fn add_left_role(names: &Names<'_>, draft: &mut PolicyBuilder) {
    let role = GrantScope::on("LeftWakeRole", [names.identity(&format!("role/{}", names.wake()))]);
    draft.allow(&role, &READ_ROLE);
    if names.purpose().removes() {
        draft.allow(&role, &REMOVE_ROLE);
    }
}

/// Lease and history are one object each, read and written with the credentials that the daemon is started with.
fn add_documents(names: &Names<'_>, draft: &mut PolicyBuilder) {
    let is_daemon = names.purpose() == Purpose::Reconcile && names.place() == AccountKind::Management;
    let reconcile = &names.config().reconcile;
    let objects: Vec<S3Place> = reconcile.lease.iter().cloned().chain(names.config().history()).collect();
    if !is_daemon || objects.is_empty() {
        return;
    }
    let object = |place: &S3Place| format!("{}/{}", names.bucket_arn(place.bucket.as_str()), place.key);
    let own = GrantScope::on("OwnObjects", objects.iter().map(object));
    draft.allow(&own, &[document::GET_OBJECT, document::PUT_OBJECT]);
    // Without it S3 does not say of a missing object that it is missing.
    let buckets = objects.iter().map(|place| names.bucket_arn(place.bucket.as_str()));
    draft.allow(&GrantScope::on("BucketsOfOwnObjects", buckets), &[s3::LIST_OBJECTS]);
}
