//! What CloudTrail says about the trails that deliver to a bucket.

use aws_config::{Region as SdkRegion, SdkConfig};
use aws_sdk_cloudtrail::Client;
use aws_smithy_types::DateTime;
use jiff::Timestamp;

use super::failure;
use crate::ids::Region;
use crate::logs::coverage::{Delivery, TrailStatus};
use crate::logs::store::Fault;

/// Returns the status of every trail that delivers to a bucket and can be seen in a region: an organization's trail shows
/// its shadow in the log account too.
///
/// # Errors
/// When the trails may not be listed. A trail whose status may not be read is left out.
pub async fn trail_status(
    config: &SdkConfig,
    region: Option<&Region>,
    bucket: &str,
) -> Result<Vec<TrailStatus>, Fault> {
    let config = match region {
        Some(region) => config.to_builder().region(SdkRegion::new(region.to_string())).build(),
        None => config.clone(),
    };
    let client = Client::new(&config);
    let trails = client.describe_trails().include_shadow_trails(true).send().await;
    let trails = trails.map_err(|error| failure(&error, "DescribeTrails").fault)?;
    let mut found = Vec::new();
    for trail in trails.trail_list().iter().filter(|trail| trail.s3_bucket_name() == Some(bucket)) {
        let (Some(name), Some(arn)) = (trail.name(), trail.trail_arn()) else { continue };
        let Ok(status) = client.get_trail_status().name(arn).send().await else { continue };
        let time = |time: Option<&DateTime>| Timestamp::from_second(time?.secs()).ok();
        let prefix = trail.s3_key_prefix().filter(|prefix| !prefix.is_empty());
        let delivery = Delivery {
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
