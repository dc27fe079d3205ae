//! Makes, changes and deletes a trail. It is started last, and never stopped; an earlier one is deleted where a person
//! named it.

use std::collections::BTreeSet;

use aws_sdk_cloudtrail::types::{InsightSelector, InsightType, Tag};

use super::look::{get_status, tags};
use super::selectors::{default_selectors, write};
use super::{arn, op};
use crate::cloud::aws::change_context::{ChangeContext, writable};
use crate::cloud::aws::session::none_if_absent;
use crate::cloud::{CloudFault, Done};
use crate::estate::{OWNER_TAG, Tags, Trail};
use crate::operations::destroy::DELETE_TRAIL;

/// Makes the trail, or brings it to what is wanted.
pub(crate) async fn put(job: &ChangeContext<'_>, desired: &Trail) -> Result<Done, CloudFault> {
    let arn = arn(&job.session, job.address());
    let made = job.is_creation() && create(job, desired, &arn).await?;
    if !made && SETTINGS.iter().any(|field| job.sets(field)) {
        update(job, desired, &arn).await?;
    }
    let as_made = made && desired.selectors == default_selectors();
    if job.sets("selectors") && !as_made {
        put_selectors(job, desired, &arn).await?;
    }
    let none_wanted = job.is_creation() && desired.insights.is_empty();
    if job.sets("insights") && !none_wanted {
        put_insights(job, &desired.insights, &arn).await?;
    }
    if let Some(tags) = desired.tags.as_ref().filter(|_| !made && job.sets("tags")) {
        let request = job.session.cloudtrail().add_tags().resource_id(&arn).set_tags_list(Some(wire_tags(job, tags)?));
        job.session.write(op::ADD_TAGS, || request.clone().send()).await?;
    }
    if desired.logging && job.sets("logging") {
        let request = job.session.cloudtrail().start_logging().name(&arn);
        job.session.write(op::START_LOGGING, || request.clone().send()).await?;
        await_logging(job, &arn).await?;
    }
    Ok(Done::default())
}

/// Waits until CloudTrail says that the trail is logging: what looks next must not take it for stopped. Where it takes
/// longer, the next look says so.
async fn await_logging(job: &ChangeContext<'_>, arn: &str) -> Result<(), CloudFault> {
    let session = &job.session;
    let says_so = || async {
        match none_if_absent(get_status(session, arn).await)? {
            Some(status) if status.is_logging() == Some(true) => Ok(Some(())),
            _ => Ok(None),
        }
    };
    session.until(says_so).await.map(drop)
}

/// Deletes an earlier trail, if it is still the one that was observed. The objects that it wrote stay.
pub(crate) async fn retire(job: &ChangeContext<'_>) -> Result<Done, CloudFault> {
    let arn = arn(&job.session, job.address());
    let Some(live) = none_if_absent(tags(&job.session, &arn).await)? else {
        return Ok(Done::default());
    };
    let owner = |tags: &Tags| tags.get(OWNER_TAG).cloned();
    let seen = job.change.observed().and_then(|seen| seen.deployment()).map(str::to_owned);
    if seen.is_none() || live.as_ref().and_then(owner) != seen {
        return Err(job
            .session
            .stale_plan(job.address(), "the trail does not carry the tag of this deployment any more"));
    }
    let request = job.session.cloudtrail().delete_trail().name(&arn);
    job.session.remove(DELETE_TRAIL, request.send()).await?;
    Ok(Done::default())
}

/// The fields that `UpdateTrail` sets.
const SETTINGS: [&str; 10] = [
    "bucket",
    "prefix",
    "topic",
    "global_events",
    "multi_region",
    "organization",
    "validation",
    "key",
    "log_group",
    "log_role",
];

