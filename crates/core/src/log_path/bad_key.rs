//! Why a name is none that CloudTrail writes.

use crate::ids::BadId;

/// The most bytes of a key in S3 (Amazon S3 user guide, "Naming Amazon S3 objects").
pub const KEY_BYTES_MAX: usize = 1_024;

/// Why CloudTrail would not write an object of a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// S3 has no such key.
    #[error("it has more than {KEY_BYTES_MAX} bytes")]
    TooLong,
    /// Folders are missing.
    #[error("it is not of the form [prefix/]AWSLogs/[o-…/]ACCOUNT/FOLDER/REGION/YYYY/MM/DD/FILE")]
    Form,
    /// `AWSLogs` does not stand where it has to, or is a part of another name.
    #[error("no folder AWSLogs stands before the folder of an account or organization")]
    Root,
    /// A part of the prefix means another folder in a file system.
    #[error("a folder before AWSLogs is called `.` or `..`")]
    Climbs,
    /// The account's folder is none.
    #[error("the folder of the account: {0}")]
    Account(BadId),
    /// The region's folder is none.
    #[error("the folder of the region: {0}")]
    Region(BadId),
    /// Another service's folder, or none of CloudTrail's.
    #[error("CloudTrail has no folder {0:?}")]
    Folder(String),
    /// The file's name says something else than its folders, or nothing.
    #[error("its file is not named as CloudTrail names {0}")]
    File(&'static str),
    /// The time in the file's name is not of the day of its folders.
    #[error("the time in its file's name is not of the day of its folders")]
    Day,
}
