//! Telling people of drift, with the credentials that orgtrail starts with.

use super::Place;
use super::draft::{Bounds, Draft};
use super::names::Names;
use crate::cloud::aws::permissions::sns;

/// Adds the topic of `notify`, which may be in any account.
pub(super) fn add(names: &Names<'_>, draft: &mut Draft) {
    if names.place() == Place::Management
        && let Some(topic) = &names.config().notify.topic
    {
        draft.allow(&Bounds::on("TellOfDrift", [topic.to_string()]), &[sns::PUBLISH]);
    }
}
