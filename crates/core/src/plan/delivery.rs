//! What CloudTrail says of the delivery of our trails, as findings: an error, or nothing that arrives while it is
//! logging.
//!
//! CloudTrail tries a delivery again for 30 days and gives up then (AWS CloudTrail user guide, "How CloudTrail works"):
//! until then events can be saved. The core has no clock: how long nothing has arrived is told by the time at which the
//! status was asked for, and where that was not noted nobody knows.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::finding::{Finding, Harm};
use super::preflight::live;
use crate::estate::trail::DeliveryStatus;
use crate::estate::{Address, Desired, Estate, Resource, Trail};
use crate::organization::Organization;

/// Nothing has to have arrived for so long before it is a finding: log files come every few minutes.
const STALE_AFTER: SignedDuration = SignedDuration::from_hours(2);

/// For so long digests, which come every hour whether or not anything happens, speak for log files that do not come
/// because nothing happened.
const DIGESTS_SPEAK_FOR: SignedDuration = SignedDuration::from_hours(24);

/// Digests come every hour (AWS CloudTrail user guide, "CloudTrail digest file structure"), also of hours in which
/// nothing happened: that so many of them are missing is a finding.
const DIGESTS_STALE_AFTER: SignedDuration = SignedDuration::from_hours(3);

/// Events reach CloudWatch Logs as they reach the bucket: what is so much older there does not come any more.
const LOG_GROUP_STALE_AFTER: SignedDuration = SignedDuration::from_hours(2);

/// For so long CloudTrail tries again.
pub(super) const TRIES_AGAIN_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How much of an error of AWS is shown.
const ERROR_MAX: usize = 200;

/// Log files do not reach the bucket.
pub const FAILS: &str = "delivery-fails";
/// Nothing has arrived for too long, and CloudTrail names no error.
pub const STALE: &str = "delivery-stale";
/// Digest files do not reach the bucket.
pub const DIGESTS_FAIL: &str = "digest-delivery-fails";
/// Digest files do not come any more, and CloudTrail names no error.
pub const DIGESTS_STALE: &str = "digest-delivery-stale";
/// The topic is not told.
pub const NOTIFICATIONS_FAIL: &str = "notification-fails";
/// Events do not reach CloudWatch Logs.
pub const LOG_GROUP_FAILS: &str = "log-group-delivery-fails";
/// Events reach the bucket, and CloudWatch Logs no more, and CloudTrail names no error.
pub const LOG_GROUP_STALE: &str = "log-group-delivery-stale";

/// The findings that [`of`] makes.
pub const CODES: [&str; 7] =
    [FAILS, STALE, DIGESTS_FAIL, DIGESTS_STALE, NOTIFICATIONS_FAIL, LOG_GROUP_FAILS, LOG_GROUP_STALE];

/// What the policies that CloudTrail meets say, as far as they were judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judged {
    /// They let it in: something else refuses.
    LetIn,
    /// They refuse it; the first reason.
    Refused(String),
    /// It was not looked at, or cannot be told.
    Unknown,
}

/// Returns what is wrong with the deliveries of the wanted trails that are there.
pub(super) fn findings(desired: &Desired, observed: &Estate, organization: &Organization) -> Vec<Finding> {
    let seen = |address: &Address| match observed.resource(address) {
        Some(Resource::Trail(trail)) => Some(trail.clone()),
        _ => None,
    };
    let trails: Vec<(&Address, Trail)> =
        desired.wanted.keys().filter_map(|address| Some((address, seen(address)?))).collect();
    let ails = |(address, trail): &&(&Address, Trail)| !of_trail(address, trail, &Judged::Unknown).is_empty();
    if !trails.iter().any(|trail| ails(&trail)) {
        return Vec::new();
    }
    // Trying the policies takes many evaluations, so it is done only where something fails.
    let judged = judged(desired, observed, organization);
    let of_one = |(address, trail): &(&Address, Trail)| {
        let arn = address.arn(desired.partition).map(|arn| arn.to_string()).unwrap_or_default();
        of_trail(address, trail, judged.get(&arn).unwrap_or(&Judged::Unknown))
    };
    trails.iter().flat_map(of_one).collect()
}

