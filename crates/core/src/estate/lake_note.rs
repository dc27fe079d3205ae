//! What the log bucket remembers of lakes: one tag for each bucket that orgtrail made for one. There is no state file,
//! and nothing else would lead to such a bucket once the configuration names another one, or none.
//!
//! Tags are only ever added, so that a note stays until a person gives the bucket up, which changes its value.

use super::{Address, Kind, Tags};
use crate::ids::BucketName;

/// What the keys of these tags begin with; the bucket's name follows.
pub const LAKE_TAG: &str = "orgtrail:lake:";

/// The value of a bucket that was given up.
const GIVEN_UP: &str = "given-up";

/// A note of one bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LakeNote {
    /// A lake was made there.
    At(Address),
    /// The bucket of this name was given up.
    GivenUp(String),
}

impl LakeNote {
    /// Returns the name of the bucket.
    pub fn name(&self) -> &str {
        match self {
            LakeNote::At(bucket) => &bucket.name,
            LakeNote::GivenUp(name) => name,
        }
    }

    /// Returns the tag, as its key and its value. None for what is in no region, as no bucket is.
    pub fn tag(&self) -> Option<(String, String)> {
        let value = match self {
            LakeNote::At(bucket) => format!("{}/{}", bucket.account, bucket.region.as_ref()?),
            LakeNote::GivenUp(_) => GIVEN_UP.to_owned(),
        };
        Some((format!("{LAKE_TAG}{}", self.name()), value))
    }

    /// Reads the notes among the tags of a bucket. What is none, whoever wrote it, is passed over.
    pub fn all(tags: &Tags) -> impl Iterator<Item = LakeNote> {
        tags.iter().filter_map(|(key, value)| {
            let name: BucketName = key.strip_prefix(LAKE_TAG)?.parse().ok()?;
            if value == GIVEN_UP {
                return Some(LakeNote::GivenUp(name.to_string()));
            }
            let (account, region) = value.split_once('/')?;
            let address =
                Address::regional(&account.parse().ok()?, &region.parse().ok()?, Kind::Bucket, name.to_string());
            Some(LakeNote::At(address))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written_and_nothing_else_is_one() {
        let at = |name: &str| format!("222222222222/eu-central-1/bucket/{name}").parse().unwrap();
        let notes = [LakeNote::At(at("acme-lake")), LakeNote::GivenUp("acme-lake2".into())];
        let mut tags: Tags = notes.iter().filter_map(LakeNote::tag).collect();
        for (key, value) in [
            ("orgtrail:lake:", "222222222222/eu-central-1"),
            ("orgtrail:lake:A*", "222222222222/eu-central-1"),
            ("orgtrail:lake:other", "eu-central-1"),
            ("orgtrail:lake:other2", "222222222222/\u{1b}[2J"),
            ("team", "222222222222/eu-central-1"),
        ] {
            tags.insert(key.into(), value.into());
        }
        assert_eq!(LakeNote::all(&tags).collect::<Vec<_>>(), notes);
    }
}
