//! The SNS topic that tells of new log files.

use serde::{Deserialize, Serialize};

use super::{Field, Tags};
use crate::policy::PolicyDocument;

/// A topic with its policy. Others may write statements into the policy; as a wish it holds only those of orgtrail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topic {
    /// The document.
    pub policy: PolicyDocument,
    /// The key that encrypts messages; none for no encryption.
    pub key: Option<String>,
    /// The tags.
    pub tags: Tags,
}

/// Tells whether a topic's key, as its attribute names it, is the one that SNS has in every account. Its policy cannot
/// be changed, and does not let CloudTrail in (SNS developer guide, "Enable compatibility between event sources from
/// AWS services and encrypted topics").
pub fn is_managed_by_sns(key: &str) -> bool {
    key.ends_with("alias/aws/sns")
}

impl Topic {
    pub(super) fn fields(&self) -> Vec<Field> {
        let Self { policy, key, tags } = self;
        vec![Field::policy("policy", policy), Field::plain("key", key.clone()), Field::tags(tags)]
    }
}