/// Tries what CloudTrail asks for with the policies that were observed, by the ARN of the trail.
fn judged(desired: &Desired, observed: &Estate, organization: &Organization) -> BTreeMap<String, Judged> {
    let judge = |delivered: super::preflight::Delivered<'_>| {
        let preflight = delivered.preflight;
        let judged = match (preflight.refusals.into_iter().next(), preflight.doubts.is_empty()) {
            (Some(refusal), _) => Judged::Refused(refusal.message),
            (None, true) => Judged::LetIn,
            (None, false) => Judged::Unknown,
        };
        (delivered.arn.to_string(), judged)
    };
    live(desired, observed, organization).into_iter().map(judge).collect()
}

/// Errors of what a trail no longer does are old news.
fn of_trail(address: &Address, trail: &Trail, judged: &Judged) -> Vec<Finding> {
    let Some(delivery) = &trail.delivery else { return Vec::new() };
    let mut found = of(address, trail.logging, delivery, judged);
    found.retain(|finding| match finding.code.as_str() {
        DIGESTS_FAIL | DIGESTS_STALE => trail.validation,
        NOTIFICATIONS_FAIL => trail.topic.is_some(),
        LOG_GROUP_FAILS | LOG_GROUP_STALE => trail.log_group.is_some(),
        _ => true,
    });
    found
}

/// Returns what a status says is wrong.
pub fn of(address: &Address, logging: bool, delivery: &DeliveryStatus, judged: &Judged) -> Vec<Finding> {
    let finding = |harm: Harm, code: &str, message: String, help: &str| {
        Finding::new(harm, address, code, message, help.to_owned())
    };
    let mut found = Vec::new();
    let began = began(delivery);
    let saved = |finding: Finding| Finding {
        since: began.map(|time| time.to_string()),
        until: began.and_then(|time| time.checked_add(TRIES_AGAIN_FOR).ok()).map(|time| time.to_string()),
        ..finding
    };
    if let Some(error) = &delivery.latest_error {
        let message = format!(
            "CloudTrail cannot deliver log files to the bucket: {}. {} CloudTrail tries each event again for 30 days, after \
             which it is lost",
            shown(error),
            causes(judged)
        );
        found.push(saved(finding(Harm::LogsLost, FAILS, message, help(judged))));
    } else if logging && is_stale(delivery) {
        let message = format!(
            "the trail is logging, and nothing has arrived for more than two hours; CloudTrail names no error. {}",
            causes(judged)
        );
        found.push(saved(finding(Harm::LogsLost, STALE, message, help(judged))));
    }
    if let Some(error) = &delivery.digest_error {
        let message = format!(
            "CloudTrail cannot deliver digest files to the bucket: {}. Log files of this time cannot be proved untouched. {}",
            shown(error),
            causes(judged)
        );
        let digests = finding(Harm::LessProtected, DIGESTS_FAIL, message, help(judged));
        found.push(Finding { since: delivery.digest_time.clone(), ..digests });
    } else if logging && digests_are_stale(delivery) {
        let message = format!(
            "no digest file has arrived for more than three hours, and one comes every hour; CloudTrail names no error. Log files \
             of this time cannot be proved untouched. {}",
            causes(judged)
        );
        let digests = finding(Harm::LessProtected, DIGESTS_STALE, message, help(judged));
        found.push(Finding { since: delivery.digest_time.clone(), ..digests });
    }
    if let Some(error) = &delivery.notification_error {
        let message = format!("CloudTrail cannot notify the topic of new log files: {}", shown(error));
        let help = "look at the topic's policy and the policy of its key with `orgtrail explain --live`";
        found.push(finding(Harm::LessProtected, NOTIFICATIONS_FAIL, message, help));
    }
    if let Some(error) = &delivery.log_group_error {
        let message = format!(
            "CloudTrail cannot deliver events to CloudWatch Logs: {}. Whatever watches them there sees nothing",
            shown(error)
        );
        let help =
            "see that the log group is there and that its role may write to it; `orgtrail plan` shows what differs";
        let group = finding(Harm::LessProtected, LOG_GROUP_FAILS, message, help);
        found.push(Finding { since: delivery.log_group_time.clone(), ..group });
    } else if logging && log_group_is_stale(delivery) {
        let message = "events reach the bucket, and have not reached CloudWatch Logs for more than two hours; CloudTrail names no \
                       error. Whatever watches them there sees nothing";
        let help =
            "see that the log group and its role are there, and that no control policy or subscription stops them";
        let group = finding(Harm::LessProtected, LOG_GROUP_STALE, message.to_owned(), help);
        found.push(Finding { since: delivery.log_group_time.clone(), ..group });
    }
    found
}

