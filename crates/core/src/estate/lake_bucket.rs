//! What is asked of the lake's bucket before something is written into it.

use super::Tags;
use crate::policy::PolicyDocument;

/// The settings of the lake's bucket that decide whom it lets in.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LakeBucketSettings {
    /// Its tags.
    pub tags: Tags,
    /// All four settings of Block Public Access are on.
    pub block_public_access: bool,
    /// Who owns objects, as S3 writes it (`BucketOwnerEnforced`). `None`: not set.
    pub object_ownership: Option<String>,
    /// Its policy. `None`: it has none.
    pub policy: Option<PolicyDocument>,
}
