//! The CloudWatch Logs group that a trail may write to.

use serde::{Deserialize, Serialize};

use super::{Field, Tags};

/// A log group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogGroup {
    /// Days until events expire; none keeps them for ever.
    pub retention_days: Option<u32>,
    /// The tags.
    pub tags: Tags,
}

impl LogGroup {
    pub(super) fn fields(&self) -> Vec<Field> {
        let Self { retention_days, tags } = self;
        vec![Field::plain("retention_days", *retention_days), Field::tags(tags)]
    }
}
