//! AWS Config, which is looked at in every account and region where somebody asks for it, and asked for what it
//! recorded of a resource.

use super::Purpose;
use super::names::Names;
use super::policy_builder::{GrantScope, PolicyBuilder};
use crate::operations::{account, config as op};

/// Adds what looks at AWS Config. AWS knows no resource for it (Service Authorization Reference, "AWS Config").
pub(super) fn add(names: &Names<'_>, draft: &mut PolicyBuilder) {
    if !names.asks_recorders() {
        return;
    }
    let calls =
        [op::DESCRIBE_RECORDERS, op::DESCRIBE_RECORDER_STATUS, op::DESCRIBE_CHANNELS, op::DESCRIBE_CHANNEL_STATUS];
    draft.allow(&GrantScope::everything("ReadConfig"), &calls);
    if names.purpose() == Purpose::Query {
        draft.allow(&GrantScope::everything("ReadConfigItems"), &[op::LIST_DISCOVERED, op::GET_RESOURCE_HISTORY]);
        return;
    }
    draft.allow(&GrantScope::everything("ReadRegions"), &[account::LIST_REGIONS]);
}
