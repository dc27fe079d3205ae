//! Telling people of drift, with the credentials that orgtrail starts with.

use super::AccountKind;
use super::names::Names;
use super::policy_builder::{GrantScope, PolicyBuilder};
use crate::operations::sns;

/// Adds the topic of `notify`, which may be in any account.
pub(super) fn add(names: &Names<'_>, draft: &mut PolicyBuilder) {
    if names.place() == AccountKind::Management
        && let Some(topic) = &names.config().notify.topic
    {
        draft.allow(&GrantScope::on("TellOfDrift", [topic.to_string()]), &[sns::PUBLISH]);
    }
}
