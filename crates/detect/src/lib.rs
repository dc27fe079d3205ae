//! Detections over CloudTrail records, without AWS's SDK, a clock, a disk or waiting.
//!
//! The map of the whole house is in the crate `orgtrail`, which gives this module on under its own name.

pub use orgtrail_core::{config, event, resource_types};

pub mod detect;
