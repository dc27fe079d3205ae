//! Findings of a walk that wait until all is read: only then is it known who did it, or what a proved digest lists.

use jiff::Timestamp;

use crate::logs::finding::Finding;

/// A log file that was replaced or deleted.
pub(super) struct Replaced {
    /// The number of its chain.
    pub(super) chain: usize,
    pub(super) finding: Finding,
    /// The number of the site that it lies at.
    pub(super) site: usize,
    /// Its key.
    pub(super) object: String,
    /// When it was replaced or deleted.
    pub(super) when: Timestamp,
}

/// A digest beside the range that is not proved, and the log files of the range that it lists.
pub(super) struct Outside {
    /// The number of its chain.
    pub(super) chain: usize,
    pub(super) finding: Finding,
    /// Their sites and keys.
    pub(super) logs: Vec<(usize, String)>,
}
