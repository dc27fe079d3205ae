//! Delivered objects, wherever they lie: what reads the archive without AWS's SDK.
//!
//! The map of the whole house is in the crate `orgtrail`, which gives these modules on under its own name.

#[cfg(test)]
extern crate self as orgtrail;

pub(crate) use orgtrail_core::{ids, log_path};

pub mod archive;
pub mod files;
