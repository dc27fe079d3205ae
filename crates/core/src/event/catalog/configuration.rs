//! Calls about AWS Config: what it records, where that goes, and what collects it.

use super::{NamedAt, Service, Target, call};
use NamedAt::Request;

const AGGREGATOR: &[NamedAt] = &[Request("configurationAggregatorName")];

pub(super) const CONFIG: Service = Service {
    source: "config.amazonaws.com",
    prefix: "config",
    calls: &[
        call("StopConfigurationRecorder", Target::ConfigurationRecorder, &[Request("configurationRecorderName")]),
        call("PutConfigurationRecorder", Target::ConfigurationRecorder, &[Request("configurationRecorder.name")]),
        call("DeleteDeliveryChannel", Target::DeliveryChannel, &[Request("deliveryChannelName")]),
        call("PutDeliveryChannel", Target::DeliveryChannel, &[Request("deliveryChannel.name")]),
        call("DeleteConfigurationAggregator", Target::ConfigurationAggregator, AGGREGATOR).looked_up(),
        call("PutConfigurationAggregator", Target::ConfigurationAggregator, AGGREGATOR).looked_up(),
    ],
};