/// Says why a trail that is logging does not record into its bucket; none where it does as far as anybody knows.
pub fn why_nothing_arrives(delivery: &DeliveryStatus) -> Option<String> {
    let since = || began(delivery).map(|time| format!(" since {time}")).unwrap_or_default();
    match &delivery.latest_error {
        Some(error) => Some(format!("is logging, but nothing arrives{}: {}", since(), shown(error))),
        None if is_stale(delivery) => Some(format!("is logging, but nothing has arrived{}", since())),
        None => None,
    }
}

/// Returns what refuses CloudTrail, as far as that is known, and what it is not.
fn causes(judged: &Judged) -> String {
    match judged {
        Judged::LetIn => {
            "It is not the policies of bucket, key and topic: they were checked, and allow CloudTrail. It may be a \
             resource control policy, which was not read, or the state of the key."
                .to_owned()
        }
        Judged::Refused(why) => format!("The policies as they are refuse it: {why}."),
        Judged::Unknown => "Whether the policies of bucket and key let CloudTrail in is not known.".to_owned(),
    }
}

fn help(judged: &Judged) -> &'static str {
    match judged {
        Judged::LetIn => {
            "look at the resource control policies on the path of the account that holds bucket and key, and at the state of \
             the key; what waits arrives by itself once CloudTrail is let in"
        }
        Judged::Refused(_) | Judged::Unknown => {
            "`orgtrail explain --live` shows the statement that refuses, `orgtrail plan` whether it is repaired; what waits \
             arrives by itself once CloudTrail is let in"
        }
    }
}

/// Tells whether too much time has passed without anything that arrived.
fn is_stale(delivery: &DeliveryStatus) -> bool {
    let Some(asked) = time(delivery.asked_at.as_deref()) else { return false };
    let Some(began) = began(delivery) else { return false };
    let quiet = asked.duration_since(began);
    let digest = time(delivery.digest_time.as_deref()).filter(|_| delivery.digest_error.is_none());
    let digests_come = digest.is_some_and(|digest| asked.duration_since(digest) <= STALE_AFTER);
    quiet > if digests_come { DIGESTS_SPEAK_FOR } else { STALE_AFTER }
}

/// Tells whether digests have stopped: some came, and then none for hours in which the trail was logging.
fn digests_are_stale(delivery: &DeliveryStatus) -> bool {
    let (Some(asked), Some(latest)) = (time(delivery.asked_at.as_deref()), time(delivery.digest_time.as_deref()))
    else {
        return false;
    };
    let since = time(delivery.started_time.as_deref()).map_or(latest, |started| latest.max(started));
    asked.duration_since(since) > DIGESTS_STALE_AFTER
}

/// Tells whether events reach the bucket and the log group no more.
fn log_group_is_stale(delivery: &DeliveryStatus) -> bool {
    let (latest, in_group) = (time(delivery.latest_time.as_deref()), time(delivery.log_group_time.as_deref()));
    latest.zip(in_group).is_some_and(|(latest, in_group)| latest.duration_since(in_group) > LOG_GROUP_STALE_AFTER)
}

/// Returns since when nothing arrives: since the last log file, or since it was started where that was later.
fn began(delivery: &DeliveryStatus) -> Option<Timestamp> {
    time(delivery.latest_time.as_deref()).max(time(delivery.started_time.as_deref()))
}

