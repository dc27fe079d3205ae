//! A trail that is as wanted and whose deliveries are not.

use orgtrail::estate::Trail;
use orgtrail::estate::trail::DeliveryStatus;

use super::{Damages, Seen};

/// When the status was asked for.
const ASKED: &str = "2026-11-28T03:10:00Z";
/// A moment before.
const LATELY: &str = "2026-11-28T03:05:00Z";
/// Long before.
const LONG_AGO: &str = "2026-10-19T10:00:00Z";

/// A status that says nothing is wrong.
fn well() -> DeliveryStatus {
    let lately = || Some(LATELY.to_owned());
    DeliveryStatus {
        latest_time: lately(),
        latest_error: None,
        digest_error: None,
        notification_error: None,
        log_group_error: None,
        log_group_time: lately(),
        started_time: Some(LONG_AGO.into()),
        stopped_time: None,
        digest_time: lately(),
        attempt_time: lately(),
        asked_at: Some(ASKED.into()),
        arrived: None,
    }
}

/// Adds what a status may say, a field at a time.
pub(super) fn damages(all: &mut Damages<Trail>, delivery: Option<&DeliveryStatus>) {
    let well = well();
    let DeliveryStatus {
        latest_time: _,
        latest_error,
        digest_error,
        notification_error,
        log_group_error,
        log_group_time: _,
        started_time: _,
        stopped_time: _,
        digest_time: _,
        attempt_time: _,
        asked_at: _,
        arrived: _,
    } = delivery.unwrap_or(&well);
    let errors = [latest_error, digest_error, notification_error, log_group_error];
    assert_eq!(errors, [&None; 4], "a trail that is as wanted delivers");
    let Trail { topic, validation, log_group, .. } = all.seen.clone();
    let old = || Some(LONG_AGO.to_owned());
    let error = || Some("AccessDenied".to_owned());
    let mut status = |field: &str, seen: Seen, delivery: DeliveryStatus| {
        all.add(&format!("delivery.{field}"), seen, |r| r.delivery = Some(delivery));
    };
    status("well", Seen::Quiet, well.clone());
    status("latest_time", Seen::Told, DeliveryStatus { latest_time: old(), ..well.clone() });
    status("latest_error", Seen::Told, DeliveryStatus { latest_error: error(), ..well.clone() });
    let mut if_wanted = |wanted: bool, field: &str, delivery: DeliveryStatus| match wanted {
        true => status(field, Seen::Told, delivery),
        false => status(&format!("{field}.not_wanted"), Seen::Quiet, delivery),
    };
    if_wanted(validation, "digest_error", DeliveryStatus { digest_error: error(), ..well.clone() });
    if_wanted(validation, "digest_time", DeliveryStatus { digest_time: old(), ..well.clone() });
    if_wanted(topic.is_some(), "notification_error", DeliveryStatus { notification_error: error(), ..well.clone() });
    if_wanted(log_group.is_some(), "log_group_error", DeliveryStatus { log_group_error: error(), ..well.clone() });
    if_wanted(log_group.is_some(), "log_group_time", DeliveryStatus { log_group_time: old(), ..well.clone() });
    // These say only more of the others.
    status("started_time", Seen::Quiet, DeliveryStatus { started_time: None, ..well.clone() });
    status("stopped_time", Seen::Quiet, DeliveryStatus { stopped_time: old(), ..well.clone() });
    status("attempt_time", Seen::Quiet, DeliveryStatus { attempt_time: old(), ..well.clone() });
    status("asked_at", Seen::Quiet, DeliveryStatus { asked_at: None, ..well.clone() });
    // Asked before a place of earlier logs is given up, and of nothing else.
    status("arrived", Seen::Quiet, DeliveryStatus { arrived: Some(false), ..well.clone() });
}
