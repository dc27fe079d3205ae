//! SQL over the events of the archive: the only package that knows DataFusion and Arrow.
//!
//! The map of the whole house is in the crate `orgtrail`, which gives these modules on under its own name.

#[cfg(test)]
extern crate self as orgtrail;
pub mod columns;
pub mod lake;
pub mod query;