fn time(text: Option<&str>) -> Option<Timestamp> {
    text?.parse().ok()
}

fn shown(error: &str) -> String {
    match error.char_indices().nth(ERROR_MAX) {
        Some((at, _)) => format!("{}…", &error[..at]),
        None => error.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trail() -> Address {
        "111111111111/eu-central-1/trail/acme-org-trail".parse().unwrap()
    }

    fn delivered(latest: &str, asked: Option<&str>) -> DeliveryStatus {
        DeliveryStatus {
            latest_time: Some(latest.into()),
            started_time: Some("2026-03-01T08:00:00Z".into()),
            asked_at: asked.map(str::to_owned),
            ..DeliveryStatus::default()
        }
    }

    fn codes(delivery: &DeliveryStatus) -> Vec<String> {
        of(&trail(), true, delivery, &Judged::LetIn).into_iter().map(|finding| finding.code).collect()
    }

    const NOW: Option<&str> = Some("2026-11-28T03:10:00Z");

    #[test]
    fn an_error_is_said_with_since_when_until_when_and_what_it_is_not() {
        let failing =
            DeliveryStatus { latest_error: Some("AccessDenied".into()), ..delivered("2026-11-20T10:02:11Z", None) };
        let [found] = &of(&trail(), true, &failing, &Judged::LetIn)[..] else { panic!("one finding") };
        assert_eq!((found.harm, found.code.as_str()), (Harm::LogsLost, FAILS));
        assert_eq!(found.since.as_deref(), Some("2026-11-20T10:02:11Z"));
        assert_eq!(found.until.as_deref(), Some("2026-12-20T10:02:11Z"));
        assert!(
            found.message.contains("AccessDenied") && found.message.contains("not the policies"),
            "{}",
            found.message
        );
        assert!(found.message.contains("resource control policy"), "{}", found.message);
        let refused = of(&trail(), true, &failing, &Judged::Refused("no statement lets CloudTrail write".into()));
        assert!(refused[0].message.contains("no statement lets CloudTrail write"), "{}", refused[0].message);
        // A log that was stopped with events on their way still loses them.
        assert_eq!(of(&trail(), false, &failing, &Judged::Unknown).len(), 1);
    }

    #[test]
    fn an_audit_is_told_in_half_a_sentence() {
        let failing =
            DeliveryStatus { latest_error: Some("AccessDenied".into()), ..delivered("2026-11-20T10:02:11Z", None) };
        let why = "is logging, but nothing arrives since 2026-11-20T10:02:11Z: AccessDenied";
        assert_eq!(why_nothing_arrives(&failing).as_deref(), Some(why));
        assert!(
            why_nothing_arrives(&delivered("2026-10-19T10:00:00Z", NOW))
                .unwrap()
                .contains("has arrived since 2026-10-19")
        );
        assert_eq!(why_nothing_arrives(&delivered("2026-11-28T03:05:00Z", NOW)), None);
    }

    #[test]
    fn every_error_of_a_status_is_a_finding() {
        let failing = DeliveryStatus {
            latest_error: Some("AccessDenied".into()),
            digest_error: Some("AccessDenied".into()),
            notification_error: Some("AuthorizationError".into()),
            log_group_error: Some("ResourceNotFoundException".into()),
            ..DeliveryStatus::default()
        };
        assert_eq!(codes(&failing), [FAILS, DIGESTS_FAIL, NOTIFICATIONS_FAIL, LOG_GROUP_FAILS]);
        let found = of(&trail(), true, &failing, &Judged::Unknown);
        assert!(found.iter().all(|finding| CODES.contains(&finding.code.as_str()) && finding.harm.does_harm()));
    }

    #[test]
    fn nothing_that_arrives_for_two_hours_is_a_finding_while_it_is_logging() {
        let none: [&str; 0] = [];
        assert_eq!(codes(&delivered("2026-11-28T03:05:00Z", NOW)), none);
        assert_eq!(codes(&delivered("2026-11-28T01:11:00Z", NOW)), none);
        assert_eq!(codes(&delivered("2026-11-28T01:09:00Z", NOW)), [STALE]);
        assert_eq!(codes(&delivered("2026-10-19T10:00:00Z", NOW)), [STALE]);
        assert_eq!(of(&trail(), false, &delivered("2026-10-19T10:00:00Z", NOW), &Judged::LetIn), []);
        // A trail that was started a moment ago has not delivered yet.
        let started = DeliveryStatus {
            started_time: Some("2026-11-28T03:00:00Z".into()),
            ..delivered("2026-10-19T10:00:00Z", NOW)
        };
        assert_eq!(codes(&started), none);
        let never = DeliveryStatus { latest_time: None, ..delivered("", NOW) };
        assert_eq!(codes(&never), [STALE], "started in March, and nothing has ever arrived");
    }

    #[test]
    fn where_nobody_noted_when_it_was_asked_nobody_knows_whether_it_is_late() {
        let none: [&str; 0] = [];
        assert_eq!(codes(&delivered("2026-10-19T10:00:00Z", None)), none);
        assert_eq!(codes(&delivered("2026-10-19T10:00:00Z", Some("noon"))), none);
    }

    #[test]
    fn digests_that_come_every_hour_speak_for_a_quiet_day_and_no_longer() {
        let quiet = |latest: &str| DeliveryStatus {
            digest_time: Some("2026-11-28T02:40:00Z".into()),
            ..delivered(latest, NOW)
        };
        let none: [&str; 0] = [];
        assert_eq!(codes(&quiet("2026-11-27T20:00:00Z")), none);
        assert_eq!(codes(&quiet("2026-11-27T03:00:00Z")), [STALE]);
    }

    #[test]
    fn digests_that_stop_are_a_finding_after_three_hours_without_an_error() {
        let digest =
            |time: &str| DeliveryStatus { digest_time: Some(time.into()), ..delivered("2026-11-28T03:05:00Z", NOW) };
        let none: [&str; 0] = [];
        assert_eq!(codes(&digest("2026-11-28T00:11:00Z")), none);
        let stopped = digest("2026-11-28T00:09:00Z");
        let [found] = &of(&trail(), true, &stopped, &Judged::LetIn)[..] else { panic!("one finding") };
        assert_eq!((found.code.as_str(), found.harm), (DIGESTS_STALE, Harm::LessProtected));
        assert_eq!(found.since.as_deref(), Some("2026-11-28T00:09:00Z"));
        assert_eq!(of(&trail(), false, &stopped, &Judged::LetIn), [], "a trail that is stopped writes none");
        let started = DeliveryStatus { started_time: Some("2026-11-28T02:00:00Z".into()), ..stopped.clone() };
        assert_eq!(codes(&started), none, "a trail that was started an hour ago has written none yet");
        assert_eq!(codes(&DeliveryStatus { asked_at: None, ..stopped }), none, "nobody knows");
        assert_eq!(codes(&delivered("2026-11-28T03:05:00Z", NOW)), none, "none was ever recorded");
        let of_no_validation =
            Trail { validation: false, delivery: Some(digest("2026-10-19T10:00:00Z")), ..Trail::sample() };
        assert_eq!(of_trail(&trail(), &of_no_validation, &Judged::LetIn), []);
    }

    #[test]
    fn a_log_group_that_hears_nothing_while_the_bucket_does_is_a_finding() {
        let in_group =
            |time: &str| DeliveryStatus { log_group_time: Some(time.into()), ..delivered("2026-11-28T03:05:00Z", NOW) };
        let none: [&str; 0] = [];
        assert_eq!(codes(&in_group("2026-11-28T01:06:00Z")), none);
        assert_eq!(codes(&in_group("2026-11-28T01:04:00Z")), [LOG_GROUP_STALE]);
        let without = Trail { delivery: Some(in_group("2026-10-19T10:00:00Z")), log_group: None, ..Trail::sample() };
        assert_eq!(of_trail(&trail(), &without, &Judged::LetIn), []);
    }
}
