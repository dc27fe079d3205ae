//! What CloudTrail says about the trails that deliver to a bucket.

use aws_smithy_types::DateTime;
use jiff::Timestamp;

use super::LogsSession;
use crate::archive::Fault;
use crate::logs::expected::{TrailDestination, TrailStatus};
use crate::operations::cloudtrail as op;

/// Returns the status of every trail that delivers to a bucket and can be seen in a region: an organization's trail
/// shows its shadow in the log account too.
///
/// # Errors
/// When the trails may not be listed. A trail whose status may not be read is left out.
pub(super) async fn trail_status(session: &LogsSession, bucket: &str) -> Result<Vec<TrailStatus>, Fault> {
    let client = session.cloudtrail();
    let request = client.describe_trails().include_shadow_trails(true);
    let trails = session.read(op::DESCRIBE_TRAILS, request.send()).await.map_err(|failure| failure.fault)?;
    let mut found = Vec::new();
    for trail in trails.trail_list().iter().filter(|trail| trail.s3_bucket_name() == Some(bucket)) {
        let (Some(name), Some(arn)) = (trail.name(), trail.trail_arn()) else { continue };
        let asked = session.read(op::GET_TRAIL_STATUS, client.get_trail_status().name(arn).send());
        let Ok(status) = asked.await else { continue };
        let time = |time: Option<&DateTime>| Timestamp::from_second(time?.secs()).ok();
        let prefix = trail.s3_key_prefix().filter(|prefix| !prefix.is_empty());
        let delivery = TrailDestination {
            trail: Some(name.to_owned()),
            bucket: bucket.to_owned(),
            prefix: prefix.map(|prefix| format!("{prefix}/")).unwrap_or_default(),
            is_organization: trail.is_organization_trail().unwrap_or_default(),
        };
        found.push(TrailStatus {
            name: name.to_owned(),
            delivery,
            is_logging: status.is_logging().unwrap_or_default(),
            stopped: time(status.stop_logging_time()),
            started: time(status.start_logging_time()),
            delivered: time(status.latest_delivery_time()),
            delivery_error: status.latest_delivery_error().filter(|error| !error.is_empty()).map(str::to_owned),
        });
    }
    Ok(found)
}
