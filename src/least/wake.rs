//! What the daemon is woken by and what it agrees with its replicas through: queues, rules, and the lease.

use super::draft::{Bounds, Draft};
use super::names::Names;
use super::{Place, Purpose};
use crate::cloud::aws::permissions::{events, lease, s3, sqs};
use crate::desire::dead_letter_queue;

/// The service that passes the role of a rule on.
const EVENTBRIDGE_PRINCIPAL: &str = "events.amazonaws.com";

/// Adds queues, rules and the lease.
pub(super) fn add(names: &Names<'_>, draft: &mut Draft) {
    add_lease(names, draft);
    let Some(queue) = &names.config().reconcile.wake_queue else { return };
    if names.place() != Place::Member {
        add_rules(names, draft);
    }
    if names.place() == Place::Log {
        add_queues(names, draft, queue);
    }
}

fn add_queues(names: &Names<'_>, draft: &mut Draft, name: &str) {
    let queue = names.arn("sqs", names.here(), name);
    let dead = names.arn("sqs", names.here(), &dead_letter_queue(name));
    let both = Bounds::on("Queues", [queue.clone(), dead.clone()]);
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
        draft.allow(&Bounds::on("TakeMessages", [queue]), &taking);
        draft.allow(&Bounds::on("PutMessagesAside", [dead]), &[sqs::SEND_MESSAGE]);
    }
}

fn add_rules(names: &Names<'_>, draft: &mut Draft) {
    let rule = format!("rule/{}", names.wake());
    let arns = names.home_and_global().into_iter().map(|region| names.arn_in(region, "events", names.here(), &rule));
    let reads = [events::DESCRIBE_RULE, events::LIST_TARGETS, events::LIST_TAGS];
    let rules = Bounds::on("Rules", arns);
    draft.allow(&rules, &reads);
    draft.allow(&rules, &[events::PUT_RULE, events::PUT_TARGETS, events::TAG_RESOURCE]);
    if names.has_wake_role() {
        let role = names.identity(&format!("role/{}", names.wake()));
        let service = [EVENTBRIDGE_PRINCIPAL.to_owned()];
        let passing = Bounds::on("PassWakeRole", [role]).when("StringEquals", "iam:PassedToService", service);
        draft.allow_of(&passing, &events::PUT_TARGETS, ["iam:PassRole"]);
    }
}

/// The lease is one object, read and written with the credentials that the daemon is started with.
fn add_lease(names: &Names<'_>, draft: &mut Draft) {
    let is_daemon = names.purpose() == Purpose::Reconcile && names.place() == Place::Management;
    let Some(kept) = names.config().reconcile.lease.as_ref().filter(|_| is_daemon) else { return };
    let bucket = names.bucket_arn(kept.bucket.as_str());
    draft.allow(&Bounds::on("Lease", [format!("{bucket}/{}", kept.key)]), &[lease::GET_OBJECT, lease::PUT_OBJECT]);
    draft.allow(&Bounds::on("LeaseBucket", [bucket]), &[s3::LIST_OBJECTS]);
}
