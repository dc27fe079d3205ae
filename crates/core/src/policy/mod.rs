//! Policy documents: types, canonical form and equality by meaning, templates, merging; what they allow, what
//! CloudTrail would be refused, what is wrong with them, and who can read whose logs.
//!
//! Nothing here knows an estate, a configuration or AWS's SDK.

pub mod canonical;
pub mod cloudtrail_accounts;
pub mod document;
pub mod evaluate;
pub mod grants;
pub mod guard;
pub mod isolation;
pub mod json;
pub mod lint;
pub mod load_balancers;
mod log_files;
pub mod merge;
pub mod preflight;
mod shape;
pub mod template;
mod write;

pub use canonical::{Aliases, same_meaning};
pub use document::{BadPolicy, Effect, PolicyDocument, Statement};

/// What the `Sid` of every statement of orgtrail begins with, in documents that others may also write to.
pub const SID_PREFIX: &str = "Orgtrail";

#[cfg(test)]
mod hostile;