/// Makes the trail; tells whether it was not there.
async fn create(job: &ChangeContext<'_>, desired: &Trail, arn: &str) -> Result<bool, CloudFault> {
    let request = job
        .session
        .cloudtrail()
        .create_trail()
        .name(job.name())
        .s3_bucket_name(&desired.bucket)
        .set_s3_key_prefix(Some(desired.prefix.clone()).filter(|prefix| !prefix.is_empty()))
        .set_sns_topic_name(desired.topic.clone())
        .include_global_service_events(desired.global_events)
        .is_multi_region_trail(desired.multi_region)
        .is_organization_trail(desired.organization)
        .enable_log_file_validation(desired.validation)
        .set_kms_key_id(desired.key.clone())
        .set_cloud_watch_logs_log_group_arn(desired.log_group.clone())
        .set_cloud_watch_logs_role_arn(desired.log_role.clone())
        .set_tags_list(desired.tags.as_ref().map(|tags| wire_tags(job, tags)).transpose()?);
    match job.session.write(op::CREATE_TRAIL, || request.clone().send()).await {
        Ok(_) => Ok(true),
        Err(fault) if fault.code == "TrailAlreadyExistsException" => {
            job.must_be_ours(&tags(&job.session, arn).await?.unwrap_or_default())?;
            Ok(false)
        }
        Err(fault) => Err(fault),
    }
}

/// Sends the settings that have to change; an empty text takes a setting away.
async fn update(job: &ChangeContext<'_>, desired: &Trail, arn: &str) -> Result<(), CloudFault> {
    let text = |field: &str, value: &Option<String>| job.sets(field).then(|| value.clone().unwrap_or_default());
    let switch = |field: &str, value: bool| job.sets(field).then_some(value);
    let logs = job.sets("log_group") || job.sets("log_role");
    // Group and role are one setting: CloudTrail refuses one without the other.
    let with_logs = |value: &Option<String>| logs.then(|| value.clone().unwrap_or_default());
    let request = job
        .session
        .cloudtrail()
        .update_trail()
        .name(arn)
        .set_s3_bucket_name(job.sets("bucket").then(|| desired.bucket.clone()))
        .set_s3_key_prefix(job.sets("prefix").then(|| desired.prefix.clone()))
        .set_sns_topic_name(text("topic", &desired.topic))
        .set_include_global_service_events(switch("global_events", desired.global_events))
        .set_is_multi_region_trail(switch("multi_region", desired.multi_region))
        .set_is_organization_trail(switch("organization", desired.organization))
        .set_enable_log_file_validation(switch("validation", desired.validation))
        .set_kms_key_id(text("key", &desired.key))
        .set_cloud_watch_logs_log_group_arn(with_logs(&desired.log_group))
        .set_cloud_watch_logs_role_arn(with_logs(&desired.log_role));
    job.session.write(op::UPDATE_TRAIL, || request.clone().send()).await.map(drop)
}

async fn put_selectors(job: &ChangeContext<'_>, desired: &Trail, arn: &str) -> Result<(), CloudFault> {
    let selectors = write(&desired.selectors).map_err(|why| {
        job.session.stale_plan(job.address(), format!("the event selectors cannot be written: {why}"))
    })?;
    let request = job.session.cloudtrail().put_event_selectors().trail_name(arn);
    let request = request.set_advanced_event_selectors(Some(selectors));
    job.session.write(op::PUT_EVENT_SELECTORS, || request.clone().send()).await.map(drop)
}

/// Replaces the insights; an empty list switches them off.
async fn put_insights(job: &ChangeContext<'_>, insights: &BTreeSet<String>, arn: &str) -> Result<(), CloudFault> {
    let selectors = insights
        .iter()
        .map(|kind| InsightSelector::builder().insight_type(InsightType::from(kind.as_str())).build())
        .collect();
    let request = job.session.cloudtrail().put_insight_selectors().trail_name(arn);
    let request = request.set_insight_selectors(Some(selectors));
    job.session.write(op::PUT_INSIGHT_SELECTORS, || request.clone().send()).await.map(drop)
}

fn wire_tags(job: &ChangeContext<'_>, tags: &Tags) -> Result<Vec<Tag>, CloudFault> {
    writable(tags)
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect::<Result<_, _>>()
        .map_err(|why| job.session.stale_plan(job.address(), format!("a tag cannot be written: {why}")))
}
