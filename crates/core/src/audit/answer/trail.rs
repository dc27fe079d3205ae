//! Questions about each trail of a subject.

use jiff::{SignedDuration, Timestamp};

use super::super::{AuditSubject, Check, CheckVerdict, Fix, Question};
use super::{Answer, MEND_LOG_DELIVERY, about, fail, no_trail, not_read, outside, pass, unreadable, whole};
use crate::estate::key::referenced_key;
use crate::estate::{Address, Estate, Key, Resource, Trail};

/// Answers for each trail, or once where there is none.
pub(super) fn answers(question: Question, estate: &Estate, subject: &AuditSubject) -> Vec<Check> {
    if subject.trails.is_empty() {
        return vec![whole(subject, no_trail(subject))];
    }
    let check = |address: &Address| match estate.resource(address) {
        Some(Resource::Trail(trail)) => {
            let check = about(subject, address, answer(question, estate, trail));
            let of_key = matches!(question, Question::Encryption | Question::KeyRotation);
            if of_key && check.verdict == CheckVerdict::Fail && unusable_key(estate, trail).is_some() {
                return Check { fix: Fix::Elsewhere(SAVE_KEY), ..check };
            }
            if delivers_in_vain(question, trail, &check) {
                return Check { fix: Fix::Elsewhere(MEND_LOG_DELIVERY), ..check };
            }
            check
        }
        _ => about(subject, address, not_read(estate, address)),
    };
    subject.trails.iter().map(check).collect()
}

/// Tells whether a log group is configured already, and nothing gets there.
fn delivers_in_vain(question: Question, trail: &Trail, check: &Check) -> bool {
    let of_logs = matches!(question, Question::LogGroup | Question::LogGroupDelivery);
    of_logs && trail.logging && trail.log_group.is_some() && check.verdict == CheckVerdict::Fail
}

