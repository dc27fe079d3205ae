//! Digests: what they say, who signed them, and how they hang together. Pure.
//!
//! Source: CloudTrail user guide, "CloudTrail digest file structure" and "Custom implementations of CloudTrail log file
//! integrity validation".

pub mod chain;
pub mod document;
pub mod keys;
pub mod signature;
