//! A trail of ours that the configuration does not name any more and that still writes.

use std::collections::BTreeSet;

use crate::estate::Address;

/// A trail that is not configured any more and still writes, or may: what could not be read is never taken for gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupersededTrail {
    /// The trail.
    pub address: Address,
    /// It records the organization, not one account.
    pub organization: bool,
    /// The key prefix before `AWSLogs`; none where it could not be read.
    pub prefix: Option<String>,
    /// The bucket policy, the key policy and the topic that it needs.
    pub through: BTreeSet<Address>,
    /// The role with which it writes to CloudWatch Logs, and the ARNs of its streams there.
    pub(super) streams: Option<(Address, BTreeSet<String>)>,
}

impl SupersededTrail {
    /// Returns the ARNs of the log streams that it writes to with this role.
    pub(super) fn streams_of(&self, role: &Address) -> impl Iterator<Item = String> {
        let streams = self.streams.iter().filter(|(own, _)| own == role);
        streams.flat_map(|(_, arns)| arns.iter().cloned()).collect::<Vec<_>>().into_iter()
    }
}
