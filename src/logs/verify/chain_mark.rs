//! What one run leaves for a later one: the digest up to which a chain is proved, and what saves reading later ones.

use jiff::Timestamp;

use crate::archive::Listed;
use crate::ids::TrailName;

/// From when on an earlier run proved a chain, without a hole up to its mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Since {
    /// Not known: an earlier version did not keep it.
    #[default]
    Unknown,
    /// From the first digest that there was.
    First,
    /// From this time on.
    Time(Timestamp),
}

impl Since {
    /// Tells whether all from a time on was proved; from the first digest on where no time is given.
    pub fn covers(self, from: Option<Timestamp>) -> bool {
        match self {
            Since::Unknown => false,
            Since::First => true,
            Since::Time(time) => from.is_some_and(|from| from >= time),
        }
    }
}

/// A digest that a later run may start from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainMark {
    /// Its key.
    pub object: String,
    /// The key under which CloudTrail delivered it, when that is another one; none where it is the same.
    pub delivered: Option<String>,
    /// Its bucket, as it says.
    pub bucket: String,
    /// The end of its hour.
    pub end: Timestamp,
    /// From when on all is proved up to that end.
    pub since: Since,
    /// The places and folders that the chain went through up to there; it lies in the last one.
    pub places: Vec<String>,
    /// The hash of its inflated bytes, in hexadecimal.
    pub sha256: String,
    /// Its signature, where metadata or a successor told it.
    pub signature: Option<String>,
    /// The trail that attests what follows, when the chain has ended; none where it goes on.
    pub succeeded_by: Option<TrailName>,
    /// What the listing showed of it, where that saves a later run reading it.
    pub as_listed: Option<AsListed>,
    /// Later digests whose log files were all read and attested, though more may still come for their hours; from old
    /// to new.
    pub recent: Vec<Recent>,
}

/// A digest after a mark whose log files were all read and attested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recent {
    /// The hash of its inflated bytes, in hexadecimal.
    pub sha256: String,
    /// What saves a later run reading it; not set where its object must be read to be known.
    pub told: Option<Told>,
}

/// What is known of a digest that lies where CloudTrail delivered it, continues the one before it and covers a whole
/// hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The end of its hour.
    pub end: Timestamp,
    /// Its signature; not set where a later digest, which is told of too, was found to record it.
    pub signature: Option<String>,
    /// What the listing showed.
    pub as_listed: AsListed,
}

/// What a listing shows of a digest's object, and what the digest lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsListed {
    /// When the object was written, as S3 says.
    pub modified: Timestamp,
    /// S3's tag of its content.
    pub tag: String,
    /// The log files that it lists, each as the first half of the SHA-256 of its key; not set where there are more than
    /// [`NAMES_MAX`](super::recent::NAMES_MAX), or some that are not of management and data events, so that the digest
    /// must be read.
    pub logs: Option<Vec<u128>>,
}

impl AsListed {
    /// Tells whether a listing shows the object that was read.
    pub(super) fn is_of(&self, listed: &Listed) -> bool {
        listed.modified == Some(self.modified) && listed.tag.as_ref() == Some(&self.tag)
    }
}
