//! AWS Config: the configuration recorder and the delivery channel of an account in a region, and what collects of the
//! whole organization (`aggregator`), and what was recorded of a resource (`items`).

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_config::types::{
    ConfigExportDeliveryInfo, ConfigurationRecorder, ConfigurationRecorderStatus, DeliveryChannel as SdkChannel,
    DeliveryStatus, RecordingFrequency as SdkFrequency, RecordingGroup, RecordingMode, RecordingStrategyType,
    ResourceType,
};
use aws_smithy_types::DateTime;
use futures::try_join;
use jiff::Timestamp;

pub(super) mod aggregator;
pub(super) mod items;

use super::session::Session;
use crate::cloud::CloudFault;
use crate::operations::config as op;
use crate::recorders::{
    ConfigDelivery, ConfigRecorder, DeliveryChannel, RecordedTypes, RecordingFrequency, RegionRecorder,
};

/// How many characters of a message of AWS Config are kept.
const MESSAGE_CHARS_MAX: usize = 300;

/// Asks for the customer managed recorder, and where there is one for its channel: one call, or four.
///
/// An aggregator answers none of it: what it holds are the recorded resources, and a recorder that is off records
/// nothing of its own end.
pub(super) async fn recorder(session: &Session) -> Result<RegionRecorder, CloudFault> {
    let client = session.config_service();
    let answer = session.read(op::DESCRIBE_RECORDERS, client.describe_configuration_recorders().send()).await?;
    let recorders = session.needed(op::DESCRIBE_RECORDERS, answer.configuration_recorders, "list of recorders")?;
    // Recorders that services make for themselves have the service's name.
    let Some(found) = recorders.into_iter().find(|recorder| recorder.service_principal().is_none()) else {
        return Ok(RegionRecorder::default());
    };
    let (recorder, channel) = try_join!(with_status(session, &found), channel(session))?;
    Ok(RegionRecorder { recorder: Some(recorder), channel })
}

async fn with_status(session: &Session, found: &ConfigurationRecorder) -> Result<ConfigRecorder, CloudFault> {
    let name = session.needed(op::DESCRIBE_RECORDERS, found.name(), "name of a recorder")?;
    let group = session.needed(op::DESCRIBE_RECORDERS, found.recording_group(), "recorded types")?;
    let request = session.config_service().describe_configuration_recorder_status();
    let answer = session.read(op::DESCRIBE_RECORDER_STATUS, request.send()).await?;
    let status = answer.configuration_recorders_status().iter().find(|status| status.name() == Some(name));
    let status = session.needed(op::DESCRIBE_RECORDER_STATUS, status, "status of the recorder")?;
    Ok(ConfigRecorder {
        name: name.to_owned(),
        role: found.role_arn().filter(|role| !role.is_empty()).map(str::to_owned),
        recording: status.recording(),
        started: time(status.last_start_time()),
        stopped: time(status.last_stop_time()),
        failure: recorder_failure(status),
        types: types(group),
        frequency: found
            .recording_mode()
            .map_or(RecordingFrequency::Continuous, |mode| frequency(mode.recording_frequency())),
        overrides: found.recording_mode().map(overrides).unwrap_or_default(),
    })
}

fn recorder_failure(status: &ConfigurationRecorderStatus) -> Option<String> {
    let failed = status.last_status().is_some_and(|status| is_failure(status.as_str()));
    failed.then(|| why(status.last_error_code(), status.last_error_message()))
}

fn types(group: &RecordingGroup) -> RecordedTypes {
    let names =
        |types: &[ResourceType]| -> BTreeSet<String> { types.iter().map(|of| of.as_str().to_owned()).collect() };
    let excluded = || group.exclusion_by_resource_types().map(|of| names(of.resource_types())).unwrap_or_default();
    match group.recording_strategy().and_then(|strategy| strategy.use_only()) {
        Some(RecordingStrategyType::ExclusionByResourceTypes) => RecordedTypes::AllBut(excluded()),
        Some(RecordingStrategyType::InclusionByResourceTypes) => RecordedTypes::Only(names(group.resource_types())),
        // A recorder from before there were strategies has none.
        _ if group.all_supported() => RecordedTypes::All { global: group.include_global_resource_types() },
        _ => RecordedTypes::Only(names(group.resource_types())),
    }
}

fn frequency(frequency: &SdkFrequency) -> RecordingFrequency {
    match frequency {
        SdkFrequency::Daily => RecordingFrequency::Daily,
        _ => RecordingFrequency::Continuous,
    }
}

fn overrides(mode: &RecordingMode) -> BTreeMap<String, RecordingFrequency> {
    let all = mode.recording_mode_overrides().iter();
    all.flat_map(|of| {
        let own = frequency(of.recording_frequency());
        of.resource_types().iter().map(move |name| (name.as_str().to_owned(), own))
    })
    .collect()
}

/// An account has one delivery channel in a region, or none.
async fn channel(session: &Session) -> Result<Option<DeliveryChannel>, CloudFault> {
    let client = session.config_service();
    let answer = session.read(op::DESCRIBE_CHANNELS, client.describe_delivery_channels().send()).await?;
    let channels = session.needed(op::DESCRIBE_CHANNELS, answer.delivery_channels, "list of delivery channels")?;
    let Some(found) = channels.first() else { return Ok(None) };
    let name = session.needed(op::DESCRIBE_CHANNELS, found.name(), "name of a delivery channel")?;
    let bucket = session.needed(op::DESCRIBE_CHANNELS, found.s3_bucket_name(), "bucket of a delivery channel")?;
    let request = client.describe_delivery_channel_status();
    let answer = session.read(op::DESCRIBE_CHANNEL_STATUS, request.send()).await?;
    let status = answer.delivery_channels_status().iter().find(|status| status.name() == Some(name));
    let status = session.needed(op::DESCRIBE_CHANNEL_STATUS, status, "status of the delivery channel")?;
    Ok(Some(DeliveryChannel {
        name: name.to_owned(),
        bucket: bucket.to_owned(),
        prefix: prefix(found),
        history: delivery(status.config_history_delivery_info()),
        snapshot: delivery(status.config_snapshot_delivery_info()),
    }))
}

fn prefix(channel: &SdkChannel) -> String {
    let prefix = channel.s3_key_prefix().unwrap_or_default().trim_end_matches('/');
    if prefix.is_empty() { String::new() } else { format!("{prefix}/") }
}

fn delivery(info: Option<&ConfigExportDeliveryInfo>) -> ConfigDelivery {
    let Some(info) = info else { return ConfigDelivery::default() };
    let failed = info.last_status().is_some_and(|status| is_failure(status.as_str()));
    let failure = failed.then(|| why(info.last_error_code(), info.last_error_message()));
    ConfigDelivery { succeeded: time(info.last_successful_time()), failure }
}

/// The API has the word `Failure`, and AWS Config answers `FAILURE` (AWS CLI reference,
/// "describe-configuration-recorder-status").
fn is_failure(status: &str) -> bool {
    status.eq_ignore_ascii_case(DeliveryStatus::Failure.as_str())
}

/// Says why something failed, in AWS Config's words.
fn why(code: Option<&str>, message: Option<&str>) -> String {
    let words = [code, message].into_iter().flatten().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(": ");
    let words = if words.is_empty() { "AWS Config does not say why".to_owned() } else { words };
    words.chars().take(MESSAGE_CHARS_MAX).collect()
}

fn time(time: Option<&DateTime>) -> Option<Timestamp> {
    Timestamp::from_second(time?.secs()).ok()
}
