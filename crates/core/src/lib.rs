//! The pure rooms of orgtrail: what needs neither AWS's SDK, nor a clock, nor the environment, nor to wait.
//!
//! The map of the whole house is in the crate `orgtrail`, which gives these modules on under its own name.

#[cfg(test)]
extern crate self as orgtrail;

pub mod audit;
pub mod config;
pub mod decode;
pub mod desire;
pub mod drift;
pub mod estate;
pub mod event;
pub mod iam_actions;
pub mod ids;
pub mod investigate;
pub mod log_path;
pub mod monitoring;
pub mod observation;
pub mod operations;
pub mod organization;
pub mod permissions;
pub mod plan;
pub mod policy;
pub mod recorders;
pub mod resource_types;
pub mod template;
pub mod words;