fn answer(question: Question, estate: &Estate, trail: &Trail) -> Answer {
    match question {
        Question::Validation if trail.validation => pass("it writes digest files"),
        Question::Validation => fail("it writes no digest files"),
        Question::Encryption => encryption(estate, trail),
        Question::KeyRotation => rotation(estate, trail),
        Question::LogGroup => log_group(trail),
        Question::LogGroupDelivery => log_group_delivery(trail),
        // Prowler asks it of trails that record (`cloudtrail_insights_exist`).
        Question::Insights if !trail.logging => (CheckVerdict::NotApplicable, "it is not recording".into()),
        // Of a trail of others, neither tags nor insights are read.
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
    if let Some(why) = unusable_key(estate, trail) {
        return fail(why);
    }
    let delivery = trail.delivery.as_ref();
    if let Some(error) = delivery.and_then(|delivery| delivery.latest_error.as_deref()) {
        return fail(format!("it names the key {arn}, but its last delivery failed: {error}"));
    }
    match key(estate, arn) {
        Some(_) => pass(format!("it encrypts with {arn}, which can be used")),
        None => match delivery.and_then(|delivery| delivery.latest_time.as_deref()) {
            Some(time) => pass(format!("it encrypts with {arn}; the last delivery, of {time}, had no error")),
            None => unreadable(format!("it names the key {arn}, which was not looked at")),
        },
    }
}

/// What helps where the key is disabled or waits for its deletion and the plan does not mend it.
const SAVE_KEY: &str = "the owner of the key can cancel its deletion and enable it: aws kms cancel-key-deletion --key-id ARN, then \
                        aws kms enable-key --key-id ARN";

/// Says why the key of a trail cannot be used, and what that does; nothing where it can, or was not looked at.
fn unusable_key(estate: &Estate, trail: &Trail) -> Option<String> {
    let arn = trail.key.as_ref()?;
    let (_, key) = key(estate, arn)?;
    let stops = "no log can be encrypted with it, so none is delivered";
    if key.pending_deletion {
        let when = key.deletion_date.as_ref().map(|date| format!(" at {date}")).unwrap_or_default();
        return Some(format!(
            "the key {arn} is disabled and waiting for its deletion{when}: {stops}, and once it is deleted every log that was ever \
             encrypted with it is lost"
        ));
    }
    (!key.enabled).then(|| format!("the key {arn} is disabled: {stops}, and what it encrypted cannot be read"))
}

fn rotation(estate: &Estate, trail: &Trail) -> Answer {
    let Some(arn) = &trail.key else {
        return (CheckVerdict::NotApplicable, "it encrypts with keys of S3, which AWS rotates".into());
    };
    // A key that is not enabled is not rotated (AWS KMS developer guide, "Rotating AWS KMS keys").
    if let Some(why) = unusable_key(estate, trail) {
        return fail(format!("{why}; AWS does not rotate such a key"));
    }
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

/// How long events may have reached the log group before the last log file reached the bucket: Prowler fails a trail
/// after a day (`cloudtrail_cloudwatch_logging_enabled`).
const BEHIND_MAX: SignedDuration = SignedDuration::from_hours(24);

fn log_group_delivery(trail: &Trail) -> Answer {
    let (verdict, fact) = log_group(trail);
    if verdict != CheckVerdict::Pass {
        return (verdict, fact);
    }
    if !trail.logging {
        return fail(format!("{fact}, but is not recording"));
    }
    let delivery = trail.delivery.as_ref();
    let Some(reached) = delivery.and_then(|delivery| delivery.log_group_time.as_deref()) else {
        return outside(format!("{fact}; when events last reached it is not known"));
    };
    let time = |text: &str| text.parse::<Timestamp>().ok();
    let latest = delivery.and_then(|delivery| delivery.latest_time.as_deref());
    match (time(reached), latest.and_then(time)) {
        (Some(reached), Some(latest)) if latest.duration_since(reached) > BEHIND_MAX => {
            fail(format!("{fact}, but events last reached it at {reached}, and log files the bucket at {latest}"))
        }
        _ => pass(format!("{fact}, and events last reached it at {reached}")),
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::estate::trail::DeliveryStatus;

    fn trail(delivery: DeliveryStatus) -> Trail {
        Trail {
            log_group: Some("arn:aws:logs:eu-central-1:111111111111:log-group:acme:*".into()),
            tags: Some(std::collections::BTreeMap::new()),
            delivery: Some(delivery),
            ..Trail::sample()
        }
    }

    #[track_caller]
    fn check(trail: &Trail, verdict: CheckVerdict, words: &str) {
        let (found, fact) = answer(Question::LogGroupDelivery, &Estate::default(), trail);
        assert_eq!(found, verdict, "{fact}");
        assert!(fact.contains(words), "{fact}");
    }

    #[test]
    fn a_log_group_that_nothing_reaches_is_not_delivered_to() {
        let at = |log_group: &str, bucket: &str| DeliveryStatus {
            log_group_time: Some(log_group.into()),
            latest_time: Some(bucket.into()),
            ..DeliveryStatus::default()
        };
        check(&trail(at("2026-03-01T05:00:00Z", "2026-03-02T05:00:00Z")), CheckVerdict::Pass, "2026-03-01T05:00:00Z");
        check(
            &trail(at("2026-03-01T05:00:00Z", "2026-03-02T05:00:01Z")),
            CheckVerdict::Fail,
            "the bucket at 2026-03-02",
        );
        let refused = DeliveryStatus { log_group_error: Some("AccessDenied".into()), ..DeliveryStatus::default() };
        check(&trail(refused), CheckVerdict::Fail, "AccessDenied");
        let stopped = Trail { logging: false, ..trail(at("2026-03-01T05:00:00Z", "2026-03-01T05:00:00Z")) };
        check(&stopped, CheckVerdict::Fail, "not recording");
        check(&Trail { log_group: None, ..stopped }, CheckVerdict::Fail, "no log group");
    }

    /// Snapshots of before it was recorded do not have it either.
    #[test]
    fn when_events_last_reached_the_log_group_may_not_be_known() {
        let unknown = CheckVerdict::Unknown(super::super::Doubt::Outside);
        check(&trail(DeliveryStatus::default()), unknown, "is not known");
        let old = r#"{"latest_time":null,"latest_error":null,"digest_error":null,"notification_error":null,"log_group_error":null,"stopped_time":null}"#;
        check(&trail(serde_json::from_str(old).unwrap()), unknown, "is not known");
    }

    #[test]
    fn insights_are_asked_of_trails_that_record() {
        let ask = |trail: &Trail| answer(Question::Insights, &Estate::default(), trail).0;
        let without = trail(DeliveryStatus::default());
        assert_eq!(ask(&without), CheckVerdict::Fail);
        assert_eq!(ask(&Trail { logging: false, ..without.clone() }), CheckVerdict::NotApplicable);
        assert_eq!(
            ask(&Trail { tags: None, ..without.clone() }),
            CheckVerdict::Unknown(super::super::Doubt::Unreadable)
        );
        assert_eq!(
            ask(&Trail { insights: BTreeSet::from(["ApiCallRateInsight".into()]), ..without }),
            CheckVerdict::Pass
        );
    }
}
