//! Questions about each trail of a subject.

use super::super::{Check, Question, Subject, Verdict};
use super::{Answer, about, fail, no_trail, not_read, outside, pass, unreadable, whole};
use crate::estate::key::referenced_key;
use crate::estate::{Address, Estate, Key, Resource, Trail};

/// Answers for each trail, or once where there is none.
pub(super) fn answers(question: Question, estate: &Estate, subject: &Subject) -> Vec<Check> {
    if subject.trails.is_empty() {
        return vec![whole(subject, no_trail(subject))];
    }
    let answer = |address: &Address| match estate.resource(address) {
        Some(Resource::Trail(trail)) => answer(question, estate, trail),
        _ => not_read(estate, address),
    };
    subject.trails.iter().map(|address| about(subject, address, answer(address))).collect()
}

fn answer(question: Question, estate: &Estate, trail: &Trail) -> Answer {
    match question {
        Question::Validation if trail.validation => pass("it writes digest files"),
        Question::Validation => fail("it writes no digest files"),
        Question::Encryption => encryption(estate, trail),
        Question::KeyRotation => rotation(estate, trail),
        Question::LogGroup => log_group(trail),
        // Prowler asks it of trails that record (`cloudtrail_insights_exist`).
        Question::Insights if !trail.logging => (Verdict::NotApplicable, "it is not recording".into()),
        // Of a trail that is evidence only, neither tags nor insights are read.
        Question::Insights if trail.insights.is_empty() && trail.tags.is_none() => {
            unreadable("its insight selectors were not read")
        }
        Question::Insights if trail.insights.is_empty() => fail("it has no insight selectors"),
        Question::Insights => pass(list(trail.insights.iter())),
        Question::Tags => tags(trail),
        _ => outside("this is no question about a trail"),
    }
}

fn list<'a>(items: impl Iterator<Item = &'a String>) -> String {
    items.map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// A trail may name a key that is disabled or gone: naming one is no proof that logs are encrypted with it.
fn encryption(estate: &Estate, trail: &Trail) -> Answer {
    let Some(arn) = &trail.key else {
        return fail("it names no KMS key");
    };
    let delivery = trail.delivery.as_ref();
    if let Some(error) = delivery.and_then(|delivery| delivery.latest_error.as_deref()) {
        return fail(format!("it names the key {arn}, but its last delivery failed: {error}"));
    }
    match key(estate, arn) {
        Some((_, key)) if key.pending_deletion => fail(format!("the key {arn} is waiting for its deletion")),
        Some((_, key)) if !key.enabled => fail(format!("the key {arn} is disabled")),
        Some(_) => pass(format!("it encrypts with {arn}, which can be used")),
        None => match delivery.and_then(|delivery| delivery.latest_time.as_deref()) {
            Some(time) => pass(format!("it encrypts with {arn}; the last delivery, of {time}, had no error")),
            None => unreadable(format!("it names the key {arn}, which was not looked at")),
        },
    }
}

fn rotation(estate: &Estate, trail: &Trail) -> Answer {
    let Some(arn) = &trail.key else {
        return (Verdict::NotApplicable, "it encrypts with keys of S3, which AWS rotates".into());
    };
    match key(estate, arn) {
        Some((_, key)) if key.rotation => pass(format!("{arn} is rotated every year")),
        Some(_) => fail(format!("{arn} is not rotated")),
        None => outside(format!("{arn} is not managed here, so its rotation is not read")),
    }
}

/// Finds the key that an ARN, or a reference to a key that the plan makes, stands for.
fn key<'a>(estate: &'a Estate, arn: &str) -> Option<(&'a Address, &'a Key)> {
    let planned = referenced_key(arn);
    estate.resources().find_map(|(address, resource)| match resource {
        Resource::Key(key) if key.arn.as_deref() == Some(arn) || planned.as_ref() == Some(address) => {
            Some((address, key))
        }
        _ => None,
    })
}

fn log_group(trail: &Trail) -> Answer {
    let Some(group) = &trail.log_group else {
        return fail("it names no log group");
    };
    match trail.delivery.as_ref().and_then(|delivery| delivery.log_group_error.as_deref()) {
        Some(error) => fail(format!("it names {group}, but its last delivery there failed: {error}")),
        None => pass(format!("it delivers to {group}")),
    }
}

fn tags(trail: &Trail) -> Answer {
    match &trail.tags {
        None => unreadable("its tags could not be read"),
        // AWS's own tags do not count (Security Hub user guide, CloudTrail.9).
        Some(tags) => match tags.keys().find(|key| !key.starts_with("aws:")) {
            Some(key) => pass(format!("it has the tag {key}")),
            None => fail("it has no tags"),
        },
    }
}
