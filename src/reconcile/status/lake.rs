//! What is shown of the lake.

use jiff::Timestamp;

/// What an update did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LakeUpdate {
    /// Log files that are in since then.
    pub added: u64,
    /// Log files that were listed and are not in, and parts of them that could not be read.
    pub missing: u64,
    /// What is wrong, in words; empty where nothing is.
    pub why: String,
}

impl LakeUpdate {
    /// Tells whether all that was listed is in.
    pub fn is_whole(&self) -> bool {
        self.missing == 0 && self.why.is_empty()
    }
}

/// What is shown of the lake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LakeStatus {
    /// When the last update ended.
    pub ended: Timestamp,
    /// When the last one began after which all that was listed was in. `None`: none yet.
    pub fresh_as_of: Option<Timestamp>,
    /// What the last one did.
    pub last: LakeUpdate,
    /// Log files that were put in since the start.
    pub added: u64,
}
