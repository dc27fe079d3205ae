//! The names of what CloudTrail delivers: object keys, their prefixes and the patterns of policies for them, both ways.
//!
//! `[prefix/]AWSLogs/[o-…/]<account>/<folder>/<region>/YYYY/MM/DD/<file>`, as the CloudTrail user guide gives it in
//! "Getting and viewing your CloudTrail log files" and "CloudTrail digest file structure". Nobody else makes or takes
//! apart such a name; a test holds that.
//!
//! - [`Folder`], [`LogKind`]: what CloudTrail writes below an account, in one list.
//! - [`LogRoot`]: what the folders of accounts stand in; its folders and patterns.
//! - [`ChainScope`]: the files of one account and region; their prefixes by folder and day.
//! - [`ObjectKey`], [`LogKey`], [`DigestKey`]: parsed and printed. What does not print back to the same text is none of
//!   CloudTrail's; [`BadKey`] says why.
//! - [`ConfigScope`], [`ConfigObject`]: what AWS Config delivers beside.
//! - [`Sample`]: keys that stand for all, where policies are tried.
//! - [`owner`], [`split_at_root`]: whose files a pattern of a policy means.
//!
//! Pure: knows AWS's identifiers and nothing else.

mod bad_key;
mod config_object;
mod day;
mod digest;
mod folder;
mod key;
mod log_file;
mod pattern;
#[cfg(test)]
mod properties;
mod root;
mod sample;
mod scope;

pub use bad_key::{BadKey, KEY_BYTES_MAX};
pub use config_object::{CONFIG_FOLDER, ConfigObject, ConfigScope, config_folder};
pub use day::{DAY_CHARS, day_folder};
pub use digest::DigestKey;
pub use folder::{Folder, LogKind, looks_like_cloudtrail};
pub use key::{ObjectKey, folder_of};
pub use log_file::LogKey;
pub use pattern::{Owner, owner, split_at_root};
pub use root::{LogRoot, TOP, TOP_FOLDER, is_organization, split_at_last_root};
pub use sample::Sample;
pub use scope::ChainScope;

/// How every delivered file ends.
pub const FILE_ENDING: &str = ".json.gz";
