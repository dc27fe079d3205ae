//! Calls about AWS Config's recording.

use super::{NamedAt, Service, Target, call};
use NamedAt::Request;

pub(super) const CONFIG: Service = Service {
    source: "config.amazonaws.com",
    prefix: "config",
    calls: &[
        call("StopConfigurationRecorder", Target::ConfigurationRecorder, &[Request("configurationRecorderName")]),
        call("PutConfigurationRecorder", Target::ConfigurationRecorder, &[Request("configurationRecorder.name")]),
        call("DeleteDeliveryChannel", Target::DeliveryChannel, &[Request("deliveryChannelName")]),
        call("PutDeliveryChannel", Target::DeliveryChannel, &[Request("deliveryChannel.name")]),
    ],
};
